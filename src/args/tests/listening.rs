//! Where to listen, and who may come in.

use super::*;

#[test]
fn several_values() {
    let words = [
        "--listen",
        "127.0.0.1:1",
        "--listen=unix:/run/x",
        "--host=a",
    ];
    let config = good(
        &words,
        &[("PAN123_HOST", "b"), ("PAN123_LISTEN", "[::1]:3")],
    );
    assert_eq!(config.listening(), "127.0.0.1:1, unix:/run/x");
    assert_eq!(config.hosts, ["a"]);
    let env = [
        ("PAN123_LISTEN", "127.0.0.1:1, unix:/run/x  [::1]:3"),
        ("PAN123_HOST", "a,b"),
        ("PAN123_TRUSTED_PROXY", "::ffff:192.0.2.1"),
        ("PAN123_SPOOL_SIZE", "5M"),
        ("PAN123_TLS_CERT", "/c"),
        ("PAN123_TLS_KEY", "/k"),
    ];
    let config = good(&[], &env);
    assert_eq!(config.listening(), "127.0.0.1:1, unix:/run/x, [::1]:3");
    assert_eq!(config.hosts, ["a", "b"]);
    assert_eq!(
        config.proxy,
        Some(std::net::Ipv4Addr::new(192, 0, 2, 1).into())
    );
    assert_eq!(config.spool_size, 5 << 20);
    assert_eq!(config.tls, Some(("/c".into(), "/k".into())));
    // One that others can reach is enough.
    let both = [ID, KEY, ("PAN123_LISTEN", "127.0.0.1:1,:2")];
    assert!(matches!(check(&[], &both), Err(Exit::Wrong(text)) if text.contains("on :2")));
}

#[test]
fn nobody_but_this_machine_without_passwords() {
    for listen in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"] {
        assert_eq!(good(&["--listen", listen], &[]).listening(), listen);
    }
    for listen in [":1", "0.0.0.0:1", "[::]:1", "192.0.2.1:1", "nas:1"] {
        let alone = check(&["--listen", listen], &[ID, KEY]);
        assert!(alone.is_err(), "{listen}");
        good(&["--listen", listen, "--no-auth"], &[]);
        good(&["--listen", listen, "--htpasswd-file=x"], &[]);
    }
    let both = check(&["--no-auth", "--htpasswd-file=x"], &[ID, KEY]);
    assert!(matches!(both, Err(Exit::Wrong(text)) if text.contains("not both")));
}

#[test]
fn the_variables_of_other_programs_count_with_a_warning() {
    let table: [(&[(&str, &str)], &str); 5] = [
        (&[("LISTEN_ADDR", "127.0.0.2:9")], "127.0.0.2:9"),
        (&[("LISTEN_ADDR", "127.0.0.2")], "127.0.0.2:8000"),
        (&[("LISTEN_ADDR", "::1"), ("LISTEN_PORT", "9")], "[::1]:9"),
        (&[("LISTEN_PORT", "9")], "127.0.0.1:9"),
        (
            &[("LISTEN_PORT", "9"), ("PAN123_LISTEN", "localhost:7")],
            "localhost:7",
        ),
    ];
    for (variables, listen) in table {
        let config = good(&[], variables);
        assert_eq!(config.listening(), listen, "{variables:?}");
        let mut warnings = config.warnings.iter();
        let warned = warnings.any(|text| text.text.contains("PAN123_LISTEN"));
        let foreign = variables.iter().all(|(name, _)| name.starts_with("LISTEN"));
        assert_eq!(warned, foreign);
    }
}

/// `--no-auth` may stand on the server's command line alone; commands that don't listen must run
/// all the same.
#[test]
fn only_who_listens_must_ask_for_passwords() {
    let wide = [ID, KEY, ("PAN123_LISTEN", ":8000")];
    for words in [
        &["doctor"][..],
        &["bin", "list"],
        &["verify", "--tier", "vip"],
    ] {
        assert!(called(words, &wide).is_ok(), "{words:?}");
    }
    for words in [["serve"], ["check-config"]] {
        match called(&words, &wide) {
            Err(Exit::Wrong(text)) => assert!(text.contains("--no-auth"), "{text}"),
            other => unreachable!("{words:?}: {other:?}"),
        }
    }
}
