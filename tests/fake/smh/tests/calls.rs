//! Paths, tokens, grants, rates, the space: what every call passes.

use super::*;

#[test]
fn tokens_end_and_every_use_puts_that_off() {
    let fake = Fake::start();
    let client = Client::granted(&fake, "grant=admin&period=60");
    let alive = || said(&client.call("HEAD", "directory", "", "", "")).0;
    for _ in 0..4 {
        fake.advance(Duration::from_secs(50));
        assert_eq!(alive(), 200);
    }
    fake.advance(Duration::from_secs(61));
    assert_eq!(alive(), 403);
    let odd = Client::granted(&fake, "grant=admin&period=-5");
    let (url, library) = (fake.url(), fake.library());
    let token = format!("{url}/api/v1/token/{library}/{}", odd.token);
    let renewed = send("POST", &token, "", b"").json();
    assert_eq!(
        renewed,
        json!({"accessToken": odd.token, "expiresIn": 86400})
    );
    assert_eq!(send("DELETE", &token, "", b"").status, 204);
    let gone = odd.call("GET", "usage", "", "", "");
    assert_eq!(said(&gone), no(403, "InvalidAccessToken"));
    assert!(gone.header("x-request-id").is_some());
    assert_eq!(fake.calls().tokens, 2);
    let wrong = format!("{url}/api/v1/token?library_id={library}&library_secret=no");
    assert_eq!(
        said(&send("GET", &wrong, "", b"")),
        no(404, "WrongLibraryIdOrSecret")
    );
}

#[test]
fn a_token_opens_what_it_was_granted() {
    let fake = Fake::start();
    fake.plant("/r/a", b"a");
    let grants = "create_directory,upload_file,confirm_upload";
    let writer = Client::granted(&fake, &format!("grant={grants}&space_id=-"));
    assert_eq!(writer.mkdir("r/b"), 201);
    assert_eq!(writer.store("r/c", "ask", b"c").status, 200);
    let refused = no(403, "NoPermission");
    let delete = |flag: &str| writer.call("DELETE", "file", "r/a", flag, "");
    assert_eq!(said(&delete("permanent=1")), refused);
    let batch = r#"[{"path":"r/a","permanent":true}]"#;
    assert_eq!(
        said(&writer.call("POST", "batch", "", "delete", batch)),
        refused
    );
    assert_eq!(said(&writer.start("r/a", "overwrite", 1)), refused);
    assert_eq!(said(&writer.call("GET", "usage", "", "", "")), refused);
    assert!(fake.file("/r/a").is_some());
    let foreign = Client::granted(&fake, "grant=space_admin&space_id=other");
    let look = || foreign.call("GET", "directory", "r/a", "info", "");
    assert_eq!(said(&look()), no(403, "AccessTokenNotMatchSpace"));
    let url = fake.url();
    let bare = |path: &str| said(&send("GET", &format!("{url}/api/v1/{path}"), "", b""));
    let library = fake.library();
    let info = format!("directory/{library}/-/r/a?info");
    assert_eq!(bare(&info), no(400, "EmptyAccessToken"));
    fake.set(|s| s.public_read = true);
    assert_eq!(bare(&info).0, 200);
    let elsewhere = format!(
        "directory/smhother/-/r/a?info&access_token={}",
        writer.token
    );
    assert_eq!(bare(&elsewhere), no(403, "AccessTokenNotMatchLibrary"));
    let space = format!(
        "directory/{library}/s2/r/a?info&access_token={}",
        writer.token
    );
    assert_eq!(bare(&space), no(403, "AccessTokenNotMatchSpace"));
    assert_eq!(fake.complaints(), [""; 0]);
}

#[test]
fn a_token_without_grants_only_reads() {
    let fake = Fake::start();
    fake.plant("/r/a", b"a");
    fake.set(|s| s.bin = true);
    let key = ticket(&Client::new(&fake).start("r/b", "ask", 1)).key;
    let reader = Client::granted(&fake, "space_id=-");
    let ask = "conflict_resolution_strategy=ask&filesize=1";
    for (method, kind, path, query) in [
        ("PUT", "directory", "r/c", ""),
        ("DELETE", "directory", "r", "permanent=1"),
        ("PUT", "file", "r/c", ask),
        ("POST", "file", "r/c", &format!("multipart&{ask}")),
        (
            "POST",
            "file",
            &key,
            "confirm&conflict_resolution_strategy=ask",
        ),
        ("GET", "file", &key, "upload"),
        ("DELETE", "file", &key, "upload"),
        ("DELETE", "file", "r/a", "permanent=0"),
        ("GET", "recycled", "", "by-marker=1"),
        ("DELETE", "recycled", "1", ""),
        ("POST", "recycled", "1", "restore"),
        ("GET", "usage", "", ""),
        ("GET", "space", "size", ""),
        ("GET", "space-quota", "", ""),
    ] {
        let reply = reader.call(method, kind, path, query, "");
        assert_eq!(
            said(&reply),
            no(403, "NoPermission"),
            "{method} {kind} {query}"
        );
    }
    assert_eq!(reader.names("r", ""), ["a"]);
    assert_eq!(reader.call("GET", "file", "r/a", "info", "").status, 200);
    assert_eq!(fake.complaints(), [""; 0]);
}

#[test]
fn bearer_tokens_are_a_switch() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let (url, library) = (fake.url(), fake.library());
    let url = format!("{url}/api/v1/usage/{library}/-");
    let header = format!("Authorization: Bearer {}\r\n", client.token);
    let status = || send("GET", &url, &header, b"").status;
    assert_eq!(status(), 400);
    fake.set(|s| s.bearer = true);
    assert_eq!(status(), 200);
}

#[test]
fn paths_in_any_encoding() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    assert_eq!(client.mkdir("a%2Fb%20c+d"), 201);
    assert_eq!(client.mkdir("/a/b/照片"), 201);
    assert_eq!(fake.living("/a"), ["b", "b c+d"]);
    for flag in ["info", "info=", "info=1", "info=null"] {
        let reply = client.call("GET", "directory", "a%2fb", flag, "").json();
        assert_eq!(
            (&reply["name"], &reply["type"]),
            (&json!("b"), &json!("dir"))
        );
    }
    assert_eq!(
        said(&client.call("PUT", "directory", "", "", "")),
        no(400, "RootDirectoryNotAllowed")
    );
    for name in ["a%3Ab", "a%5Cb", "a%7Cb", "..", "%20"] {
        let reply = client.call("PUT", "directory", name, "", "");
        assert_eq!(said(&reply), no(400, "IllegalFileName"), "{name}");
    }
    let long = "n".repeat(256);
    assert_eq!(
        said(&client.start(&long, "ask", 1)),
        no(400, "FileNameLengthExceed")
    );
    assert_eq!(client.mkdir(&long[1..]), 201);
    let nowhere = client.call("GET", "nonsense", "", "", "");
    assert_eq!(said(&nowhere), no(404, "RouteNotFound"));
    assert_eq!(fake.complaints().len(), 1, "{:?}", fake.complaints());
}

#[test]
fn folders_come_with_their_parents() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let made = client.call("PUT", "directory", "r/data/a", "", "");
    assert_eq!(
        (made.status, &made.json()["path"]),
        (201, &json!(["r", "data", "a"]))
    );
    let again = client.call(
        "PUT",
        "directory",
        "r/data",
        "conflict_resolution_strategy=ask",
        "",
    );
    assert_eq!(said(&again), no(409, "SameNameDirectoryOrFileExists"));
    fake.plant("/r/x", b"x");
    assert_eq!(client.mkdir("r/x"), 409);
    assert_eq!(client.mkdir("r/x/y"), 409);
    let head = |path: &str| client.call("HEAD", "directory", path, "", "").status;
    assert_eq!(
        [head("r/data"), head("r/none"), head("r/x")],
        [200, 404, 404]
    );
    fake.set(|s| s.head_folder = 204);
    assert_eq!(head("r/data"), 204);
    let stats = client
        .call("GET", "directory", "r", "stats=1&stats_type=normal", "")
        .json();
    assert_eq!(stats, json!({"storage": 1, "fileCount": 1, "dirCount": 2}));
    assert_eq!(fake.complaints(), [""; 0]);
    client.call(
        "PUT",
        "directory",
        "r/data",
        "conflict_resolution_strategy=rename",
        "",
    );
    assert_eq!(fake.living("/r"), ["data", "data(1)", "x"]);
    assert_eq!(fake.complaints(), ["Mkdir: strategy rename"]);
}

#[test]
fn exactly_the_rate_passes() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.set(|s| (s.rate, s.retry_after) = (Some(5.0), Some(7)));
    fake.advance(Duration::from_secs(2));
    let mut replies = Vec::from_iter((0..7).map(|_| client.call("HEAD", "directory", "", "", "")));
    let statuses: Vec<u16> = replies.iter().map(|r| r.status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429]);
    assert_eq!(
        replies.remove(6).header("retry-after"),
        Some("7".to_owned())
    );
    assert_eq!(fake.count(Call::HeadFolder).limited, 2);
    fake.advance(Duration::from_secs(1));
    assert_eq!(client.call("HEAD", "directory", "", "", "").status, 200);
}

#[test]
fn the_space_tells_what_it_holds() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let usage = || client.call("GET", "usage", "", "", "").json()[0].clone();
    assert_eq!(usage()["capacity"], Value::Null);
    assert_eq!(
        said(&client.call("GET", "space-quota", "", "", "")),
        no(404, "NoQuota")
    );
    fake.set_quota(Some(100), 30);
    fake.plant("/a", &[1; 20]);
    assert_eq!(
        (&usage()["size"], &usage()["availableSpace"]),
        (&json!("50"), &json!("50"))
    );
    assert_eq!(
        client.call("GET", "space", "size", "", "").json(),
        json!({"size": "50"})
    );
    assert_eq!(
        said(&client.start("b", "ask", 51)),
        no(400, "QuotaLimitReached")
    );
    assert_eq!(client.start("b", "ask", 50).status, 201);
    assert_eq!(usage()["size"], "50", "nothing counts before confirm");
    fake.set(|s| s.quota_removes = true);
    let quota = client.call("GET", "space-quota", "", "", "").json();
    assert_eq!(
        (&quota["capacity"], &quota["removeWhenExceed"]),
        (&json!("100"), &json!(true))
    );
    fake.advance(Duration::from_secs(1));
    assert_eq!(client.store("c", "ask", &[2; 60]).status, 200);
    assert!(fake.file("/a").unwrap().removed, "the oldest goes first");
    assert_eq!(
        said(&client.call("GET", "file", "a", "info", "")),
        no(404, "FileRemovedByQuota")
    );
    let rows = client
        .call("GET", "directory", "", "by-marker=1", "")
        .json();
    assert_eq!(rows["contents"][0]["removedByQuota"], json!(true));
    assert_eq!(usage()["size"], "90");
    fake.set(|s| s.history = true);
    let (url, library, token) = (fake.url(), fake.library(), &client.token);
    let path = format!("directory-history/{library}/library-history?access_token={token}");
    let history = send("GET", &format!("{url}/api/v1/{path}"), "", b"").json();
    assert_eq!(history["enableFileHistory"], json!(true));
}

#[test]
fn media_libraries_are_narrow() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.set(|s| s.media = true);
    assert_eq!(client.mkdir("r"), 201);
    assert_eq!(
        said(&client.call("PUT", "directory", "r/a", "", "")),
        no(400, "DirectoryLevelExceed")
    );
    assert_eq!(
        said(&client.start("r/config", "ask", 1)),
        no(400, "ExtnameNotAllowed")
    );
}

#[test]
fn other_processes_can_set_switches() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let post = |path: &str, body: Value| {
        let url = format!("{}/__fake/{path}", fake.url());
        send("POST", &url, "", body.to_string().as_bytes()).status
    };
    assert_eq!(
        post("switches", json!({"lag_new": 1500, "end": "null"})),
        200
    );
    assert_eq!(fake.switches().lag_new, Duration::from_millis(1500));
    assert_eq!(post("switches", json!({"nonsense": 1})), 400);
    let fault =
        json!({"endpoint": "mkdir", "times": 1, "when": "before", "how": {"code": [503, "x"]}});
    assert_eq!(post("fault", fault), 200);
    assert_eq!([client.mkdir("a"), client.mkdir("a")], [503, 201]);
    assert_eq!(post("plant", json!([{"path": "/a/b", "size": 5}])), 200);
    assert_eq!(
        fake.tree()["/a/b"],
        (5, crc64(&fake.file("/a/b").unwrap().bytes()))
    );
    assert_eq!(post("quota", json!({"capacity": 7})), 200);
    assert_eq!(post("advance", json!(100_000_000)), 200);
    assert_eq!(client.mkdir("b"), 403, "the token's time is over");
    let calls = send("GET", &format!("{}/__fake/calls", fake.url()), "", b"").json();
    assert_eq!(calls["endpoints"]["mkdir"]["calls"], 3);
    assert_eq!(post("reset", json!(null)), 200);
    assert_eq!(fake.calls().all(), 0);
}
