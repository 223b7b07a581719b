//! Tokens, scopes, budgets, paths, and the envelope of answers.

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Exchanges a code.
fn exchanged(fake: &Fake, code: &str, key: &str) -> Reply {
    let (url, id) = (fake.url(), fake.app_id());
    let query = format!("code={code}&app_id={id}&app_key={key}");
    send(
        "GET",
        &format!("{url}/api/v1/oauth2/access_token?{query}"),
        "",
        b"",
    )
}

#[test]
fn a_code_is_good_once_and_for_five_minutes() {
    let fake = Fake::start();
    let (first, late) = (fake.authorize(), fake.authorize());
    assert_eq!(said(&exchanged(&fake, &first, "wrong")), (401, 20_002));
    let tokens = exchanged(&fake, &first, "demo").json()["data"].clone();
    assert_eq!(tokens["expires_in"], 24 * 3600);
    assert_eq!(said(&exchanged(&fake, &first, "demo")), (401, 20_001));
    fake.advance(Duration::from_secs(300));
    assert_eq!(said(&exchanged(&fake, &late, "demo")), (401, 20_001));
}

#[test]
fn a_refresh_token_is_good_once_and_for_ninety_days() {
    let fake = Fake::start();
    let (first, late) = (fake.grant(), fake.grant());
    let next = refreshed(&fake, &first).json()["data"]["refresh_token"].clone();
    assert_eq!(said(&refreshed(&fake, &first)), (401, 20_004));
    assert_eq!(said(&refreshed(&fake, next.as_str().unwrap())), (200, 0));
    fake.advance(90 * DAY);
    assert_eq!(said(&refreshed(&fake, &late)), (401, 20_004));
}

#[test]
fn an_access_token_stands_in_the_query_and_lives_a_day() {
    let fake = Fake::start();
    fake.plant("a", b"a");
    let client = Client::new(&fake);
    assert_eq!(said(&client.page("")), (200, 0));
    assert_eq!(fake.complaints(), [""; 0]);
    let bearer = format!("Authorization: Bearer {}\r\n", client.token);
    let url = format!("{}{PERSONAL}/apps/files", fake.url());
    assert_eq!(said(&send("GET", &url, &bearer, b"")), (401, 20_003));
    assert_eq!(fake.complaints(), ["AppList: a token in a header"]);
    fake.advance(DAY);
    assert_eq!(said(&client.page("")), (401, 20_003));
}

#[test]
fn each_call_needs_its_scope() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    client.store("d", "a", b"a");
    let id = fake.files("d/a")[0].id.clone();
    let no = (403, 20_005);
    for (scope, calls) in [
        ("access_personal_files", [(200, 0), no, no, no]),
        ("create_personal_files", [no, (200, 0), no, no]),
        ("download_personal_files", [no, no, (200, 0), no]),
        ("remove_personal_files", [no, no, no, (200, 0)]),
    ] {
        fake.set(|s| s.scopes = scope.to_owned());
        let made = [
            client.page(""),
            client.store("d", "b", b"b"),
            client.link(&id),
            client.delete(std::slice::from_ref(&id)),
        ];
        assert_eq!(made.each_ref().map(said), calls, "{scope}");
    }
}

#[test]
fn budgets_count_each_page_of_the_documents_by_the_day() {
    let budget = |shared| Budget {
        writes: 2,
        lists: 3,
        shared,
    };
    let fake = Fake::start();
    let client = Client::new(&fake);
    fake.set(|s| s.budget = Some(budget(false)));
    let store = |client: &Client<'_>| said(&client.store("d", "a", b"a"));
    let over = (403, 40_000_429);
    assert_eq!([(); 3].map(|()| store(&client)), [(200, 0), (200, 0), over]);
    let lists = [(); 4].map(|()| said(&client.page("")));
    assert_eq!(lists, [(200, 0), (200, 0), (200, 0), over]);
    let id = fake.files("d/a")[0].id.clone();
    assert_eq!(said(&client.link(&id)), (200, 0), "a budget of its own");
    assert_eq!(
        (fake.count(Call::Upload).limited, fake.used(Call::Upload)),
        (1, 3)
    );
    fake.advance(DAY);
    let client = Client::new(&fake);
    assert_eq!(store(&client), (200, 0), "the next day");
    fake.set(|s| (s.budget, s.budget_code) = (Some(budget(true)), (7, 429)));
    assert_eq!(said(&client.link(&id)), (200, 0));
    let calls = [(); 2].map(|()| said(&client.link(&id)));
    assert_eq!(calls, [(200, 0), (429, 7)], "one for all that writes");
}

#[test]
fn failures_come_as_they_are_ordered() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    let absent = || client.link("nothing");
    for (texts, name) in [
        (Texts::Msg, "msg"),
        (Texts::Message, "message"),
        (Texts::Result, "result"),
    ] {
        fake.set(|s| s.texts = texts);
        assert_eq!(absent().json()[name], "file not exists");
    }
    assert_eq!(said(&absent()), (404, 40_400));
    fake.set(|s| s.errors_as_200 = true);
    assert_eq!(said(&absent()), (200, 40_400));
    fake.fail_next(
        Call::Link,
        1,
        When::Before,
        How::Code(9, "as ordered".to_owned()),
    );
    assert_eq!(said(&absent()), (200, 9));
}

#[test]
fn what_is_no_call_is_told() {
    let fake = Fake::start();
    let client = Client::new(&fake);
    for (method, path) in [
        ("GET", "tasks/files/delete"),
        ("GET", "tasks/files/delete/task-1"),
        ("DELETE", "recycles"),
        ("POST", "recycles/clear"),
        ("POST", "files"),
    ] {
        fake.reset_counters();
        assert_eq!(client.call(method, path, "", "").status, 404, "{path}");
        assert_eq!(fake.complaints().len(), 1, "{path}");
    }
}
