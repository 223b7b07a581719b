//! The promises on disk, so that a server that was killed in the middle of a backup goes on missing
//! what it has acknowledged (safety rule 5). A line says that a file was promised, another one that
//! it needn't be looked for any more. They are only appended, and nobody waits for the disk: what
//! the kernel has survives a kill, and a power cut costs the last lines, for whose files 123pan's
//! word must do. When nothing is promised, the file goes; when most of its lines are done with, it
//! is written anew.

use super::promises::{Client, Promise, Promises};
use super::waste::SANE;
use super::{Clock, Config};
use crate::disk::{self, StateFile};
use crate::restic::{Id, Repo, hex};
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Lines besides two for each promise, beyond which the file is written anew.
const SPARE: usize = 4;
/// As good as more lines than may be: some of them couldn't be written.
const INCOMPLETE: usize = usize::MAX / 2;

/// The promises on disk; without a file they are forgotten.
#[derive(Default)]
pub struct Ledger {
    file: Option<StateFile>,
    clock: Clock,
    /// How many lines it has.
    lines: AtomicUsize,
}

impl Ledger {
    /// The ledger of an account's folder, if this process `keeps` what is about it on disk.
    pub fn new(config: &Config, keeps: bool) -> Self {
        let path = config.state_file("promises", "ledger").filter(|_| keeps);
        Self {
            file: path.map(StateFile::new),
            clock: config.clock.clone(),
            lines: AtomicUsize::new(0),
        }
    }

    /// What an earlier process has promised, if that isn't longer ago than `most`.
    pub fn read(&self, most: Duration) -> Vec<(Repo, Promise)> {
        let text = self
            .file
            .as_ref()
            .and_then(|file| disk::read(&file.path).ok());
        let text = text.unwrap_or_default();
        self.lines.store(lines(&text), Ordering::Relaxed);
        parse(&text, &|since| {
            // A clock that began in 1970 tells nothing.
            let now = if since < SANE {
                since
            } else {
                self.clock.now()
            };
            let age = Duration::from_secs(now.saturating_sub(since));
            Instant::now().checked_sub(age).filter(|_| age < most)
        })
    }

    /// The line of a promise.
    pub fn line(&self, repo: &Repo, promise: &Promise) -> String {
        let age = promise.looked.elapsed().as_secs();
        made(self.clock.now().saturating_sub(age), repo, promise)
    }

    /// Notes that files which aren't among `all` any more needn't be looked for.
    pub fn done(&self, all: &Promises, files: &[u64]) {
        let lines = files.iter().map(|file| sealed(&format!("done\t{file}")));
        let text: String = lines.collect();
        if !text.is_empty() {
            self.add(all, &text);
        }
    }

    /// Adds lines about what is, or was, among `all`.
    pub fn add(&self, all: &Promises, text: &str) {
        let Some(file) = &self.file else { return };
        // Nobody can miss what is of a client that has ended.
        let is_open = |promise: &&Promise| promise.client != Client::Ended;
        let open = all.values().map(|list| list.iter().filter(is_open).count());
        let open: usize = open.sum();
        let lines = self.lines.load(Ordering::Relaxed) + lines(text.as_bytes());
        let follows = "if the server is killed, nobody looks for what it has just stored";
        let (written, lines) = if open == 0 {
            (file.remove(), 0)
        } else if lines <= 2 * open + SPARE {
            (file.append(text.as_bytes(), follows), lines)
        } else {
            let mut text = String::new();
            for (repo, list) in all {
                for promise in list.iter().filter(is_open) {
                    text += &self.line(repo, promise);
                }
            }
            (file.write_soon(text.as_bytes(), follows), open)
        };
        let lines = if written { lines } else { INCOMPLETE };
        self.lines.store(lines, Ordering::Relaxed);
    }
}

/// What is open at the end of a ledger, if `looked` tells a moment for its line's time, which is in
/// seconds since 1970. A line that broke off or is damaged is left out.
pub fn parse(text: &[u8], looked: &dyn Fn(u64) -> Option<Instant>) -> Vec<(Repo, Promise)> {
    let mut open: Vec<(Repo, Promise)> = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let words = unsealed(line).unwrap_or_default();
        match words.strip_prefix("done\t") {
            Some(file) => {
                let file = number(file);
                open.retain(|(_, promise)| file != Some(promise.file));
            }
            None => open.extend(promise(words, looked)),
        }
    }
    open
}

fn promise(words: &str, looked: &dyn Fn(u64) -> Option<Instant>) -> Option<(Repo, Promise)> {
    let mut words = words.strip_prefix("made\t")?.split('\t');
    let mut word = || words.next().unwrap_or_default();
    let looked = looked(number(word())?)?;
    let repo = Repo::new(word())?;
    let promise = Promise {
        looked,
        file: number(word())?,
        size: number(word())?,
        md5: word().to_owned(),
        folder: number(word())?,
        path: word().to_owned(),
        name: Id::from_hex(word())?,
        client: Client::Earlier,
        binned: false,
        lost: None,
    };
    Some((repo, promise))
}

fn number(word: &str) -> Option<u64> {
    word.parse().ok()
}

/// The line of a promise that was made at this time.
pub fn made(since: u64, repo: &Repo, promise: &Promise) -> String {
    let (repo, file, size) = (repo.path(), promise.file, promise.size);
    let Promise {
        md5,
        folder,
        path,
        name,
        ..
    } = promise;
    sealed(&format!(
        "made\t{since}\t{repo}\t{file}\t{size}\t{md5}\t{folder}\t{path}\t{name}"
    ))
}

/// Begins a line, as the one before may have broken off, with a sum by which damage shows.
pub fn sealed(words: &str) -> String {
    format!("\n{}\t{words}", sum(words))
}

fn unsealed(line: &[u8]) -> Option<&str> {
    let (said, words) = std::str::from_utf8(line).ok()?.split_once('\t')?;
    (said == sum(words)).then_some(words)
}

fn sum(words: &str) -> String {
    hex(&Sha256::digest(words)[..4])
}

fn lines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}
