//! Tokens, folders, lists, the bin, rates: calls that move no bytes.

use super::*;

#[test]
fn tokens_are_pushed_out_and_end() {
    let fake = Fake::start();
    let mut client = Client::new(&fake);
    assert_eq!(client.get("/api/v1/user/info").code(), 0);
    let first = client.token.clone();
    for _ in 0..3 {
        client.token = client.renew();
    }
    let last = std::mem::replace(&mut client.token, first);
    let reply = client.get("/api/v1/user/info").json();
    assert_eq!(reply["code"], 401);
    assert!(reply["message"].as_str().unwrap().contains("tokens number"));
    client.token = last;
    assert_eq!(client.get("/api/v1/user/info").code(), 0);
    fake.advance(Duration::from_secs(91 * 24 * 3600));
    assert_eq!(client.get("/api/v1/user/info").code(), 401);
    client.token = client.renew();
    fake.revoke_tokens();
    assert_eq!(client.get("/api/v1/user/info").code(), 401);
    let wrong = json!({"clientID": "demo", "clientSecret": "no"});
    assert_ne!(client.post("/api/v1/access_token", &wrong).code(), 0);
    assert_eq!(fake.calls().tokens, 5);
}

#[test]
fn folders_and_refusals() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let a = client.mkdir(0, "a");
    let again = client.post(
        "/upload/v1/file/mkdir",
        &json!({"PARENTid": "0", "name": "a"}),
    );
    assert_eq!(again.code(), 1);
    assert!(
        again.json()["message"]
            .as_str()
            .unwrap()
            .contains("同名文件夹")
    );
    let orphan = client.post(
        "/upload/v1/file/mkdir",
        &json!({"parentID": 77, "name": "b"}),
    );
    assert_eq!(orphan.json()["message"], "parentFileID不存在");
    client.mkdir(a, "b");
    assert_eq!(client.names(a), ["b"]);
    assert_eq!(fake.living("/a"), ["b"]);
    fake.set(|s| (s.mkdir_twins, s.http_status) = (true, true));
    assert_ne!(client.mkdir(0, "a"), a);
    let gone = client.get("/api/v1/file/detail?fileID=77");
    assert_eq!((gone.status, gone.code()), (404, 5066));
    assert_eq!(fake.complaints(), [""; 0]);
}

#[test]
fn lists_page_and_lag() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let folder = fake.plant_folder("/big");
    for n in 0..250 {
        fake.plant_sized(&format!("/big/{n:03}"), 1000);
    }
    assert_eq!(client.list(folder).len(), 250);
    assert_eq!(fake.count(Endpoint::List).calls, 3);
    fake.trash_by_hand("/big/007");
    assert_eq!(client.list(folder).len(), 250, "trashed rows stay in lists");
    assert_eq!(client.names(folder).len(), 249);
    fake.set(|s| {
        s.lag_files = Duration::from_secs(5);
        s.lag_trash = Duration::from_secs(5);
    });
    fake.advance(Duration::from_secs(6));
    let new = client.store(folder, "new", b"new");
    fake.trash_by_hand("/big/008");
    assert_eq!(
        client.names(folder).len(),
        249,
        "008 still there, new not yet"
    );
    let infos = client.data("/api/v1/file/infos", &json!({"fileIds": [new]}));
    assert_eq!(
        infos["fileList"][0]["etag"],
        md5_hex(b"new"),
        "infos don't lag"
    );
    fake.advance(Duration::from_secs(6));
    assert!(client.names(folder).contains(&"new".to_owned()));
    assert!(!client.names(folder).contains(&"008".to_owned()));
    let long = client.get(&format!(
        "/api/v2/file/list?parentFileId={folder}&limit=101"
    ));
    assert_eq!(long.code(), 1);
    assert_eq!(fake.complaints(), ["List: limit 101"]);
}

#[test]
fn lists_of_missing_folders_and_odd_cursors() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let folder = fake.plant_folder("/f");
    for n in 0..6 {
        fake.plant(&format!("/f/{n}"), b"x");
    }
    let page = |last: &Value| {
        let path = format!("/api/v2/file/list?parentFileId={folder}&limit=2&lastFileId={last}");
        client.get(&path).json()["data"].clone()
    };
    let first = page(&json!(0))["lastFileId"].clone();
    fake.set(|s| s.cursor = Cursor::Stuck);
    assert_eq!(page(&first)["lastFileId"], first);
    fake.set(|s| s.cursor = Cursor::Back);
    assert!(page(&first)["lastFileId"].as_u64() < first.as_u64());
    fake.set(|s| s.cursor = Cursor::Offset);
    let first = page(&json!(0))["lastFileId"].clone();
    fake.delete_by_hand("/f/0");
    assert_eq!(page(&first)["fileList"][0]["filename"], "3", "2 is skipped");
    let missing = |mode| {
        fake.set(|s| s.missing_folder = mode);
        let reply = client.get("/api/v2/file/list?parentFileId=77&limit=100");
        (reply.code(), reply.json()["data"].clone())
    };
    assert_eq!(missing(MissingFolder::Error).0, 1);
    assert_eq!(missing(MissingFolder::Empty).1["fileList"], json!([]));
    assert_eq!(missing(MissingFolder::NullData), (0, Value::Null));
    assert_eq!(missing(MissingFolder::NullList).1["fileList"], Value::Null);
}

#[test]
fn trash_then_delete() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let [a, b, c] = ["/a", "/b", "/c"].map(|p| fake.plant(p, p.as_bytes()));
    let (trash, delete) = ("/api/v1/file/trash", "/api/v1/file/delete");
    assert_ne!(client.ids(delete, &[a]), 0);
    assert_eq!(fake.complaints(), [format!("Delete: {a} isn't in the bin")]);
    assert_ne!(client.ids(trash, &[a, 77]), 0);
    assert!(fake.file("/a").is_some(), "nothing done");
    fake.set(|s| s.trash_bad = BadIds::Partial);
    assert_ne!(client.ids(trash, &[a, 77]), 0);
    assert!(fake.file("/a").is_none(), "a done");
    fake.set(|s| s.trash_bad = BadIds::Silent);
    assert_eq!(client.ids(trash, &[a, b, 77]), 0);
    assert_eq!(fake.bin().len(), 2);
    assert_eq!(client.ids("/api/v1/file/recover", &[b]), 0);
    assert!(fake.file("/b").is_some());
    assert_eq!(client.ids(delete, &[a]), 0);
    assert_eq!(fake.bin().len(), 0);
    fake.set(|s| s.delete_missing = true);
    assert_eq!(client.ids(trash, &[c]), 0);
    let missing = client.post(delete, &json!({"fileIDs": [c]}));
    assert_eq!((missing.status, missing.code()), (404, -1));
}

#[test]
fn names_and_moves() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let id = fake.plant("/a/x", b"x");
    let b = fake.plant_folder("/b");
    let name = json!({"fileId": id, "fileName": "y"});
    assert_eq!(client.send("PUT", "/api/v1/file/name", &name).code(), 0);
    let there = json!({"fileIDs": [id], "toParentFileID": b});
    assert_eq!(client.post("/api/v1/file/move", &there).code(), 0);
    assert_eq!(fake.file("/b/y").unwrap().id, id);
    fake.trash_by_hand("/b/y");
    let back = json!({"fileIDs": [id], "parentFileID": 0});
    assert_eq!(client.post("/api/v1/file/recover/by_path", &back).code(), 0);
    assert_eq!(fake.file("/y").unwrap().id, id);
    assert_ne!(client.get("/api/v1/file/name").code(), 0, "wrong method");
    assert_eq!(fake.complaints().len(), 1);
}

#[test]
fn exactly_the_rate_passes() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.set(|s| s.tier = Tier::Free);
    let codes = |n: usize| -> Vec<i64> {
        let path = "/api/v2/file/list?parentFileId=0&limit=1";
        (0..n).map(|_| client.get(path).code()).collect()
    };
    assert_eq!(codes(7), [0, 0, 0, 0, 0, 429, 429]);
    fake.advance(Duration::from_secs(1));
    assert_eq!(codes(6), [0, 0, 0, 0, 0, 429]);
    assert_eq!(fake.count(Endpoint::List).limited, 3);
    let mut limits = Limits::default();
    for (shape, passed) in [
        (Shape::Sliding, 20),
        (Shape::Fixed, 20),
        (Shape::Bucket, 29),
    ] {
        let times = (0..2000).filter(|at| limits.take(Endpoint::Cdn, 10.0, shape, 10_000 + at));
        assert_eq!(times.count(), passed, "{shape:?} in two seconds");
    }
    let mut slow = (0..10_000).filter(|at| limits.take(Endpoint::List, 0.2, Shape::Sliding, *at));
    assert_eq!(
        (slow.next(), slow.next(), slow.next()),
        (Some(0), Some(5000), None)
    );
}

#[test]
fn many_files_are_listed() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    for n in 0..20_000 {
        fake.plant_sized(&format!("/data/{n:06}"), 16 << 20);
    }
    assert_eq!(client.list(fake.file("/data").unwrap().id).len(), 20_000);
}

#[test]
fn other_processes_can_set_switches() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let set = client.post(
        "/__fake/switches",
        &json!({"lag_files": 1500, "taken": "exists"}),
    );
    assert_eq!(set.status, 200, "{}", set.json());
    assert_eq!(fake.switches().lag_files, Duration::from_millis(1500));
    assert_eq!(fake.switches().taken, Taken::Exists);
    assert_eq!(
        client
            .post("/__fake/switches", &json!({"nonsense": 1}))
            .status,
        400
    );
    let fault =
        json!({"endpoint": "list", "times": 1, "when": "before", "how": {"code": [429, "x"]}});
    assert_eq!(client.post("/__fake/fault", &fault).status, 200);
    assert_eq!(
        client
            .get("/api/v2/file/list?parentFileId=0&limit=1")
            .code(),
        429
    );
    client.post("/__fake/plant", &json!([{"path": "/a/b", "size": 5}]));
    assert_eq!(fake.tree()["/a/b"].0, 5);
    let calls = client.get("/__fake/calls").json();
    assert_eq!(calls["endpoints"]["list"]["calls"], 1);
    assert_eq!(calls["complaints"], json!([]));
}
