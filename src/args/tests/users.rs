//! Users' passwords, and words that are too short.

use super::*;

#[test]
fn users_are_set_removed_and_listed() {
    let file = || Some(PathBuf::from("f"));
    let is = |text: &str, expected: Passwd| match line(text) {
        Ok(Task::Passwd(asked)) => assert_eq!(asked, expected, "{text}"),
        other => unreachable!("{text}: {other:?}"),
    };
    is("passwd me", Passwd::Set("me".to_owned(), None));
    is(
        "passwd me --htpasswd-file f",
        Passwd::Set("me".to_owned(), file()),
    );
    is(
        "passwd --delete me --htpasswd-file f",
        Passwd::Delete("me".to_owned(), "f".into()),
    );
    is("passwd --list --htpasswd-file f", Passwd::List("f".into()));
    for text in [
        "passwd",
        "passwd --list me",
        "passwd --delete --list me",
        "passwd --delete",
    ] {
        assert!(wrong(text).contains("passwd --list"), "{text}");
    }
    for text in ["passwd --list", "passwd --delete me"] {
        assert!(wrong(text).contains("--htpasswd-file"), "{text}");
    }
}

#[test]
fn nothing_is_no_folder() {
    let said = wrong("check-config --repo-path=");
    assert!(said.contains("write / for the account's root"), "{said}");
    assert!(line("check-config --repo-path /").is_ok());
    assert!(matches!(
        line("check-config --online"),
        Ok(Task::Check(_, true))
    ));
}
