//! A walk through everything that a backup needs of 123pan, step by step, each with its time and,
//! where it fails, what to do. It uses the server's own ways and its token, and leaves nothing
//! behind but what it says.

use super::api::{Tier, User};
use super::call::{Door, Fault};
use super::health::account;
use super::hosts::Hosts;
use super::judge::{Why, pause};
use super::multipart::{Form, md5_of};
use super::pace::{Pacer, Priority};
use super::tree::Tree;
use super::trouble::advice;
use super::{Config, Timing};
use crate::body::{Body, Budget};
use crate::civil;
use crate::restic::Part;
use crate::store::Error;
use std::fmt::Display;
use std::io::Read;
use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of the test file.
const SIZE: usize = 1024;
/// The part of it that is downloaded.
const PART: Part = Part {
    start: 100,
    len: 200,
};
/// Seconds that our clock may be wrong by.
const SKEW: u64 = 120;
/// Space in bytes below which a backup won't get far.
const LITTLE: u64 = 64 << 20;

/// A step that has been made.
#[derive(Debug)]
pub struct Step {
    /// What it was about.
    pub name: &'static str,
    /// How long it took.
    pub took: Duration,
    /// What was found.
    pub found: Result<String, Problem>,
}

/// What is wrong.
#[derive(Debug)]
pub struct Problem {
    /// What happened.
    pub text: String,
    /// What to do, in one sentence.
    pub advice: String,
}

impl Problem {
    fn new(text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            advice: advice.into(),
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        const OTHER: &str = "try again in some minutes; if it stays so, look for what 123pan says \
                             in README.md";
        let advice = advice(fault.why).map_or(OTHER, |advice| advice.en);
        Self::new(fault.to_string(), advice)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::new(
            error.to_string(),
            "look at what was said before; then try again",
        )
    }
}

/// What a step finds.
type Found = Result<String, Problem>;

/// Walks through everything and tells of each step; false if one of them failed. What can't be
/// done after a failure is left out.
pub fn examine(config: &Config, tell: &mut dyn FnMut(&Step)) -> bool {
    Walk {
        doctor: Doctor::new(config),
        tell,
        good: true,
    }
    .go()
}

/// Timeouts for somebody who waits at a terminal.
fn timing() -> Timing {
    let seconds = Duration::from_secs;
    Timing {
        answer: seconds(30),
        stall: seconds(20),
        rate_wait: seconds(6),
        retry: seconds(4),
        ..Timing::default()
    }
}

struct Doctor {
    config: Config,
    door: Arc<Door>,
    tree: Tree,
    hosts: Hosts,
    user: User,
    name: String,
    content: Vec<u8>,
    folder: u64,
    file: u64,
}

struct Walk<'a> {
    doctor: Doctor,
    tell: &'a mut dyn FnMut(&Step),
    good: bool,
}

impl Walk<'_> {
    fn go(mut self) -> bool {
        self.step("state directory", Doctor::state);
        let there = self.step("DNS", Doctor::dns);
        if !there || !self.step("connection", Doctor::connection) {
            return false;
        }
        self.step("clock", Doctor::clock);
        if !self.step("credentials", Doctor::credentials) || !self.step("account", Doctor::account)
        {
            return false;
        }
        self.step("developer benefit", Doctor::benefit);
        let room = self.step("space", Doctor::space);
        if !room || !self.step("folder", Doctor::folder) || !self.step("upload", Doctor::upload) {
            return false;
        }
        self.step("list", Doctor::list);
        self.step("download", Doctor::download);
        if self.step("trash", Doctor::trash) {
            self.step("purge", Doctor::purge);
        }
        self.good
    }

    fn step(&mut self, name: &'static str, make: fn(&mut Doctor) -> Found) -> bool {
        let start = Instant::now();
        let found = make(&mut self.doctor);
        let took = start.elapsed();
        let is_good = found.is_ok();
        self.good &= is_good;
        (self.tell)(&Step { name, took, found });
        is_good
    }
}

impl Doctor {
    fn new(config: &Config) -> Self {
        let config = Config {
            timing: timing(),
            ..config.clone()
        };
        let (tier, share) = (config.tier.unwrap_or(Tier::Free), config.rate_share);
        let pacer = Pacer::new(|endpoint| endpoint.per_second(tier) * share);
        let door = Arc::new(Door::new(&config, pacer));
        let name = format!(
            "restic-123pan-doctor-{}-{}",
            super::token::now(),
            std::process::id()
        );
        let content: Vec<u8> = name.bytes().cycle().take(SIZE).collect();
        Self {
            tree: Tree::new(Arc::clone(&door)),
            hosts: Hosts::new(&config),
            config,
            door,
            user: User::default(),
            name,
            content,
            folder: 0,
            file: 0,
        }
    }

    fn state(&mut self) -> Found {
        let advice = "name a folder that this user may write with --state-dir; without one, each \
                      start takes a new token, of which 123pan allows three";
        let Some(folder) = &self.config.state_dir else {
            return Err(Problem::new("no state directory is writable", advice));
        };
        let probe = folder.join(format!(".doctor-{}", std::process::id()));
        let written =
            super::token::replace(&probe, b"ok").and_then(|()| std::fs::remove_file(&probe));
        match written {
            Ok(()) => Ok(format!("{} can be written", folder.display())),
            Err(error) => Err(Problem::new(
                format!("{}: {error}", folder.display()),
                advice,
            )),
        }
    }

    fn dns(&mut self) -> Found {
        let (scheme, rest) = self.config.api_url.split_once("://").unwrap_or(("", ""));
        let host = rest.split('/').next().unwrap_or("");
        let port = if scheme == "http" { 80 } else { 443 };
        // With a port of its own, or without.
        let found = match host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
        {
            true => host.to_socket_addrs(),
            false => (host, port).to_socket_addrs(),
        };
        let advice = "check this machine's DNS servers and --api-url";
        let problem = |text: &dyn Display| Problem::new(format!("{host}: {text}"), advice);
        let found: Vec<String> = match found {
            Ok(found) => found.map(|address| address.ip().to_string()).collect(),
            Err(error) => return Err(problem(&error)),
        };
        match found.first() {
            None => Err(problem(&"no address")),
            Some(first) if found.len() == 1 => Ok(format!("{host} is {first}")),
            Some(first) => Ok(format!("{host} is {first} and {} more", found.len() - 1)),
        }
    }

    fn connection(&mut self) -> Found {
        let date = civil::rfc3339(super::token::now());
        self.door.knock().map_err(|fault| match fault.why {
            Why::Blocked => Problem::from(fault),
            _ if fault.to_string().contains("certificate") => Problem::new(
                fault.to_string(),
                format!("set this machine's clock, which says {date}, or find who intercepts TLS"),
            ),
            _ => Problem::new(
                fault.to_string(),
                "check this machine's network and firewall; if its IPv6 is broken, try --no-ipv6",
            ),
        })?;
        let tls = self.config.api_url.starts_with("https://");
        Ok(format!(
            "{} answers{}",
            self.config.api_url,
            if tls { " by TLS" } else { "" }
        ))
    }

    fn clock(&mut self) -> Found {
        let Some(theirs) = self.door.knock()? else {
            return Ok("123pan doesn't tell its time".to_owned());
        };
        let ours = super::token::now();
        let off = ours.abs_diff(theirs);
        match off > SKEW {
            false => Ok(format!("within {} s of 123pan's", off + 1)),
            true => Err(Problem::new(
                format!(
                    "this machine says {}, 123pan {}",
                    civil::rfc3339(ours),
                    civil::rfc3339(theirs)
                ),
                "set this machine's clock, best by NTP: TLS, tokens and the bin's days go by it",
            )),
        }
    }

    fn credentials(&mut self) -> Found {
        self.door.log_in()?;
        let until = self.door.token_expires().map(civil::rfc3339);
        Ok(until.map_or("accepted".to_owned(), |until| {
            format!("a token until {until}")
        }))
    }

    fn account(&mut self) -> Found {
        self.user = self.door.user()?;
        Ok(format!("tier {}", account(&self.user).tier))
    }

    fn benefit(&mut self) -> Found {
        match account(&self.user).paid_until {
            None => Ok("123pan names none, but takes the credentials".to_owned()),
            Some(until) if until > super::token::now() => {
                Ok(format!("until {}", civil::rfc3339(until)))
            }
            Some(until) => Err(Problem::new(
                format!("it ended on {}", civil::rfc3339(until)),
                "renew the developer benefit on https://www.123pan.com/developer; without it \
                 123pan refuses the client id",
            )),
        }
    }

    fn space(&mut self) -> Found {
        let (free, total) = (self.user.free() >> 20, self.user.space() >> 20);
        match self.user.free() < LITTLE {
            false => Ok(format!("{free} MiB of {total} MiB are free")),
            true => Err(Problem::new(
                format!("only {free} MiB of {total} MiB are free"),
                "free some space in the account, its recycle bin included, or buy more",
            )),
        }
    }

    fn folder(&mut self) -> Found {
        let path = &self.config.repo_path;
        self.folder = match path.as_str() {
            "" => 0,
            path => self.tree.ensure(path, Priority::Small).map_err(|error| {
                // The tree tells errors without their reasons; the door remembers the trouble.
                self.recent_trouble(&error)
                    .unwrap_or_else(|| Problem::from(error))
            })?,
        };
        Ok(format!("/{path} is there"))
    }

    /// The trouble that the door met last, as the reason of an error.
    fn recent_trouble(&self, error: &Error) -> Option<Problem> {
        let trouble = self.door.troubles.all().into_iter().next()?;
        Some(Problem::new(error.to_string(), trouble.advice.en))
    }

    fn upload(&mut self) -> Found {
        let budget = Budget::new(SIZE as u64, None);
        let mut source = self.content.as_slice();
        let mut body = Body::fixed(&mut source, SIZE as u64, None, &budget)?;
        let unreadable = |e: std::io::Error| Problem::new(e.to_string(), "try again");
        let md5 = md5_of(&mut body).map_err(unreadable)?;
        let host = self.hosts.pick(&self.door, Priority::Small)?;
        let (parent, size) = (self.folder.to_string(), SIZE.to_string());
        let fields: [(&str, &str); 4] = [
            ("parentFileID", &parent),
            ("filename", &self.name),
            ("size", &size),
            ("etag", &md5),
        ];
        let mut form = Form::new(&fields, "file", false, &mut body);
        let uploaded = self.door.single(&host, &mut form, Priority::Small)?;
        self.file = uploaded.file().unwrap_or(0);
        Ok(format!("{SIZE} bytes as {}", self.name))
    }

    fn list(&mut self) -> Found {
        let start = Instant::now();
        let timing = timing();
        for tries in 1.. {
            let rows = self.tree.read(&[self.folder], Priority::Small)?;
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

    fn download(&mut self) -> Found {
        let url = self.door.download_info(self.file, Priority::Small)?;
        let fetched = self.door.fetch(&url, Some(PART))?;
        let wanted = PART.content_range(SIZE as u64);
        if fetched.range.as_deref() != Some(&*wanted) {
            let text = format!("asked for {wanted:?}, got {:?}", fetched.range);
            return Err(Problem::new(
                text,
                "see whether a proxy changes what is downloaded",
            ));
        }
        let mut bytes = Vec::new();
        let read = fetched.reader.take(SIZE as u64).read_to_end(&mut bytes);
        let (from, len) = (100, 200);
        match read {
            Ok(_) if bytes == self.content[from..from + len] => {
                Ok(format!("{len} bytes from the middle are right"))
            }
            Ok(_) => Err(Problem::new(
                "other bytes came than were stored",
                "see whether a proxy changes what is downloaded",
            )),
            Err(error) => Err(Problem::new(
                format!("it broke off: {error}"),
                "check this machine's network, and try again",
            )),
        }
    }

    fn trash(&mut self) -> Found {
        self.door.trash(&[self.file], Priority::Small)?;
        Ok("the file lies in the bin".to_owned())
    }

    fn purge(&mut self) -> Found {
        let purged = self.door.purge(&[self.file]);
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
