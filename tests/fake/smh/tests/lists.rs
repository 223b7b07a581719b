//! Lists: pages, markers, order, lags, and what they show of entries that are no files.

use super::*;

fn planted(count: usize) -> Fake {
    let fake = Fake::start();
    fake.plant_folder("/f/zz");
    for number in 0..count {
        fake.plant_sized(&format!("/f/{number:04}"), 10);
    }
    fake
}

#[test]
fn pages_follow_their_markers() {
    let fake = planted(2500);
    let client = Client::new(&fake);
    let all = client.names("f", "limit=1000");
    assert_eq!((all.len(), &*all[0], &*all[1]), (2501, "zz", "0000"));
    assert_eq!(fake.count(Call::List).calls, 3);
    let first = client
        .call("GET", "directory", "f", "by-marker=1", "")
        .json();
    assert_eq!(first["contents"].as_array().unwrap().len(), 20);
    let none = client.call("GET", "directory", "g", "by-marker=1", "");
    assert_eq!(said(&none), no(404, "DirectoryNotFound"));
    let file = client.call("GET", "directory", "f/0001", "by-marker=1", "");
    assert_eq!(said(&file), no(404, "DirectoryNotFound"));
    let empty = client
        .call("GET", "directory", "f/zz", "by-marker=1&limit=1000", "")
        .json();
    assert_eq!(
        (&empty["contents"], empty.get("nextMarker")),
        (&json!([]), None)
    );
    for (end, shown) in [(End::Null, Value::Null), (End::Empty, json!(""))] {
        fake.set(|s| s.end = end);
        let last = client
            .call("GET", "directory", "f/zz", "by-marker=1", "")
            .json();
        assert_eq!(last.get("nextMarker"), Some(&shown));
    }
    fake.set(|s| (s.marker_as_number, s.page_max) = (true, 700));
    assert_eq!(client.names("f", "limit=1000"), all);
    assert_eq!(fake.complaints(), [""; 0]);
}

#[test]
fn limits_and_old_forms() {
    let fake = planted(3);
    let client = Client::new(&fake);
    let list = |query: &str| client.call("GET", "directory", "f", query, "");
    assert_eq!(
        said(&list("by-marker=1&limit=1001")),
        no(400, "ParamInvalid")
    );
    fake.set(|s| s.over_limit = OverLimit::Clamp);
    assert_eq!(list("by-marker=1&limit=1001").status, 200);
    assert_eq!(said(&list("page=1&page_size=2")), no(400, "CloseOldList"));
    let page = list("by-page=1&page=2&page_size=3").json();
    assert_eq!(
        (&page["totalNum"], &page["fileCount"]),
        (&json!(4), &json!(3))
    );
    assert_eq!(page["contents"][0]["name"], "0002");
    assert_eq!(
        said(&list("by-page=1&page=11&page_size=1000")),
        no(400, "ParamInvalid")
    );
    let noted = ["List: limit 1001", "List: neither by marker nor by page"];
    assert_eq!(fake.complaints(), noted);
}

#[test]
fn filters_and_orders() {
    let fake = planted(4);
    let client = Client::new(&fake);
    assert_eq!(client.names("f", "filter=onlyDir"), ["zz"]);
    assert_eq!(
        client.names("f", "filter=onlyFile&start_name=0001&limit=1"),
        ["0002", "0003"]
    );
    assert_eq!(
        client.names("f", "prefix=000&order_by_type=desc")[0],
        "0003"
    );
    fake.plant_sized("/f/0001", 99);
    assert_eq!(
        client.names("f", "order_by=size&order_by_type=desc&filter=onlyFile")[0],
        "0001"
    );
    let odd = client.call(
        "GET",
        "directory",
        "f",
        "by-marker=1&order_by=size&prefix=0",
        "",
    );
    assert_eq!(said(&odd), no(400, "ParamInvalid"));
}

#[test]
fn a_marker_dies_with_its_entry() {
    let fake = planted(6);
    let client = Client::new(&fake);
    let page = |marker: &Value| {
        let marker = marker
            .as_str()
            .map_or_else(String::new, |m| format!("&marker={m}"));
        client.call(
            "GET",
            "directory",
            "f",
            &format!("by-marker=1&limit=3{marker}"),
            "",
        )
    };
    let first = page(&Value::Null).json()["nextMarker"].clone();
    fake.delete_by_hand("/f/0001");
    assert_eq!(said(&page(&first)), no(404, "MarkerNotFound"));
    let elsewhere = format!("by-marker=1&marker={}", first.as_str().unwrap());
    fake.plant("/f/zz/0001", b"of the same name");
    let elsewhere = client.call("GET", "directory", "f/zz", &elsewhere, "");
    assert_eq!(said(&elsewhere), no(404, "MarkerNotFound"));
    fake.set(|s| s.marker = Marker::Offset);
    assert_eq!(
        page(&first).json()["contents"][0]["name"],
        "0003",
        "0002 is skipped"
    );
    fake.plant("/f/0000a", b"new");
    fake.plant("/f/0000b", b"new");
    assert_eq!(page(&first).json()["contents"][0]["name"], "0000b");
    fake.set(|s| (s.marker, s.marker_times) = (Marker::Stuck, 1));
    let first = page(&Value::Null).json()["nextMarker"].clone();
    let second = page(&first).json()["nextMarker"].clone();
    assert_eq!(second, first);
    let third = page(&second).json()["nextMarker"].clone();
    assert_ne!(third, second, "once");
    fake.set(|s| (s.marker, s.marker_times) = (Marker::Back, 0));
    let back = page(&third).json()["nextMarker"].clone();
    assert_eq!(page(&back).json()["contents"][0]["name"], "0000");
}

#[test]
fn lists_lag() {
    let fake = planted(1);
    let client = Client::new(&fake);
    let lag = Duration::from_secs(30);
    fake.advance(Duration::from_secs(60));
    fake.set(|s| (s.lag_new, s.lag_deleted) = (lag, lag));
    assert_eq!(client.store("f/new", "ask", b"new").status, 200);
    assert_eq!(
        client
            .call("DELETE", "file", "f/0000", "permanent=1", "")
            .status,
        204
    );
    assert_eq!(client.names("f", ""), ["zz", "0000"]);
    assert_eq!(client.call("HEAD", "file", "f/0000", "", "").status, 404);
    assert_eq!(client.call("HEAD", "file", "f/new", "", "").status, 200);
    fake.advance(lag);
    assert_eq!(client.names("f", ""), ["zz", "new"]);
}

#[test]
fn rows_tell_what_they_are() {
    let fake = planted(0);
    let client = Client::new(&fake);
    fake.plant("/f/a", b"hello");
    fake.plant_odd("/f/link", Kind::Symlink);
    fake.plant_odd("/f/nothing", Kind::Virtual);
    let rows = || {
        client
            .call("GET", "directory", "f", "by-marker=1", "")
            .json()["contents"]
            .clone()
    };
    let types: Vec<Value> = (0..4).map(|n| rows()[n]["type"].clone()).collect();
    assert_eq!(types, ["dir", "file", "symlink", "virtual"]);
    let row = rows()[1].clone();
    assert_eq!(
        (&row["size"], &row["crc64"]),
        (&json!("5"), &json!(crc64(b"hello").to_string()))
    );
    assert!(rows()[0].get("size").is_none());
    fake.set(|s| s.size_as_number = true);
    assert_eq!(rows()[1]["size"], 5);
}
