//! Commands, what they tell of themselves, and clouds with their options.

use super::*;
use crate::settings::one_line;

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
    assert!(!wrong("--purple").contains("did you mean"));
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
    let missing = called(&["doctor"], &[ID, ("PAN123_CLIENTSECRET", "x")]);
    let Err(Exit::Wrong(said)) = missing else {
        unreachable!("half of the credentials");
    };
    let both = [
        "PAN123_CLIENT_SECRET is missing",
        "PAN123_CLIENTSECRET means nothing",
    ];
    assert!(both.iter().all(|part| said.contains(part)), "{said}");
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
    assert!(
        matches!(run("status"), Ok(Task::Ask(ask)) if ask.address.to_string() == "127.0.0.1:81")
    );
    assert!(matches!(
        run("passwd me"),
        Ok(Task::Passwd(Passwd::Set(_, Some(_))))
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
    // What each cloud must be told.
    let needs = [
        ID,
        KEY,
        ("PAN123_LOCAL_DIR", "x"),
        ("PAN123_SMH_LIBRARY", "smh1"),
        ("PAN123_SMH_LIBRARY_SECRET", "x"),
        ("PAN123_KDOCS_APP_ID", "app"),
        ("PAN123_KDOCS_APP_KEY", "x"),
        ("PAN123_STATE_DIR", "/tmp"),
    ];
    let taken = |part: Part, name: &str, value: &str| {
        let option = format!("--{name}={value}");
        let cloud = match part {
            Part::Cloud(cloud) => Some(format!("--cloud={cloud}")),
            _ => None,
        };
        let words = std::iter::once(option.as_str()).chain(cloud.as_deref());
        let words: Vec<&str> = words.collect();
        let done = called(&words, &needs);
        assert!(done.is_ok(), "{words:?}: {done:?}");
    };
    let mut count = 0;
    for (part, option) in table.settings() {
        for value in option.choices.iter().chain(&option.default) {
            taken(part, &option.name, value);
            count += 1;
        }
    }
    assert!(count > 15, "{count}");
    for command in &table.commands {
        assert!(!command.about.is_empty() && command.about.ends_with('.'));
        assert_eq!(command.brief(), one_line(command.brief()));
    }
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
    for (text, online) in [
        ("check-config --tier vip", false),
        ("check-config --online", true),
    ] {
        assert!(matches!(line(text), Ok(Task::Check(_, is)) if is == online));
    }
    assert!(matches!(line("serve"), Ok(Task::Serve(_))));
    assert!(matches!(line(""), Ok(Task::Serve(_))));
    assert!(matches!(line("--tier vip serve"), Ok(Task::Serve(_))));
    assert!(matches!(line("manual"), Ok(Task::Manual)));
    let text = "import --tier vip a --dry-run --memory=0 /b/ --no-ipv6";
    let Ok(Task::Copy(config, asked)) = line(text) else {
        unreachable!("{text}");
    };
    assert_eq!((asked.dir.as_str(), asked.repo.path()), ("a", "b"));
    assert!(asked.dry_run && config.memory == 0 && !config.shared.ipv6);
    let Ok(Task::Copy(_, asked)) = line("export -- -dir-") else {
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
fn the_running_server_is_found() {
    let env = [("PAN123_LISTEN", ":81"), ("PAN123_PASSWORD", "hidden")];
    let ask = |text: &str| match called(&text.split(' ').collect::<Vec<_>>(), &env) {
        Ok((Task::Ask(ask), _)) => ask,
        other => unreachable!("{text}: {other:?}"),
    };
    let status = ask("status");
    assert_eq!(status.address.to_string(), "127.0.0.1:81");
    assert_eq!(status.status, Some(Asker::default()));
    let asker = ask("status --user anna").status.expect("who asks");
    assert_eq!(asker.user.as_deref(), Some("anna"));
    assert_eq!(asker.password, Some(Secret::new("hidden")));
    assert!(!format!("{asker:?}").contains("hidden"));
    let health = ask("healthcheck --listen [::]:82");
    assert_eq!(health.address.to_string(), "[::1]:82");
    assert_eq!((health.status, health.certificate), (None, None));
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
    for command in table.commands.iter().filter(|one| one.name != "serve") {
        let text = printed(&format!("{} --help", command.name));
        assert_eq!(text, printed(&format!("help {}", command.name)));
        let usage = text.lines().next().unwrap_or_default();
        assert!(usage.starts_with(&format!("Usage: restic-123pan {}", command.name)));
        assert!(
            !usage.contains("  ") && usage.ends_with(" [options]"),
            "{usage}"
        );
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

#[test]
fn users_are_set_removed_and_listed() {
    let (user, file) = (|| "me".to_owned(), || PathBuf::from("f"));
    for (text, expected) in [
        ("passwd me", Passwd::Set(user(), None)),
        (
            "passwd me --htpasswd-file=f",
            Passwd::Set(user(), Some(file())),
        ),
        (
            "passwd --delete me --htpasswd-file f",
            Passwd::Delete(user(), file()),
        ),
        ("passwd --list --htpasswd-file f", Passwd::List(file())),
    ] {
        assert!(
            matches!(line(text), Ok(Task::Passwd(asked)) if asked == expected),
            "{text}"
        );
    }
}
