//! Lists: pages, what goes with the next one, what rows tell, lag.

use super::*;

/// The id of a folder of the app's.
fn folder(client: &Client<'_>, name: &str) -> String {
    let page = client.page("").json();
    let rows = page["data"]["files"].as_array().unwrap();
    let row = rows.iter().find(|row| row["fname"] == name).unwrap();
    row["id"]["open_id"].as_str().unwrap().to_owned()
}

#[test]
fn the_apps_folder_comes_with_its_first_file() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    assert_eq!(said(&client.page("")), (404, 40_400));
    client.store("d", "a", b"a");
    assert_eq!(names(&client.page("")), ["d"]);
    assert_eq!(said(&client.page("parent_id=nothing")), (404, 40_400));
}

#[test]
fn pages_go_on_by_offset_and_filter() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    for name in ["d/x/1", "d/b", "d/a", "d/y/1", "d/c"] {
        fake.plant(name, b"a");
    }
    let id = folder(&client, "d");
    let page = |query: &str| client.page(&format!("parent_id={id}&{query}"));
    let first = page("count=3");
    assert_eq!(
        names(&first),
        ["x", "y", "b"],
        "folders first, then as they came"
    );
    let first = first.json()["data"].clone();
    assert_eq!(
        (&first["next_offset"], &first["next_filter"]),
        (&json!(3), &json!("file"))
    );
    let second = page("count=3&offset=3&filter=file");
    assert_eq!(names(&second), ["a", "c"]);
    assert_eq!(second.json()["data"]["next_offset"], -1);
    assert_eq!(fake.complaints(), [""; 0]);
    page("count=3&offset=3");
    assert_eq!(
        fake.complaints(),
        ["List: a further page without next_filter"]
    );
    fake.set(|s| s.page_max = 2);
    assert_eq!(
        names(&page("count=100")).len(),
        2,
        "at most what Kdocs shows"
    );
    fake.set(|s| (s.page_max, s.page_repeats) = (3, true));
    assert_eq!(names(&page("offset=3&filter=file")), ["x", "y", "b"]);
}

#[test]
fn rows_tell_a_size_where_they_do() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.plant("a", b"12345");
    fake.plant_folder("d");
    let row = |at: usize| client.page("").json()["data"]["files"][at].clone();
    assert_eq!(
        (row(0)["ftype"].clone(), row(0)["fsize"].clone()),
        (json!("folder"), Value::Null)
    );
    assert_eq!(
        (row(1)["ftype"].clone(), row(1)["fsize"].clone()),
        (json!("file"), json!(5))
    );
    fake.set(|s| s.size_field = Some("bytes".to_owned()));
    assert_eq!(
        (row(1)["bytes"].clone(), row(1)["fsize"].clone()),
        (json!(5), Value::Null)
    );
    fake.set(|s| s.size_field = None);
    assert_eq!(row(1)["fsize"], Value::Null);
}

#[test]
fn lists_may_lag_both_ways() {
    let lag = Duration::from_secs(60);
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.plant("old", b"a");
    fake.advance(2 * lag);
    fake.set(|s| s.lag = lag);
    client.upload(&[], "new", b"a");
    client.delete(&[fake.files("old")[0].id.clone()]);
    assert_eq!(names(&client.page("")), ["old"]);
    fake.advance(lag);
    assert_eq!(names(&client.page("")), ["new"]);
}
