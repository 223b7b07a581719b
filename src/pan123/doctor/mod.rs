//! A walk through everything that a backup needs of 123pan, step by step, each with its time and,
//! where it fails, what to do. It uses the server's own ways and its token, and leaves nothing
//! behind but what it says.

mod steps;

use super::api::{Tier, User};
use super::call::{Door, Fault};
use super::hosts::Hosts;
use super::pace::Pacer;
use super::tree::Tree;
use super::trouble::advice;
use super::{Config, Timing};
use crate::store::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of the test file.
const SIZE: usize = 1024;
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
}
