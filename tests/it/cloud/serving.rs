//! The whole server over the emulated cloud: the statuses that clients get, and safety rules 4, 6,
//! 15 and 21, which hold on the wire alone.

use super::rig::{Cloud, id, ms, shard};
use crate::fake::{Endpoint, How, When};
use crate::served::Served;
use crate::tree::random;
use crate::waiting::eventually;
use restic_123pan::pan123::Pan123;
use std::thread;

/// A server over a cloud. It has no memory for bodies: those over 1 MiB are streamed.
fn serving(cloud: &Cloud) -> Served {
    Served::with(Pan123::new(&cloud.config()), 0, |_| {})
}

fn lock(bytes: &[u8]) -> String {
    format!("/host/locks/{}", id(bytes))
}

fn pack(bytes: &[u8]) -> String {
    format!("/host/data/{}", id(bytes))
}

/// What goes wrong in the cloud, and the status of a POST, a GET and a list then.
#[test]
fn troubles_have_their_statuses() {
    #[rustfmt::skip]
    let cases: [(&str, fn(&Cloud), [u16; 3]); 8] = [
        ("nothing", |_| {}, [200, 200, 200]),
        ("blocked", |c| c.set(|s| s.blocked = true), [503, 503, 503]),
        ("banned", |c| c.set(|s| s.banned = true), [503, 200, 200]),
        ("full", |c| c.set_space(10, 10), [507, 200, 200]),
        ("no traffic", |c| c.set_traffic(Some(0)), [200, 503, 200]),
        ("no list", |c| broken(c, Endpoint::List, &How::NullData), [200, 200, 502]),
        ("no address", |c| broken(c, Endpoint::DownloadInfo, &How::Html(404)), [200, 502, 200]),
        ("no bytes", |c| broken(c, Endpoint::Cdn, &How::Html(416)), [200, 502, 200]),
    ];
    for (name, trouble, statuses) in cases {
        println!("{name}");
        let cloud = Cloud::start();
        let server = serving(&cloud);
        for text in [&b"a pack"[..], b"another pack"] {
            assert_eq!(server.status("POST", &pack(text), text), 200);
        }
        // In the folder of the first, so that none is missing.
        let alike = (0_u64..).map(|n| n.to_le_bytes());
        let new = alike
            .into_iter()
            .find(|b| shard(id(b)) == shard(id(b"a pack")));
        let new = new.unwrap();
        trouble(&cloud);
        let found = [
            server.status("POST", &pack(&new), &new),
            server.status("GET", &pack(b"another pack"), b""),
            server.status("GET", "/host/data/", b""),
        ];
        assert_eq!(found, statuses, "{name}");
    }
}

fn broken(cloud: &Cloud, endpoint: Endpoint, how: &How) {
    cloud.fail_next(endpoint, u32::MAX, When::Before, how.clone());
}

/// The contract's causes as restic wants them.
#[test]
fn certainties_have_their_statuses() {
    let cloud = Cloud::start();
    let server = serving(&cloud);
    assert_eq!(server.status("GET", "/host/keys/", b""), 404);
    assert_eq!(server.status("POST", "/host/?create=true", b""), 200);
    assert_eq!(server.status("GET", "/host/keys/", b""), 200);
    assert_eq!(server.status("HEAD", &pack(b"x"), b""), 404);
    assert_eq!(server.status("DELETE", &pack(b"x"), b""), 200);
    assert_eq!(server.status("POST", "/host/config", b"a config"), 200);
    assert_eq!(server.status("POST", "/host/config", b"a config"), 200);
    assert_eq!(server.status("POST", "/host/config", b"another"), 403);
    assert_eq!(server.status("POST", &pack(b"one"), b"two"), 400);
    assert_eq!(
        server.status("POST", &pack(b""), b""),
        400,
        "no empty files"
    );
    assert_eq!(server.status("POST", &pack(b"one"), b"one"), 200);
    let ask = |range: &str| server.open().ask("GET", &pack(b"one"), range, b"").status;
    assert_eq!(ask("Range: bytes=1-\r\n"), 206);
    assert_eq!(ask("Range: bytes=3-\r\n"), 416);
    cloud.delete_by_hand(&format!(
        "restic{}",
        pack(b"one").replace("data/", &format!("data/{}/", shard(id(b"one"))))
    ));
    let index = format!("/host/index/{}", id(b"an index"));
    assert_eq!(
        server.status("POST", &index, b"an index"),
        500,
        "a pack is lost"
    );
}

/// Rule 4: a POST that is slow at the cloud lands before the DELETE that follows it.
#[test]
fn one_name_one_operation_at_a_time() {
    for _ in 0..5 {
        let cloud = Cloud::start();
        let server = serving(&cloud);
        server.status("POST", "/host/?create=true", b"");
        cloud.fail_next(Endpoint::Single, 1, When::Before, How::Hang(ms(100)));
        let (mut post, mut delete) = (server.open(), server.open());
        post.send(format!(
            "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nlock",
            lock(b"lock")
        ));
        eventually("the upload is under way", || {
            cloud.count(Endpoint::Single).calls == 1
        });
        delete.send(format!(
            "DELETE {} HTTP/1.1\r\nHost: localhost\r\n\r\n",
            lock(b"lock")
        ));
        assert_eq!(delete.answer(false).status, 200);
        assert_eq!(post.answer(false).status, 200);
        assert_eq!(cloud.tree().len(), 0, "the lock came back");
    }
}

/// Rule 4: a DELETE that is slow at the cloud doesn't hit the POST that follows it.
#[test]
fn a_slow_removal_does_not_hit_the_next_file() {
    let cloud = Cloud::start();
    let server = serving(&cloud);
    assert_eq!(server.status("POST", &lock(b"lock"), b"lock"), 200);
    cloud.fail_next(Endpoint::Trash, 1, When::Before, How::Hang(ms(100)));
    let mut delete = server.open();
    delete.send(format!(
        "DELETE {} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        lock(b"lock")
    ));
    eventually("the removal is under way", || {
        cloud.count(Endpoint::Trash).calls == 1
    });
    assert_eq!(server.status("POST", &lock(b"lock"), b"lock"), 200);
    assert_eq!(delete.answer(false).status, 200);
    assert_eq!(cloud.tree().len(), 1, "what was acknowledged last is gone");
}

/// Rule 6: a body that ends too early stores nothing, announced or in chunks.
#[test]
fn a_truncated_body_stores_nothing() {
    let cloud = Cloud::start();
    let server = serving(&cloud);
    server.status("POST", "/host/?create=true", b"");
    let large = random(1, 2 << 20);
    let chunk =
        |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    for (head, body) in [
        ("Content-Length: 9", b"a pack".to_vec()),
        ("Content-Length: 3000000", large.clone()),
        ("Transfer-Encoding: chunked", chunk(b"a pack")),
        ("Transfer-Encoding: chunked", chunk(&large)),
    ] {
        let named = if body.len() < 100 {
            pack(b"a pack")
        } else {
            pack(&large)
        };
        for path in [&named[..], "/host/config"] {
            let mut wire = server.open();
            wire.send(format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n"
            ))
            .send(&body)
            .end();
            drop(wire);
        }
    }
    thread::sleep(ms(200));
    assert_eq!(cloud.tree().len(), 0, "{:?}", cloud.tree());
}

/// Rule 6: a config in chunks has no hash and no length, so that only a plausible one is taken.
#[test]
fn a_config_in_chunks_must_be_plausible() {
    for (len, status) in [
        (31, 400),
        (32, 200),
        (150, 200),
        (64 << 10, 200),
        ((64 << 10) + 1, 400),
    ] {
        let cloud = Cloud::start();
        let server = serving(&cloud);
        let mut wire = server.open();
        wire.send(
            "POST /host/config HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
        )
        .send(format!("{len:x}\r\n"))
        .send(random(1, len))
        .send("\r\n0\r\n\r\n");
        assert_eq!(wire.answer(false).status, status, "{len} bytes");
        assert_eq!(
            cloud.tree().len(),
            usize::from(status == 200),
            "{len} bytes"
        );
    }
}

/// Rule 15: a list that fails midway has no end that a client could take for one.
#[test]
fn a_list_that_fails_midway_is_cut() {
    let cloud = Cloud::start();
    for n in 0..60_u64 {
        let bytes = random(n, 9);
        let name = id(&bytes);
        cloud.plant(&format!("restic/host/data/{}/{name}", shard(name)), &bytes);
    }
    let server = serving(&cloud);
    for skip in [4, 10, 16] {
        cloud.fail_after(skip, Endpoint::List, u32::MAX, When::Before, How::NullData);
        let answer = server.open().ask("GET", "/host/data/", "", b"");
        let whole = answer.status == 200 && answer.body.is_some();
        assert!(!whole, "after {skip}: {:?}", answer.text());
        cloud.clear_faults();
    }
    let answer = server.open().ask("GET", "/host/data/", "", b"");
    assert_eq!(answer.text().matches('"').count(), 120);
}

/// Rule 21: a refused POST's body is read away, so that the connection serves the next request.
#[test]
fn refused_bodies_are_read_away() {
    let cloud = Cloud::start();
    let server = serving(&cloud);
    assert_eq!(server.status("POST", "/host/config", b"a config"), 200);
    // More than is held before the cloud is asked.
    let body = random(1, 3 << 20);
    cloud.set(|s| s.banned = true);
    let mut wire = server.open();
    for (path, status) in [
        (pack(&body), 503),
        ("/host/config".to_owned(), 503),
        ("/nothing/here/is/data/x".to_owned(), 404),
        ("/host/data/".to_owned(), 405),
        (pack(&body), 503),
    ] {
        assert_eq!(wire.ask("POST", &path, "", &body).status, status, "{path}");
    }
    assert_eq!(wire.ask("HEAD", "/host/config", "", b"").status, 200);
}
