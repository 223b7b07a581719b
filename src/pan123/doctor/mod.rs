//! A walk through everything that a backup needs of 123pan, step by step. It uses the server's own
//! ways and its token, and leaves nothing behind but what it says.

mod steps;

use super::Config;
use super::api::{Api, User};
use super::tree::Tree;
use super::upload::hosts::Hosts;
pub use crate::cloud::doctor::Step;
use crate::cloud::doctor::{self, Problem, StepResult, Walk, timing};
use crate::cloud::{Fault, now};
use std::sync::Arc;

/// Bytes of the test file.
const SIZE: usize = 1024;

/// Walks through everything and tells of each step; false if one of them failed. What can't be
/// done after a failure is left out.
pub fn examine(config: &Config, tell: &mut dyn FnMut(&Step)) -> bool {
    go(Walk {
        doctor: Doctor::new(config),
        tell,
        good: true,
    })
}

/// Whether 123pan can be reached and takes the credentials: a token that is kept would prove
/// nothing, so that it is asked for a new one.
pub fn credentials(config: &Config) -> StepResult {
    let doctor = Doctor::new(&Config {
        state_dir: None,
        ..config.clone()
    });
    doctor::connection(&doctor.api.client)?;
    doctor::credentials(&doctor.api.client)
}

fn go(mut walk: Walk<'_, Doctor>) -> bool {
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
        let config = Config {
            timing: timing(),
            ..config.clone()
        };
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
}
