//! Uploads and downloads: forms, names that are taken, what is refused, addresses, ranges.

use super::*;

#[test]
fn a_form_puts_a_file_where_it_says() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let bytes = noise(100_000);
    let path = [
        ("parent_path[]", "d"),
        ("parent_path[]", "e"),
        ("path_from_root", "false"),
    ];
    assert_eq!(said(&client.upload(&path, "a", &bytes)), (200, 0));
    assert_eq!(said(&client.upload(&path[..2], "b", b"b")), (200, 0));
    assert_eq!(fake.living(), ["d/e/a", "d/e/b"], "one folder of each name");
    assert_eq!(fake.files("d/e/a")[0].bytes(), bytes);
    let id = client.page("").json()["data"]["files"][0]["id"]["open_id"].clone();
    let parent = [("parent_id", id.as_str().unwrap())];
    assert_eq!(said(&client.upload(&parent, "c", b"c")), (200, 0));
    assert_eq!(fake.files("d/c").len(), 1);
    assert_eq!(
        said(&client.upload(&[("parent_id", "x")], "c", b"c")),
        (404, 40_400)
    );
    fake.set(|s| s.makes_folders = false);
    assert_eq!(said(&client.store("none", "a", b"a")), (404, 40_400));
    assert_eq!(said(&client.store("d", "f", b"f")), (200, 0));
    assert_eq!(fake.complaints(), [""; 0]);
    client.upload(&[("path_from_root", "true")], "a", b"a");
    assert_eq!(fake.complaints(), ["Upload: outside the app's folder"]);
}

#[test]
fn a_form_that_breaks_off_leaves_nothing() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let form = form(&[], "a", &noise(1000));
    let head = format!(
        "POST {PERSONAL}/files/upload?access_token={} HTTP/1.1\r\nHost: x\r\n\
         Content-Type: multipart/form-data; boundary=xyz\r\nContent-Length: {}\r\n\r\n",
        client.token,
        form.len()
    );
    for end in [form.len() - 1, form.len() - 10, 500, 0] {
        let part = [head.as_bytes(), &form[..end]].concat();
        assert_eq!(raw(&fake.url(), &part, true).status, 0, "{end}");
    }
    assert_eq!(fake.living(), [""; 0]);
    let chunked = head.replace(
        &format!("Content-Length: {}", form.len()),
        "Transfer-Encoding: chunked",
    );
    raw(&fake.url(), chunked.as_bytes(), true);
    assert_eq!(fake.complaints(), ["Upload: a body without a length"]);
}

#[test]
fn a_name_that_is_taken() {
    for (clash, status, living, bytes) in [
        (Clash::Rename, (200, 0), &["a(1).bin", "a.bin"][..], "old"),
        (Clash::Duplicate, (200, 0), &["a.bin", "a.bin"], "old"),
        (Clash::Overwrite, (200, 0), &["a.bin"], "new"),
        (Clash::Error, (400, 40_900), &["a.bin"], "old"),
    ] {
        let fake = Fake::start();
        let client = Client::new(&fake);
        client.upload(&[], "a.bin", b"old");
        fake.set(|s| s.clash = clash);
        let id = fake.files("a.bin")[0].id.clone();
        assert_eq!(
            said(&client.upload(&[], "a.bin", b"new")),
            status,
            "{clash:?}"
        );
        assert_eq!(fake.living(), living, "{clash:?}");
        let first = &fake.files("a.bin")[0];
        assert_eq!((&first.id, first.bytes()), (&id, bytes.into()), "{clash:?}");
    }
}

#[test]
fn what_is_refused() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let sent = |name: &str| said(&client.upload(&[], name, b"12345"));
    fake.set(|s| s.bare_refused = true);
    assert_eq!([sent("a"), sent("a.bin")], [(400, 40_010), (200, 0)]);
    fake.set(|s| s.binary_refused = true);
    assert_eq!([sent("b"), sent("b.bin")], [(400, 40_010); 2]);
    fake.set(|s| (s.bare_refused, s.binary_refused, s.size_cap) = (false, false, Some(4)));
    assert_eq!(sent("c"), (400, 40_011));
    fake.set(|s| s.size_cap = Some(5));
    assert_eq!(sent("c"), (200, 0));
    assert_eq!(fake.living(), ["a.bin", "c"]);
}

#[test]
fn an_address_is_good_for_a_while_and_wants_no_token() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.set(|s| s.link_life = Duration::from_secs(10));
    client.upload(&[], "a", b"0123456789");
    let id = fake.files("a")[0].id.clone();
    let link = client.link(&id).json()["data"].clone();
    assert_eq!(link["fsize"], 10);
    let url = link["url"].as_str().unwrap();
    let read = |url: &str, headers: &str| {
        let reply = send("GET", url, headers, b"");
        (reply.status, String::from_utf8(reply.body).unwrap())
    };
    let all = (200, "0123456789".to_owned());
    assert_eq!(read(url, ""), all);
    assert_eq!(read(url, "Range: bytes=2-4\r\n"), (206, "234".to_owned()));
    assert_eq!(read(url, "Range: bytes=10-\r\n").0, 416);
    fake.set(|s| s.ranges = false);
    assert_eq!(read(url, "Range: bytes=2-4\r\n"), all);
    assert_eq!(read(&url.replace("s=", "s=0"), "").0, 403, "forged");
    assert_eq!(fake.complaints(), [""; 0]);
    let with_token = format!("{url}&access_token=x");
    for (url, header) in [(url, "Authorization: Bearer x\r\n"), (&with_token, "")] {
        fake.reset_counters();
        read(url, header);
        let told = "Get: a token for the host of downloads";
        assert_eq!(fake.complaints(), [told]);
    }
    fake.advance(Duration::from_secs(10));
    assert_eq!(read(url, "").0, 403, "over");
    client.delete(std::slice::from_ref(&id));
    assert_eq!(said(&client.link(&id)), (404, 40_400), "in the bin");
}
