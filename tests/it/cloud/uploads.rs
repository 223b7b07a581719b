//! How files get to the cloud: streams and their late etag, slices, hosts that are dead, and
//! what each of these leaves behind.

use super::rig::{Cloud, Server, id, log_of, ms, path};
use crate::fake::{Endpoint, How, Parts, Reuse, Single, Switches, When};
use crate::tree::random;
use restic_123pan::restic::{File, Id, Kind};
use restic_123pan::store::Cause;

fn whole(cloud: &Cloud, server: &Server, bytes: &[u8]) {
    let name = id(bytes);
    assert_eq!(cloud.file(&path(Kind::Data, name)).unwrap().bytes(), bytes);
    assert_eq!(server.load(Kind::Data, name).unwrap(), bytes);
    assert_eq!(cloud.tree().len(), 1);
}

/// A service that wants the etag first is met once: from then on bodies are held or spooled.
#[test]
fn a_late_etag_is_refused_once() {
    let cloud = Cloud::with(|s| s.parts = Parts::EtagFirst);
    let server = cloud.server().memory(0, Some(cloud.folder()));
    let bytes = random(1, 2 << 20);
    let log = log_of(|| {
        assert_eq!(server.save(Kind::Data, &bytes), Err(Cause::Cloud));
        assert_eq!(server.save(Kind::Data, &bytes), Ok(id(&bytes)));
    });
    let warned = |line: &&String| line.starts_with("WARN") && line.contains("--memory");
    assert_eq!(log.iter().filter(warned).count(), 1, "{log:?}");
    whole(&cloud, &server, &bytes);
    server.save(Kind::Data, &random(2, 2 << 20)).unwrap();
    assert_eq!(cloud.count(Endpoint::Single).calls, 3);
    // Neither memory nor a spool: 413, and the log names the options.
    let small = server.memory(0, None);
    let saved = small.save(Kind::Data, &random(3, 2 << 20));
    assert_eq!(saved, Err(Cause::TooLarge));
}

/// Where a late etag is taken, a stream goes out once and is never kept.
#[test]
fn a_late_etag_is_taken() {
    for early in [false, true] {
        let cloud = Cloud::with(|s| s.early_errors = early);
        let server = cloud.server().memory(0, None);
        let bytes = random(1, 5 << 20);
        server.save(Kind::Data, &bytes).unwrap();
        assert_eq!(cloud.count(Endpoint::Single).calls, 1);
        whole(&cloud, &server, &bytes);
    }
}

/// A wrong or short stream is withdrawn before 123pan can store it.
#[test]
fn a_bad_stream_is_withdrawn() {
    let cloud = Cloud::start();
    let server = cloud.server().memory(0, None);
    let bytes = random(1, 3 << 20);
    let wrong = File::Hashed(Kind::Data, Id([1; 32]));
    assert_eq!(server.save_as(&wrong, &bytes), Err(Cause::BadBody));
    let right = File::Hashed(Kind::Data, id(&bytes));
    let short = server.save_from(&right, (3 << 20) + 1, &mut &bytes[..]);
    assert_eq!(short, Err(Cause::BadBody));
    super::rig::eventually("both withdrawn", || cloud.calls().withdrawn == 2);
    assert_eq!(cloud.tree().len(), 0);
}

/// When one call fails again and again, slices are tried.
#[test]
fn slices_come_to_help() {
    let cases: [(&str, fn(&mut Switches)); 9] = [
        ("as documented", |_| {}),
        ("odd slices", |s| s.slice_size = 100_003),
        ("no servers", |s| s.servers_empty = true),
        ("a dead server first", |s| s.dead_server = true),
        ("verifying", |s| s.complete_verifying = 3),
        ("unfinished", |s| s.complete_unfinished = 3),
        ("both", |s| {
            (s.complete_verifying, s.complete_unfinished) = (2, 2)
        }),
        ("reuse is never", |s| s.reuse = Reuse::Never),
        ("ids as strings", |s| s.ids_as_strings = true),
    ];
    for (name, change) in cases {
        println!("{name}");
        let cloud = Cloud::with(|s| {
            s.single = Single::Only500;
            change(s);
        });
        let server = cloud.server();
        let bytes = random(1, 300_000);
        server.save(Kind::Data, &bytes).unwrap();
        whole(&cloud, &server, &bytes);
        // A try at a dead host doesn't arrive.
        let tries = if name == "a dead server first" {
            1..=3
        } else {
            3..=3
        };
        assert!(tries.contains(&cloud.count(Endpoint::Single).calls));
        let slices = if name == "odd slices" { 3 } else { 1 };
        assert_eq!(cloud.count(Endpoint::Slice).calls, slices);
    }
}

/// What an upload in slices may meet, and survives.
#[test]
fn slices_survive_faults() {
    for (endpoint, when, how) in [
        (Endpoint::Slice, When::Before, How::Reset),
        (Endpoint::Slice, When::After, How::Reset),
        (Endpoint::Slice, When::Before, How::Html(502)),
        (Endpoint::Complete, When::Before, How::Reset),
        (Endpoint::Complete, When::After, How::Cut),
        (Endpoint::Create, When::After, How::Reset),
        (Endpoint::Create, When::After, How::NullData),
        (
            Endpoint::Complete,
            When::Before,
            How::Code(1, "文件上传失败".to_owned()),
        ),
    ] {
        println!("{endpoint:?} {when:?} {how:?}");
        let cloud = Cloud::with(|s| (s.single, s.slice_size) = (Single::Only500, 100_000));
        let server = cloud.server();
        let bytes = random(1, 250_000);
        cloud.fail_next(endpoint, 1, when, how);
        server.save(Kind::Data, &bytes).unwrap();
        whole(&cloud, &server, &bytes);
    }
}

/// Content that 123pan has already needs no bytes; also when it names no number at once.
#[test]
fn known_content_is_reused() {
    for reuse in [Reuse::Yes, Reuse::NoId] {
        let cloud = Cloud::with(|s| (s.single, s.reuse) = (Single::Only500, reuse));
        let server = cloud.server();
        let mut elsewhere = cloud.server();
        elsewhere.turn_to("elsewhere");
        elsewhere.save(Kind::Data, b"known content").unwrap();
        let slices = cloud.count(Endpoint::Slice).calls;
        server.save(Kind::Data, b"known content").unwrap();
        assert_eq!(cloud.count(Endpoint::Slice).calls, slices, "{reuse:?}");
        let name = id(b"known content");
        assert_eq!(server.load(Kind::Data, name).unwrap(), b"known content");
        server
            .save(Kind::Index, b"an index")
            .unwrap_or_else(|e| panic!("{reuse:?}: {e:?}"));
    }
}

/// An upload host that is dead is left for the next one.
#[test]
fn a_dead_host_is_left() {
    let cloud = Cloud::with(|s| s.dead_server = true);
    let server = cloud.server();
    for n in 0..4 {
        server.save(Kind::Data, &random(n, 100)).unwrap();
    }
    assert_eq!(cloud.count(Endpoint::Domain).calls, 1);
    assert_eq!(cloud.count(Endpoint::Single).calls, 4);
}

/// The same for a stream: nothing of it was read, so that it goes to the next host.
#[test]
fn a_stream_goes_to_the_next_host() {
    let cloud = Cloud::with(|s| s.dead_server = true);
    let server = cloud.server().memory(0, None);
    let bytes = random(1, 3 << 20);
    server.save(Kind::Data, &bytes).unwrap();
    whole(&cloud, &server, &bytes);
}

/// No more uploads at once than configured; the last place is for small files.
#[test]
fn uploads_are_bounded() {
    let cloud = Cloud::with(|s| _ = s.latency_of.insert(Endpoint::Single, 30));
    let server = cloud.server_with(|c| c.shared.uploads = 3);
    std::thread::scope(|scope| {
        for n in 0..12_u64 {
            let server = &server;
            scope.spawn(move || server.save(Kind::Data, &random(n, 200_000)).unwrap());
        }
        std::thread::sleep(ms(40));
        for n in 0..3_u64 {
            let server = &server;
            scope.spawn(move || server.save(Kind::Keys, &random(n, 100)).unwrap());
        }
    });
    let peak = cloud.calls().uploads_peak;
    assert!(peak <= 3, "{peak} at once");
    assert_eq!(cloud.tree().len(), 15);
}

/// Rule 24: hosts that are spoken to in the clear get no token unless it is allowed. The API of
/// these tests is in the clear itself, which the rule can't hold against; `hosts` tests the rest.
#[test]
fn a_host_in_the_clear_is_used_where_all_is() {
    let cloud = Cloud::start();
    let server = cloud.server_with(|c| c.allow_http_upload = false);
    assert_eq!(server.save(Kind::Keys, b"a key"), Ok(id(b"a key")));
}
