//! Safety rule 22: what the cloud's failures are to a client. A passing fault is never one of the
//! causes that restic takes as final, whatever the cloud itself has said.

use super::rig::{BASE, Cloud, Server, eventually, id, ms, path};
use crate::fake::{Endpoint, How, When};
use restic_123pan::pan123::Tier;
use restic_123pan::restic::{File, Kind};
use restic_123pan::store::Cause;
use std::time::{Duration, Instant};

/// Everything that a client can ask, against a cloud in trouble.
fn ask_all(server: &Server) -> Vec<(&'static str, Result<(), Cause>)> {
    let (old, new) = (id(b"old"), id(b"new"));
    vec![
        ("list", server.list(Kind::Snapshots).map(drop)),
        ("list of packs", server.list(Kind::Data).map(drop)),
        ("size", server.size(Kind::Keys, old).map(drop)),
        ("load", server.load(Kind::Data, old).map(drop)),
        ("load new", server.load(Kind::Data, new).map(drop)),
        ("config", server.load_part(&File::Config, None).map(drop)),
        ("save", server.save(Kind::Data, b"new").map(drop)),
        ("save a lock", server.save(Kind::Locks, b"new").map(drop)),
        ("save a config", server.save_config(b"new")),
        ("remove", server.remove(Kind::Data, old)),
        ("remove a key", server.remove(Kind::Keys, old)),
        ("create", server.create()),
    ]
}

/// A wait that doesn't end within a test.
const PATIENT: Duration = Duration::from_secs(3600);

const ENDPOINTS: [Endpoint; 9] = [
    Endpoint::List,
    Endpoint::Infos,
    Endpoint::Mkdir,
    Endpoint::Domain,
    Endpoint::Single,
    Endpoint::Create,
    Endpoint::Trash,
    Endpoint::DownloadInfo,
    Endpoint::Cdn,
];

/// No fault of any call makes something absent, exist, full or out of range that isn't.
#[test]
fn no_fault_is_final() {
    for how in [
        How::Code(401, "token is expired".to_owned()),
        How::Code(429, "请求太频繁".to_owned()),
        How::Code(5000, "内部错误".to_owned()),
        How::Code(404, "not found".to_owned()),
        How::Code(403, "forbidden".to_owned()),
        How::Code(1, "?".to_owned()),
        How::Code(1, "请求被拒绝".to_owned()),
        How::Code(5066, "文件不存在".to_owned()),
        How::Html(401),
        How::Html(403),
        How::Html(404),
        How::Html(413),
        How::Html(416),
        How::Html(429),
        How::Html(503),
        How::Empty,
        How::Reset,
    ] {
        let cloud = Cloud::start();
        for kind in [Kind::Data, Kind::Keys, Kind::Snapshots] {
            cloud.server().save(kind, b"old").unwrap();
        }
        cloud.plant(&format!("{BASE}/host/config"), b"new");
        let server = cloud.server_with(|c| {
            (c.shared.timing.retry, c.shared.timing.rate_wait) = (ms(5), ms(5));
            (c.shared.timing.visible, c.shared.timing.ban) = (ms(5), ms(0));
            c.shared.timing.token_pause = Duration::from_secs(60);
        });
        for endpoint in ENDPOINTS {
            cloud.fail_next(endpoint, u32::MAX, When::Before, how.clone());
        }
        for (name, answer) in ask_all(&server) {
            let passing = matches!(
                answer,
                Ok(()) | Err(Cause::Cloud | Cause::Busy | Cause::Client)
            );
            assert!(passing, "{name} with {how:?}: {answer:?}");
        }
    }
}

/// A proxy's 507 is believed where something is stored, and nowhere else.
#[test]
fn only_what_stores_can_be_full() {
    for endpoint in ENDPOINTS {
        let cloud = Cloud::start();
        cloud.server().save(Kind::Data, b"old").unwrap();
        let server = cloud.server_with(|c| c.shared.timing.retry = ms(5));
        cloud.fail_next(endpoint, u32::MAX, When::Before, How::Html(507));
        for (name, answer) in ask_all(&server) {
            let stores = name.starts_with("save") || name == "create";
            let full = answer == Err(Cause::Full);
            assert!(stores || !full, "{name} with {endpoint:?}: {answer:?}");
        }
    }
}

/// The front door's block is a 403 of its own, and passes.
#[test]
fn a_block_passes() {
    let cloud = Cloud::start();
    let server = cloud.server();
    for kind in [Kind::Data, Kind::Keys, Kind::Snapshots] {
        server.save(kind, b"old").unwrap();
    }
    cloud.set(|s| s.blocked = true);
    for (name, answer) in ask_all(&server) {
        if name != "create" {
            assert_eq!(answer, Err(Cause::Busy), "{name}");
        }
    }
    cloud.set(|s| s.blocked = false);
    assert_eq!(server.list(Kind::Keys), Ok(vec![id(b"old")]));
}

/// Waiting for the rate has its bound, and so has repeating.
#[test]
fn patience_is_bounded() {
    for (how, most) in [
        (How::Html(429), ms(300)),
        (How::Code(5000, String::new()), ms(100)),
    ] {
        let cloud = Cloud::start();
        let server = cloud.server_with(|c| {
            (c.shared.timing.rate_wait, c.shared.timing.retry) = (ms(300), ms(100));
        });
        cloud.fail_next(Endpoint::List, u32::MAX, When::Before, how.clone());
        let start = Instant::now();
        assert!(server.list(Kind::Keys).is_err());
        let spent = start.elapsed();
        // What these times are in earnest, 20 s and two minutes, and what a busy machine takes, lie
        // far apart.
        assert!(spent < most + ms(15_000), "{how:?}: {spent:?}");
    }
}

/// A call too many is made again, later.
#[test]
fn a_429_is_waited_for() {
    for how in [How::Html(429), How::Code(429, "请求太频繁".to_owned())] {
        let cloud = Cloud::start();
        let server = cloud.server();
        // The window is that of the calls before.
        let start = Instant::now();
        server.save(Kind::Keys, b"a key").unwrap();
        cloud.fail_next(Endpoint::List, 1, When::Before, how);
        assert_eq!(server.list(Kind::Keys), Ok(vec![id(b"a key")]));
        assert!(start.elapsed() >= ms(900), "a second is the longest window");
    }
}

/// A full cloud is told as such, and ends the backup.
#[test]
fn a_full_cloud_is_full() {
    let cloud = Cloud::start();
    let server = cloud.server();
    server.save(Kind::Data, b"a pack").unwrap();
    cloud.set_space(1000, 990);
    assert_eq!(server.save(Kind::Data, &[1; 100]), Err(Cause::Full));
    let streaming = cloud.server().memory(0, None);
    assert_eq!(streaming.save(Kind::Data, &[1; 2 << 20]), Err(Cause::Full));
    assert_eq!(cloud.tree().len(), 1);
}

/// A ban is met once, then nothing is written until it may be over; reading goes on.
#[test]
fn a_ban_is_not_provoked() {
    let cloud = Cloud::start();
    let server = cloud.server_with(|c| c.shared.timing.ban = PATIENT);
    let hasty = cloud.server_with(|c| c.shared.timing.ban = ms(1));
    let pack = server.save(Kind::Data, b"a pack").unwrap();
    cloud.ban(Duration::from_secs(3600));
    let writes = || {
        let calls = [Endpoint::Single, Endpoint::Mkdir].map(|e| cloud.count(e).calls);
        calls.iter().sum::<u64>()
    };
    let before = writes();
    // The first one meets it, by an upload or by a folder that it needs.
    for n in 0..5 {
        assert_eq!(server.save(Kind::Data, &[n; 10]), Err(Cause::Busy));
        assert_eq!(server.save(Kind::Keys, &[n; 10]), Err(Cause::Busy));
    }
    assert_eq!(writes(), before + 1);
    assert_eq!(server.load(Kind::Data, pack).unwrap(), b"a pack");
    assert_eq!(hasty.save(Kind::Data, b"another pack"), Err(Cause::Busy));
    cloud.ban(Duration::ZERO);
    eventually("it is over", || {
        hasty.save(Kind::Data, b"another pack").is_ok()
    });
}

/// Used-up traffic: every GET is refused at once and without a call, until it may be back.
#[test]
fn used_up_traffic_asks_nothing() {
    let cloud = Cloud::start();
    let server = cloud.server_with(|c| c.shared.timing.traffic = PATIENT);
    let hasty = cloud.server_with(|c| c.shared.timing.traffic = ms(1));
    let one = server.save(Kind::Data, b"one pack").unwrap();
    let other = server.save(Kind::Data, b"other pack").unwrap();
    cloud.set_traffic(Some(0));
    assert_eq!(server.load(Kind::Data, one), Err(Cause::Busy));
    let before = cloud.calls().all();
    for _ in 0..5 {
        assert_eq!(server.load(Kind::Data, one), Err(Cause::Busy));
        assert_eq!(server.load(Kind::Data, other), Err(Cause::Busy));
    }
    assert_eq!(cloud.calls().all(), before, "calls for nothing");
    assert_eq!(hasty.load(Kind::Data, other), Err(Cause::Busy));
    cloud.set_traffic(None);
    eventually("it is back", || hasty.load(Kind::Data, other).is_ok());
}

/// A file that 123pan's content audit has rejected is told as an error, not as absent.
#[test]
fn a_rejected_file_is_not_absent() {
    let cloud = Cloud::start();
    let pack = cloud.server().save(Kind::Data, b"a pack").unwrap();
    cloud.set_status(&path(Kind::Data, pack), 101);
    let server = cloud.server();
    assert_eq!(server.list(Kind::Data), Ok(vec![pack]));
    assert_eq!(server.size(Kind::Data, pack), Ok(6));
}

/// The rates of every tier are kept, whatever is asked at once: a call of a kind follows the one
/// before no sooner than its rate allows. What the service makes of that is `calls::rates`'s.
#[test]
fn the_rate_is_kept() {
    use crate::fake::{Tier as Theirs, rate};
    for (theirs, ours) in [(Theirs::Free, Tier::Free), (Theirs::Vip, Tier::Vip)] {
        let cloud = Cloud::start();
        let server = cloud.server_with(|c| {
            (c.tier, c.shared.rate_share) = (Some(ours), 0.95);
            // However long they wait for their turns.
            (c.shared.timing.rate_wait, c.shared.timing.visible) = (PATIENT, PATIENT);
        });
        let start = Instant::now();
        std::thread::scope(|scope| {
            for n in 0..12_u8 {
                let server = &server;
                scope.spawn(move || server.save(Kind::Data, &[n; 10]).unwrap());
            }
        });
        let spent = start.elapsed().as_secs_f64();
        let calls = cloud.calls();
        for (endpoint, count) in &calls.endpoints {
            let most = rate(*endpoint, theirs).unwrap_or(f64::MAX) * spent;
            let apart = count.calls.saturating_sub(1) as f64;
            assert!(
                apart <= most,
                "{theirs:?}, {endpoint:?} in {spent} s: {calls:?}"
            );
        }
    }
}
