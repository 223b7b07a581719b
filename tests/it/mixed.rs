//! The real restic while 5 % of all calls to the cloud fail in mixed ways: it completes what users
//! do, and what lives in the cloud then is exactly what its index says.

use crate::fake::FileView;
use crate::restic::{RESTIC, Restic, text};
use crate::rig::Rig;
use crate::tree::{self, TempDir};
use restic_123pan::restic::hex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One of so many calls fails, which is 5 %, and the seed of how.
const FAULTS: (u64, u64) = (20, 1);
/// Bytes that are backed up.
const SIZE: usize = 40 << 20;
/// Where the repository is in the account.
const PLACE: &str = "/restic-backup/a/b";
/// Bytes of a pack besides its blobs and their entries: the header's length, and what encrypting
/// the header adds.
const PACK: u64 = 4 + 32;
/// Bytes of a blob's entry in the header, and of a compressed one's.
const ENTRY: (u64, u64) = (37, 41);

#[test]
fn restic_completes_while_calls_fail() {
    let rig = Rig::start(&[]);
    let dir = TempDir::new();
    let Some(restic) = Restic::find(RESTIC, rig.url("/a/b/"), dir.path()) else {
        return;
    };
    let (every, seed) = FAULTS;
    rig.cloud().mix(seed, every);
    let host = Host(restic);
    host.live(dir.path());
    let (calls, faults) = (rig.cloud().calls().all(), rig.cloud().faults_fired());
    println!("{faults} of {calls} calls failed");
    assert_eq!(faults, calls / every);
    rig.cloud().clear_faults();
    let cloud = rig.cloud();
    let paths = cloud.tree().into_keys();
    let files = paths.map(|path| {
        let file: FileView = cloud.file(&path).unwrap();
        assert_eq!(file.size, file.bytes().len() as u64, "{path}");
        let (folder, name) = path.rsplit_once('/').unwrap();
        let rows = cloud.living(folder);
        let rows = rows.iter().filter(|row| *row == name).count();
        assert_eq!(rows, 1, "rows of {path}");
        (path, file.bytes())
    });
    host.compare(PLACE, &files.collect());
    assert_eq!(rig.cloud().complaints(), [""; 0]);
}

/// A machine that backs up.
pub(crate) struct Host(pub(crate) Restic);

impl Host {
    /// What a user does in some weeks.
    pub(crate) fn live(&self, dir: &Path) {
        let files = dir.join("files");
        tree::grow(&files, 1, SIZE);
        self.run(&["init"]);
        self.back_up(&files);
        tree::change(&files, 2);
        self.back_up(&files);
        self.run(&["check", "--read-data"]);
        let words = ["--keep-last", "1", "--prune", "--max-unused", "0"];
        self.run(&[&["forget"][..], &words].concat());
        self.run(&["check", "--read-data"]);
        self.0.restore_and_compare(&files);
    }

    fn back_up(&self, files: &Path) {
        // The smallest packs that restic makes.
        self.run(&["backup", "--pack-size", "4", text(files)]);
    }

    /// Runs a command, which must succeed; what it prints.
    fn run(&self, words: &[&str]) -> String {
        self.0.run(words)
    }

    fn ids(&self, kind: &str) -> BTreeSet<String> {
        let printed = self.run(&["list", kind, "--no-lock"]);
        printed.lines().map(str::to_owned).collect()
    }

    /// Packs and their sizes, by the index.
    fn index(&self) -> BTreeMap<String, u64> {
        let mut packs = BTreeMap::new();
        for id in self.ids("index") {
            let printed = self.run(&["cat", "index", &id, "--no-lock"]);
            let index: Value = serde_json::from_str(&printed).unwrap();
            for pack in index["packs"].as_array().unwrap() {
                let blobs = pack["blobs"].as_array().unwrap().iter();
                let size = PACK + blobs.map(blob).sum::<u64>();
                packs.insert(pack["id"].as_str().unwrap().to_owned(), size);
            }
        }
        packs
    }

    /// Compares what restic says with what lives in the cloud, in the repository's folder there.
    pub(crate) fn compare(&self, place: &str, files: &BTreeMap<String, Vec<u8>>) {
        let packs = self.index();
        let named: BTreeSet<String> = packs.keys().cloned().collect();
        assert_eq!(self.ids("packs"), named, "packs, and those of the index");
        let mut wanted: BTreeSet<String> = BTreeSet::from([format!("{place}/config")]);
        let pack = |id: &String| format!("{place}/data/{}/{id}", &id[..1]);
        wanted.extend(named.iter().map(pack));
        for kind in ["keys", "snapshots", "index"] {
            let path = |id: &String| format!("{place}/{kind}/{id}");
            wanted.extend(self.ids(kind).iter().map(path));
        }
        let found: BTreeSet<String> = files.keys().cloned().collect();
        assert_eq!(
            found, wanted,
            "what lives in the cloud, and what restic knows"
        );
        for (path, bytes) in files {
            let (_, name) = path.rsplit_once('/').unwrap();
            assert!(
                name == "config" || hex(&Sha256::digest(bytes)) == name,
                "{path}"
            );
            let size = bytes.len() as u64;
            let by_index = packs.get(name).copied().unwrap_or(size);
            assert_eq!(size, by_index, "{path}, by the index");
        }
    }
}

/// Bytes that a blob takes up in its pack, with its entry in the header.
fn blob(blob: &Value) -> u64 {
    let entry = match blob["uncompressed_length"].is_null() {
        true => ENTRY.0,
        false => ENTRY.1,
    };
    blob["length"].as_u64().unwrap() + entry
}
