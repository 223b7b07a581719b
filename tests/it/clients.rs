//! The real clients against the server's own binary: whole cycles of what users do, at the root
//! and in a folder, for each client in the cache that `tests/clients.sh` fills. A client that
//! isn't there is skipped with a printed reason.

use crate::restic::{DEBIAN, RESTIC, RUSTIC, Restic, Running, cases, text};
use crate::rig::Rig;
use crate::tree::{self, TempDir};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest wait for what the server writes behind its answers.
const PATIENCE: Duration = Duration::from_secs(240);

// One test a line: its name, the client, the repository, what is done.
cases! {
    try_client;
    debian_cycle: DEBIAN, "/", cycle;
    debian_cycle_in_folder: DEBIAN, "/a/b/", cycle;
    debian_copy: DEBIAN, "/", copy;
    debian_together: DEBIAN, "/a/b/", together;
    debian_killed: DEBIAN, "/", killed;
    restic_cycle: RESTIC, "/", cycle;
    restic_cycle_in_folder: RESTIC, "/a/b/", cycle;
    restic_copy: RESTIC, "/a/b/", copy;
    restic_together: RESTIC, "/", together;
    restic_killed: RESTIC, "/a/b/", killed;
    restic_undo: RESTIC, "/a/b/", undo;
    debian_undo: DEBIAN, "/", undo;
    rustic_cycle: RUSTIC, "/", cycle;
    rustic_cycle_in_folder: RUSTIC, "/a/b/", cycle;
    rustic_together: RUSTIC, "/", together;
    rustic_killed: RUSTIC, "/a/b/", killed;
    rustic_large: RUSTIC, "/", large;
}

/// Something done with a client; words of the warnings that it brings into the server's log.
type Scenario = fn(&Session<'_>) -> &'static [&'static str];

fn try_client(client: &str, repo: &str, scenario: Scenario) {
    let dir = TempDir::new();
    let spool = dir.path().join("spool");
    let rig = Rig::start(&["--spool-dir", text(&spool)]);
    let Some(restic) = Restic::find(client, rig.url(repo), dir.path()) else {
        return;
    };
    let session = Session {
        rig: Some(&rig),
        ..Session::new(client, restic, dir.path())
    };
    let expected = scenario(&session);
    rig.assert_clean(expected);
}

/// The ordinary life of a repository.
pub(crate) fn cycle(session: &Session<'_>) -> &'static [&'static str] {
    let files = session.dir.join("files");
    tree::grow(&files, 1, 4 << 20);
    session.init();
    session.backup(&files);
    tree::change(&files, 100);
    session.backup(&files);
    assert_eq!(session.ids("snapshots").len(), 2);
    session.check();
    session.change_keys();
    session.forget();
    assert_eq!(session.ids("snapshots").len(), 1);
    session.check();
    session.reindex();
    session.check();
    session.restore_and_compare(&files);
    &[]
}

/// All snapshots go to a second repository on the same server.
fn copy(session: &Session<'_>) -> &'static [&'static str] {
    let files = session.dir.join("files");
    tree::grow(&files, 2, 2 << 20);
    session.init();
    session.backup(&files);
    let second = Session {
        restic: session.restic.with(session.rig().url("/second/one/")),
        ..*session
    };
    second.init();
    second.run(&["copy", "--from-repo", &session.restic.repository]);
    second.check();
    second.restore_and_compare(&files);
    &[]
}

/// Three hosts back up at once into one repository.
pub(crate) fn together(session: &Session<'_>) -> &'static [&'static str] {
    session.init();
    let start = |number: u64| {
        let files = session.dir.join(format!("files{number}"));
        tree::grow(&files, 10 * number, 3 << 20);
        let host = format!("host{number}");
        session
            .restic
            .start(&["backup", "--host", &host, text(&files)])
    };
    let running: Vec<Running> = (1..=3).map(start).collect();
    for running in running {
        running.succeed();
    }
    assert_eq!(session.ids("snapshots").len(), 3);
    session.check();
    &[]
}

/// A backup is killed while it uploads; the next one repairs and completes.
fn killed(session: &Session<'_>) -> &'static [&'static str] {
    let files = session.dir.join("files");
    tree::grow(&files, 3, 80 << 20);
    session.init();
    // Slow enough that other packs are on their way when the first has arrived.
    let limit: &[&str] = if session.rustic {
        &[]
    } else {
        &["--limit-upload", "4096"]
    };
    let args = [&["backup", files.to_str().unwrap()], limit].concat();
    let mut backup = session.restic.start(&args);
    let pack = |line: &str| (line.contains("POST") && line.contains("/data/")).then_some(());
    session.rig().wait_for(pack);
    backup.child.kill().unwrap();
    backup.child.wait().unwrap();
    if !session.rustic {
        let cut = |line: &str| line.contains("broke its body off").then_some(());
        session.rig().wait_for(cut);
        session.run(&["unlock"]);
        assert!(session.ids("locks").is_empty(), "unlock left locks");
    }
    assert!(
        session.ids("snapshots").is_empty(),
        "a killed backup left a snapshot"
    );
    session.check();
    session.backup(&files);
    session.check();
    session.restore_and_compare(&files);
    // What the killed client was sending.
    &["broke its body off"]
}

/// A snapshot that was forgotten and pruned comes back from the recycle bin, by way of a server
/// that was killed meanwhile.
fn undo(session: &Session<'_>) -> &'static [&'static str] {
    let (files, before) = (session.dir.join("files"), session.dir.join("before"));
    tree::grow(&files, 5, 4 << 20);
    tree::grow(&before, 5, 4 << 20);
    session.init();
    session.backup(&files);
    let forgotten = session.ids("snapshots");
    fs::remove_dir_all(files.join("folder 0")).ok();
    tree::change(&files, 100);
    session.backup(&files);
    session.forget();
    let end = Instant::now() + PATIENCE;
    while session
        .rig()
        .run(&["bin", "list"])
        .contains("deleted at an unknown time")
    {
        assert!(Instant::now() < end, "the purge list was never written");
    }
    session.rig().kill_and_restart();
    let told = session.rig().run(&["bin", "restore", "--since", "1h"]);
    assert!(told.contains("`restic repair index`"), "{told}");
    session.reindex();
    session.check();
    assert_eq!(session.ids("snapshots").len(), 2);
    let target = TempDir::new();
    let to = target.path().to_str().unwrap();
    session.run(&["restore", forgotten.first().unwrap(), "--target", to]);
    let restored = target.path().join(files.strip_prefix("/").unwrap());
    tree::compare(&before, &restored);
    &[]
}

/// Packs without a length, larger than the server's memory budget.
fn large(session: &Session<'_>) -> &'static [&'static str] {
    let files = session.dir.join("files");
    fs::create_dir_all(&files).unwrap();
    fs::write(files.join("large"), tree::random(4, 200 << 20)).unwrap();
    session.init();
    session.backup(&files);
    session.check();
    session.restore_and_compare(&files);
    &[]
}

/// A client and the repository that it works on.
pub(crate) struct Session<'a> {
    rustic: bool,
    pub(crate) restic: Restic,
    /// The server, if it is one of its own.
    pub(crate) rig: Option<&'a Rig>,
    pub(crate) dir: &'a Path,
}

impl<'a> Session<'a> {
    /// One of the clients, over a server of whatever kind.
    pub(crate) fn new(client: &str, restic: Restic, dir: &'a Path) -> Self {
        Self {
            rustic: client == RUSTIC,
            restic,
            rig: None,
            dir,
        }
    }

    fn rig(&self) -> &Rig {
        self.rig.unwrap()
    }

    pub(crate) fn init(&self) {
        self.run(&["init"]);
    }

    pub(crate) fn backup(&self, files: &Path) {
        self.run(&["backup", files.to_str().unwrap()]);
    }

    pub(crate) fn check(&self) {
        self.run(&["check", "--read-data"]);
    }

    /// Adds a key, opens the repository with it, and removes it.
    fn change_keys(&self) {
        let before = self.ids("keys");
        let password = self.dir.join("new password");
        fs::write(&password, "another").unwrap();
        let password = password.to_str().unwrap();
        self.run(&["key", "add", "--new-password-file", password]);
        let added = &self.ids("keys") - &before;
        assert_eq!(added.len(), 1, "keys after adding one");
        self.run(&["list", "snapshots", "--password-file", password]);
        self.run(&["key", "remove", added.first().unwrap()]);
        assert_eq!(self.ids("keys"), before);
    }

    /// Keeps the newest snapshot and prunes at once.
    pub(crate) fn forget(&self) {
        let mut args = vec!["forget", "--keep-last", "1", "--prune"];
        if self.rustic {
            // rustic would only mark packs now and delete them a day later.
            args.extend(["--instant-delete", "--keep-delete", "0s"]);
        }
        self.run(&args);
    }

    fn reindex(&self) {
        let old = !self.rustic && self.run(&["version"]).starts_with("restic 0.14");
        self.run(if old {
            &["rebuild-index"]
        } else {
            &["repair", "index"]
        });
    }

    /// Restores the newest snapshot and compares it with the folder that it was made of.
    pub(crate) fn restore_and_compare(&self, files: &Path) {
        if !self.rustic {
            return self.restic.restore_and_compare(files);
        }
        let target = TempDir::new();
        let from = format!("latest:{}", files.display());
        self.run(&["restore", &from, text(target.path())]);
        tree::compare(files, target.path());
    }

    /// The ids of all files of a kind.
    fn ids(&self, kind: &str) -> BTreeSet<String> {
        let output = self.run(&["list", kind]);
        // restic prints an id a line, rustic `KeyId(id)`.
        let words = output.split(|c: char| !c.is_ascii_hexdigit());
        words
            .filter(|word| word.len() == 64)
            .map(str::to_owned)
            .collect()
    }

    /// Runs a command to its end, which must be a good one; returns what it printed.
    fn run(&self, args: &[&str]) -> String {
        self.restic.run(args)
    }
}
