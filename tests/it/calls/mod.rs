//! How many calls everything costs, endpoint by endpoint: exact numbers, because 123pan's calls
//! are what there is least of. A number that rises is a loss, and one that falls is told here.

mod rates;
mod removals;
mod restic;
mod scale;
mod store;

use crate::account::{self, BASE};
use crate::fake::{Calls, Endpoint, Fake};
use restic_123pan::body::{Body, Budget};
use restic_123pan::cloud::Shared;
use restic_123pan::cloud::layout::Layout;
use restic_123pan::pan123::{Config, Pan123, Timing};
use restic_123pan::restic::{File, Id, Kind, Repo};
use restic_123pan::store::{Entry, Error, Store};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;

/// Calls by endpoint; those that weren't made are left out, and so is the CDN.
type Bill = BTreeMap<Endpoint, u64>;

/// The calls between two moments.
fn bill(before: &Calls, after: &Calls) -> Bill {
    let made = |(endpoint, count): (&Endpoint, &crate::fake::Count)| {
        let made = count.calls - before.of(*endpoint).calls;
        (made > 0 && *endpoint != Endpoint::Cdn).then_some((*endpoint, made))
    };
    after.endpoints.iter().filter_map(made).collect()
}

/// Does something and answers what it cost.
fn cost(cloud: &Fake, act: impl FnOnce()) -> Bill {
    let before = cloud.calls();
    act();
    bill(&before, &cloud.calls())
}

/// Fails unless exactly this was called.
fn expect(what: &str, bill: &Bill, expected: &[(Endpoint, u64)]) {
    let expected: Bill = expected.iter().copied().collect();
    assert_eq!(*bill, expected, "{what}: made (left) and expected (right)");
}

/// All calls but uploads and new folders, of which each file and folder needs one.
fn further(bill: &Bill) -> u64 {
    let needed = [Endpoint::Single, Endpoint::Mkdir];
    let others = bill.iter().filter(|(e, _)| !needed.contains(e));
    others.map(|(_, calls)| calls).sum()
}

/// A store for an account, at this share of the real rates.
fn config(cloud: &Fake, rate_share: f64) -> Config {
    let timing = Timing {
        // So that nothing depends on how fast the machine is.
        lately: Duration::from_secs(3600),
        ..Timing::default()
    };
    Config {
        shared: Shared {
            uploads: 8,
            rate_share,
            ..account::shared(timing)
        },
        ..account::config(cloud)
    }
}

/// What a client asks of a store, in the order in which restic asks.
struct Client {
    store: Pan123,
    repo: Repo,
    budget: Budget,
}

impl Client {
    fn over(config: &Config) -> Self {
        Self {
            store: Pan123::new(config),
            repo: Repo::new("").unwrap(),
            budget: Budget::new(64 << 20, None),
        }
    }

    /// A client of a server without a rate.
    fn of(cloud: &Fake) -> Self {
        Self::over(&config(cloud, 1000.0))
    }

    fn try_save(&self, file: File, bytes: &[u8]) -> Result<(), Error> {
        let mut source = bytes;
        let len = bytes.len() as u64;
        let mut body = Body::fixed(&mut source, len, file.id(), &self.budget).unwrap();
        self.store.save(&self.repo, &file, &mut body)
    }

    /// Stores a file that is named by its hash.
    fn save(&self, kind: Kind, bytes: &[u8]) -> File {
        let id = Id(Sha256::digest(bytes).into());
        let file = File::Hashed(kind, id);
        self.try_save(file, bytes).unwrap();
        file
    }

    fn list(&self, kind: Kind) -> Vec<Entry> {
        let mut all = Vec::new();
        let listed = self.store.list(&self.repo, kind, &mut |entry| {
            all.push(entry);
            Ok(())
        });
        listed.unwrap();
        all
    }

    fn load(&self, file: &File) -> Vec<u8> {
        let mut loaded = self.store.load(&self.repo, file, None).unwrap();
        let mut bytes = Vec::new();
        loaded.reader.read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn remove(&self, files: &[File]) {
        let files: Vec<_> = files.iter().map(|f| (self.repo.clone(), *f)).collect();
        for removed in self.store.remove(&files) {
            removed.unwrap();
        }
    }

    fn init(&self) {
        let stat = || self.store.stat(&self.repo, &File::Config).unwrap_err();
        drop(stat());
        self.store.create(&self.repo).unwrap();
        drop(stat());
        self.list(Kind::Keys);
        self.list(Kind::Snapshots);
        self.save(Kind::Keys, b"a key");
        self.try_save(File::Config, &[7; 155]).unwrap();
    }

    /// What every command begins with: config, key, lock.
    fn open(&self) -> File {
        assert_eq!(self.store.stat(&self.repo, &File::Config).unwrap(), 155);
        let key = self.list(Kind::Keys)[0];
        self.load(&File::Hashed(Kind::Keys, key.id));
        self.load(&File::Config);
        self.lock(b"a lock")
    }

    fn lock(&self, bytes: &[u8]) -> File {
        self.list(Kind::Locks);
        let lock = self.save(Kind::Locks, bytes);
        self.list(Kind::Locks);
        lock
    }

    /// A backup: so many packs, whose ids are spread as chance has it, an index that names them,
    /// and a snapshot.
    fn back_up(&self, packs: std::ops::Range<u32>) -> Vec<File> {
        let lock = self.open();
        self.list(Kind::Snapshots);
        self.list(Kind::Index);
        let start = packs.start;
        let save = |n: u32| self.save(Kind::Data, format!("pack {n}").as_bytes());
        let packs: Vec<File> = packs.map(save).collect();
        if !packs.is_empty() {
            self.save(Kind::Index, format!("index {start}").as_bytes());
        }
        let snapshot = format!("snapshot {start} {}", packs.len());
        self.save(Kind::Snapshots, snapshot.as_bytes());
        self.remove(&[lock]);
        packs
    }
}

/// A pack's place in a layout; its name begins with its number's last hex digits, the last one first,
/// so that packs fill the folders of both layouts by turns.
pub(crate) fn pack(layout: Layout, number: u64) -> String {
    let (low, high) = (number % 16, number / 16 % 16);
    let name = format!("{low:x}{high:x}{number:062x}");
    let folder = layout.folder(&Id::from_hex(&name).unwrap());
    format!("{BASE}/data/{folder}/{name}")
}

/// A repository of so many packs in a layout, with what else belongs to one.
pub(crate) fn plant(cloud: &Fake, layout: Layout, packs: u64) {
    cloud.plant(&format!("{BASE}/config"), &[7; 155]);
    let key = hex(b"a key");
    cloud.plant(&format!("{BASE}/keys/{key}"), b"a key");
    for kind in Kind::ALL {
        cloud.plant_folder(&format!("{BASE}/{}", kind.name()));
    }
    for number in 0..packs {
        cloud.plant_sized(&pack(layout, number), 1000);
    }
}

fn hex(bytes: &[u8]) -> String {
    let id = Id(Sha256::digest(bytes).into());
    id.to_string()
}
