//! The promises on disk, so that a server that was killed in the middle of a backup goes on missing
//! what it has acknowledged (safety rule 5). A line says that a file was promised, another one that
//! some needn't be looked for any more. They are only appended, and nobody waits for the disk: what
//! the kernel has survives a kill, and a power cut costs the last lines, for whose files 123pan's
//! word must do. When nothing is promised, the file goes; when most of its lines are done with, it
//! is written anew.

use super::promises::{Client, Promise, Promises};
use super::waste::{SANE, place};
use super::{Clock, Config};
use crate::disk::StateFile;
use crate::restic::{Id, Repo, hex};
use sha2::{Digest, Sha256};
use std::fs;
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
        let path = place(config, "promises").filter(|_| keeps);
        Self {
            file: path.map(|path| StateFile::new(path.with_extension("ledger"))),
            clock: config.clock.clone(),
            lines: AtomicUsize::new(0),
        }
    }

    /// What an earlier process has promised, if that isn't longer ago than `most`.
    pub fn read(&self, most: Duration) -> Vec<(Repo, Promise)> {
        let text = self
            .file
            .as_ref()
            .and_then(|file| fs::read(&file.path).ok());
        let text = text.unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().filter(|line| !line.is_empty()).count();
        self.lines.store(lines, Ordering::Relaxed);
        let aged = parse(&text).into_iter().map(|(since, repo, promise)| {
            let age = self.age(since);
            let looked = Instant::now().checked_sub(age);
            let looked = looked.unwrap_or_else(Instant::now);
            (age, repo, Promise { looked, ..promise })
        });
        let young = aged.filter(|(age, ..)| *age < most);
        young.map(|(_, repo, promise)| (repo, promise)).collect()
    }

    /// How long ago that was, by a clock that begins in 1970 on machines without a battery.
    fn age(&self, since: u64) -> Duration {
        let now = self.clock.now();
        let passed = now.saturating_sub(since);
        Duration::from_secs(if since < SANE { 0 } else { passed })
    }

    /// Notes a promise, which is one of `all` now.
    pub fn made(&self, all: &Promises, repo: &Repo, promise: &Promise) {
        self.add(all, || self.line(repo, promise));
    }

    /// Notes that files which aren't among `all` any more needn't be looked for.
    pub fn done(&self, all: &Promises, files: &[u64]) {
        if !files.is_empty() {
            self.add(all, || done(files));
        }
    }

    fn add(&self, all: &Promises, line: impl Fn() -> String) {
        let Some(file) = &self.file else { return };
        let open = || {
            let each = |(repo, list)| std::iter::zip(std::iter::repeat(repo), list);
            // After a restart nobody can miss what is of a client that has ended.
            let all = all.iter().flat_map(each);
            all.filter(|(_, promise): &(&Repo, &Promise)| promise.client != Client::Ended)
        };
        let (count, lines) = (open().count(), self.lines.load(Ordering::Relaxed) + 1);
        let follows = "if the server is killed, nobody looks for what it has just stored";
        let (written, lines) = if count == 0 {
            (file.remove(), 0)
        } else if lines > 2 * count + SPARE {
            let text: String = open()
                .map(|(repo, promise)| self.line(repo, promise))
                .collect();
            (file.write_soon(text.as_bytes(), follows), count)
        } else {
            (file.append(line().as_bytes(), follows), lines)
        };
        let lines = if written { lines } else { INCOMPLETE };
        self.lines.store(lines, Ordering::Relaxed);
    }

    fn line(&self, repo: &Repo, promise: &Promise) -> String {
        let age = promise.looked.elapsed().as_secs();
        made(self.clock.now().saturating_sub(age), repo, promise)
    }
}

/// What is open at the end of a ledger, each with the time of its line, in seconds since 1970. A
/// line that broke off or is damaged is left out.
pub fn parse(text: &str) -> Vec<(u64, Repo, Promise)> {
    let mut open: Vec<(u64, Repo, Promise)> = Vec::new();
    for words in text.lines().filter_map(unsealed) {
        match words.strip_prefix("done\t").and_then(numbers) {
            Some(files) => open.retain(|(.., promise)| !files.contains(&promise.file)),
            None => open.extend(promise(words)),
        }
    }
    open
}

fn promise(words: &str) -> Option<(u64, Repo, Promise)> {
    let words: Vec<&str> = words.split('\t').collect();
    let ["made", since, file, size, md5, folders, repo, path, name] = words[..] else {
        return None;
    };
    let promise = Promise {
        path: path.to_owned(),
        name: Id::from_hex(name)?,
        file: file.parse().ok()?,
        folders: numbers(folders)?,
        size: size.parse().ok()?,
        md5: md5.to_owned(),
        looked: Instant::now(),
        client: Client::Earlier,
        binned: false,
        lost: None,
    };
    Some((since.parse().ok()?, Repo::new(repo)?, promise))
}

/// The line of a promise.
pub fn made(since: u64, repo: &Repo, promise: &Promise) -> String {
    let (repo, folders) = (repo.path(), listed(&promise.folders));
    let Promise {
        path,
        name,
        file,
        size,
        md5,
        ..
    } = promise;
    sealed(&format!(
        "made\t{since}\t{file}\t{size}\t{md5}\t{folders}\t{repo}\t{path}\t{name}"
    ))
}

/// The line of files that needn't be looked for any more.
pub fn done(files: &[u64]) -> String {
    sealed(&format!("done\t{}", listed(files)))
}

/// A line of words, with a sum by which damage shows; begun by an end of line, because the one
/// before may have broken off.
pub fn sealed(words: &str) -> String {
    format!("\n{}\t{words}\n", sum(words))
}

fn unsealed(line: &str) -> Option<&str> {
    let (said, words) = line.split_once('\t')?;
    (said == sum(words)).then_some(words)
}

fn sum(words: &str) -> String {
    hex(&Sha256::digest(words)[..4])
}

fn listed(numbers: &[u64]) -> String {
    let words: Vec<String> = numbers.iter().map(u64::to_string).collect();
    words.join(",")
}

fn numbers(text: &str) -> Option<Vec<u64>> {
    let words = text.split(',').filter(|word| !word.is_empty());
    words.map(|word| word.parse().ok()).collect()
}
