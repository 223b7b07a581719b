//! Servers that use a repository for the first time, on a cloud that lets two folders of one name
//! stand side by side: each of them makes its own, and sees what the other one stores all the same.

use super::super::rig::{BASE, Cloud, Server, fast, folder, id, log_of, ms, path, sorted};
use restic_123pan::pan123::Timing;
use restic_123pan::restic::{Id, Kind};
use restic_123pan::store::Cause;
use std::thread;

/// How far lists are behind with new folders, in milliseconds.
const LAGS: [u64; 2] = [0, 100];

/// A cloud of twins.
fn cloud(lag: u64) -> Cloud {
    Cloud::with(|s| {
        (s.mkdir_twins, s.lag_mkdir) = (true, ms(lag));
        (s.tokens_live, s.tokens_allowed, s.tokens_most) = (100, 100, 100);
    })
}

/// Two servers that don't give up on a busy machine.
fn pair(cloud: &Cloud) -> [Server; 2] {
    [(), ()].map(|()| {
        cloud.server_with(|config| {
            config.shared.timing = Timing {
                visible: ms(60_000),
                overlay: ms(60_000),
                ..fast()
            };
        })
    })
}

/// What is looked at when two servers have stored a file each.
type Check = fn(&Cloud, [(&Server, Id); 2], Kind);

/// Looks for each kind, each lag, and each folder down to which all are there before; the kinds at
/// the same time, since most of it is waiting.
fn each(check: Check) {
    thread::scope(|scope| {
        for kind in Kind::ALL {
            scope.spawn(move || {
                for lag in LAGS {
                    for there in ["", BASE, "restic/host", &folder(kind)] {
                        println!("{kind:?}, {lag} ms, there: {there:?}");
                        for together in [false, true] {
                            store(kind, lag, there, together, check);
                        }
                    }
                }
            });
        }
    });
}

/// Two servers that both have looked store a file each, one after the other or at one moment.
fn store(kind: Kind, lag: u64, there: &str, together: bool, check: Check) {
    let cloud = cloud(lag);
    if !there.is_empty() {
        cloud.plant_folder(there);
    }
    let [one, other] = &pair(&cloud);
    for server in [one, other] {
        assert_eq!(server.list(kind).unwrap_or_default(), []);
    }
    let [mine, theirs] = alike(kind);
    let saved = thread::scope(|scope| {
        let first = scope.spawn(|| one.save(kind, &mine).unwrap());
        while !together && !first.is_finished() {
            thread::sleep(ms(1));
        }
        let second = other.save(kind, &theirs).unwrap();
        [first.join().unwrap(), second]
    });
    // Clients know of each other's packs by index files, which are younger.
    cloud.advance(ms(lag));
    check(&cloud, [(one, saved[0]), (other, saved[1])], kind);
}

/// Contents of two files that belong into one folder.
fn alike(kind: Kind) -> [[u8; 8]; 2] {
    let all = (0..).map(u64::to_le_bytes);
    let mut all = all.filter(|bytes| kind != Kind::Data || id(bytes).0[0] == 7);
    [(); 2].map(|()| all.next().unwrap())
}

#[test]
fn each_lists_what_the_other_stores() {
    each(|_, [(one, mine), (other, theirs)], kind| {
        let both = Ok(sorted([mine, theirs]));
        assert_eq!([one.list(kind), other.list(kind)], [both.clone(), both]);
    });
}

#[test]
fn each_looks_for_what_the_other_stores() {
    each(|_, [(one, mine), (other, theirs)], kind| {
        assert_eq!(
            [one.size(kind, theirs), other.size(kind, mine)],
            [Ok(8), Ok(8)]
        );
    });
}

#[test]
fn each_reads_what_the_other_stores() {
    each(|_, [(one, mine), (other, theirs)], kind| {
        let [of_one, of_other] = alike(kind).map(|bytes| Ok(bytes.to_vec()));
        assert_eq!(
            [one.load(kind, theirs), other.load(kind, mine)],
            [of_other, of_one]
        );
    });
}

#[test]
fn each_removes_what_the_other_stores() {
    each(|cloud, [(one, mine), (other, theirs)], kind| {
        assert_eq!(
            [one.remove(kind, theirs), other.remove(kind, mine)],
            [Ok(()), Ok(())]
        );
        assert!(cloud.tree().is_empty(), "{:?}", cloud.tree());
    });
}

/// Of two that make the repository at one moment, one alone gets its config.
#[test]
fn there_is_one_config() {
    for lag in LAGS {
        let cloud = cloud(lag);
        let [one, other] = &pair(&cloud);
        let saved = thread::scope(|scope| {
            let first = scope.spawn(|| one.create().and_then(|()| one.save_config(&[1; 155])));
            let second = other.create().and_then(|()| other.save_config(&[2; 155]));
            [first.join().unwrap(), second]
        });
        let won = saved.iter().filter(|saved| saved.is_ok()).count();
        assert!(won <= 1, "{lag} ms: {saved:?}");
        let configs = cloud
            .tree()
            .into_keys()
            .filter(|path| path.ends_with("/config"));
        assert_eq!(configs.count(), won, "{lag} ms");
    }
}

/// A twin of a folder brings twins of what was known inside it.
#[test]
fn what_is_in_a_new_twin_is_read() {
    for kind in Kind::ALL {
        let cloud = cloud(0);
        let [mut server, _] = pair(&cloud);
        let mine = server.save(kind, &alike(kind)[0]).unwrap();
        let (host, theirs) = (format!("{BASE}/host"), id(&alike(kind)[1]));
        let mut twin = cloud.plant_twin_folder(&host);
        let within = path(kind, theirs);
        let within = within.strip_prefix(&format!("{host}/")).unwrap();
        let (folders, name) = within.rsplit_once('/').unwrap();
        for folder in folders.split('/') {
            twin = cloud.plant_folder_into(twin, folder);
        }
        cloud.plant_into(twin, name, &alike(kind)[1]);
        // Looking for another repository shows it.
        server.turn_to("elsewhere");
        let log = log_of(|| assert_eq!(server.list(kind), Err(Cause::Absent)));
        assert!(log.iter().any(|line| line.starts_with("WARN")), "{log:?}");
        server.turn_to("host");
        assert_eq!(server.list(kind), Ok(sorted([mine, theirs])), "{kind:?}");
    }
}
