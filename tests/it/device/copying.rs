//! Whole repositories between a folder and the account: nothing is lost, mixed or taken for
//! complete before it is.

use super::{run, said};
use crate::restic::{RESTIC, Restic, text};
use crate::rig::Rig;
use crate::tree::{self, TempDir, random};
use restic_123pan::body::{Body, Budget};
use restic_123pan::command::{self, Copied, CopyOptions, End, Patience, Screen};
use restic_123pan::local::Local;
use restic_123pan::restic::{File, Id, Kind, Range, Repo};
use restic_123pan::store::memory::Memory;
use restic_123pan::store::{Cause, Error, Found, Loaded, Store};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// How much a test's repository has besides its config and its lock.
const FILES: u64 = 12;

/// A repository's files; `seed` tells repositories apart.
fn fill(store: &dyn Store, repo: &Repo, seed: u64) {
    store.create(repo).unwrap();
    let kinds = [
        (Kind::Keys, 1),
        (Kind::Data, 8),
        (Kind::Index, 2),
        (Kind::Snapshots, 1),
        (Kind::Locks, 1),
    ];
    for (kind, count) in kinds {
        for n in 0..count {
            // Some are larger than what is held in memory.
            let size = if n == 0 { 1_500_000 } else { 1000 };
            let bytes = random(seed * 1000 + kind as u64 * 100 + n, size);
            let id = Id(Sha256::digest(&bytes).into());
            put(store, repo, &File::Hashed(kind, id), &bytes).unwrap();
        }
    }
    put(store, repo, &File::Config, &random(seed, 155)).unwrap();
}

fn put(store: &dyn Store, repo: &Repo, file: &File, bytes: &[u8]) -> Result<(), Error> {
    let budget = Budget::new(0, None);
    let mut source = bytes;
    let mut body = Body::fixed(&mut source, bytes.len() as u64, file.id(), &budget)?;
    store.save(repo, file, &mut body)
}

fn names(store: &dyn Store, repo: &Repo) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for kind in Kind::ALL {
        let _ = store.list(repo, kind, &mut |entry| {
            all.insert(format!("{}/{} {}", kind.name(), entry.id, entry.size));
            Ok(())
        });
    }
    if store.stat(repo, &File::Config).is_ok() {
        all.insert("config".to_owned());
    }
    all
}

fn copy(from: &dyn Store, to: &dyn Store, dry_run: bool) -> (Result<Copied, String>, String) {
    copy_or_reread(from, to, dry_run, false)
}

fn copy_or_reread(
    from: &dyn Store,
    to: &dyn Store,
    dry_run: bool,
    rereads: bool,
) -> (Result<Copied, String>, String) {
    let (root, budget, mut out) = (root(), Budget::new(0, None), Vec::new());
    let options = CopyOptions {
        threads: 3,
        budget: &budget,
        patience: Patience {
            pause: Duration::from_millis(1),
            longest: Duration::from_millis(2),
            total: Duration::from_millis(200),
        },
        rereads,
        dry_run,
    };
    let end = |store, name| End {
        store,
        repo: &root,
        name,
    };
    let screen = Screen {
        out: &mut out,
        terminal: false,
    };
    let done = command::copy(end(from, "here"), end(to, "there"), &options, screen);
    (done, String::from_utf8(out).unwrap())
}

fn root() -> Repo {
    Repo::new("").unwrap()
}

#[test]
fn a_copy_is_whole_and_a_second_one_has_nothing_to_do() {
    let (from, dir) = (Memory::default(), TempDir::new());
    let to = Local::new(dir.path().join("new"));
    fill(&from, &root(), 1);
    let (planned, _) = copy(&from, &to, true);
    assert!(!dir.path().join("new").exists(), "a dry run made something");
    let (copied, out) = copy(&from, &to, false);
    let copied = copied.unwrap();
    assert_eq!(planned, Ok(copied));
    assert_eq!((copied.files, copied.there), (FILES + 1, 0));
    assert!(
        out.contains("is locked") && out.contains("13 of 13 files"),
        "{out}"
    );
    let mut wanted = names(&from, &root());
    wanted.retain(|name| !name.starts_with("locks"));
    assert_eq!(names(&to, &root()), wanted);
    let again = copy(&from, &to, false).0.unwrap();
    assert_eq!((again.files, again.bytes, again.there), (0, 0, FILES + 1));

    // And back.
    let back = Memory::default();
    copy(&to, &back, false).0.unwrap();
    assert_eq!(names(&back, &root()), wanted);
}

#[test]
fn two_repositories_are_not_mixed() {
    let (one, two) = (Memory::default(), Memory::default());
    fill(&one, &root(), 1);
    fill(&two, &root(), 2);
    let before = names(&two, &root());
    let why = copy(&one, &two, false).0.unwrap_err();
    assert!(why.contains("another repository"), "{why}");
    // Nor with the first half of another one.
    let _ = two.remove(&[(root(), File::Config)]);
    let why = copy(&one, &two, false).0.unwrap_err();
    assert!(why.contains("part of another repository"), "{why}");
    let left: BTreeSet<String> = &before - &names(&two, &root());
    assert_eq!(left, BTreeSet::from(["config".to_owned()]));
    let why = copy(&two, &one, false).0.unwrap_err();
    assert!(why.contains("no config"), "{why}");
}

#[test]
fn a_copy_that_breaks_off_anywhere_is_no_repository_and_goes_on() {
    for after in 0..=FILES {
        let (from, to) = (Memory::default(), Breaking::after(after, Cause::Full));
        fill(&from, &root(), 1);
        let why = copy(&from, &to, false).0.unwrap_err();
        assert!(why.contains("as it should"), "{why}");
        let config = to.memory.stat(&root(), &File::Config).map_err(|e| e.cause);
        assert_eq!(config, Err(Cause::Absent), "a config after {after} files");
        let copied = copy(&from, &to.memory, false).0.unwrap();
        assert_eq!((copied.files, copied.there), (FILES + 1 - after, after));
    }
}

#[test]
fn passing_failures_are_met_with_patience() {
    let (from, to) = (Memory::default(), Breaking::after(3, Cause::Busy));
    fill(&from, &root(), 1);
    let copied = copy(&from, &to, false).0.unwrap();
    assert_eq!(copied.files, FILES + 1);
}

#[test]
fn keys_come_first_and_each_kind_after_what_it_names() {
    let (from, to) = (Memory::default(), Breaking::after(u64::MAX, Cause::Full));
    fill(&from, &root(), 1);
    copy(&from, &to, false).0.unwrap();
    let mut kinds = to.saved.lock().unwrap().clone();
    kinds.dedup();
    let order = [
        Some(Kind::Keys),
        Some(Kind::Data),
        Some(Kind::Index),
        Some(Kind::Snapshots),
        None,
    ];
    assert_eq!(kinds, order);
}

/// The files of a kind in a folder.
fn files(dir: &TempDir, kind: &str) -> Vec<PathBuf> {
    let files = tree::read(dir.path()).into_keys();
    let mut files: Vec<PathBuf> = files.filter(|path| path.starts_with(kind)).collect();
    files.retain(|path| dir.path().join(path).is_file());
    files
        .into_iter()
        .map(|path| dir.path().join(path))
        .collect()
}

/// Changes a byte of a file and not its size.
fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[7] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn damaged_files_are_left_out_and_the_rest_is_copied() {
    let (dir, to) = (TempDir::new(), Memory::default());
    let from = Local::new(dir.path());
    fill(&from, &root(), 1);
    let mut wanted = names(&from, &root());
    let packs = files(&dir, "data");
    let large = packs
        .iter()
        .max_by_key(|path| path.metadata().unwrap().len());
    let (large, index) = (large.unwrap(), &files(&dir, "index")[0]);
    damage(large);
    fs::write(index, "").unwrap();
    for again in 0..2 {
        let copied = copy(&from, &to, false).0.unwrap();
        let (files, there) = [(FILES - 1, 0), (0, FILES - 1)][again];
        assert_eq!((copied.files, copied.there), (files, there));
        assert_eq!(copied.damaged, 2);
    }
    let left_out = |name: &String| {
        let mut damaged = [large, index].into_iter();
        name.starts_with("locks")
            || damaged.any(|path| name.contains(path.file_name().unwrap().to_str().unwrap()))
    };
    wanted.retain(|name| !left_out(name));
    assert!(wanted.contains("config"));
    assert_eq!(names(&to, &root()), wanted);
}

#[test]
fn what_is_there_is_read_where_that_is_wanted() {
    let (from, dir) = (Memory::default(), TempDir::new());
    let to = Local::new(dir.path());
    fill(&from, &root(), 1);
    copy(&from, &to, false).0.unwrap();
    let before = whole(dir.path());
    for kind in ["data", "index"] {
        damage(&files(&dir, kind)[0]);
    }
    let (copied, out) = copy_or_reread(&from, &to, false, true);
    let copied = copied.unwrap();
    assert_eq!((copied.files, copied.there), (2, FILES - 1));
    assert!(copied.bytes >= 2000, "{copied:?}");
    assert!(out.contains("12 of 12 files"), "{out}");
    assert_eq!(whole(dir.path()), before);
}

#[test]
fn the_commands_tell_of_what_is_damaged() {
    let (rig, dir, back) = (Rig::start(&[]), TempDir::new(), TempDir::new());
    fill(&Local::new(dir.path()), &root(), 1);
    let [pack, index] = ["data", "index"].map(|kind| files(&dir, kind).remove(0));
    damage(&pack);
    fs::write(&index, "").unwrap();
    let mut import = rig.spare_command(&["import", text(dir.path()), "laptop"]);
    let output = import.output().unwrap();
    let told = said(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for path in [&pack, &index] {
        assert_eq!(told.matches(text(path)).count(), 1, "{told}");
    }
    let sum = "2 damaged files of";
    assert!(
        told.contains("copied 11 files") && told.contains(sum),
        "{told}"
    );

    let mut export = rig.spare_command(&["export", "laptop", text(back.path())]);
    run(&mut export);
    let whole_copy = whole(back.path());
    damage(&files(&back, "data")[0]);
    let told = said(&export.output().unwrap());
    assert!(
        told.contains("copied 1 files") && told.contains("10 were there"),
        "{told}"
    );
    assert_eq!(whole(back.path()), whole_copy);
    rig.assert_clean(&[]);
}

/// A store that takes so many files and then fails: once if the failure may pass, else for ever.
struct Breaking {
    memory: Memory,
    saved: Mutex<Vec<Option<Kind>>>,
    left: Mutex<u64>,
    cause: Cause,
}

impl Breaking {
    fn after(files: u64, cause: Cause) -> Self {
        Self {
            memory: Memory::default(),
            saved: Mutex::default(),
            left: Mutex::new(files),
            cause,
        }
    }
}

impl Store for Breaking {
    fn create(&self, repo: &Repo) -> Result<(), Error> {
        self.memory.create(repo)
    }

    fn list(&self, repo: &Repo, kind: Kind, found: &mut Found<'_>) -> Result<(), Error> {
        self.memory.list(repo, kind, found)
    }

    fn stat(&self, repo: &Repo, file: &File) -> Result<u64, Error> {
        self.memory.stat(repo, file)
    }

    fn load(&self, repo: &Repo, file: &File, range: Option<Range>) -> Result<Loaded, Error> {
        self.memory.load(repo, file, range)
    }

    fn save(&self, repo: &Repo, file: &File, body: &mut Body<'_>) -> Result<(), Error> {
        let mut left = self.left.lock().unwrap();
        if *left == 0 {
            *left = if self.cause == Cause::Busy {
                u64::MAX
            } else {
                0
            };
            return Err(Error::new(self.cause, "it broke, as it should"));
        }
        self.memory.save(repo, file, body)?;
        *left -= 1;
        self.saved.lock().unwrap().push(file.kind());
        Ok(())
    }

    fn remove(&self, files: &[(Repo, File)]) -> Vec<Result<(), Error>> {
        self.memory.remove(files)
    }
}

/// A repository that the real restic made goes into the account, is checked there through the
/// server, and comes back byte for byte.
#[test]
fn a_real_repository_there_and_back() {
    let (rig, dir) = (Rig::start(&[]), TempDir::new());
    let place = |name: &str| dir.path().join(name);
    let (files, local) = (place("files"), place("local"));
    let (here, url) = (text(&local), rig.url("/laptop/"));
    let Some(restic) = Restic::find(RESTIC, here, dir.path()) else {
        return;
    };
    tree::grow(&files, 5, 6 << 20);
    restic.run(&["init"]);
    restic.run(&["backup", text(&files)]);
    tree::change(&files, 50);
    restic.run(&["backup", text(&files)]);

    let output = rig
        .spare_command(&["import", here, "laptop", "--dry-run"])
        .output()
        .unwrap();
    assert!(said(&output).contains("would copy"), "{}", said(&output));
    run(&mut rig.spare_command(&["import", here, "/laptop/"]));
    let remote = restic.with(url);
    remote.run(&["check", "--read-data"]);
    assert_eq!(remote.run(&["list", "snapshots"]).lines().count(), 2);
    let output = rig
        .spare_command(&["import", here, "laptop"])
        .output()
        .unwrap();
    assert!(
        said(&output).contains("copied 0 files"),
        "{}",
        said(&output)
    );

    let back = place("back");
    let there = back.to_str().unwrap();
    run(&mut rig.spare_command(&["export", "laptop", there]));
    assert_eq!(whole(&back), whole(&local));
    restic.with(there).run(&["check", "--read-data"]);
    rig.assert_clean(&[]);
    let nothing = rig
        .spare_command(&["export", "nothing", there])
        .output()
        .unwrap();
    assert_eq!(nothing.status.code(), Some(1), "{}", said(&nothing));
    let wrong = rig.spare_command(&["import"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2), "{}", said(&wrong));
}

/// The files of a repository by path, without locks, with their hashes.
fn whole(repository: &Path) -> BTreeSet<(PathBuf, [u8; 32])> {
    let entries = tree::read(repository).into_iter();
    let files = entries.filter_map(|(path, entry)| match entry {
        tree::Entry::File(bytes) if !path.starts_with("locks") => {
            Some((path, Sha256::digest(bytes).into()))
        }
        _ => None,
    });
    files.collect()
}
