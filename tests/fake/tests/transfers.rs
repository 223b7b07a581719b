//! Uploads and downloads.

use super::*;

#[test]
fn single_uploads_in_any_order() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let bytes = noise(300_000);
    let first = client.single(0, "first", &bytes, false);
    assert_eq!(first.json()["data"]["completed"], true);
    client.store(0, "late", &bytes[..200_000]);
    assert_eq!(fake.file("/first").unwrap().bytes(), bytes);
    assert_eq!(fake.file("/late").unwrap().bytes(), &bytes[..200_000]);
    // Bytes that look like a boundary, but aren't it.
    let near = b"\r\n--b0undar\r\n\r\r\n--b0undarY--\r\n";
    client.store(0, "near", near);
    assert_eq!(fake.file("/near").unwrap().bytes(), near);
    fake.set(|s| s.parts = Parts::EtagFirst);
    assert_ne!(client.single(0, "refused", b"x", true).code(), 0);
    assert_eq!(client.single(0, "taken", b"x", false).code(), 0);
    assert_eq!(fake.living("/"), ["first", "late", "near", "taken"]);
    assert_eq!(fake.complaints(), [""; 0]);
}

#[test]
fn withdrawn_uploads_leave_nothing() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let parts: &[(&str, &[u8])] = &[
        ("parentFileID", b"0"),
        ("filename", b"gone"),
        ("size", b"5"),
        ("file", b"hello"),
        ("etag", b"5d41402abc4b2a76b9719d911017c592"),
    ];
    let path = "/upload/v2/file/single/create";
    let whole = form_body(parts).len();
    // The last cut misses only the two dashes and the line end of the closing boundary.
    let cuts: Vec<usize> = (0..whole - 4).step_by(37).chain([whole - 4]).collect();
    for cut in &cuts {
        assert_eq!(client.form(path, parts, Some(*cut)).status, 0, "{cut}");
    }
    assert_eq!(fake.tree().len(), 0);
    assert_eq!(fake.calls().withdrawn, cuts.len() as u64);
    assert_eq!(fake.calls().uploads, 0);
    // Bodies of the announced length, but without the closing boundary, or with half of it.
    for missing in [4, 16] {
        let (headers, body) = (client.headers(), form_body(parts));
        let kept = &body[..whole - missing];
        let head = format!(
            "POST {path} HTTP/1.1\r\n{headers}Content-Type: multipart/form-data; \
             boundary=b0undary\r\nContent-Length: {}\r\n\r\n",
            kept.len()
        );
        let reply = raw(&fake.upload_url(), &[head.as_bytes(), kept].concat(), false);
        assert_eq!((reply.status, fake.tree().len()), (0, 0));
    }
    assert_eq!(client.form(path, parts, None).code(), 0);
    assert_eq!(fake.tree().len(), 1);
}

#[test]
fn short_bodies_do_nothing() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let (headers, body) = (client.headers(), json!({"parentID": 0, "name": "a"}));
    let request = format!(
        "POST /upload/v1/file/mkdir HTTP/1.1\r\n{headers}Content-Type: application/json\r\n\
         Content-Length: 1000\r\n\r\n{body}"
    );
    assert_eq!(raw(&fake.url(), request.as_bytes(), true).status, 0);
    assert_eq!(fake.living("/"), [""; 0]);
}

#[test]
fn taken_names() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let old = client.store(0, "config", b"one");
    for (taken, code) in [
        (Taken::Repeat, 1),
        (Taken::Exists, 1),
        (Taken::Code5060, 5060),
    ] {
        fake.set(|s| s.taken = taken);
        assert_eq!(client.single(0, "config", b"two", true).code(), code);
    }
    fake.set(|s| s.taken = Taken::Suffix);
    client.store(0, "config", b"two");
    assert_eq!(fake.living("/"), ["config", "config(1)"]);
    fake.set(|s| s.taken = Taken::Twin);
    client.store(0, "config(1)", b"three");
    assert_eq!(fake.living("/"), ["config", "config(1)", "config(1)"]);
    assert_eq!(fake.complaints(), [""; 0]);
    let parts: &[(&str, &[u8])] = &[
        ("file", b"hello"),
        ("parentFileID", b"0"),
        ("filename", b"config"),
        ("size", b"5"),
        ("duplicate", b"2"),
        ("etag", b"5d41402abc4b2a76b9719d911017c592"),
    ];
    client.form("/upload/v2/file/single/create", parts, None);
    assert_ne!(fake.file("/config").unwrap().id, old);
    assert_eq!(fake.bin()[0].id, old);
    assert_eq!(fake.complaints().len(), 1, "config must not be replaced");
    let gone = client.get(&format!("/api/v1/file/download_info?fileId={old}"));
    assert_eq!(gone.code(), 5066);
}

#[test]
fn what_single_uploads_come_to() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    // Mode, code, HTTP status, there at once, there later.
    let table = [
        (Single::Unfinished, 0, 200, false, true),
        (Single::NoId, 0, 200, false, true),
        (Single::Queued, 1, 200, false, true),
        (Single::QueuedNever, 1, 200, false, false),
        (Single::Lost, 0, 200, false, false),
        (Single::StoredThen500, -1, 500, true, true),
        (Single::Only500, -1, 500, false, false),
        (Single::WrongSize, 0, 200, true, true),
        (Single::WrongEtag, 0, 200, true, true),
    ];
    for (mode, code, status, at_once, later) in table {
        fake.set(|s| (s.single, s.single_times) = (mode, 1));
        let name = format!("{mode:?}");
        let reply = client.single(0, &name, b"12", true);
        assert_eq!((reply.code(), reply.status), (code, status), "{mode:?}");
        let there = |fake: &Fake| fake.file(&format!("/{name}")).is_some();
        assert_eq!(there(&fake), at_once, "{mode:?}");
        fake.advance(Duration::from_secs(1));
        assert_eq!(there(&fake), later, "{mode:?}");
        client.store(0, &format!("after {name}"), b"34");
    }
    for name in ["again", "and again"] {
        fake.set(|s| (s.single, s.single_times) = (Single::Only500, 1));
        assert_eq!(
            client.single(0, name, b"56", true).status,
            500,
            "armed anew"
        );
    }
    assert_eq!(fake.file("/WrongSize").unwrap().size, 1);
    assert_ne!(fake.file("/WrongEtag").unwrap().etag, md5_hex(b"12"));
}

#[test]
fn sliced_uploads() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.set(|s| {
        s.slice_size = 1000;
        s.complete_verifying = 1;
        s.complete_unfinished = 1;
        s.poll_pause = Duration::ZERO;
    });
    let bytes = noise(2500);
    let body = json!({"parentFileID": 0, "filename": "f", "size": 2500, "etag": md5_hex(&bytes)});
    let data = client.data("/upload/v2/file/create", &body);
    assert_eq!(
        (&data["reuse"], &data["sliceSize"]),
        (&json!(false), &json!(1000))
    );
    let pre = data["preuploadID"].as_str().unwrap().to_owned();
    assert!(pre.len() > 200);
    let slice = |number: usize, bytes: &[u8]| {
        let (number, md5) = (number.to_string(), md5_hex(bytes));
        let parts: &[(&str, &[u8])] = &[
            ("preuploadID", pre.as_bytes()),
            ("sliceNo", number.as_bytes()),
            ("sliceMD5", md5.as_bytes()),
            ("slice", bytes),
        ];
        client.form("/upload/v2/file/slice", parts, None).code()
    };
    for number in [3, 1, 2] {
        let slices: Vec<&[u8]> = bytes.chunks(1000).collect();
        assert_eq!(slice(number, slices[number - 1]), 0);
    }
    let complete = || {
        client.post(
            "/upload/v2/file/upload_complete",
            &json!({"preuploadID": pre}),
        )
    };
    assert_eq!(complete().code(), 20103);
    assert_eq!(complete().json()["data"]["completed"], false);
    let done = complete().json()["data"].clone();
    assert_eq!(done["completed"], true);
    assert_eq!(complete().json()["data"], done, "once more");
    assert_eq!(fake.file("/f").unwrap().bytes(), bytes);
    let body = json!({"parentFileID": 0, "filename": "g", "size": 2500, "etag": md5_hex(&bytes)});
    assert_eq!(client.data("/upload/v2/file/create", &body)["reuse"], true);
    assert_eq!(fake.file("/g").unwrap().bytes(), bytes);
    assert_eq!(fake.complaints(), [""; 0]);
    assert_ne!(slice(0, &bytes[..1000]), 0);
    assert_eq!(fake.complaints().len(), 1);
}

#[test]
fn full_banned_blocked() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let message = |reply: Reply| reply.json()["message"].as_str().unwrap_or("").to_owned();
    fake.set_space(1000, 999);
    assert!(message(client.single(0, "a", b"12", true)).contains("空间不足"));
    fake.set_space(1000, 0);
    fake.ban(Duration::from_secs(9));
    assert!(message(client.single(0, "a", b"12", true)).contains("拒绝"));
    fake.advance(Duration::from_secs(10));
    client.store(0, "a", b"12");
    fake.set(|s| s.zero_refused = true);
    assert_ne!(client.single(0, "zero", b"", true).code(), 0);
    fake.set(|s| s.blocked = true);
    let blocked = client.single(0, "b", b"12", true);
    assert_eq!((blocked.status, blocked.code()), (403, -1));
}

#[test]
fn downloads_with_ranges() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let bytes = noise(100_000);
    let url = client.download_url(client.store(0, "f", &bytes));
    assert_eq!(get(&url, "").body, bytes);
    let part = get(&url, "Range: bytes=70000-70009\r\n");
    assert_eq!((part.status, &part.body[..]), (206, &bytes[70_000..70_010]));
    assert_eq!(
        part.header("content-range").unwrap(),
        "bytes 70000-70009/100000"
    );
    assert_eq!(get(&url, "Range: bytes=-5\r\n").body, &bytes[99_995..]);
    assert_eq!(get(&url, "Range: bytes=99990-\r\n").body, &bytes[99_990..]);
    assert_eq!(get(&url, "Range: bytes=100000-\r\n").status, 416);
    assert_eq!(fake.calls().cdn_bytes, 100_025);
    fake.set(|s| s.cdn_ignores_range = true);
    assert_eq!(get(&url, "Range: bytes=0-1\r\n").body.len(), 100_000);
    assert_eq!(fake.complaints(), [""; 0]);
    assert_eq!(get(&url, "Platform: open_platform\r\n").status, 400);
    assert_eq!(fake.complaints().len(), 1);
}

#[test]
fn downloads_that_fail() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let bytes = noise(50_000);
    let id = client.store(0, "f", &bytes);
    let url = client.download_url(id);
    fake.set(|s| s.cdn_redirects = true);
    let away = get(&url, "");
    assert_eq!(away.status, 302);
    assert_eq!(get(&away.header("location").unwrap(), "").body, bytes);
    fake.set(|s| {
        s.cdn_redirects = false;
        s.cdn_elsewhere.0 = 1;
        (s.cdn_cuts_after, s.cdn_cuts_times) = (Some(1000), 1);
    });
    assert_eq!(get(&url, "").json()["code"], 1010);
    let cut = get(&url, "");
    assert_eq!((cut.body.len(), cut.whole), (1000, false));
    assert!(get(&url, "").whole);
    fake.advance(Duration::from_secs(3 * 3600));
    assert_eq!(get(&url, "").status, 403);
    assert_eq!(get(&url.replace("&e=", "&e=9"), "").status, 403, "forged");
    fake.set_traffic(Some(50_000));
    assert_eq!(get(&client.download_url(id), "").body, bytes);
    let info = format!("/api/v1/file/download_info?fileId={id}");
    assert_eq!(client.get(&info).code(), 5113);
    fake.set_traffic(None);
    let fresh = client.store(0, "fresh", b"fresh");
    fake.set(|s| (s.download_verifying, s.download_missing) = (1, 1));
    let info = format!("/api/v1/file/download_info?fileId={fresh}");
    let codes = [(); 3].map(|()| client.get(&info).code());
    assert_eq!(codes, [20103, 5066, 0]);
    assert_eq!(fake.complaints().len(), 1, "asked again too early");
}

#[test]
fn disk_outlives_the_process() {
    let folder = std::env::temp_dir().join(format!("fake123pan-test-{}", std::process::id()));
    let options = || Options {
        disk: Some(folder.clone()),
        ..Options::default()
    };
    let bytes = noise(70_000);
    let (id, token) = {
        let fake = Fake::with(options()).unwrap();
        let client = Client::new(&fake);
        let id = client.store(client.mkdir(0, "d"), "f", &bytes);
        client.store(0, "gone", b"gone");
        fake.delete_by_hand("/gone");
        (id, client.token)
    };
    let fake = Fake::with(options()).unwrap();
    let client = Client { fake: &fake, token };
    assert_eq!(get(&client.download_url(id), "").body, bytes);
    assert_eq!(fake.tree().len(), 1);
    assert!(client.store(0, "next", b"next") > id);
    let files = std::fs::read_dir(folder.join("content")).unwrap().count();
    assert_eq!(files, 2, "content of deleted files is swept");
    drop(fake);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn discarded_content_keeps_its_row() {
    let discard = true;
    let fake = Fake::with(Options {
        discard,
        ..Options::default()
    })
    .unwrap();
    let client = Client::new(&fake);
    let bytes = noise(5000);
    client.store(0, "f", &bytes);
    let file = fake.file("/f").unwrap();
    assert_eq!((file.size, file.etag.clone()), (5000, md5_hex(&bytes)));
    assert_eq!(file.bytes().len(), 5000);
}
