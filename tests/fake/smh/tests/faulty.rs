//! Ordered faults, lost answers, held calls, parallel writes.

use super::*;

#[test]
fn each_fault_before_and_after_its_effect() {
    let own = vec![
        How::Code(503, "ServerOverloaded".to_owned()),
        How::Data(json!({"path": ["x"]})),
    ];
    let make = |when, how| {
        let fake = Fake::start();
        let client = Client::new(&fake);
        fake.fail_next(Call::Mkdir, 1, when, how);
        let reply = client.call("PUT", "directory", "a", "", "");
        let made = fake.file("/a").is_some();
        assert_eq!((fake.faults_fired(), fake.faults_left()), (1, 0));
        assert_eq!(client.mkdir("a"), if made { 409 } else { 201 });
        (reply, made)
    };
    each_fault(own, make, |how, reply| match how {
        How::Code(..) => said(reply) == no(503, "ServerOverloaded"),
        How::Data(data) => reply.json() == *data,
        _ => false,
    });
}

#[test]
fn lost_answers_of_an_upload() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.fail_next(Call::Start, 1, When::After, How::Reset);
    assert_eq!(client.start("a", "ask", 5).status, 0);
    assert_eq!(fake.open_uploads(), 1);
    let ticket = ticket(&client.start("a", "ask", 5));
    fake.fail_next(Call::Put, 1, When::After, How::Reset);
    assert_eq!(put(&ticket, b"hello").status, 0);
    fake.fail_next(Call::Confirm, 1, When::After, How::Reset);
    assert_eq!(
        client.confirm(&ticket.key, "ask", crc64(b"hello")).status,
        0
    );
    assert_eq!(
        fake.file("/a").unwrap().bytes(),
        b"hello",
        "the PUT was applied"
    );
    let session = client.call("GET", "file", &ticket.key, "upload", "").json();
    assert_eq!(session["confirmed"], json!(true));
    fake.fail_next(Call::DeleteFile, 1, When::After, How::Reset);
    let delete = || client.call("DELETE", "file", "a", "permanent=1", "").status;
    assert_eq!([delete(), delete()], [0, 404]);
}

#[test]
fn the_storage_host_fails() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let ticket = ticket(&client.start("a", "ask", 1000));
    let bytes = noise(1000);
    fake.fail_next(
        Call::Put,
        1,
        When::Before,
        How::Code(500, "InternalError".to_owned()),
    );
    assert_eq!(said(&put(&ticket, &bytes)), no(500, "InternalError"));
    fake.fail_next(Call::Put, 1, When::Before, How::ResetInBody(100));
    assert_eq!(put(&ticket, &bytes).status, 0);
    let incomplete = client.confirm(&ticket.key, "ask", crc64(&bytes));
    assert_eq!(said(&incomplete), no(400, "UploadIncomplete"));
    assert_eq!(put(&ticket, &bytes).status, 200);
    assert_eq!(
        client.confirm(&ticket.key, "ask", crc64(&bytes)).status,
        200
    );
    let url = client.address("a", "");
    let get = |how: How| {
        fake.fail_next(Call::Get, 1, When::Before, how);
        send("GET", &url, "Range: bytes=100-199\r\n", b"")
    };
    assert_eq!(get(How::Cut).body, &bytes[100..150]);
    assert_eq!(get(How::OtherRange).body, &bytes[101..201]);
    assert_eq!(get(How::Whole).body, bytes);
    assert_ne!(get(How::OtherBytes).body, &bytes[100..200]);
    assert_eq!(get(How::Short).body, &bytes[100..199]);
    assert_eq!(
        said(&get(How::Code(503, "SlowDown".to_owned()))),
        no(503, "SlowDown")
    );
    fake.close(Host::Storage);
    let refused = std::net::TcpStream::connect(fake.storage_url().replace("http://", ""));
    assert!(refused.is_err());
    fake.open(Host::Storage);
    assert_eq!(send("GET", &url, "", b"").body, bytes);
    fake.fail_next(
        Call::List,
        1,
        When::After,
        How::OtherRows(json!({"size": "7"})),
    );
    let rows = client
        .call("GET", "directory", "", "by-marker=1", "")
        .json();
    assert_eq!(rows["contents"][0]["size"], "7");
}

#[test]
fn errors_may_come_as_200() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.set(|s| s.errors_as_200 = true);
    let reply = client.call("GET", "file", "none", "info", "");
    assert_eq!((reply.status, &reply.json()["status"]), (200, &json!(404)));
    assert_eq!(client.call("HEAD", "file", "none", "", "").status, 404);
}

#[test]
fn parallel_writes_may_conflict() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    client.mkdir("d");
    fake.set(|s| {
        s.path_conflict = true;
        s.latency_of.insert(Call::Start, 300);
    });
    let paths = ["d/a", "d/b", "c"];
    let mut statuses = std::thread::scope(|scope| {
        let client = &client;
        let threads = paths.map(|path| scope.spawn(move || client.start(path, "ask", 1).status));
        threads.map(|thread| thread.join().unwrap())
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 409]);
    assert_eq!(
        client.start("d/a", "ask", 1).status,
        201,
        "one after the other"
    );
}

#[test]
fn calls_are_held_and_counted() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.hold(1, When::After);
    assert_eq!(client.mkdir("a"), 201);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| client.mkdir("b"));
        while !fake.holds() {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(fake.living("/"), ["a", "b"]);
        fake.release();
        assert_eq!(held.join().unwrap(), 0);
    });
    assert_eq!(fake.trail(), [Call::Token, Call::Mkdir, Call::Mkdir]);
    let ticket = ticket(&client.start("c", "ask", 1));
    fake.hold(0, When::After);
    std::thread::scope(|scope| {
        let held = scope.spawn(|| put(&ticket, b"x").status);
        while !fake.holds() {
            std::thread::sleep(Duration::from_millis(1));
        }
        fake.release();
        assert_eq!(held.join().unwrap(), 0);
    });
    assert_eq!(
        client.confirm(&ticket.key, "ask", crc64(b"x")).status,
        200,
        "its bytes came"
    );
    fake.mix(7, 2);
    let statuses: Vec<u16> = (0..20).map(|n| client.mkdir(&format!("m{n}"))).collect();
    assert_eq!(fake.faults_fired(), 10, "{statuses:?}");
    fake.clear_faults();
    fake.set(|s| s.date_skew = 3600);
    let reply = client.call("HEAD", "directory", "", "", "");
    let date = reply.header("date");
    let date = date.and_then(|text| restic_123pan::civil::from_http(&text));
    let ahead = date.unwrap() - fake.hub.clock.now() / 1000;
    assert!((3595..=3600).contains(&ahead), "{ahead}");
}
