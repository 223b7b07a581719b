//! Switches that no other test turns.

use super::*;

#[test]
fn folders_and_infos_lag_on_their_own() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let (slow, fast) = (client.mkdir(0, "slow"), client.mkdir(0, "fast"));
    fake.set(|s| {
        s.lag_mkdir = Duration::from_secs(2);
        s.lag_infos = Duration::from_secs(2);
        s.lag_of.insert(slow, 9000);
    });
    fake.advance(Duration::from_secs(3));
    assert_eq!(client.names(0).len(), 2);
    client.mkdir(0, "third");
    assert_eq!(client.names(0).len(), 2);
    let [a, b] = [slow, fast].map(|folder| client.store(folder, "f", b"f"));
    assert_eq!((client.names(slow).len(), client.names(fast).len()), (0, 1));
    let infos = || {
        let data = client.data("/api/v1/file/infos", &json!({"fileIds": [a, b, 77]}));
        data["fileList"].as_array().map(Vec::len)
    };
    assert_eq!(infos(), Some(0));
    fake.advance(Duration::from_secs(3));
    assert_eq!((client.names(0).len(), infos()), (3, Some(2)));
    assert_eq!(client.names(slow).len(), 0);
    fake.advance(Duration::from_secs(7));
    assert_eq!(client.names(slow).len(), 1);
    fake.set(|s| s.list_hides = vec!["f".to_owned()]);
    assert_eq!(client.names(slow).len(), 0);
    fake.set(|s| s.infos_hides = vec!["f".to_owned()]);
    assert_eq!(infos(), Some(0));
}

#[test]
fn destroyed_rows_stay_in_lists_that_lag() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let file = fake.plant("/d/f", b"f");
    let folder = fake.file("/d").unwrap().id;
    let below = fake.plant("/e/below", b"below");
    fake.delete_by_hand("/e");
    assert!(fake.by_id(below).is_none() && fake.by_id(file).is_some());
    fake.set(|s| s.lag_trash = Duration::from_secs(5));
    fake.delete_by_hand("/d/f");
    assert_eq!(client.names(folder), ["f"]);
    fake.advance(Duration::from_secs(6));
    assert_eq!(client.list(folder).len(), 0);
}

#[test]
fn answers_in_odd_shapes() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let id = fake.plant("/f", b"f");
    fake.set(|s| {
        (s.ids_as_strings, s.extra_fields) = (true, true);
        s.infos_key = InfosKey::List;
        s.page_max = 1;
    });
    let body = json!({"fileIds": [id.to_string()]});
    let data = client.data("/api/v1/file/infos", &body);
    assert_eq!(data["list"][0]["fileId"], id.to_string());
    assert!(data["list"][0]["aFieldOfNoDocument"].is_object());
    fake.plant("/g", b"g");
    assert_eq!(client.names(0), ["f", "g"]);
    assert_eq!(fake.count(Endpoint::List).calls, 2);
    fake.set(|s| s.tier = Tier::Vip);
    let info = client.get("/api/v1/user/info").json()["data"].clone();
    assert_eq!(
        (&info["vip"], &info["spaceUsed"]),
        (&json!(true), &json!(2))
    );
}

#[test]
fn uploads_in_flight_lead_to_a_ban() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.set(|s| s.ban_over = 1);
    let host = fake.upload_url();
    let mut half = TcpStream::connect(host.trim_start_matches("http://")).unwrap();
    let (path, headers) = ("/upload/v2/file/single/create", client.headers());
    write!(
        half,
        "POST {path} HTTP/1.1\r\n{headers}Content-Type: multipart/form-data; boundary=b\r\n\
         Content-Length: 1000\r\n\r\n--b\r\n"
    )
    .unwrap();
    let wait_for = |uploads| {
        while fake.calls().uploads != uploads {
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    wait_for(1);
    let reply = client.single(0, "second", b"2", true).json();
    assert!(reply["message"].as_str().unwrap().contains("拒绝"));
    drop(half);
    wait_for(0);
    assert_ne!(client.single(0, "third", b"3", true).code(), 0);
    assert_eq!(fake.calls().uploads_peak, 2);
    fake.advance(Duration::from_secs(9000));
    client.store(0, "fourth", b"4");
    assert_eq!(fake.complaints(), ["more than 1 uploads in flight"]);
    assert_eq!(fake.calls().withdrawn, 1);
}

#[test]
fn early_errors_and_latency() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.set(|s| s.rates = [(Endpoint::Single, 1.0)].into());
    client.store(0, "a", b"a");
    assert_eq!(client.single(0, "b", b"b", true).code(), 429);
    fake.set(|s| s.early_errors = true);
    assert_eq!(client.single(0, "b", b"b", true).code(), 429);
    fake.set(|s| s.latency = Duration::from_millis(100));
    let start = std::time::Instant::now();
    client.get("/api/v1/user/info");
    assert!(start.elapsed() >= Duration::from_millis(100));
}

#[test]
fn reuse_without_an_id() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    client.store(0, "a", b"same");
    fake.set(|s| s.reuse = Reuse::NoId);
    let body = json!({"parentFileID": 0, "filename": "b", "size": 4, "etag": md5_hex(b"same")});
    let data = client.data("/upload/v2/file/create", &body);
    assert_eq!((&data["reuse"], &data["fileID"]), (&json!(true), &json!(0)));
    assert!(fake.file("/b").is_none());
    fake.advance(Duration::from_secs(1));
    assert_eq!(fake.file("/b").unwrap().bytes(), b"same");
    fake.set(|s| (s.reuse, s.servers_empty) = (Reuse::Never, true));
    let body = json!({"parentFileID": 0, "filename": "c", "size": 4, "etag": md5_hex(b"same")});
    let data = client.data("/upload/v2/file/create", &body);
    assert_eq!(
        (&data["reuse"], &data["servers"]),
        (&json!(false), &json!([]))
    );
}

#[test]
fn too_many_tokens() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    for _ in 0..3 {
        client.renew();
    }
    assert_eq!(fake.complaints(), [""; 0]);
    client.renew();
    assert_eq!(
        fake.complaints(),
        ["4 tokens within ten minutes without need"]
    );
    fake.reset_counters();
    fake.advance(Duration::from_secs(601));
    // Two clients with room for one token push each other out.
    fake.set(|s| s.tokens_live = 1);
    let mut clients = [Client::new(&fake), Client::new(&fake)];
    for _ in 0..6 {
        for client in &mut clients {
            if client.get("/api/v1/user/info").code() == 401 {
                client.token = client.renew();
            }
        }
    }
    let found = fake.complaints().join("\n");
    assert!(found.contains("push each other out"), "{found}");
}

#[test]
fn made_up_bytes_are_the_same_from_everywhere() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let id = fake.plant_sized("/f", 200_000);
    let all = fake.file("/f").unwrap().bytes();
    assert_eq!(md5_hex(&all), fake.file("/f").unwrap().etag);
    let part = get(&client.download_url(id), "Range: bytes=65000-140000\r\n");
    assert_eq!(part.body, &all[65_000..=140_000]);
}

#[test]
fn bytes_changed_by_hand() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let id = fake.plant("/f", b"good");
    fake.rot("/f", b"evil");
    let file = fake.file("/f").unwrap();
    assert_eq!(
        (file.etag.clone(), file.bytes()),
        (md5_hex(b"good"), b"evil".to_vec())
    );
    fake.damage("/f", b"short");
    fake.set_status("/f", 101);
    let infos = client.data("/api/v1/file/infos", &json!({"fileIds": [id]}));
    let row = &infos["fileList"][0];
    assert_eq!((&row["size"], &row["status"]), (&json!(5), &json!(101)));
    assert_eq!(row["etag"], md5_hex(b"short"));
    assert_eq!(fake.trash_by_hand("/f"), id);
    fake.restore_by_hand(id);
    assert_eq!(fake.by_id(id).unwrap().bytes(), b"short");
    let twin = fake.plant_twin_folder("/t");
    assert_ne!(fake.plant_twin_folder("/t"), twin);
    fake.plant_into(twin, "x", b"x");
    assert_eq!(fake.living("/"), ["f", "t", "t"]);
    assert_eq!(fake.living("/t"), ["x"]);
}
