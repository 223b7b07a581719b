//! What was acknowledged, on disk, so that a server that was killed in the middle of a backup goes on
//! missing what it has acknowledged (safety rule 5). A line says that a file was acknowledged,
//! another one that it needn't be looked for any more. What a power cut costs, for that 123pan's
//! word must do.

use super::acknowledged::{Acknowledged, AllAcknowledged, Client};
use crate::cloud::time::Time;
use crate::disk::log::{Log, sealed, unsealed};
use crate::pan123::config::Config;
use crate::restic::{Id, Repo};
use std::sync::Arc;
use std::time::Instant;

/// What was acknowledged, on disk; without a file it is forgotten.
pub struct Ledger {
    log: Log,
    time: Arc<Time>,
}

impl Ledger {
    /// The ledger of an account's folder, if this process `keeps` what is about it on disk.
    pub fn new(config: &Config, keeps: bool, time: &Arc<Time>) -> Self {
        let path = config.state_file("promises", "ledger").filter(|_| keeps);
        let follows = "if the server is killed, nobody looks for what it has just stored";
        Self {
            log: Log::new(path, follows),
            time: Arc::clone(time),
        }
    }

    /// The same that forgets everything.
    pub fn without_file(&self) -> Self {
        Self {
            log: Log::default(),
            time: Arc::clone(&self.time),
        }
    }

    /// What an earlier process has acknowledged, whenever that was: what time it is, the cloud
    /// hasn't told yet.
    pub fn read(&self) -> Vec<(Repo, Acknowledged)> {
        parse(&self.log.read().unwrap_or_default())
    }

    /// The cloud's time, once it is known.
    pub fn now(&self) -> Option<u64> {
        self.time.now()
    }

    /// The line of a file.
    pub fn line(&self, repo: &Repo, file: &Acknowledged) -> String {
        made(file.since, repo, file)
    }

    /// Notes that files which aren't among `all` any more needn't be looked for.
    pub fn done(&self, all: &AllAcknowledged, files: &[u64]) {
        let lines = files.iter().map(|file| sealed(&format!("done\t{file}")));
        let text: String = lines.collect();
        if !text.is_empty() {
            self.add(all, &text);
        }
    }

    /// Adds lines about what is, or was, among `all`.
    pub fn add(&self, all: &AllAcknowledged, text: &str) {
        // Nobody can miss what is of a client that has ended.
        let is_open = |file: &&Acknowledged| file.client != Client::Ended;
        let any_open = all.values().flatten().any(|file| is_open(&file));
        self.log.append(text, any_open, || {
            let files = |(repo, list): (&Repo, &Vec<Acknowledged>)| -> String {
                let open = list.iter().filter(is_open);
                open.map(|file| self.line(repo, file)).collect()
            };
            all.iter().map(files).collect()
        });
    }
}

/// What is open at the end of a ledger. A line that broke off or is damaged is left out.
pub fn parse(text: &[u8]) -> Vec<(Repo, Acknowledged)> {
    let mut open: Vec<(Repo, Acknowledged)> = Vec::new();
    for words in unsealed(text) {
        match words.strip_prefix("done\t") {
            Some(done) => {
                let done = parsed(done);
                open.retain(|(_, file)| done != Some(file.number));
            }
            None => open.extend(acknowledged(words)),
        }
    }
    open
}

fn acknowledged(words: &str) -> Option<(Repo, Acknowledged)> {
    let mut words = words.strip_prefix("made\t")?.split('\t');
    let mut word = || words.next().unwrap_or_default();
    let since = parsed(word())?;
    let repo = Repo::new(word())?;
    let file = Acknowledged {
        since,
        looked: Instant::now(),
        number: parsed(word())?,
        size: parsed(word())?,
        md5: word().to_owned(),
        folder: parsed(word())?,
        path: word().to_owned(),
        name: Id::from_hex(word())?,
        client: Client::Earlier,
        trashed: false,
        lost: None,
    };
    Some((repo, file))
}

fn parsed(word: &str) -> Option<u64> {
    word.parse().ok()
}

/// The line of a file that was acknowledged at this time.
pub fn made(since: u64, repo: &Repo, file: &Acknowledged) -> String {
    let (repo, number, size) = (repo.path(), file.number, file.size);
    let Acknowledged {
        md5,
        folder,
        path,
        name,
        ..
    } = file;
    sealed(&format!(
        "made\t{since}\t{repo}\t{number}\t{size}\t{md5}\t{folder}\t{path}\t{name}"
    ))
}
