//! What each thing that a client does costs at the store, where nothing is left to chance.

use super::{Client, cost, expect, further};
use crate::fake::Endpoint::{self, Domain, DownloadInfo, Infos, List, Mkdir, Single, Token, Trash};
use crate::fake::Fake;
use restic_123pan::restic::{File, Kind, Range};
use restic_123pan::store::Store;
use std::io::Read;

/// A client, and what it has stored so far.
struct World {
    client: Client,
    packs: Vec<File>,
    lock: Option<File>,
}

/// Something done, and its calls.
type Step = (&'static str, fn(&mut World), &'static [(Endpoint, u64)]);

/// One after the other in a new repository.
#[rustfmt::skip]
const STEPS: &[Step] = &[
    (
        // Lists: the root, and again when the repository's folder has been made in it; that folder,
        // when those of the kinds have been made in it, for twins that another server may have made
        // (safety rule 16), and for its config; keys and snapshots, each with the repository's
        // folder again, since an empty list counts only while its folder is there (safety rule 12);
        // and once more, whether another config came first.
        "init",
        |world| world.client.init(),
        &[
            (Token, 1),
            (List, 9),
            (Mkdir, 6),
            (Domain, 1),
            (Single, 2),
            (Infos, 2),
        ],
    ),
    (
        // Lists: keys, locks three times, snapshots and index, which are empty still but for keys
        // and the second locks, so that four need the repository's folder too; and before the lock
        // goes, index, snapshots and locks.
        "backup of 64 packs",
        |world| world.packs = world.client.back_up(0..64),
        &[
            (Single, 67),
            (Mkdir, 16),
            (Infos, 2),
            (List, 12),
            (DownloadInfo, 2),
            (Trash, 1),
        ],
    ),
    (
        "unchanged backup",
        |world| drop(world.client.back_up(64..64)),
        &[(Single, 2), (List, 8), (Trash, 1)],
    ),
    ("snapshots", snapshots, &[(Single, 1), (List, 6), (Trash, 1)]),
    ("reading all packs, in parts, at once", read_all, &[(DownloadInfo, 64)]),
    ("reading them again", read_all, &[]),
    // Another server may have removed them.
    ("sizes of packs", sizes, &[(Infos, 64)]),
    ("a lock", |world| world.lock = Some(world.client.lock(b"first")), &[(Single, 1), (List, 3)]),
    ("its refreshment", refresh, &[(Single, 1), (List, 2), (Trash, 1)]),
    ("the list of packs", |world| drop(world.client.list(Kind::Data)), &[(List, 17)]),
    (
        "removing 64 packs at once",
        |world| world.client.remove(&std::mem::take(&mut world.packs)),
        &[(Trash, 1)],
    ),
];

#[test]
fn each_step_costs_its_calls() {
    let cloud = Fake::start();
    let mut world = World {
        client: Client::of(&cloud),
        packs: Vec::new(),
        lock: None,
    };
    for (name, act, expected) in STEPS {
        let bill = cost(&cloud, || act(&mut world));
        expect(name, &bill, expected);
        if *name == "backup of 64 packs" {
            assert!(further(&bill) <= 24, "{bill:?}");
        }
    }
    assert!(cloud.complaints().is_empty(), "{:?}", cloud.complaints());
}

fn snapshots(world: &mut World) {
    let lock = world.client.open();
    assert_eq!(world.client.list(Kind::Snapshots).len(), 2);
    world.client.remove(&[lock]);
}

/// Four parts of every pack, on four threads: clients read the parts they need.
fn read_all(world: &mut World) {
    let World { client, packs, .. } = world;
    let read = |part: usize| {
        for pack in packs.iter() {
            let range = Range::parse(&format!("bytes={part}-{part}")).unwrap();
            let loaded = client.store.load(&client.repo, pack, Some(range));
            let mut bytes = Vec::new();
            loaded.unwrap().reader.read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes, b"pack"[part..=part]);
        }
    };
    std::thread::scope(|scope| {
        for part in 0..4 {
            scope.spawn(move || read(part));
        }
    });
}

fn sizes(world: &mut World) {
    for pack in &world.packs {
        world.client.store.stat(&world.client.repo, pack).unwrap();
    }
}

/// restic stores a new lock and removes the old one, without looking at others.
fn refresh(world: &mut World) {
    world.client.save(Kind::Locks, b"second");
    world.client.remove(&[world.lock.take().unwrap()]);
}
