//! What is wrong with the cloud, said in the log so that its reader knows what to do, once a
//! minute at most and once more when it is over.

use super::dialect::Dialect;
use super::outcome::Reason;
use super::timing::now;
use crate::store::{Advice, Trouble};
use crate::sync::lock;
use crate::warning::TROUBLE;
use log::{error, info, warn};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Least time between two lines about the same trouble.
const QUIET: Duration = Duration::from_secs(60);

/// Characters of what happened that are remembered.
const REMEMBERED: usize = 320;

/// The troubles that there were, at most one of each kind.
#[derive(Default)]
pub struct Troubles(Mutex<HashMap<Reason, State>>);

struct State {
    /// When the log was told; None once it was told that it is over.
    said: Option<Instant>,
    seen: Trouble,
}

/// What to do about a damaged file.
const DAMAGED: Advice = Advice {
    en: "run `restic check --read-data` and do what it says, as a rule `restic repair packs`, then \
         back up again; when the same file is sent again, it is replaced",
    zh: "请运行 `restic check --read-data` 并按其提示处理(通常为 `restic repair packs`)，\
         然后重新备份；再次上传同一文件时会替换它",
};

/// Troubles that keep everything from working, and are over as soon as the cloud answers.
const FATAL: [Reason; 8] = [
    Reason::Unreachable,
    Reason::Intercepted,
    Reason::NoToken,
    Reason::Refused,
    Reason::Grant,
    Reason::TokenFile,
    Reason::Held,
    Reason::Blocked,
];

impl Troubles {
    /// Says a trouble with what to do about it, unless that was just said.
    pub fn tell(&self, dialect: &Dialect, reason: Reason, text: &str) {
        let Some(advice) = (dialect.advice)(reason) else {
            return;
        };
        let mut troubles = lock(&self.0);
        let state = troubles.entry(reason).or_insert_with(|| State::new(advice));
        state.met(text);
        state.seen.refused = matches!(reason, Reason::NoToken | Reason::Grant);
        if state.said.is_none_or(|at| at.elapsed() >= QUIET) {
            state.said = Some(Instant::now());
            warn!(target: TROUBLE, "{text}; {}", advice.en);
        }
    }

    /// Says that a file is damaged. Each of them is said: which one it is, is what matters.
    pub fn damaged(&self, text: &str) {
        error!(target: TROUBLE, "{text}; {}", DAMAGED.en);
        let mut troubles = lock(&self.0);
        let state = troubles.entry(Reason::Corrupt);
        state.or_insert_with(|| State::new(DAMAGED)).met(text);
    }

    /// How many files were found damaged.
    pub fn damages(&self) -> u64 {
        let troubles = lock(&self.0);
        troubles
            .get(&Reason::Corrupt)
            .map_or(0, |state| state.seen.times)
    }

    /// Says that the cloud answers, if it didn't before.
    pub fn over(&self, dialect: &Dialect) {
        let mut troubles = lock(&self.0);
        let mut is_over = false;
        for reason in FATAL {
            if let Some(state) = troubles.get_mut(&reason) {
                state.seen.over = true;
                is_over |= state.said.take().is_some();
            }
        }
        if is_over {
            info!("{} answers again", dialect.cloud);
        }
    }

    /// Whether one of those stands that keep everything from working.
    pub fn unusable(&self) -> bool {
        let troubles = lock(&self.0);
        FATAL
            .iter()
            .any(|reason| troubles.get(reason).is_some_and(|state| !state.seen.over))
    }

    /// All of them, the last first.
    pub fn all(&self) -> Vec<Trouble> {
        let mut all: Vec<Trouble> = lock(&self.0).values().map(|s| s.seen.clone()).collect();
        all.sort_by_key(|trouble| std::cmp::Reverse(trouble.last));
        all
    }
}

impl State {
    fn new(advice: Advice) -> Self {
        let since = now();
        let seen = Trouble {
            since,
            advice,
            ..Trouble::default()
        };
        Self { said: None, seen }
    }

    /// It was met once more.
    fn met(&mut self, text: &str) {
        self.seen.last = now();
        self.seen.times += 1;
        self.seen.over = false;
        self.seen.text = text.chars().take(REMEMBERED).collect();
    }
}
