//! What large repositories cost a server that knows nothing yet, and what many deletes cost.

use super::{BASE, Client, config, cost, expect, further, pack, plant};
use crate::fake::Endpoint::{
    Delete, Domain, DownloadInfo, Infos, List, Mkdir, Single, Token, Trash,
};
use crate::fake::Fake;
use crate::waiting::eventually;
use restic_123pan::cloud::layout::Layout;
use restic_123pan::pan123::Bin;
use restic_123pan::restic::{File, Id, Kind};
use restic_123pan::store::Store;
use std::sync::LazyLock;
use std::time::Duration;

/// An account that tests only read: 20,000 packs in 16 folders.
static LARGE: LazyLock<Fake> = LazyLock::new(|| {
    let cloud = Fake::start();
    plant(&cloud, Layout::Sixteen, 20_000);
    cloud
});

/// A planted pack, as clients name it.
fn planted(number: u64) -> File {
    let path = pack(Layout::Sixteen, number);
    let name = path.rsplit_once('/').unwrap().1;
    File::Hashed(Kind::Data, Id::from_hex(name).unwrap())
}

/// What a server that has just started does first with a repository of 20,000 packs. Its store
/// has the root, the repository's folder, and what is asked for to list: three calls, however
/// large `data` is.
#[test]
fn a_cold_server() {
    type Act = fn(&Client);
    let cases: [(&str, Act, &[_]); 4] = [
        (
            "the first list of locks",
            |client| assert!(client.list(Kind::Locks).is_empty()),
            &[(Token, 1), (List, 3)],
        ),
        (
            "the size of the config",
            |client| assert_eq!(client.store.stat(&client.repo, &File::Config).unwrap(), 155),
            &[(Token, 1), (List, 2)],
        ),
        (
            // `data` has one page, and the pack's own folder 13.
            "a pack",
            |client| assert_eq!(client.load(&planted(300)).len(), 1000),
            &[(Token, 1), (List, 3 + 13), (DownloadInfo, 1)],
        ),
        (
            // Each of the 16 folders has 13 pages.
            "the list of packs",
            |client| assert_eq!(client.list(Kind::Data).len(), 20_000),
            &[(Token, 1), (List, 3 + 16 * 13)],
        ),
    ];
    for (name, act, expected) in cases {
        let cloud = &*LARGE;
        let client = Client::of(cloud);
        expect(name, &cost(cloud, || act(&client)), expected);
    }
}

/// No list of any folder of packs: after root and repository these are keys, three of locks,
/// snapshots and index, `data`, and before the lock goes index, snapshots and
/// locks; and for locks, snapshots and index, empty at first, the repository's folder again.
#[test]
fn a_backup_by_a_cold_server() {
    let cloud = Fake::start();
    plant(&cloud, Layout::Sixteen, 20_000);
    let client = Client::of(&cloud);
    let bill = cost(&cloud, || drop(client.back_up(0..64)));
    expect(
        "a backup by a cold server",
        &bill,
        &[
            (Token, 1),
            (Domain, 1),
            (List, 15),
            (DownloadInfo, 2),
            (Single, 67),
            (Infos, 2),
            (Trash, 1),
        ],
    );
    assert!(further(&bill) <= 30);
}

/// A new repository: 600 packs make 16 folders and nothing else besides their uploads, and a server
/// that has just started lists them in 20 calls.
#[test]
fn a_first_backup() {
    let cloud = Fake::start();
    let client = Client::of(&cloud);
    client.init();
    let bill = cost(&cloud, || drop(client.back_up(0..600)));
    expect(
        "the backup",
        &bill,
        &[
            (Single, 603),
            (Mkdir, 16),
            // A call for each hundred packs before the index, and one before the snapshot.
            (Infos, 8),
            (List, 12),
            (DownloadInfo, 2),
            (Trash, 1),
        ],
    );
    let cold = Client::of(&cloud);
    let bill = cost(&cloud, || assert_eq!(cold.list(Kind::Data).len(), 600));
    expect("the list", &bill, &[(Token, 1), (List, 3 + 16)]);
    // The documented rate, and the share of it that is used by default.
    let free = 5.0 * 0.8;
    assert!(
        bill[&List] as f64 / free <= 6.0,
        "too slow on a free account"
    );
}

/// A repository in restic's own layout costs what its 256 folders cost, and no call more to know
/// it.
#[test]
fn a_cold_server_of_restics_own_layout() {
    let cloud = Fake::start();
    plant(&cloud, Layout::Restic, 20_000);
    let client = Client::of(&cloud);
    let list = || assert_eq!(client.list(Kind::Data).len(), 20_000);
    // `data` has three pages.
    expect(
        "the list",
        &cost(&cloud, list),
        &[(Token, 1), (List, 2 + 3 + 256)],
    );
    let client = Client::of(&cloud);
    let bill = cost(&cloud, || drop(client.back_up(0..64)));
    assert_eq!((bill[&Single], bill[&List]), (67, 15 + 2));
    assert!(!bill.contains_key(&Mkdir), "{bill:?}");
}

/// Every page once, and then no list at all to find any pack.
#[test]
fn a_list_of_100_000_packs() {
    let cloud = Fake::start();
    plant(&cloud, Layout::Sixteen, 100_000);
    let client = Client::of(&cloud);
    // 6,250 packs in a folder.
    let bill = cost(&cloud, || {
        assert_eq!(client.list(Kind::Data).len(), 100_000)
    });
    expect("the list", &bill, &[(Token, 1), (List, 3 + 16 * 64)]);
    let bill = cost(&cloud, || {
        assert_eq!(client.load(&planted(77_777)).len(), 1000)
    });
    expect("any pack", &bill, &[(DownloadInfo, 1)]);
}

/// 600 packs in batches as clients with so many connections bring them about, then purged. The
/// list before tells the store where they are.
#[test]
fn deletes_share_calls() {
    for (connections, trash) in [(5, 120), (50, 12), (100, 6)] {
        let cloud = Fake::start();
        plant(&cloud, Layout::Sixteen, 600);
        let mut config = config(&cloud, 1000.0);
        config.shared.bin = Bin::Purge;
        config.shared.timing.purge = Duration::from_millis(250);
        let client = Client::over(&config);
        client.list(Kind::Data);
        let packs: Vec<File> = (0..600).map(planted).collect();
        let before = cloud.calls();
        packs
            .chunks(connections)
            .for_each(|some| client.remove(some));
        eventually("the bin is empty", || cloud.bin().is_empty());
        let bill = super::bill(&before, &cloud.calls());
        assert_eq!(bill[&Trash], trash, "{connections} connections");
        // Six are needed; the first of them may go before the last hundred are there.
        assert!((6..=7).contains(&bill[&Delete]), "{bill:?}");
        assert_eq!(bill[&Delete], bill[&Infos], "each purge is confirmed first");
        assert!(
            cloud.tree().keys().all(|path| !path.contains("/data/")),
            "{BASE}"
        );
    }
}
