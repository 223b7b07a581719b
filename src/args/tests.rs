//! Options from words and variables that are given here; the real environment isn't looked at.

use super::*;
use crate::settings::values::Bin;
use crate::settings::{choices, one_line};
use std::fs;

const ID: (&str, &str) = ("PAN123_CLIENT_ID", "id");
const KEY: (&str, &str) = ("PAN123_CLIENT_SECRET", "hidden");

/// Reads a line with these variables alone, and with a state directory that is there.
fn called(words: &[&str], variables: &[(&str, &str)]) -> Result<(Task, Vec<String>), Exit> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let temporary = std::env::temp_dir().display().to_string();
    let state = ("STATE_DIRECTORY", temporary.as_str());
    let all = std::iter::once(&state).chain(variables);
    let all = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    read(&words, &all.collect())
}

/// The same for a line in one text, with credentials.
fn line(text: &str) -> Result<Task, Exit> {
    let words: Vec<&str> = text.split_whitespace().collect();
    called(&words, &[ID, KEY]).map(|(task, _)| task)
}

fn check(words: &[&str], variables: &[(&str, &str)]) -> Result<Config, Exit> {
    called(words, variables).map(|(task, _)| match task {
        Task::Serve(config) => config,
        other => unreachable!("{other:?}"),
    })
}

fn good(words: &[&str], variables: &[(&str, &str)]) -> Config {
    let all: Vec<_> = [&[ID, KEY], variables].concat();
    check(words, &all).unwrap_or_else(|exit| unreachable!("{words:?}: {exit:?}"))
}

/// What is wrong with a line.
fn wrong(text: &str) -> String {
    match line(text) {
        Err(Exit::Wrong(said)) => said,
        other => unreachable!("{text}: {other:?}"),
    }
}

/// What a line prints.
fn printed(text: &str) -> String {
    match line(text) {
        Err(Exit::Print(said)) => said,
        other => unreachable!("{text}: {other:?}"),
    }
}

#[test]
fn defaults() {
    let config = good(&[], &[]);
    let shared = &config.shared;
    assert_eq!(config.listen, "127.0.0.1:8000");
    assert_eq!(shared.repo_path.path(), "restic-backup");
    assert_eq!(shared.state_dir, Some(std::env::temp_dir()));
    assert_eq!(config.spool_dir, shared.state_dir);
    assert_eq!(
        (config.memory, config.workers, shared.uploads),
        (32 << 20, 8, 8)
    );
    assert_eq!((shared.bin, shared.reserve), (Bin::Days(7), 1 << 30));
    assert!(shared.ipv6 && (shared.rate_share - 0.8).abs() < 1e-9);
    assert_eq!(config.cloud, "123pan");
    let summary = config.summary();
    assert!(
        summary.contains("/restic-backup at https://open-api.123pan.com, bin 7d, tier auto"),
        "{summary}"
    );
}

#[test]
fn the_option_wins_over_the_environment() {
    let env = [("PAN123_LISTEN", ":1"), ("PAN123_WORKERS", "")];
    let config = good(&["serve", "--listen=[::1]:2"], &env);
    assert_eq!((config.listen.as_str(), config.workers), ("[::1]:2", 8));
    assert_eq!(good(&["--no-auth"], &env).listen, ":1");
    let switches = [("PAN123_NO_IPV6", "yes"), ("PAN123_APPEND_ONLY", "no")];
    let config = good(&["--append-only"], &switches);
    assert!(!config.shared.ipv6 && config.rules.append_only);
}

#[test]
fn certificates_come_from_a_file() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fake/tls.pem");
    let none = concat!(env!("CARGO_MANIFEST_DIR"), "/LICENSE");
    assert!(good(&[], &[]).shared.ca.is_none());
    assert!(good(&["--ca-file", own], &[]).shared.ca.is_some());
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
        assert_eq!(good(&["--bin", text], &[]).shared.bin, bin, "{text}");
    }
    for (text, path) in [("/", ""), ("/a/b/", "a/b"), ("x", "x")] {
        let config = good(&["--repo-path", text], &[]);
        assert_eq!(config.shared.repo_path.path(), path);
    }
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
        ("--cloud=heaven", "123pan or local"),
        ("--tier=vip --tier=free", "--tier"),
        ("--config=x --config=y", "--config"),
        ("--no-auth=1", "--no-auth takes no value"),
        ("-listen :1", "two hyphens"),
        ("import", "dir"),
        ("import a b c", "c"),
        ("import a data", "data"),
        ("import a --nonsense", "--nonsense"),
        ("import a --listen :1", "import: it has no option --listen"),
        ("export", "DIR"),
        ("export a b --tier", "--tier"),
        ("export a b --dry-run=1", "--dry-run"),
        ("service", "systemd"),
        ("service windows", "systemd"),
        ("service systemd --tier vip", "--tier"),
        ("completions tcsh", "bash"),
        ("manual 8", "8"),
        ("verify a data", "data"),
        ("verify --json=1", "--json"),
        ("login", "--redirect-uri"),
        ("login --redirect-uri x y", "y"),
        ("passwd", "user"),
        ("status x", "x"),
        ("bin empty", "bin purge"),
        ("bin list --since soon", "soon"),
        ("bin purge --older-than 3w", "--older-than"),
        ("bin purge --partial", "bin purge --help"),
    ];
    for (text, named) in table {
        let said = wrong(text);
        assert!(
            said.contains(named) && !said.contains('\n'),
            "{text}: {said}"
        );
    }
}

#[test]
fn what_was_mistyped_is_guessed() {
    for (text, meant) in [
        ("--listn :80", "--listen"),
        ("--listn=:80", "--listen"),
        ("serve --memroy 1G", "--memory"),
        ("srve", "serve"),
        ("bin lst", "bin list"),
        ("verify --jsn", "--json"),
        ("completions zish", "zsh"),
        ("--cloud 124pan", "123pan"),
    ] {
        let (said, meant) = (wrong(text), format!("(did you mean {meant}?)"));
        assert!(said.contains(&meant), "{text}: {said}");
    }
    assert!(!wrong("--colour red").contains("did you mean"));
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
fn a_variable_that_means_nothing_is_a_warning() {
    let warned = |words: &[&str], variable: (&str, &str)| {
        let dir = ("PAN123_LOCAL_DIR", "/x");
        let found = called(words, &[ID, KEY, dir, variable]);
        let (_, warnings) = found.unwrap_or_else(|exit| unreachable!("{exit:?}"));
        let about = |text: &String| !text.contains("PAN123_LOCAL_DIR");
        warnings.into_iter().filter(about).collect::<Vec<_>>()
    };
    let listn = warned(&["status"], ("PAN123_LISTN", ":1"));
    let meant = "PAN123_LISTN means nothing (did you mean PAN123_LISTEN?)";
    assert!(listn.len() == 1 && listn[0].contains(meant), "{listn:?}");
    for known in [
        "PAN123_TIER",
        "PAN123_PASSWORD_FILE",
        "PAN123_CLIENT_ID_FILE",
        "PAN123_CONFIG",
        "RUST_LOG",
    ] {
        assert_eq!(warned(&["status"], (known, "")), [""; 0], "{known}");
    }
    let local = ["--cloud", "local"];
    let idle = warned(&local, ("PAN123_TIER", "vip"));
    assert!(
        idle.len() == 1 && idle[0].contains("--cloud 123pan, not of"),
        "{idle:?}"
    );
    assert_eq!(warned(&local, ("PAN123_TIER", "")), [""; 0]);
}

#[test]
fn each_cloud_has_its_options() {
    let config = check(&["--cloud=local", "--local-dir", "/x"], &[]).expect("a folder");
    assert_eq!(config.cloud, "local");
    assert!(config.summary().contains("/x on this machine"));
    for (text, named) in [
        (
            "--cloud local",
            "--local-dir or PAN123_LOCAL_DIR is missing",
        ),
        (
            "--cloud local --tier vip",
            "--tier is an option of --cloud 123pan, not of --cloud local",
        ),
        (
            "--local-dir x",
            "--local-dir is an option of --cloud local, not of --cloud 123pan",
        ),
        (
            "verify --cloud local --rate-share 1",
            "--rate-share means nothing to --cloud local",
        ),
    ] {
        assert_eq!(wrong(text), named, "{text}");
    }
    let has = |text: &str, option: &str| printed(text).contains(&format!("\n  --{option} "));
    assert!(has("--help", "tier") && !has("--help", "local-dir"));
    let local = "--help --cloud local";
    assert!(has(local, "local-dir") && has(local, "memory"));
    assert!(!has(local, "tier") && !has(local, "bin"));
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
    let numbers = (config.workers, config.shared.uploads, config.memory >> 20);
    assert_eq!(numbers, (3, 5, 3), "file, environment, option");
    assert!(!config.shared.ipv6);
    let named = [("PAN123_CONFIG", name.as_str())];
    let Err(Exit::Wrong(said)) = check(&[], &named) else {
        unreachable!("a bin that is wrong");
    };
    assert!(said.starts_with(&format!("{name}:7: bin")), "{said}");
    fs::remove_file(&path).expect("it was written");
}

#[test]
fn the_file_counts_for_every_command() {
    let path = std::env::temp_dir().join(format!("everywhere-{}", std::process::id()));
    let text = "cloud = local\nlocal-dir = /x\nlisten = :81\nhtpasswd-file = f\n";
    fs::write(&path, text).expect("a writable folder");
    let name = path.display().to_string();
    let run = |text: &str| {
        let words: Vec<&str> = text.split(' ').chain(["--config", &name]).collect();
        called(&words, &[]).map(|(task, _)| task)
    };
    let table = Table::new();
    for command in table.commands.iter().filter(|command| !command.is_stem) {
        let words: Vec<&str> = command.words.iter().map(a_word).collect();
        let option = match command.name.as_str() {
            "login" => "--redirect-uri=x",
            _ => "--cloud=local",
        };
        let line = [&command.name, option, &words.join(" ")]
            .map(str::trim)
            .join(" ");
        let done = run(line.trim());
        let printed = matches!(done, Err(Exit::Print(_))) && command.name == "version";
        assert!(done.is_ok() || printed, "{line}: {done:?}");
    }
    assert!(matches!(run("status"), Ok(Task::Ask(ask)) if ask.address == "127.0.0.1:81"));
    assert!(matches!(
        run("passwd me"),
        Ok(Task::Passwd { file: Some(_), .. })
    ));
    let Err(Exit::Wrong(said)) = run("--cloud 123pan --listen 127.0.0.1:1") else {
        unreachable!("a folder for an account");
    };
    let why = format!("{name}:2: local-dir is an option of --cloud local, not of --cloud 123pan");
    assert_eq!(said, why);
    fs::remove_file(&path).expect("it was written");
}

/// A word that may stand there.
fn a_word(word: &Word) -> &str {
    word.choices.first().map_or("x", String::as_str)
}

/// What is said of an option is what it is: defaults and values are taken from there.
#[test]
fn what_options_say_of_themselves_is_so() {
    let table = Table::new();
    let taken = |name: &str, value: &str| {
        let cloud = table.settings().find_map(|(part, option)| match part {
            Part::Cloud(cloud) if option.name == name => Some(cloud),
            _ => None,
        });
        let option = format!("--{name}={value}");
        let cloud = format!("--cloud={}", cloud.unwrap_or(clouds::ALL[0].name()));
        let words = match name {
            "cloud" => vec![option.as_str(), "--local-dir=x"],
            _ => vec![option.as_str(), &cloud],
        };
        let idle = "is an option of --cloud local";
        match called(&words, &[ID, KEY]) {
            Ok(_) => {}
            Err(Exit::Wrong(said)) if said.contains(idle) && name == "cloud" => {}
            Err(other) => unreachable!("{words:?}: {other:?}"),
        }
    };
    let mut count = 0;
    for (_, option) in table.settings() {
        for value in option.choices.iter().chain(&option.default) {
            taken(&option.name, value);
            count += 1;
        }
    }
    assert!(count > 15, "{count}");
    for command in &table.commands {
        assert!(!command.about.is_empty() && command.about.ends_with('.'));
        assert_eq!(command.brief(), one_line(command.brief()));
    }
    assert_eq!(
        choices("a shell: bash, zsh or fish"),
        ["bash", "zsh", "fish"]
    );
}

/// One name is one option, whatever the command: so it takes a value everywhere or nowhere.
#[test]
fn options_of_one_name_are_alike() {
    let table = Table::new();
    for command in &table.commands {
        for option in table.taken(command) {
            let takes = table.takes_value(&option.name);
            assert_eq!(takes, Some(option.value.is_some()), "{option:?}");
        }
        let names: Vec<&str> = table.taken(command).map(|o| o.name.as_str()).collect();
        for (at, name) in names.iter().enumerate() {
            let shared = |part| matches!(part, Part::Cloud(_));
            let clouds = table
                .settings()
                .filter(|(part, o)| shared(*part) && o.name == *name);
            let twice = names[..at].contains(name) && clouds.count() < 2;
            assert!(!twice, "{} takes --{name} twice", command.name);
        }
    }
}

#[test]
fn commands() {
    assert!(matches!(
        line("check-config --tier vip"),
        Ok(Task::Check(_))
    ));
    assert!(matches!(line("serve"), Ok(Task::Serve(_))));
    assert!(matches!(line(""), Ok(Task::Serve(_))));
    assert!(matches!(line("--tier vip serve"), Ok(Task::Serve(_))));
    assert!(matches!(line("manual"), Ok(Task::Manual)));
    let passwd = line("passwd me --htpasswd-file=f");
    assert!(matches!(passwd, Ok(Task::Passwd { user, file: Some(_) }) if user == "me"));
    let text = "import --tier vip a --dry-run --memory=0 /b/ --no-ipv6";
    let Ok(Task::Import(config, asked)) = line(text) else {
        unreachable!("{text}");
    };
    assert_eq!((asked.dir.as_str(), asked.repo.path()), ("a", "b"));
    assert!(asked.dry_run && config.memory == 0 && !config.shared.ipv6);
    let Ok(Task::Export(_, asked)) = line("export -- -dir-") else {
        unreachable!("a folder");
    };
    assert_eq!((asked.dir.as_str(), asked.repo.path()), ("-dir-", ""));
    let Ok(Task::Verify(config, asked)) = line("verify a /b") else {
        unreachable!("two repositories");
    };
    assert_eq!(asked.repo.len(), 2);
    assert!((config.shared.rate_share - 0.2).abs() < 1e-9);
    assert!(matches!(line("verify --rate-share 1"),
        Ok(Task::Verify(config, _)) if config.shared.rate_share >= 1.0));
}

#[test]
fn secrets_are_not_shown() {
    let text = format!("{:?}", good(&[], &[]));
    assert!(text.contains("***") && !text.contains("hidden"), "{text}");
}

#[test]
fn the_running_server_is_found() {
    let env = [("PAN123_LISTEN", ":81"), ("PAN123_PASSWORD", "hidden")];
    let ask = |text: &str| match called(&text.split(' ').collect::<Vec<_>>(), &env) {
        Ok((Task::Ask(ask), _)) => ask,
        other => unreachable!("{text}: {other:?}"),
    };
    let status = ask("status");
    assert_eq!(status.address, "127.0.0.1:81");
    assert_eq!(status.status, Some(Asker::default()));
    let asker = ask("status --user anna").status.expect("who asks");
    assert_eq!(asker.user.as_deref(), Some("anna"));
    assert_eq!(asker.password, Some(Secret::new("hidden")));
    assert!(!format!("{asker:?}").contains("hidden"));
    let health = ask("healthcheck --listen [::]:82");
    assert_eq!((health.address.as_str(), health.status), ("[::1]:82", None));
}

#[test]
fn help_and_version() {
    for text in ["--help", "help", "-h", "serve help", "help serve"] {
        assert!(printed(text).contains("--tier"), "{text}");
    }
    for text in ["serve --version", "-V", "version"] {
        assert!(printed(text).starts_with("restic-123pan "), "{text}");
    }
    // Asked for help, nobody wants to know what is wrong with the rest.
    assert!(printed("--help --config /none/such").contains("--listen"));
}

#[test]
fn each_command_tells_of_its_own() {
    let table = Table::new();
    for command in table
        .commands
        .iter()
        .filter(|command| command.name != "serve")
    {
        let text = printed(&format!("{} --help", command.name));
        assert_eq!(text, printed(&format!("help {}", command.name)));
        assert!(text.contains(&format!("Usage: restic-123pan {}", command.name)));
        assert!(text.lines().count() <= 50, "{text}");
        let wide = text.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None);
        let listed = text.lines().filter_map(|line| line.strip_prefix("  --"));
        let listed = listed.map(|rest| rest.split(' ').next().unwrap_or(rest));
        let own = command.options.iter().map(|option| option.name.as_str());
        assert!(listed.eq(own), "{text}");
    }
    assert_eq!(printed("bin"), printed("bin --help"));
}

#[test]
fn the_bin_has_commands() {
    let Ok(Task::Bin(config, command)) = line("bin restore --since 2h --repo-path=/x laptop/*")
    else {
        unreachable!("a command");
    };
    assert_eq!(config.shared.repo_path.path(), "x");
    let BinCommand::Restore(BinRestore { since, which, .. }) = command else {
        unreachable!("{command:?}");
    };
    assert_eq!(
        (since, which),
        (Some(When::Ago(7200)), vec!["laptop/*".to_owned()])
    );
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

/// A disk that is full or read-only is no reason not to back up.
#[test]
fn a_state_directory_that_can_not_be_is_a_warning() {
    let config = check(&["--state-dir=/dev/null/x"], &[ID, KEY]).expect("a warning");
    assert_eq!(config.shared.state_dir, Some("/dev/null/x".into()));
    assert!(config.warnings.iter().any(|w| w.contains("--state-dir")));
}
