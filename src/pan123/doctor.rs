//! A walk through everything that a backup needs of 123pan, step by step. It uses the server's own
//! ways and its token, and leaves nothing behind but what it says.

use super::Config;
use super::api::{Api, User, account};
use super::tree::Tree;
use super::upload::hosts::Hosts;
use crate::body::{Body, Budget};
pub use crate::cloud::doctor::Step;
use crate::cloud::doctor::{self, Problem, StepResult, Walk, timing};
use crate::cloud::form::{Form, md5_of};
use crate::cloud::{Fault, Priority, now, pause};
use crate::restic::Part;
use crate::zone::moment;
use std::io::Read;
use std::sync::Arc;
use std::time::Instant;

/// Bytes of the test file.
const SIZE: usize = 1024;
/// The part of the test file that is downloaded.
const PART: Part = Part {
    start: 100,
    len: 200,
};
/// Space in bytes below which a backup won't get far.
const LITTLE: u64 = 64 << 20;

/// Walks through everything and tells of each step; false if one of them failed. What can't be
/// done after a failure is left out.
pub fn examine(config: &Config, tell: &mut dyn FnMut(&Step)) -> bool {
    let mut walk = Walk::new(Doctor::new(config), tell);
    walk.step("state directory", Doctor::state);
    if !walk.reach(|d| &d.api.client) || !walk.step("account", Doctor::account) {
        return false;
    }
    walk.step("developer benefit", Doctor::benefit);
    let room = walk.step("space", Doctor::space);
    if !room || !walk.step("folder", Doctor::folder) || !walk.step("upload", Doctor::upload) {
        return false;
    }
    walk.step("list", Doctor::list);
    walk.step("download", Doctor::download);
    if walk.step("trash", Doctor::trash) {
        walk.step("purge", Doctor::purge);
    }
    walk.good
}

/// Whether 123pan can be reached and takes the credentials: a token that is kept would prove
/// nothing, so that it is asked for a new one.
pub fn credentials(config: &Config) -> StepResult {
    let mut config = config.clone();
    config.shared.state_dir = None;
    let doctor = Doctor::new(&config);
    doctor::connection(&doctor.api.client)?;
    doctor::credentials(&doctor.api.client)
}

struct Doctor {
    config: Config,
    api: Arc<Api>,
    tree: Tree,
    hosts: Hosts,
    user: User,
    name: String,
    content: Vec<u8>,
    folder: u64,
    file: u64,
}

impl Doctor {
    fn new(config: &Config) -> Self {
        let mut config = config.clone();
        config.shared.timing = timing();
        let api = Arc::new(Api::new(&config));
        let name = format!("restic-123pan-doctor-{}-{}", now(), std::process::id());
        let content: Vec<u8> = name.bytes().cycle().take(SIZE).collect();
        Self {
            tree: Tree::new(Arc::clone(&api)),
            hosts: Hosts::new(&config),
            config,
            api,
            user: User::default(),
            name,
            content,
            folder: 0,
            file: 0,
        }
    }

    /// What is wrong after a call.
    fn problem(&self, fault: &Fault) -> Problem {
        Problem::of(fault, &self.api.client)
    }

    /// Whether the state directory can be written.
    fn state(&mut self) -> StepResult {
        let advice = "name a folder that this user may write with --state-dir; without one, each \
                      start takes a new token, of which 123pan allows three";
        doctor::state(self.config.shared.state_dir.as_deref(), advice)
    }

    /// What the account is.
    fn account(&mut self) -> StepResult {
        let user = self.api.user();
        self.user = user.map_err(|fault| Problem::met(&fault, &self.api.client))?;
        Ok(format!("tier {}", account(&self.user).tier))
    }

    /// Whether the account may be used by programs.
    fn benefit(&mut self) -> StepResult {
        match account(&self.user).paid_until {
            _ if self.config.grant.is_some() => Ok("an OAuth app needs none".to_owned()),
            None => Ok("123pan names none, but takes the credentials".to_owned()),
            Some(until) if until > now() => Ok(format!("until {}", moment(until))),
            Some(until) => Err(Problem::new(
                format!("it ended on {}", moment(until)),
                "renew the developer benefit on https://www.123pan.com/developer; without it \
                 123pan refuses the client id",
            )),
        }
    }

    /// Whether there is room.
    fn space(&mut self) -> StepResult {
        let (free, total) = (size(self.user.free()), size(self.user.space()));
        match self.user.free() < LITTLE {
            false => Ok(format!("{free} of {total} are free")),
            true => Err(Problem::new(
                format!("only {free} of {total} are free"),
                "free some space in the account, its recycle bin included, or buy more",
            )),
        }
    }

    /// Makes the folder of the repositories.
    fn folder(&mut self) -> StepResult {
        let path = self.config.shared.repo_path.path();
        self.folder = match path {
            "" => 0,
            path => {
                let made = self.tree.ensure(path, Priority::Small);
                made.map_err(|error| {
                    Problem::advised(error.to_string(), &self.api.client)
                        .unwrap_or_else(|_| Problem::from(error))
                })?
            }
        };
        Ok(format!("/{path} is there"))
    }

    /// Stores the test file.
    fn upload(&mut self) -> StepResult {
        let budget = Budget::new(SIZE as u64, None);
        let mut source = self.content.as_slice();
        let mut body = Body::fixed(&mut source, SIZE as u64, None, &budget)?;
        let unreadable = |e: std::io::Error| Problem::new(e.to_string(), "try again");
        let md5 = md5_of(&mut body).map_err(unreadable)?;
        let host = self.hosts.pick(&self.api, Priority::Small);
        let host = host.map_err(|fault| self.problem(&fault))?;
        let (parent, size) = (self.folder.to_string(), SIZE.to_string());
        let fields: [(&str, &str); 4] = [
            ("parentFileID", &parent),
            ("filename", &self.name),
            ("size", &size),
            ("etag", &md5),
        ];
        let mut form = Form::new(&fields, ("file", "file"), false, &mut body);
        let uploaded = self.api.single(&host, &mut form, Priority::Small);
        let uploaded = uploaded.map_err(|fault| self.problem(&fault))?;
        self.file = uploaded.file().unwrap_or(0);
        Ok(format!("{SIZE} bytes as {}", self.name))
    }

    /// Looks for it in the folder's list.
    fn list(&mut self) -> StepResult {
        let start = Instant::now();
        let timing = timing();
        for tries in 1.. {
            let rows = self.tree.read(&[self.folder], Priority::Small);
            let rows = rows.map_err(|fault| self.problem(&fault))?;
            if let Some(row) = rows
                .iter()
                .find(|row| row.is_file() && row.filename == self.name)
            {
                self.file = row.file_id;
                return Ok("the list shows the file".to_owned());
            }
            let pause = pause(timing.look, tries);
            if start.elapsed() + pause > timing.visible {
                break;
            }
            std::thread::sleep(pause);
        }
        let text = format!(
            "the list doesn't show it after {} s",
            timing.visible.as_secs()
        );
        Err(Problem::new(
            text,
            "try again later: backups fail as long as 123pan's lists lag so",
        ))
    }

    /// Reads some of it.
    fn download(&mut self) -> StepResult {
        let url = self.api.download_info(self.file, Priority::Small);
        let fetched = url.and_then(|url| self.api.client.fetch(&url, Some(PART)));
        let fetched = fetched.map_err(|fault| self.problem(&fault))?;
        let wanted = PART.content_range(SIZE as u64);
        if fetched.range.as_deref() != Some(&*wanted) {
            let range = fetched.range.as_deref().unwrap_or("none");
            let text = format!("asked for the range {wanted}, got {range}");
            return Err(Problem::new(
                text,
                "see whether a proxy changes what is downloaded",
            ));
        }
        let mut bytes = Vec::new();
        let read = fetched.reader.take(SIZE as u64).read_to_end(&mut bytes);
        let (from, len) = (100, 200);
        let well = format!("{len} bytes from the middle are right");
        doctor::same(read.map(|_| &*bytes), &self.content[from..from + len], well)
    }

    /// Moves it into the bin.
    fn trash(&mut self) -> StepResult {
        let trashed = self.api.trash(&[self.file], Priority::Small);
        trashed.map_err(|fault| self.problem(&fault))?;
        Ok("the file lies in the bin".to_owned())
    }

    /// Destroys it.
    fn purge(&mut self) -> StepResult {
        let purged = self.api.purge(&[self.file]);
        purged.map_err(|fault| {
            let text = format!("{fault}; {} stays in the bin", self.name);
            Problem::new(
                text,
                "empty the account's recycle bin by hand, now and then",
            )
        })?;
        Ok("the file is gone".to_owned())
    }
}

/// A number of bytes as people read it.
fn size(bytes: u64) -> String {
    match bytes >> 30 {
        0..10 => format!("{} MiB", bytes >> 20),
        gib => format!("{gib} GiB"),
    }
}
