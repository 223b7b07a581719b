//! Each kind of fault once, before and after the call was applied.

use super::super::gate::BLOCK_PAGE;
use super::*;

/// Tries to make a folder while a fault stands; answers what came back and whether it was made.
fn mkdir_under(when: When, how: How) -> (Reply, bool) {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.fail_next(Endpoint::Mkdir, 1, when, how);
    let body = json!({"parentID": 0, "name": "a"});
    let reply = client.post("/upload/v1/file/mkdir", &body);
    assert_eq!((fake.faults_fired(), fake.faults_left()), (1, 0));
    let made = fake.file("/a").is_some();
    if !made {
        client.mkdir(0, "a");
    }
    (reply, made)
}

#[test]
fn each_fault_once() {
    let own = vec![
        How::Code(1, "oh".to_owned()),
        How::WrongShape,
        How::NullData,
        How::Block,
        How::Data(json!({"dirID": 7})),
    ];
    each_fault(own, mkdir_under, |how, reply| match how {
        How::Code(..) => reply.code() == 1,
        How::WrongShape => reply.json()["data"].is_string(),
        How::NullData => reply.code() == 0 && reply.json()["data"].is_null(),
        How::Block => (reply.status, &*reply.body) == (403, BLOCK_PAGE.as_bytes()),
        How::Data(data) => reply.json()["data"] == *data,
        _ => false,
    });
}

#[test]
fn hangs_and_wrong_ids() {
    let start = std::time::Instant::now();
    let (reply, made) = mkdir_under(When::Before, How::Hang(Duration::from_millis(150)));
    assert!((reply.code(), made) == (0, true) && start.elapsed().as_millis() >= 150);
    let (reply, made) = mkdir_under(When::After, How::WrongId);
    assert!(made && reply.json()["data"]["dirID"] == json!(999_999_999_999_u64));
}

/// Hosts that can't be reached stand where good ones should.
#[test]
fn wrong_hosts() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    for (how, host) in [
        (How::UnknownHost, "http://nobody.invalid"),
        (How::DeadHost, "http://127.0.0.1:1"),
    ] {
        for endpoint in [Endpoint::Domain, Endpoint::DownloadInfo] {
            fake.fail_next(endpoint, 1, When::After, how.clone());
        }
        let domain = client.get("/upload/v2/file/domain").json();
        assert_eq!(domain["data"], json!([host]));
        let url = client.download_url(fake.plant("/f", b"0123456789"));
        assert!(url.starts_with(&format!("{host}/123-61/")), "{url}");
    }
}

/// The CDN sends something else than was asked for.
#[test]
fn wrong_bytes() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let url = client.download_url(fake.plant("/f", b"0123456789"));
    for (how, range, body) in [
        (How::OtherRange, "bytes 3-5/10", &b"345"[..]),
        (How::Short, "bytes 2-3/10", b"23"),
        (How::Cut, "bytes 2-4/10", b"2"),
    ] {
        fake.fail_next(Endpoint::Cdn, 1, When::Before, how);
        let reply = get(&url, "Range: bytes=2-4\r\n");
        assert_eq!(reply.header("content-range").as_deref(), Some(range));
        assert_eq!(reply.body, body);
    }
    fake.fail_next(Endpoint::Cdn, 1, When::Before, How::OtherBytes);
    let reply = get(&url, "");
    assert!(reply.whole && reply.body.len() == 10 && reply.body != b"0123456789");
    assert_eq!(get(&url, "").body, b"0123456789");
}

/// A port that is closed refuses connections, and is the same when it opens again.
#[test]
fn ports_close_and_open() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let address = fake.url().trim_start_matches("http://").to_owned();
    let mut idle = TcpStream::connect(&address).unwrap();
    for _ in 0..2 {
        fake.close(Host::Api);
        let error = TcpStream::connect(&address).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        fake.open(Host::Api);
        assert_eq!(client.get("/api/v1/user/info").status, 200);
    }
    assert!(!matches!(idle.read(&mut [0]), Ok(1..)));
    let last = fake.trail().last().copied();
    assert_eq!(last, Some(Endpoint::UserInfo));
}

#[test]
fn resets_are_resets() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let fails = |how| fake.fail_next(Endpoint::Single, 1, When::Before, how);
    fails(How::ResetInBody(1000));
    let reply = client.single(0, "big", &noise(3_000_000), true);
    assert_eq!((reply.status, fake.tree().len()), (0, 0));
    fake.fail_next(Endpoint::UserInfo, 1, When::Before, How::Reset);
    let host = fake.url();
    let mut stream = TcpStream::connect(host.trim_start_matches("http://")).unwrap();
    let headers = client.headers();
    write!(stream, "GET /api/v1/user/info HTTP/1.1\r\n{headers}\r\n").unwrap();
    let error = stream.read(&mut [0; 10]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn faults_wait_their_turn() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.fail_after(2, Endpoint::UserInfo, 1, When::Before, How::Html(500));
    let statuses = [(); 4].map(|()| client.get("/api/v1/user/info").status);
    assert_eq!(statuses, [200, 200, 500, 200]);
    fake.fail_next(Endpoint::Cdn, 1, When::Before, How::Cut);
    let url = client.download_url(fake.plant("/f", b"0123456789"));
    assert_eq!(get(&url, "").body, b"01234");
    assert_eq!(get(&url, "").body, b"0123456789");
}

#[test]
fn connections_are_kept_and_end_with_the_server() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let host = fake.url();
    let mut stream = TcpStream::connect(host.trim_start_matches("http://")).unwrap();
    let headers = client.headers();
    let mut buffer = [0; 4096];
    for _ in 0..3 {
        // Chunks and Expect, which ordinary clients may use.
        let json = "Content-Type: application/json\r\nExpect: 100-continue";
        write!(
            stream,
            "POST /api/v1/file/infos HTTP/1.1\r\n{headers}{json}\r\nTransfer-Encoding: \
             chunked\r\n\r\n5\r\n{{\"fil\r\nb\r\neIds\":[77]}}\r\n0\r\n\r\n"
        )
        .unwrap();
        let mut text = String::new();
        while !text.contains("trace-") {
            let n = stream.read(&mut buffer).unwrap();
            assert!(n > 0, "{text}");
            text.push_str(&String::from_utf8_lossy(&buffer[..n]));
        }
        assert!(text.starts_with("HTTP/1.1 100 Continue"), "{text}");
        assert!(text.contains("\"fileList\":[]"), "{text}");
        // The rest of the answer may still be on its way.
        stream
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        let _ = stream.read(&mut buffer);
        stream.set_read_timeout(None).unwrap();
    }
    drop(fake);
    assert!(!matches!(stream.read(&mut buffer), Ok(1..)));
}

#[test]
fn the_judge_sees_bad_manners() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let many: Vec<u64> = (0..101).collect();
    client.post("/api/v1/file/infos", &json!({"fileIds": many}));
    client.post(
        "/upload/v1/file/mkdir",
        &json!({"parentID": 0, "name": "a:b"}),
    );
    let upper = json!({"parentFileID": 0, "filename": "f", "size": 1, "etag": "AB".repeat(16)});
    client.post("/upload/v2/file/create", &upper);
    get(&format!("{}/api/v1/user/info", fake.url()), "");
    client.get("/api/v1/nonsense");
    fake.plant("/full/f", b"f");
    let full = fake.file("/full").unwrap().id;
    client.ids("/api/v1/file/trash", &[full]);
    let found = fake.complaints().join("\n");
    for part in [
        "101 ids",
        "bad name",
        "bad MD5",
        "no Platform",
        "no such call",
        "unknown place",
        "isn't empty",
    ] {
        assert!(found.contains(part), "{part} not in\n{found}");
    }
    fake.reset_counters();
    assert_eq!(fake.complaints(), [""; 0]);
}
