//! Options from words and variables that are given here; the real environment isn't looked at.

use super::*;
use crate::pan123::{Bin, Tier};
use std::fs;

const ID: (&str, &str) = ("PAN123_CLIENT_ID", "id");
const KEY: (&str, &str) = ("PAN123_CLIENT_SECRET", "hidden");

/// Parses with these variables alone, and with a state directory that is there.
fn check(words: &[&str], variables: &[(&str, &str)]) -> Result<Config, Exit> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let temporary = std::env::temp_dir().display().to_string();
    let env = |name: &str| match variables.iter().find(|(n, _)| *n == name) {
        Some((_, value)) => Some((*value).to_owned()),
        None => (name == "STATE_DIRECTORY").then(|| temporary.clone()),
    };
    parse(&words, &env).map(|(config, _)| config)
}

fn good(words: &[&str], variables: &[(&str, &str)]) -> Config {
    let all: Vec<_> = [&[ID, KEY], variables].concat();
    check(words, &all).unwrap_or_else(|exit| unreachable!("{words:?}: {exit:?}"))
}

#[test]
fn defaults() {
    let config = good(&[], &[]);
    assert_eq!(config.listen, "127.0.0.1:8000");
    assert_eq!(config.repo_path.path(), "restic-backup");
    assert_eq!(config.api_url, "https://open-api.123pan.com");
    assert_eq!(config.state_dir, Some(std::env::temp_dir()));
    assert_ne!(config.spool_dir, config.state_dir, "which may be flash");
    assert_eq!(
        (config.memory, config.workers, config.uploads),
        (32 << 20, 8, 8)
    );
    assert_eq!((config.bin, config.tier), (Bin::Days(7), None));
    assert_eq!(config.reserve, 1 << 30);
    assert!(config.ipv6 && !config.allow_http_upload);
    assert!((config.rate_share - 0.8).abs() < 1e-9);
}

#[test]
fn the_option_wins_over_the_environment() {
    let env = [("PAN123_LISTEN", ":1"), ("PAN123_WORKERS", "")];
    let config = good(&["serve", "--listen=[::1]:2"], &env);
    assert_eq!((config.listen.as_str(), config.workers), ("[::1]:2", 8));
    assert_eq!(good(&["--no-auth"], &env).listen, ":1");
    let switches = [
        ("PAN123_NO_IPV6", "yes"),
        ("PAN123_ALLOW_HTTP_UPLOAD", "no"),
    ];
    let config = good(&["--allow-http-upload"], &switches);
    assert!(!config.ipv6 && config.allow_http_upload);
}

#[test]
fn certificates_come_from_a_file() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fake/tls.pem");
    let none = concat!(env!("CARGO_MANIFEST_DIR"), "/LICENSE");
    assert!(good(&[], &[]).ca.is_none());
    assert!(good(&["--ca-file", own], &[]).ca.is_some());
    for (path, word) in [(none, "PEM"), ("/nowhere", "No such file")] {
        match check(&[], &[ID, KEY, ("PAN123_CA_FILE", path)]) {
            Err(Exit::Wrong(text)) => assert!(text.contains(word), "{text}"),
            other => unreachable!("{path}: {other:?}"),
        }
    }
}

#[test]
fn values() {
    let sizes = [
        ("0", 0),
        ("12", 12),
        ("5K", 5 << 10),
        ("32m", 32 << 20),
        ("1 GiB", 1 << 30),
    ];
    for (text, bytes) in sizes {
        assert_eq!(good(&["--memory", text], &[]).memory, bytes, "{text}");
    }
    let bins = [
        ("purge", Bin::Purge),
        ("keep", Bin::Keep),
        ("30d", Bin::Days(30)),
        ("7", Bin::Days(7)),
        ("0d", Bin::Purge),
    ];
    for (text, bin) in bins {
        assert_eq!(good(&["--bin", text], &[]).bin, bin, "{text}");
    }
    for (text, path) in [("/", ""), ("/a/b/", "a/b"), ("x", "x")] {
        assert_eq!(good(&["--repo-path", text], &[]).repo_path.path(), path);
    }
    let config = good(&["--api-url=http://127.0.0.1:9/", "--tier", "vip"], &[]);
    assert_eq!(
        (config.api_url.as_str(), config.tier),
        ("http://127.0.0.1:9", Some(Tier::Vip))
    );
}

#[test]
fn what_is_wrong_is_one_line_that_names_it() {
    let table = [
        ("--nonsense", "--nonsense"),
        ("nonsense", "nonsense"),
        ("--listen=:8000", "--no-auth"),
        ("--listen=192.0.2.1:8000", "--htpasswd-file"),
        ("--roles=x", "--htpasswd-file"),
        ("--private-repos", "--htpasswd-file"),
        ("--reserve=some", "--reserve"),
        ("--config=/none/such", "/none/such"),
        ("--listen=8000", "--listen"),
        ("--listen=::1:8000", "--listen"),
        ("--listen=a:70000", "--listen"),
        ("--repo-path=/a/data", "\"data\""),
        ("--repo-path=/a//b", "\"\""),
        ("--api-url=open-api.123pan.com", "--api-url"),
        ("--memory=1.5G", "--memory"),
        ("--memory=99999999999G", "--memory"),
        ("--memory=-1", "--memory"),
        ("--workers=0", "1 to 256"),
        ("--uploads=21", "1 to 20"),
        ("--rate-share=0", "--rate-share"),
        ("--rate-share=1.1", "--rate-share"),
        ("--rate-share=NaN", "--rate-share"),
        ("--bin=7w", "7d"),
        ("--reserve=much", "--reserve"),
        ("--tier=gold", "auto, free, vip or oauth"),
        ("--spool-dir=/dev/null/x", "--spool-dir"),
    ];
    for (word, named) in table {
        let Err(Exit::Wrong(text)) = check(&[word], &[ID, KEY]) else {
            unreachable!("{word}");
        };
        assert!(text.contains(named) && !text.contains('\n'), "{text}");
    }
    let Err(Exit::Wrong(text)) = check(&[], &[ID, KEY, ("PAN123_TIER", "gold")]) else {
        unreachable!("a tier");
    };
    assert!(text.starts_with("PAN123_TIER"), "{text}");
}

#[test]
fn credentials_come_from_the_environment_or_from_files() {
    let path = std::env::temp_dir().join(format!("secret-{}", std::process::id()));
    fs::write(&path, "from-a-file\r\n").expect("a writable folder");
    let name = path.display().to_string();
    let file = ("PAN123_CLIENT_SECRET_FILE", name.as_str());
    let config = check(&[], &[ID, file]).expect("both");
    assert_eq!(config.client_secret.reveal(), "from-a-file");
    assert!(
        matches!(check(&[], &[ID, KEY, file]), Err(Exit::Wrong(text)) if text.contains("not both"))
    );
    assert!(matches!(check(&[], &[KEY]), Err(Exit::Wrong(text)) if text.contains("apply for")));
    fs::remove_file(&path).expect("it was written");
    assert!(matches!(check(&[], &[ID, file]), Err(Exit::Wrong(text)) if text.contains(&name)));
}

#[test]
fn nobody_but_this_machine_without_passwords() {
    for listen in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"] {
        assert_eq!(good(&["--listen", listen], &[]).listen, listen);
    }
    for listen in [":1", "0.0.0.0:1", "[::]:1", "192.0.2.1:1", "nas:1"] {
        assert!(
            check(&["--listen", listen], &[ID, KEY]).is_err(),
            "{listen}"
        );
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
        assert_eq!(config.listen, listen, "{variables:?}");
        let warned = config
            .warnings
            .iter()
            .any(|text| text.contains("PAN123_LISTEN"));
        assert_eq!(
            warned,
            variables.iter().all(|(name, _)| name.starts_with("LISTEN"))
        );
    }
}

#[test]
fn option_then_environment_then_file() {
    let path = std::env::temp_dir().join(format!("config-{}", std::process::id()));
    let text = "workers = 3\nuploads = 4\nmemory = 1M\nno-ipv6 = yes\nclient-id = filed\n\
                client-secret = hidden\nbin = sometimes\n";
    fs::write(&path, text).expect("a writable folder");
    let name = path.display().to_string();
    let env = [
        ("PAN123_UPLOADS", "5"),
        ("PAN123_MEMORY", "2M"),
        ("PAN123_BIN", "keep"),
    ];
    let words = ["--config", &name, "--memory", "3M"];
    let config = check(&words, &env).unwrap_or_else(|exit| unreachable!("{exit:?}"));
    let numbers = (config.workers, config.uploads, config.memory >> 20);
    assert_eq!(numbers, (3, 5, 3), "file, environment, option");
    assert!(!config.ipv6 && config.client_id == "filed");
    let named = [("PAN123_CONFIG", name.as_str())];
    let Err(Exit::Wrong(said)) = check(&[], &named) else {
        unreachable!("a bin that is wrong");
    };
    assert!(said.starts_with(&format!("{name}:7: bin")), "{said}");
    fs::remove_file(&path).expect("it was written");
}

#[test]
fn every_option_may_stand_in_the_file() {
    let Err(Exit::Print(help)) = check(&["--help"], &[]) else {
        unreachable!("the help");
    };
    let words = help
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("--"));
    for option in words.filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '-')) {
        let alone = ["config", "version", "help"].contains(&option);
        assert!(alone || OPTIONS.contains(&option), "{option}");
    }
}

#[test]
fn commands() {
    let run = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        task(&words, &|name| {
            (name == ID.0 || name == KEY.0).then(|| "x".to_owned())
        })
    };
    let command = |words: &[&str]| match run(words) {
        Ok(Task::Configured(_, command)) => command,
        other => unreachable!("{other:?}"),
    };
    assert!(matches!(
        command(&["check-config", "--tier", "vip"]),
        Command::Check
    ));
    assert!(matches!(command(&["serve"]), Command::Serve));
    assert!(matches!(command(&[]), Command::Serve));
    let passwd = run(&["passwd", "me", "--htpasswd-file=f"]);
    assert!(matches!(passwd, Ok(Task::Passwd { user, file: Some(_) }) if user == "me"));
    assert!(matches!(run(&["passwd"]), Err(Exit::Wrong(text)) if text.contains("user")));
}

#[test]
fn secrets_are_not_shown() {
    let text = format!("{:?}", good(&[], &[]));
    assert!(text.contains("***") && !text.contains("hidden"), "{text}");
}

#[test]
fn help_and_version() {
    for word in ["--help", "help"] {
        assert!(matches!(check(&[word], &[]), Err(Exit::Print(text)) if text.contains("--tier")));
    }
    let version = check(&["serve", "--version"], &[]);
    assert!(matches!(version, Err(Exit::Print(text)) if text.starts_with("restic-123pan ")));
}

#[test]
fn the_bin_has_commands() {
    let parse_bin = |line: &str| {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let env = |name: &str| {
            [ID, KEY]
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).into())
        };
        parse(&words, &env).map(|(config, command)| (config.repo_path.path().to_owned(), command))
    };
    let (path, command) = parse_bin("bin restore --since 2h --repo-path=/x laptop/*").expect("it");
    assert_eq!(path, "x");
    let Command::Bin(BinCommand::Restore { since, which, .. }) = command else {
        unreachable!("{command:?}");
    };
    assert_eq!(
        (since, which),
        (Some(When::Ago(7200)), vec!["laptop/*".to_owned()])
    );
    for (line, wrong) in [
        ("bin empty", "bin purge"),
        ("bin list --since soon", "--since \"soon\""),
        ("bin purge --older-than 3w", "--older-than"),
        ("bin purge --partial", "bin purge --help"),
    ] {
        let said = parse_bin(line).expect_err(line);
        assert!(
            matches!(&said, Exit::Wrong(text) if text.contains(wrong)),
            "{said:?}"
        );
    }
    for line in [
        "bin",
        "bin --help",
        "bin list --help",
        "bin purge --help",
        "bin restore --help",
    ] {
        let said = parse_bin(line).expect_err(line);
        let Exit::Print(text) = &said else {
            unreachable!("{said:?}")
        };
        assert!(
            text.lines().count() <= 50,
            "{line} doesn't fit a screen:\n{text}"
        );
    }
    let at = |text| values::moment(text).ok();
    assert_eq!(at("2000-02-29"), Some(When::At(951_782_400)));
    assert_eq!(at("2000-02-29T08:00:00+08:00"), Some(When::At(951_782_400)));
    assert_eq!(
        (at("90m"), at("3d")),
        (Some(When::Ago(5400)), Some(When::Ago(259_200)))
    );
    for wrong in [
        "",
        "d",
        "-3d",
        "1.5h",
        "99999999999999999999d",
        "2000-02-30x",
        "é",
    ] {
        assert_eq!(at(wrong), None, "{wrong}");
    }
}

/// `--no-auth` may stand on the server's command line alone; commands that don't listen must run
/// all the same.
#[test]
fn only_who_listens_must_ask_for_passwords() {
    let wide = |name: &str| match name {
        "PAN123_LISTEN" => Some(":8000".to_owned()),
        "STATE_DIRECTORY" => Some(std::env::temp_dir().display().to_string()),
        _ => [ID, KEY]
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, value)| (*value).to_owned()),
    };
    let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
    for line in ["doctor", "bin list"] {
        assert!(parse(&words(line), &wide).is_ok(), "{line}");
    }
    assert!(account(&words("--tier vip"), &wide).is_ok());
    for line in ["serve", "check-config"] {
        match parse(&words(line), &wide) {
            Err(Exit::Wrong(text)) => assert!(text.contains("--no-auth"), "{text}"),
            other => unreachable!("{line}: {other:?}"),
        }
    }
}

/// A disk that is full or read-only is no reason not to back up.
#[test]
fn a_state_directory_that_can_not_be_is_a_warning() {
    let config = check(&["--state-dir=/dev/null/x"], &[ID, KEY]).expect("a warning");
    assert_eq!(config.state_dir, Some("/dev/null/x".into()));
    assert!(config.warnings.iter().any(|w| w.contains("--state-dir")));
}
