//! Safety rules 11, 13, 14, 15: a list is whole or it fails, whatever the cloud leaves out, shows
//! too late, or answers instead.

use super::rig::{BASE, Cloud, Server, folder, id, ms, path, sorted};
use crate::fake::{Cursor, Endpoint, How, When};
use crate::tree::random;
use restic_123pan::restic::{Id, Kind};
use restic_123pan::store::Cause;

fn save_many(server: &Server, kind: Kind, count: u64) -> Vec<Id> {
    let save = |n| server.save(kind, &random(n, 10)).unwrap();
    (0..count).map(save).collect()
}

/// Rule 11: nothing but a list is a list, whichever of its calls is answered so, and for how long.
#[test]
fn a_faulty_list_is_never_short() {
    for how in [
        How::NullData,
        How::WrongShape,
        How::Empty,
        How::BadJson,
        How::Html(200),
        How::Html(403),
        How::Html(404),
        How::Html(502),
        How::Code(1, "?".to_owned()),
        How::Code(5066, "文件不存在".to_owned()),
        How::Code(1, "请求被拒绝".to_owned()),
        How::Reset,
        How::Cut,
    ] {
        for kind in [Kind::Snapshots, Kind::Data] {
            for warm in [true, false] {
                let cloud = Cloud::with(|s| s.page_max = 2);
                let quick = || cloud.server_with(|c| c.shared.timing.retry = ms(5));
                let server = quick();
                let ids = save_many(&server, kind, 5);
                let server = if warm { server } else { quick() };
                for skip in 0..8 {
                    cloud.fail_after(skip, Endpoint::List, 1000, When::After, how.clone());
                    let listed = server.list(kind);
                    cloud.clear_faults();
                    let whole = listed == Ok(sorted(ids.clone()));
                    let failed = matches!(listed, Err(Cause::Cloud | Cause::Busy));
                    assert!(whole || failed, "{kind:?} {warm} after {skip}: {listed:?}");
                    assert!(failed || skip > 0, "a list without a call");
                }
            }
        }
    }
}

/// Rule 11: the same for the list that says whether a folder is there at all.
#[test]
fn a_faulty_list_makes_nothing_absent() {
    for how in [How::NullData, How::Html(404), How::Empty, How::WrongShape] {
        let cloud = Cloud::start();
        let pack = cloud.server().save(Kind::Data, b"a pack").unwrap();
        let server = cloud.hasty_server();
        for skip in 0..4 {
            cloud.fail_after(skip, Endpoint::List, 1000, When::Before, how.clone());
            let answers = [
                server.size(Kind::Data, pack).map(drop),
                server.load(Kind::Data, pack).map(drop),
                server.list(Kind::Data).map(drop),
                server.remove(Kind::Data, id(b"another")),
            ];
            cloud.clear_faults();
            let absent = answers.contains(&Err(Cause::Absent));
            assert!(!absent, "after {skip}: {answers:?}");
        }
    }
}

/// Rule 13: what this server has written and removed shows in its lists at once, and keeps showing
/// when the cloud's lists have caught up.
#[test]
fn own_writes_and_removals_show_at_once() {
    for kind in [Kind::Data, Kind::Keys, Kind::Snapshots, Kind::Index] {
        for lag_infos in [0, 100] {
            let cloud = Cloud::with(|s| {
                (s.lag_files, s.lag_mkdir, s.lag_trash) = (ms(100), ms(100), ms(100));
                s.lag_infos = ms(lag_infos);
            });
            let server = cloud.server();
            let mut ids = save_many(&server, kind, 4);
            assert_eq!(server.list(kind), Ok(sorted(ids.clone())), "{kind:?}");
            let gone = ids.remove(2);
            server.remove(kind, gone).unwrap();
            for _ in 0..4 {
                assert_eq!(server.list(kind), Ok(sorted(ids.clone())), "{kind:?}");
                assert_eq!(server.size(kind, gone), Err(Cause::Absent));
                std::thread::sleep(ms(40));
            }
            // Its name, given anew, isn't hidden by the removal.
            let again = save_many(&server, kind, 4);
            assert_eq!(server.list(kind), Ok(sorted(again)), "{kind:?} again");
        }
    }
}

/// Rule 13: when the time of own writes is over, `infos` knows what a list doesn't show.
#[test]
fn after_a_while_infos_decides() {
    let cloud = Cloud::start();
    let server = cloud.server_with(|c| c.shared.timing.overlay = ms(30));
    let ids = save_many(&server, Kind::Snapshots, 3);
    cloud.set(|s| s.list_hides = vec![ids[1].to_string(), ids[2].to_string()]);
    cloud.delete_by_hand(&path(Kind::Snapshots, ids[2]));
    std::thread::sleep(ms(40));
    let left = sorted([ids[0], ids[1]]);
    assert_eq!(server.list(Kind::Snapshots), Ok(left.clone()));
    cloud.set(|s| s.list_hides.clear());
    assert_eq!(server.list(Kind::Snapshots), Ok(left));
}

/// Rule 13: a removal that is undone by somebody is seen.
#[test]
fn a_restored_file_comes_back() {
    for kind in [Kind::Snapshots, Kind::Data] {
        let cloud = Cloud::start();
        let server = cloud.server_with(|c| c.shared.timing.overlay = ms(30));
        let name = server.save(kind, b"content").unwrap();
        let number = cloud.file(&path(kind, name)).unwrap().id;
        server.remove(kind, name).unwrap();
        cloud.restore_by_hand(number);
        std::thread::sleep(ms(40));
        assert_eq!(server.list(kind), Ok(vec![name]), "{kind:?}");
        assert_eq!(server.load(kind, name).unwrap(), b"content");
    }
}

/// Rule 13: another server's removal is believed although this one wrote the file just now, as
/// soon as the cloud shows it or the time of own writes is over.
#[test]
fn others_removals_are_believed() {
    for destroyed in [false, true] {
        let cloud = Cloud::start();
        let server = cloud.server_with(|c| c.shared.timing.overlay = ms(100));
        let name = server.save(Kind::Snapshots, b"a snapshot").unwrap();
        let path = path(Kind::Snapshots, name);
        match destroyed {
            true => cloud.delete_by_hand(&path),
            false => cloud.trash_by_hand(&path),
        };
        if destroyed {
            std::thread::sleep(ms(120));
        }
        assert_eq!(server.list(Kind::Snapshots), Ok(vec![]));
        assert_eq!(server.load(Kind::Snapshots, name), Err(Cause::Absent));
    }
}

/// Rule 14: rows that a cursor skips because others went meanwhile are found by whoever knows them.
#[test]
fn skipped_rows_are_found() {
    for kind in [Kind::Snapshots, Kind::Data] {
        let cloud = Cloud::with(|s| {
            (s.cursor, s.page_max) = (Cursor::Offset, 3);
            s.latency_of.insert(Endpoint::List, 20);
        });
        let server = cloud.server_with(|c| c.shared.timing.overlay = ms(1));
        let name = |n: u64| {
            let bytes = random(n, 10);
            (id(&bytes), bytes)
        };
        // All in one folder, also packs.
        let alike = |n: &u64| kind != Kind::Data || name(*n).0.0[0] < 8;
        let names: Vec<(Id, Vec<u8>)> = (0..).filter(alike).take(12).map(name).collect();
        for (_, bytes) in &names {
            server.save(kind, bytes).unwrap();
        }
        server.list(kind).unwrap();
        let gone = names[0].0;
        let listed = std::thread::scope(|scope| {
            let listing = scope.spawn(|| server.list(kind));
            std::thread::sleep(ms(50));
            cloud.delete_by_hand(&path(kind, gone));
            listing.join().unwrap().unwrap()
        });
        for (name, _) in &names[1..] {
            assert!(listed.contains(name), "{kind:?}: {name} was skipped");
        }
    }
}

/// Rule 14: a cursor that repeats or goes back starts the list again, once.
#[test]
fn lost_cursors_start_again_or_fail() {
    for cursor in [Cursor::Stuck, Cursor::Back] {
        for (times, whole) in [(1, true), (2, false), (0, false)] {
            let cloud = Cloud::start();
            let server = cloud.server();
            let ids = save_many(&server, Kind::Keys, 7);
            cloud.set(|s| (s.cursor, s.cursor_times, s.page_max) = (cursor, times, 2));
            let expected = match whole {
                true => Ok(sorted(ids)),
                false => Err(Cause::Cloud),
            };
            assert_eq!(server.list(Kind::Keys), expected, "{cursor:?} {times}");
        }
    }
}

/// Rule 15: a list that fails midway is an error after what it has told, never an end.
#[test]
fn a_list_that_fails_midway_is_an_error() {
    let cloud = Cloud::start();
    let server = cloud.hasty_server();
    let ids = save_many(&server, Kind::Data, 40);
    // The repository's folders come first, then those of the packs.
    cloud.fail_after(8, Endpoint::List, 1000, When::Before, How::NullData);
    let mut told = 0;
    let listed = server.store.list(&server.repo(), Kind::Data, &mut |_| {
        told += 1;
        Ok(())
    });
    assert_eq!(listed.unwrap_err().cause, Cause::Cloud);
    assert!(told > 0 && told < ids.len(), "{told} were told");
}

/// A client that goes away ends its list.
#[test]
fn a_list_ends_with_its_client() {
    let cloud = Cloud::start();
    // More than are read ahead.
    cloud.plant_folder(&format!("{}/00", folder(Kind::Data)));
    let server = cloud.server();
    save_many(&server, Kind::Data, 40);
    assert!(cloud.living(&folder(Kind::Data)).len() > 30);
    let before = cloud.count(Endpoint::List).calls;
    let listed = server.store.list(&server.repo(), Kind::Data, &mut |_| {
        Err(restic_123pan::store::Error::new(Cause::Client, "gone"))
    });
    assert_eq!(listed.unwrap_err().cause, Cause::Client);
    let calls = cloud.count(Endpoint::List).calls - before;
    assert!(calls < 30, "{calls} calls for nobody");
}

/// What isn't restic's is left out: other names, upper case, files of one folder in another,
/// folders, whatever lies in the bin.
#[test]
fn foreign_things_are_left_out() {
    let cloud = Cloud::start();
    let server = cloud.server();
    let key = server.save(Kind::Keys, b"a key").unwrap();
    let pack = server.save(Kind::Data, b"a pack").unwrap();
    let (keys, data) = (folder(Kind::Keys), folder(Kind::Data));
    cloud.plant(&format!("{keys}/readme.txt"), b"x");
    cloud.plant(&format!("{keys}/{}", key.to_string().to_uppercase()), b"x");
    cloud.plant(&format!("{keys}/{}(1)", id(b"other")), b"x");
    cloud.plant_folder(&format!("{keys}/{}", id(b"folder")));
    cloud.plant(&format!("{data}/{}", id(b"not in a shard")), b"x");
    cloud.plant(&format!("{data}/zz/{}", id(b"no shard")), b"x");
    let odd = id(b"another shard's");
    for other in ["0", "00", "1", "11"] {
        let first = other.chars().next().unwrap();
        let other = if odd.to_string().starts_with(first) {
            "f"
        } else {
            other
        };
        cloud.plant(&format!("{data}/{other}/{odd}"), b"x");
    }
    cloud.plant(&path(Kind::Keys, id(b"in the bin")), b"x");
    cloud.trash_by_hand(&path(Kind::Keys, id(b"in the bin")));
    cloud.plant(&format!("{BASE}/host/config/odd"), b"x");
    for server in [server, cloud.server()] {
        assert_eq!(server.list(Kind::Keys), Ok(vec![key]));
        assert_eq!(server.list(Kind::Data), Ok(vec![pack]));
        assert_eq!(server.size(Kind::Data, odd), Err(Cause::Absent));
    }
}

/// Pages of every length give the same list.
#[test]
fn pages_add_up() {
    for (count, page) in [(0, 100), (1, 1), (5, 2), (6, 3), (100, 100), (101, 100)] {
        let cloud = Cloud::with(|s| s.page_max = page);
        let server = cloud.server();
        server.create().unwrap();
        for n in 0..count {
            cloud.plant(&path(Kind::Index, id(&random(n, 9))), &random(n, 9));
        }
        let ids = (0..count).map(|n| id(&random(n, 9)));
        assert_eq!(server.list(Kind::Index), Ok(sorted(ids)), "{count} {page}");
    }
}
