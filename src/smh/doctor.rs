//! A walk through everything that a backup needs of Tencent SMH, step by step. Files are stored and
//! read by the server's own ways; nothing is left behind.

use super::checks::{Checked, Checks};
use super::config::Config;
use super::{Smh, space};
use crate::body::{Body, Budget};
use crate::cloud::doctor::{self, Problem, Step, StepResult, Walk, timing};
use crate::cloud::now;
use crate::restic::{File, Id, Kind, Range, Repo};
use crate::store::{Error, Store};
use crate::units::bytes;
use sha2::{Digest, Sha256};
use std::io::Read;

/// Bytes of the test file.
const SIZE: usize = 1024;
/// Bytes of its end that are downloaded.
const PART: usize = 200;
/// Space in bytes below which a backup won't get far.
const LITTLE: u64 = 64 << 20;

/// Walks through everything and tells of each step; false if one of them failed. What can't be
/// done after a failure is left out.
pub fn examine(config: &Config, tell: &mut dyn FnMut(&Step)) -> bool {
    let Some(doctor) = Doctor::new(config) else {
        return false;
    };
    let mut walk = Walk::new(doctor, tell);
    if !walk.reach(|d| &d.checks.api.client) {
        return false;
    }
    walk.step("history", |d| d.checked(d.checks.history(), "off"));
    walk.step("quota", |d| d.checked(d.checks.quota(), "removes nothing"));
    walk.step("privacy", |d| {
        d.checked(d.checks.public(), "a token is needed")
    });
    let room = walk.step("space", Doctor::space);
    let fit = room
        && walk.step("folders", |d| {
            d.checked(d.checks.folders(), "can be written")
        });
    if !fit || !walk.step("upload", Doctor::upload) {
        return false;
    }
    walk.step("list", Doctor::list);
    walk.step("download", Doctor::download);
    walk.step("delete", Doctor::delete);
    walk.good
}

/// Whether the library can be reached and takes the secret.
pub fn credentials(config: &Config) -> StepResult {
    let checks = Checks::new(config);
    doctor::connection(&checks.api.client)?;
    doctor::credentials(&checks.api.client)
}

struct Doctor {
    checks: Checks,
    store: Smh,
    repo: Repo,
    file: File,
    content: Vec<u8>,
}

impl Doctor {
    fn new(config: &Config) -> Option<Self> {
        let mut config = config.clone();
        config.shared.timing = timing();
        let name = format!("restic-123pan-doctor-{}-{}", now(), std::process::id());
        let content: Vec<u8> = name.bytes().cycle().take(SIZE).collect();
        let id = Id(Sha256::digest(&content).into());
        Some(Self {
            checks: Checks::new(&config),
            store: Smh::new(&config),
            repo: Repo::new(&name)?,
            // Of a kind whose appearance in lists is waited for.
            file: File::Hashed(Kind::Locks, id),
            content,
        })
    }

    fn checked(&self, checked: Checked, well: &str) -> StepResult {
        match checked {
            Ok(None) => Ok(well.to_owned()),
            Ok(Some(problem)) => Err(problem),
            Err(fault) => Err(Problem::met(&fault, &self.checks.api.client)),
        }
    }

    fn problem(&self, error: Error) -> Problem {
        Problem::advised(error.to_string(), &self.store.api.client)
            .unwrap_or_else(|_| Problem::from(error))
    }

    /// Whether there is room.
    fn space(&mut self) -> StepResult {
        let usage = self.checks.api.usage();
        let usage = usage.map_err(|fault| Problem::met(&fault, &self.checks.api.client))?;
        let used = bytes(usage.size.unwrap_or(0));
        match space::free(&usage) {
            None => Ok(format!("{used} are used, there is no quota")),
            Some(free) if free < LITTLE => Err(Problem::new(
                format!("only {} are free", bytes(free)),
                "free some space, the library's recycle bin included, or raise the quota",
            )),
            Some(free) => Ok(format!("{used} are used, {} free", bytes(free))),
        }
    }

    /// Stores the test file, in a repository of its own, and sees it in a list.
    fn upload(&mut self) -> StepResult {
        let (repo, budget) = (&self.repo, Budget::new(SIZE as u64, None));
        let mut source = self.content.as_slice();
        let mut body = Body::fixed(&mut source, SIZE as u64, self.file.id(), &budget)?;
        let saved = self.store.save(repo, &self.file, &mut body);
        saved.map_err(|error| self.problem(error))?;
        Ok(format!("{SIZE} bytes in {repo}"))
    }

    /// Lists its folder.
    fn list(&mut self) -> StepResult {
        let mut sizes = Vec::new();
        let listed = self.store.list(&self.repo, Kind::Locks, &mut |entry| {
            sizes.push(entry.size);
            Ok(())
        });
        listed.map_err(|error| self.problem(error))?;
        match sizes.as_slice() {
            [size] if *size == SIZE as u64 => Ok("the list shows the file".to_owned()),
            _ => Err(Problem::new(
                format!("the list shows {} files instead of one", sizes.len()),
                "try again later: backups fail as long as lists aren't right",
            )),
        }
    }

    /// Reads some of it.
    fn download(&mut self) -> StepResult {
        let range = Range::Last(PART as u64);
        let loaded = self.store.load(&self.repo, &self.file, Some(range));
        let loaded = loaded.map_err(|error| self.problem(error))?;
        let mut part = Vec::new();
        let read = loaded.reader.take(SIZE as u64).read_to_end(&mut part);
        let (stored, well) = (
            &self.content[SIZE - PART..],
            format!("its last {PART} bytes are right"),
        );
        doctor::same(read.map(|_| &*part), stored, well)
    }

    /// Destroys it, and its folder.
    fn delete(&mut self) -> StepResult {
        let removed = self.store.remove(&[(self.repo.clone(), self.file)]);
        removed
            .into_iter()
            .try_for_each(|removed| removed.map_err(|error| self.problem(error)))?;
        let folder = self.store.root.repo(&self.repo);
        let gone = self.checks.api.delete_folder(&folder);
        gone.map_err(|fault| Problem::met(&fault, &self.checks.api.client))?;
        Ok("the file and its folder are gone".to_owned())
    }
}
