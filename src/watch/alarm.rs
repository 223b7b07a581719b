//! What somebody should hear of who looks at no page: a repository whose backups have stopped and
//! begun again, a cloud that can't be used for an hour, an account that is nearly full, credentials
//! that are refused. Backups that have stopped stand in the log once a day as well. Who is told, and
//! how, is whoever's that starts this.

use super::page::texts::{CHINESE, ENGLISH};
use super::page::values::{age, percent, span};
use super::record::{read, write};
use super::snapshot::Snapshot;
use crate::civil;
use crate::sync::{lock, wait_while};
use crate::warning::{Kind, Warning};
use log::{info, warn};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Seconds between two notifications of the same, and between reminders of what goes on.
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// Seconds for which the cloud can't be used before anybody is told.
const DOWN: u64 = HOUR;
/// Percent of the account that are used when it is nearly full.
const NEARLY: u64 = 95;

/// Sends a notification, a JSON object, or says why that failed.
pub type Notify = Box<dyn Fn(&str) -> Result<(), String> + Send>;

/// What notifications tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// A repository got no snapshot for too long.
    Stale,
    /// It has got one again.
    Recovered,
    /// The cloud can't be used for an hour.
    CloudDown,
    /// The account is nearly full.
    NearlyFull,
    /// The cloud refuses the credentials.
    TokenRefused,
}

impl Event {
    /// Its name, for machines.
    fn name(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Recovered => "recovered",
            Self::CloudDown => "cloud_down",
            Self::NearlyFull => "nearly_full",
            Self::TokenRefused => "token_refused",
        }
    }

    /// How urgent it is, from 1 to 10, as Gotify counts.
    fn priority(self) -> u8 {
        if self == Self::Recovered { 3 } else { 8 }
    }
}

/// An event, and the repository or cloud that it is about.
type Key = (Event, String);

/// The thread that looks; it has ended when this is dropped.
#[derive(Debug)]
pub struct Alarm {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Alarm {
    /// Looks from time to time at how things are, as long as `look` tells. What has been told is
    /// kept in a file, if there is one.
    pub fn start(
        look: impl Fn() -> Option<Snapshot> + Send + 'static,
        notify: Option<Notify>,
        pause: Duration,
        path: Option<PathBuf>,
    ) -> Self {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let its = Arc::clone(&stop);
        let body = move || {
            let path = path.as_deref();
            let mut state: State = path.map(read).unwrap_or_default();
            while !stopped(&its, pause) {
                let Some(seen) = look() else { return };
                let before = state.clone();
                state.tell(&seen, notify.as_ref());
                path.filter(|_| state != before)
                    .map(|path| write(path, &state));
            }
        };
        let thread = thread::Builder::new().name("alarm".into()).spawn(body);
        let failed = |error: &io::Error| {
            let target = Kind::Resources.about("alarm");
            warn!(target: &target, "nobody is told of missing backups: {error}");
        };
        let thread = thread.inspect_err(failed).ok();
        Self { stop, thread }
    }
}

/// Waits for the end; tells whether it has come.
fn stopped((stop, bell): &(Mutex<bool>, Condvar), pause: Duration) -> bool {
    *wait_while(bell, lock(stop), pause, |stop| !*stop).0
}

impl Drop for Alarm {
    fn drop(&mut self) {
        *lock(&self.stop.0) = true;
        self.stop.1.notify_all();
        // It has told of its panic itself.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// What has been told, and since when things are as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    /// Stale repositories, and when the log said so last.
    logged: BTreeMap<String, u64>,
    /// Repositories of which it is still to be told that they aren't stale any more.
    recovered: BTreeSet<String>,
    down_since: Option<u64>,
    /// When each notification was last sent, by what it is about.
    sent: BTreeMap<String, u64>,
    /// Those whose reason still stands.
    standing: BTreeSet<String>,
}

impl State {
    /// Nothing was in the future: a clock that was ahead must not keep anything from being told.
    fn set_back(&mut self, now: u64) {
        let times = self.logged.values_mut().chain(self.sent.values_mut());
        times
            .chain(&mut self.down_since)
            .for_each(|at| *at = now.min(*at));
    }

    /// Tells what is to be told.
    fn tell(&mut self, seen: &Snapshot, notify: Option<&Notify>) {
        self.set_back(seen.now);
        self.log(seen);
        let all = self.conditions(seen);
        if let Some(notify) = notify {
            for (key, texts) in &all {
                let id = id(key);
                if !self.is_due(&id, seen.now) {
                    continue;
                }
                match notify(&notice(key, texts, seen.now).to_string()) {
                    Ok(()) => info!("notified of {id}"),
                    Err(why) => {
                        let target = Kind::Notify.about(key.0.name());
                        warn!(target: &target, "a notification can't be sent: {why}");
                        continue;
                    }
                }
                self.sent.insert(id.clone(), seen.now);
                self.standing.insert(id);
                if key.0 == Event::Recovered {
                    self.recovered.remove(&key.1);
                }
            }
        } else {
            self.recovered.clear();
        }
        self.standing
            .retain(|one| all.iter().any(|(key, _)| id(key) == *one));
        self.sent.retain(|_, at| seen.now.saturating_sub(*at) < DAY);
    }

    /// Says once a day which backups have stopped, and once that they go on.
    fn log(&mut self, seen: &Snapshot) {
        for repo in &seen.repositories {
            let last = self.logged.get(&repo.name).copied();
            if repo.stale {
                self.recovered.remove(&repo.name);
            }
            if repo.stale && last.is_none_or(|at| seen.now.saturating_sub(at) >= DAY) {
                self.logged.insert(repo.name.clone(), seen.now);
                let text = stale(repo.last_snapshot, repo.snapshot_every, seen.now).0;
                Warning::new(Kind::Stale, &repo.name, format!("{}: {text}", repo.name)).log();
            } else if !repo.stale && last.is_some() {
                self.logged.remove(&repo.name);
                self.recovered.insert(repo.name.clone());
                let target = Kind::Stale.over(&repo.name);
                info!(target: &target, "{} gets snapshots again", repo.name);
            }
        }
    }

    /// What there is to tell, in English and in Chinese.
    fn conditions(&mut self, seen: &Snapshot) -> Vec<(Key, (String, String))> {
        let (cloud, now) = (&seen.cloud, seen.now);
        let mut all = Vec::new();
        for repo in seen.repositories.iter().filter(|repo| repo.stale) {
            let texts = stale(repo.last_snapshot, repo.snapshot_every, now);
            all.push(((Event::Stale, repo.name.clone()), texts));
        }
        let mut add = |event, subject: &str, en: &str, zh: &str| {
            all.push(((event, subject.to_owned()), (en.to_owned(), zh.to_owned())));
        };
        for name in &self.recovered {
            let (en, zh) = ("it gets snapshots again", "备份已恢复，有新快照");
            add(Event::Recovered, name, en, zh);
        }
        let is_down = cloud.reachable == Some(false);
        self.down_since = is_down.then(|| self.down_since.unwrap_or(now));
        let is_long = |since| now.saturating_sub(since) >= DOWN;
        if self.down_since.is_some_and(is_long) {
            let (en, zh) = ("it can't be used for an hour", "云端已有一小时无法使用");
            add(Event::CloudDown, cloud.cloud, en, zh);
        }
        let mut troubles = cloud.troubles.iter();
        if troubles.any(|trouble| trouble.refused && !trouble.over) {
            let en = "it refuses the credentials; see restic-123pan doctor";
            let zh = "云端拒绝了凭据，请运行 restic-123pan doctor";
            add(Event::TokenRefused, cloud.cloud, en, zh);
        }
        if let Some(account) = cloud.account.as_ref().filter(|one| one.is_used(NEARLY)) {
            let share = percent(account.used, account.total);
            let en = format!("the account is nearly full: {share} % are used");
            let zh = format!("空间即将用完：已用 {share} %");
            add(Event::NearlyFull, cloud.cloud, &en, &zh);
        }
        all
    }

    /// Whether it is time to tell of something: at once, but not within an hour of the last time,
    /// and of what goes on once a day.
    fn is_due(&self, id: &str, now: u64) -> bool {
        let stands = self.standing.contains(id);
        let (last, least) = (self.sent.get(id), if stands { DAY } else { HOUR });
        last.is_none_or(|at| now.saturating_sub(*at) >= least)
    }
}

/// What a notification is about, in a line.
fn id((event, subject): &Key) -> String {
    format!("{} {subject}", event.name())
}

/// That a repository is stale, in both languages.
fn stale(last: Option<u64>, every: Option<u64>, now: u64) -> (String, String) {
    let (last, every) = (last.unwrap_or(0), every.unwrap_or(0));
    let times = |texts| (age(texts, last, now), span(texts, every));
    let ((ago, most), (ago_zh, most_zh)) = (times(&ENGLISH), times(&CHINESE));
    (
        format!("the last snapshot came {ago}, which is more than {most}"),
        format!("最近一次快照：{ago_zh}，已超过 {most_zh}"),
    )
}

/// A notification. The same text stands under the names that ntfy's templates and Gotify
/// (`message`), Bark (`body`) and ServerChan (`desp`) read.
fn notice((event, subject): &Key, (en, zh): &(String, String), now: u64) -> Value {
    let text = format!("{en}\n\n{zh}");
    json!({
        "event": event.name(),
        "subject": subject,
        "time": civil::rfc3339(now),
        "title": format!("restic-123pan: {subject}"),
        "message": text,
        "body": text,
        "desp": text,
        "priority": event.priority(),
    })
}

#[cfg(test)]
mod tests;
