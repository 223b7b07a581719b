//! Tables: request lines, ranges, ids. What is answered to them stands in the server's own table.

use super::*;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn repo(path: &str) -> Repo {
    Repo::new(path).unwrap()
}

fn id() -> Id {
    Id::from_hex(ID).unwrap()
}

#[test]
fn request_lines_are_operations() {
    let pack = File::Hashed(Kind::Data, id());
    let lock = File::Hashed(Kind::Locks, id());
    for (method, target, expected) in [
        ("POST", "/?create=true", Operation::Create(repo(""))),
        ("POST", "/a/?create=true", Operation::Create(repo("a"))),
        ("POST", "/a?create=true", Operation::Create(repo("a"))),
        (
            "POST",
            "/a/b/?x=1&create=true",
            Operation::Create(repo("a/b")),
        ),
        ("GET", "/data/", Operation::List(repo(""), Kind::Data)),
        ("GET", "/data", Operation::List(repo(""), Kind::Data)),
        (
            "GET",
            "/a/b/locks/",
            Operation::List(repo("a/b"), Kind::Locks),
        ),
        ("HEAD", "/config", Operation::Stat(repo(""), File::Config)),
        ("GET", "/a/config", Operation::Load(repo("a"), File::Config)),
        (
            "POST",
            "/a/config",
            Operation::Save(repo("a"), File::Config),
        ),
        (
            "DELETE",
            "/a/config",
            Operation::Remove(repo("a"), File::Config),
        ),
        (
            "GET",
            &format!("/data/{ID}"),
            Operation::Load(repo(""), pack),
        ),
        (
            "POST",
            &format!("/a/b/locks/{ID}"),
            Operation::Save(repo("a/b"), lock),
        ),
        (
            "GET",
            "/my%20laptop/%E5%AE%B6/keys/",
            Operation::List(repo("my laptop/家"), Kind::Keys),
        ),
        (
            "GET",
            "/..x/.y/index/",
            Operation::List(repo("..x/.y"), Kind::Index),
        ),
    ] {
        assert_eq!(parse(method, target), Ok(expected), "{method} {target}");
    }
}

#[test]
fn several_slashes_count_as_one() {
    for (target, same) in [
        ("//?create=true", "/?create=true"),
        ("//a///b//config", "/a/b/config"),
        ("/a//keys//", "/a/keys/"),
    ] {
        for method in ["GET", "POST"] {
            assert_eq!(parse(method, target), parse(method, same), "{target}");
        }
    }
}

#[test]
fn nothing_is_at_crooked_paths() {
    let upper = ID.to_uppercase();
    for target in [
        "",
        "*",
        "data/",
        "/./config",
        "/../config",
        "/a/../config",
        "/%2e%2e/config",
        "/%2E/config",
        "/a%2fb/config",
        "/a%2Fb/config",
        "/a%5cb/config",
        "/a%00/config",
        "/a%0a/config",
        "/%/config",
        "/%4/config",
        "/%zz/config",
        "/%ff/config",
        "/a:b/config",
        "/a*b/config",
        "/a%3Fb/config",
        "/a|b/config",
        "/a<b/config",
        "/a>b/config",
        "/a\"b/config",
        "/%20/config",
        "/a%20/config",
        "/a./config",
        "/-/config",
        "/-/",
        "/config/",
        "/config/config",
        "/keys/config",
        "/data/data/",
        "/locks/index/",
        "/a/snapshots/b/config",
        "/data/xx",
        "/data/ab/",
        &format!("/data/ab/{ID}"),
        &format!("/data/{upper}"),
        &format!("/data/{ID}/"),
        &format!("/data/{}", &ID[1..]),
        &format!("/data/{ID}0"),
        &format!("/x/{ID}/{ID}"),
        &format!("/{}/config", "n".repeat(256)),
        "/1/2/3/4/5/6/7/8/9/config",
        &format!("/{}", "a/".repeat(MAX_TARGET)),
    ] {
        for method in ["GET", "POST"] {
            let parsed = parse(method, target);
            let is_folder = matches!(parsed, Err(Refusal::Method(_) | Refusal::NoCreate));
            // A repository may be called almost anything; it just can't be got.
            let harmless = target.ends_with(&format!("{ID}/{ID}")) && is_folder;
            assert!(
                parsed == Err(Refusal::NotFound) || harmless,
                "{method} {target}: {parsed:?}"
            );
        }
    }
}

#[test]
fn ranges_of_a_file_of_ten_bytes() {
    let part = |start, len| Some(Part { start, len });
    for (header, expected) in [
        ("bytes=0-", part(0, 10)),
        ("bytes=0-0", part(0, 1)),
        ("bytes=2-5", part(2, 4)),
        ("bytes=9-", part(9, 1)),
        ("bytes=9-99", part(9, 1)),
        ("Bytes = 2-5", part(2, 4)),
        ("bytes=-3", part(7, 3)),
        ("bytes=-10", part(0, 10)),
        ("bytes=-99", part(0, 10)),
        ("bytes=0-18446744073709551615", part(0, 10)),
        ("bytes=10-", None),
        ("bytes=10-12", None),
        // Found by fuzzing: an end before the start.
        ("bytes=11-", None),
        ("bytes=12-15", None),
        ("bytes=-0", None),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes=x-", None),
        ("bytes=+1-2", None),
        ("bytes=1-2,4-5", None),
        ("bytes=0-99999999999999999999", None),
    ] {
        assert_eq!(Range::parse(header).unwrap().of(10), expected, "{header}");
    }
    assert_eq!(
        Range::parse("items=0-1"),
        None,
        "another unit asks for the whole"
    );
    assert_eq!(Range::parse("nonsense"), None);
    assert_eq!(Range::From(0).of(0), None, "an empty file has no part");
}

#[test]
fn ids_are_64_lower_case_digits() {
    assert_eq!(id().to_string(), ID);
    for bad in [
        "",
        &ID[1..],
        &ID.to_uppercase(),
        &ID.replace('f', "g"),
        &format!("é{}", &ID[2..]),
    ] {
        assert_eq!(Id::from_hex(bad), None, "{bad}");
    }
}
