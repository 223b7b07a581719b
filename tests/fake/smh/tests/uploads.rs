//! Uploads from start to confirm, the storage host, downloads.

use super::*;
use std::fmt::Write;

#[test]
fn nothing_is_there_before_confirm() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let bytes = noise(300_000);
    let orphan = client.start("r/data/x", "ask", bytes.len());
    assert_eq!(said(&orphan), no(404, "DirectoryNotFound"));
    client.mkdir("r/data");
    let start = client.start("r/data/x", "ask", bytes.len());
    assert_eq!(start.status, 201);
    let ticket = ticket(&start);
    let early = client.confirm(&ticket.key, "ask", crc64(&bytes));
    assert_eq!(said(&early), no(400, "UploadIncomplete"));
    assert_eq!(put(&ticket, &bytes).status, 200);
    assert_eq!(client.names("r/data", ""), [""; 0]);
    assert_eq!(client.call("HEAD", "file", "r/data/x", "", "").status, 404);
    let session = |key: &str| client.call("GET", "file", key, "upload", "").json();
    assert_eq!(session(&ticket.key)["confirmed"], json!(false));
    let wrong = client.confirm(&ticket.key, "ask", 1);
    assert_eq!(said(&wrong), no(400, "BadCrc64"));
    assert!(fake.file("/r/data/x").is_none());
    let done = client.confirm(&ticket.key, "ask", crc64(&bytes)).json();
    assert_eq!(done["path"], json!(["r", "data", "x"]));
    assert_eq!(done["size"], json!(bytes.len().to_string()));
    assert_eq!(done["isOverwritten"], json!(false));
    assert_eq!(fake.file("/r/data/x").unwrap().bytes(), bytes);
    let again = client.confirm(&ticket.key, "ask", crc64(&bytes));
    assert_eq!(said(&again), no(409, "UploadComplete"));
    assert_eq!(session(&ticket.key)["confirmed"], json!(true));
    assert_eq!(fake.open_uploads(), 0);
    let head = client.call("HEAD", "file", "r/data/x", "", "");
    assert_eq!(head.header("x-smh-size"), Some("300000".to_owned()));
    assert_eq!(head.header("x-smh-crc64"), Some(crc64(&bytes).to_string()));
    assert_eq!(fake.complaints(), [""; 0]);
}

#[test]
fn the_checksum_is_the_one_that_is_meant() {
    assert_eq!(crc64(b"123456789"), 11_051_210_869_376_104_954);
    assert_eq!(crc64(b""), 0);
}

#[test]
fn names_that_are_taken() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    client.mkdir("d/folder");
    assert_eq!(client.store("d/a", "ask", b"one").status, 200);
    let exists = no(409, "SameNameDirectoryOrFileExists");
    assert_eq!(said(&client.start("d/a", "ask", 1)), exists);
    assert_eq!(said(&client.start("d/folder", "overwrite", 1)), exists);
    let (first, second) = (client.start("d/b", "ask", 1), client.start("d/b", "ask", 1));
    let tickets = [ticket(&first), ticket(&second)];
    let results = tickets.map(|ticket| {
        put(&ticket, b"x");
        client.confirm(&ticket.key, "ask", crc64(b"x"))
    });
    assert_eq!(
        [results[0].status, results[1].status],
        [200, 409],
        "decided at confirm"
    );
    let over = client.store("d/a", "overwrite", b"two").json();
    assert_eq!(over["isOverwritten"], json!(true));
    assert_eq!(fake.file("/d/a").unwrap().bytes(), b"two");
    assert_eq!(fake.complaints(), [""; 0]);
    fake.set(|s| (s.history, s.overwritten_spelt_oddly) = (true, true));
    assert_eq!(
        said(&client.start("d/a", "overwrite", 1)),
        no(400, "OverwriteFileNotAllowed")
    );
    let unsaid = client.call("PUT", "file", "d/a", "filesize=1", "");
    let unsaid = ticket(&unsaid);
    put(&unsaid, b"x");
    let stored = client
        .call("POST", "file", &unsaid.key, "confirm", "")
        .json();
    assert_eq!(
        (&stored["name"], &stored["isOverwrittened"]),
        (&json!("a(1)"), &json!(false))
    );
    let noted = [
        "Start: no conflict_resolution_strategy",
        "Confirm: no crc64",
        "Confirm: no conflict_resolution_strategy",
    ];
    assert_eq!(fake.complaints(), noted);
}

#[test]
fn confirm_without_a_strategy_is_a_switch() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let started = ticket(&client.start("a", "overwrite", 1));
    put(&started, b"x");
    fake.plant("/a", b"old");
    fake.set(|s| s.unsaid = Unsaid::Rename);
    let done = client
        .call("POST", "file", &started.key, "confirm", "")
        .json();
    assert_eq!(done["name"], "a(1)");
    fake.set(|s| s.incomplete_status = 404);
    let key = ticket(&client.start("b", "ask", 1)).key;
    assert_eq!(
        said(&client.confirm(&key, "ask", 0)),
        no(404, "UploadIncomplete")
    );
    fake.set(|s| s.incomplete_times = 2);
    let late = ticket(&client.start("c", "ask", 1));
    put(&late, b"x");
    let statuses = [(); 3].map(|()| client.confirm(&late.key, "ask", crc64(b"x")).status);
    assert_eq!(statuses, [404, 404, 200]);
}

#[test]
fn uploads_end() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    client.mkdir("d");
    let aborted = ticket(&client.start("d/a", "ask", 1));
    assert_eq!(
        client
            .call("DELETE", "file", &aborted.key, "upload", "")
            .status,
        204
    );
    assert_eq!(
        said(&client.confirm(&aborted.key, "ask", 0)),
        no(404, "ConfirmKeyNotFound")
    );
    assert_eq!(said(&put(&aborted, b"x")), no(404, "NoSuchKey"));
    let late = ticket(&client.start("d/a", "ask", 1));
    fake.advance(Duration::from_secs(15 * 60));
    assert_eq!(said(&put(&late, b"x")), no(403, "AccessDenied"));
    let renewal = client.call("POST", "file", &late.key, "renew", "");
    assert_eq!(said(&renewal), no(400, "NotMultipartUpload"));
    let lost = ticket(&client.start("d/a", "ask", 1));
    put(&lost, b"x");
    fake.delete_by_hand("/d");
    let done = client.confirm(&lost.key, "ask", crc64(b"x"));
    assert_eq!((done.status, &done.json()["path"]), (200, &Value::Null));
    assert_eq!(fake.tree().len(), 0);
    assert_eq!(
        said(&put(&lost, b"x")),
        no(403, "AccessDenied"),
        "confirmed"
    );
}

#[test]
fn the_storage_host_wants_its_headers_and_nothing_of_ours() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let ticket = ticket(&client.start("a", "ask", 5));
    assert_eq!(
        said(&send("PUT", &ticket.url, "", b"x")),
        no(403, "AccessDenied")
    );
    let some = ticket
        .headers
        .replace("x-cos-security-token", "x-cos-other");
    let forged = send("PUT", &ticket.url, &some, b"hello");
    assert_eq!(said(&forged), no(403, "SignatureDoesNotMatch"));
    assert_eq!(fake.complaints(), ["Put: not the headers that start gave"]);
    fake.reset_counters();
    let url = format!("{}?access_token={}", ticket.url, client.token);
    assert_eq!(send("PUT", &url, &ticket.headers, b"hello").status, 400);
    assert_eq!(
        put(&ticket, b"hell").status,
        200,
        "a shorter length stores less"
    );
    let noted = fake.complaints();
    assert_eq!(noted.len(), 2, "{noted:?}");
    assert_eq!(
        said(&client.confirm(&ticket.key, "ask", crc64(b"hello"))),
        no(400, "BadCrc64")
    );
    fake.set(|s| s.early_errors = true);
    let other = ticket.url.replace("/o/", "/o/0");
    assert_eq!(
        said(&send("PUT", &other, &ticket.headers, b"hello")),
        no(404, "NoSuchKey")
    );
}

#[test]
fn bodies_of_odd_lengths() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let ticket = ticket(&client.start("a", "ask", 0));
    assert_eq!(put(&ticket, b"").status, 200);
    fake.set(|s| s.zero = Oddly::Status400);
    assert_eq!(put(&ticket, b"").status, 400);
    let path = ticket.url.splitn(4, '/').nth(3).unwrap();
    let mut chunked = format!("PUT /{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    write!(
        chunked,
        "{}Transfer-Encoding: chunked\r\n\r\n",
        ticket.headers
    )
    .unwrap();
    chunked.push_str("5\r\nhello\r\n0\r\n\r\n");
    let sent = || raw(&ticket.url, chunked.as_bytes(), false);
    assert_eq!(said(&sent()), no(411, "MissingContentLength"));
    fake.set(|s| s.chunked = Oddly::Stored);
    assert_eq!(sent().status, 200);
    let cut = &chunked.replace("Transfer-Encoding: chunked", "Content-Length: 500");
    assert_eq!(raw(&ticket.url, cut.as_bytes(), true).status, 0);
    assert_eq!(fake.calls().withdrawn, 1);
    assert_eq!(
        client.confirm(&ticket.key, "ask", crc64(b"hello")).status,
        200,
        "chunks stay"
    );
}

#[test]
fn uploads_in_parts() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let bytes = noise((2 << 20) + 5);
    let query = format!(
        "multipart&conflict_resolution_strategy=ask&filesize={}",
        bytes.len()
    );
    let start = client.call("POST", "file", "a", &query, "");
    let id = start.json()["uploadId"].as_str().unwrap().to_owned();
    let ticket = ticket(&start);
    let part = |number: u64, bytes: &[u8]| {
        let url = format!("{}?uploadId={id}&partNumber={number}", ticket.url);
        send("PUT", &url, &ticket.headers, bytes).status
    };
    let confirm = || client.confirm(&ticket.key, "ask", crc64(&bytes));
    assert_eq!(said(&confirm()), no(400, "MultipartUploadIncomplete"));
    assert_eq!(
        [
            part(1, &bytes[..1 << 20]),
            part(0, b"x"),
            part(10_001, b"x")
        ],
        [200, 400, 400]
    );
    assert_eq!(part(3, &bytes[2 << 20..]), 200);
    assert_eq!(said(&confirm()), no(400, "MultipartUploadIncomplete"));
    assert_eq!(part(2, &bytes[1 << 20..][..9]), 200);
    assert_eq!(said(&confirm()), no(400, "MultipartUploadPartTooSmall"));
    fake.advance(Duration::from_secs(15 * 60));
    assert_eq!(part(2, b"x"), 403);
    let renewed = client.call("POST", "file", &ticket.key, "renew", "");
    let renewed = super::ticket(&renewed);
    let url = format!("{}?uploadId={id}&partNumber=2", renewed.url);
    let middle = &bytes[1 << 20..2 << 20];
    assert_eq!(send("PUT", &url, &renewed.headers, middle).status, 200);
    let done = confirm().json();
    assert!(done["eTag"].as_str().unwrap().ends_with("-3\""), "{done}");
    assert_eq!(fake.file("/a").unwrap().bytes(), bytes);
}

#[test]
fn downloads_with_ranges() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let bytes = noise(100_000);
    fake.plant("/a", &bytes);
    let url = client.address("a", "period=60");
    let get = |headers: &str| send("GET", &url, headers, b"");
    assert!(get("").body == bytes);
    let part = get("Range: bytes=10-19\r\n");
    assert_eq!((part.status, &part.body[..]), (206, &bytes[10..20]));
    assert_eq!(
        part.header("content-range"),
        Some("bytes 10-19/100000".to_owned())
    );
    assert_eq!(
        part.header("x-cos-hash-crc64ecma"),
        Some(crc64(&bytes).to_string())
    );
    assert_eq!(
        said(&get("Range: bytes=100000-\r\n")),
        no(416, "InvalidRange")
    );
    assert_eq!(fake.calls().cdn_bytes, 100_010);
    assert_eq!(
        said(&send(
            "GET",
            &url.replace("-signature=", "-signature=0"),
            "",
            b""
        ))
        .0,
        403
    );
    fake.advance(Duration::from_secs(60));
    assert_eq!(said(&get("")), no(403, "AccessDenied"));
    let moved = client.call("GET", "file", "a", "", "");
    assert_eq!((moved.status, moved.header("x-smh-size")), (302, None));
    fake.set(|s| (s.redirect_tells, s.storage_redirects) = (true, true));
    let moved = client.call("GET", "file", "a", "", "");
    assert_eq!(moved.header("x-smh-size"), Some("100000".to_owned()));
    let there = send("GET", &moved.header("location").unwrap(), "", b"");
    assert_eq!(there.status, 302);
    assert!(send("GET", &there.header("location").unwrap(), "", b"").body == bytes);
    assert_eq!(fake.complaints(), [""; 0]);
    fake.set(|s| (s.storage_redirects, s.cuts_after) = (false, Some(500)));
    let url = client.address("a", "");
    assert_eq!(send("GET", &url, "", b"").body.len(), 500);
    let token = format!("Authorization: Bearer {}\r\n", client.token);
    assert_eq!(send("GET", &url, &token, b"").status, 400);
    assert_eq!(
        fake.complaints(),
        ["Get: authorization sent to the storage host"]
    );
    fake.set(|s| s.https_addresses = true);
    assert!(client.address("a", "").starts_with("https://127.0.0.1:"));
    fake.delete_by_hand("/a");
    assert_eq!(said(&send("GET", &url, "", b"")), no(404, "NoSuchKey"));
}
