//! Deletes: one, many, in the background, and the recycle bin.

use super::*;

#[test]
fn the_bin_and_permanent() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let delete = |query: &str| {
        fake.plant("/d/a", b"a");
        client.call("DELETE", "file", "d/a", query, "").status
    };
    assert_eq!([delete("permanent=0"), delete("permanent=1")], [204, 204]);
    fake.set(|s| s.bin = true);
    assert_eq!([delete("permanent=1"), delete("permanent=0")], [204, 200]);
    assert_eq!(fake.bin().len(), 1);
    fake.set(|s| s.permanent_ignored = true);
    assert_eq!(delete("permanent=1"), 200);
    let gone = client.call("DELETE", "file", "d/a", "permanent=1", "");
    assert_eq!(said(&gone), no(404, "FileNotFound"));
    assert_eq!(fake.complaints(), [""; 0]);
    assert_eq!(delete(""), 200);
    assert_eq!(fake.complaints(), ["DeleteFile: permanent isn't said"]);
    let usage = client.call("GET", "usage", "", "", "").json();
    assert_eq!(usage[0]["size"], "3", "binned bytes count");
}

#[test]
fn folders_go_with_all_that_is_in_them() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.plant("/r/data/a", b"a");
    fake.plant("/r/b", b"b");
    let delete = |path: &str| client.call("DELETE", "directory", path, "permanent=1", "");
    assert_eq!(said(&delete("r/b")), no(404, "DirectoryNotFound"));
    assert_eq!(said(&delete("")), no(400, "RootDirectoryNotAllowed"));
    fake.set(|s| s.folder_task = true);
    let task = delete("r").json()["taskId"].as_u64().unwrap();
    assert!(fake.file("/r/b").is_some(), "not yet");
    fake.advance(Duration::from_secs(1));
    assert_eq!(fake.living("/"), [""; 0]);
    let told = client.call("GET", "task", &task.to_string(), "", "").json();
    assert_eq!(told[0]["status"], 200);
    assert_eq!(fake.complaints(), ["DeleteFolder: the root"]);
}

#[test]
fn batches_answer_for_each_item() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    for name in ["a", "b", "c", "d/e"] {
        fake.plant(&format!("/r/{name}"), b"x");
    }
    let batch = |items: Value| client.call("POST", "batch", "", "delete", &items.to_string());
    let item = |path: &str| json!({"path": path, "permanent": true});
    let all = batch(json!([item("r/b"), item("/r/d")]));
    let want = json!([{"status": 204, "path": ["r", "b"]}, {"status": 204, "path": ["r", "d"]}]);
    assert_eq!((all.status, &all.json()["result"]), (200, &want));
    fake.set(|s| s.item_fails = Some(("r/c".to_owned(), 500, "InternalServerError".to_owned())));
    let some = batch(json!([item("r/c"), item("r/none"), item("r/a")]));
    let statuses: Vec<Value> = (0..3)
        .map(|n| some.json()["result"][n]["status"].clone())
        .collect();
    assert_eq!(
        (some.status, statuses),
        (207, vec![json!(500), json!(404), json!(204)])
    );
    assert_eq!(fake.living("/r"), ["c"]);
    assert_eq!(said(&batch(json!([]))), no(400, "NoItemsProvided"));
    let many: Vec<Value> = (0..1001).map(|n| item(&format!("r/{n}"))).collect();
    assert_eq!(said(&batch(json!(many))), no(400, "TooManyItems"));
    assert_eq!(batch(json!(many[1..])).status, 207);
    assert_eq!(said(&batch(json!([item("/")]))), no(400, "ParamInvalid"));
    fake.set(|s| (s.item_fails, s.status_as_text, s.bin) = (None, true, true));
    fake.plant("/r/locks/1", b"x");
    let binned = batch(json!([{"path": "r/locks/1"}])).json();
    assert_eq!(binned["result"][0]["status"], "200");
    let noted = [
        "Batch: no items",
        "Batch: 1001 items",
        "Batch: an empty path, which is the root",
        "Batch: locks, which are deleted one by one",
        "Batch: permanent isn't said",
    ];
    assert_eq!(fake.complaints(), noted);
}

#[test]
fn tasks_take_their_time() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.plant("/a", b"a");
    fake.set(|s| (s.batch_task_from, s.task_time) = (Some(2), Duration::from_secs(5)));
    let items = r#"[{"path":"a","permanent":true},{"path":"b","permanent":true}]"#;
    let begun = client.call("POST", "batch", "", "delete", items);
    assert_eq!(begun.status, 202);
    let number = begun.json()["taskId"].clone();
    let ask = |kind: &str| client.call("GET", kind, &number.to_string(), "", "").json();
    assert_eq!(ask("task")[0]["status"], 202);
    let noted = fake.complaints();
    let hasty = format!("task {number}: asked again after ");
    assert!(
        noted.len() == 1 && noted[0].starts_with(&hasty),
        "{noted:?}"
    );
    assert_eq!((fake.pending_tasks(), fake.living("/").len()), (1, 1));
    fake.advance(Duration::from_secs(5));
    assert_eq!((fake.pending_tasks(), fake.living("/").len()), (0, 0));
    let done = ask("task")[0].clone();
    assert_eq!(
        (&done["status"], &done["result"][1]["status"]),
        (&json!(207), &json!(404))
    );
    let second = ask("task-result");
    assert_eq!(
        (&second["taskId"], &second["status"]),
        (&json!(number.to_string()), &json!(207))
    );
    for (mode, status) in [
        (NoTask::Status404, 404),
        (NoTask::Status403, 403),
        (NoTask::Status400, 400),
        (NoTask::Empty, 200),
    ] {
        fake.set(|s| s.no_task = mode);
        assert_eq!(client.call("GET", "task", "7", "", "").status, status);
    }
}

#[test]
fn what_is_in_the_bin_comes_back_or_goes() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let bin = |method: &str, path: &str, query: &str, body: &str| {
        client.call(method, "recycled", path, query, body)
    };
    assert_eq!(
        said(&bin("GET", "", "by-marker=1", "")),
        no(400, "RecycleBinNotEnabled")
    );
    fake.set(|s| s.bin = true);
    for name in ["a", "b", "c"] {
        fake.plant(&format!("/r/{name}"), name.as_bytes());
        client.call("DELETE", "file", &format!("r/{name}"), "permanent=0", "");
    }
    let first = bin("GET", "", "by-marker=1&limit=2", "").json();
    let marker = first["nextMarker"].as_str().unwrap();
    let second = bin("GET", "", &format!("by-marker=1&marker={marker}"), "").json();
    assert_eq!(second["contents"][0]["originalPath"], json!(["r", "c"]));
    assert_eq!(second.get("nextMarker"), None);
    let ids: Vec<u64> = fake.bin().into_keys().collect();
    fake.delete_by_hand("/r");
    let back = bin("POST", &ids[0].to_string(), "restore", "").json();
    assert_eq!(back["path"], json!(["r", "a"]), "with its folder");
    let some = bin("POST", "", "restore", &json!([ids[0], ids[1]]).to_string());
    assert_eq!(
        (some.status, &some.json()["result"][0]["status"]),
        (207, &json!(404))
    );
    assert_eq!(fake.living("/r"), ["a", "b"]);
    assert_eq!(bin("DELETE", &ids[2].to_string(), "", "").status, 204);
    assert_eq!(
        said(&bin("DELETE", &ids[2].to_string(), "", "")),
        no(404, "RecycledItemNotFound")
    );
    let number = fake.trash_by_hand("/r/a");
    assert_eq!(
        bin("POST", "", "delete", &json!([number]).to_string()).status,
        204
    );
    assert_eq!((fake.bin().len(), fake.tree().len()), (0, 1));
    assert_eq!(fake.complaints(), [""; 0]);
    bin("DELETE", "", "", "");
    assert_eq!(
        fake.complaints(),
        ["Purge: the whole bin, where others' files lie too"]
    );
}

#[test]
fn disk_outlives_the_process() {
    let name = format!("restic-123pan-fakesmh-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    let options = Options {
        disk: Some(folder.clone()),
        ..Options::default()
    };
    let fake = Fake::with(options.clone()).unwrap();
    let client = Client::new(&fake);
    client.mkdir("r/keys");
    assert_eq!(client.store("r/a", "ask", b"hello").status, 200);
    fake.plant("/r/gone/b", b"gone");
    let number = fake.trash_by_hand("/r/gone");
    let before = fake.tree();
    drop(fake);
    let fake = Fake::with(options).unwrap();
    assert_eq!(
        (fake.tree(), fake.living("/r")),
        (before, vec!["a".to_owned(), "keys".to_owned()])
    );
    assert_eq!(fake.file("/r/a").unwrap().bytes(), b"hello");
    fake.restore_by_hand(number);
    assert_eq!(fake.file("/r/gone/b").unwrap().bytes(), b"gone");
    drop(fake);
    std::fs::remove_dir_all(folder).unwrap();
}
