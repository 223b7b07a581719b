//! Commands beside a service, whose settings stand in a folder made here.

use super::*;

/// A machine with a service of these options and credentials.
fn machine(name: &str, options: &str) -> PathBuf {
    let root = std::env::temp_dir().join(format!("beside-{name}-{}", std::process::id()));
    let folder = root.join("etc/restic-123pan");
    fs::create_dir_all(&folder).unwrap();
    for (name, text) in [
        ("options", options),
        ("id", "its-id\n"),
        ("secret", "its\n"),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
    root
}

/// What a line means on that machine.
fn read_on(root: &Path, line: &str, variables: &[(&str, &str)]) -> Result<Read, String> {
    let words: Vec<&str> = line.split(' ').collect();
    read_at(root, &words, variables).map_err(|exit| match exit {
        Exit::Print(text) | Exit::Wrong(text) | Exit::Failed(text, _) => text,
    })
}

#[test]
fn commands_use_the_services_settings_and_say_so() {
    let options =
        "PAN123_REPO_PATH=/its\nPAN123_LISTEN=:81\nPAN123_HTPASSWD_FILE=/run/restic-123pan/users\n";
    let root = machine("all", options);
    let on = |line: &str, variables: &[(&str, &str)]| read_on(&root, line, variables);
    let read = on("doctor --tier vip", &[]).expect("the service's account");
    let whose = "using the settings of the service in /etc/restic-123pan";
    assert_eq!(read.whose.as_deref(), Some(whose));
    let Task::Doctor(config, _) = read.task else {
        unreachable!("a doctor");
    };
    assert_eq!(config.shared.repo_path.path(), "its");
    assert!(
        config.summary().contains("tier Vip"),
        "{}",
        config.summary()
    );
    for line in ["verify", "bin restore", "check-config", "status"] {
        let read = on(line, &[]).unwrap_or_else(|why| unreachable!("{line}: {why}"));
        assert!(read.whose.is_some(), "{line}");
    }
    // What is said here wins, one by one.
    let own = on("verify", &[("PAN123_REPO_PATH", "/own")]).expect("both");
    assert!(matches!(own.task, Task::Verify(config, _) if config.shared.repo_path.path() == "own"));
    let asked = on("status", &[]).expect("its address").task;
    assert!(matches!(asked, Task::Ask(ask) if ask.address.to_string() == "127.0.0.1:81"));
    let users = on("passwd anna", &[]).expect("its users").task;
    let file = Some(PathBuf::from("/etc/restic-123pan/users"));
    assert!(matches!(users, Task::Passwd(Passwd::Set(_, its)) if its == file));
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn whoever_names_an_account_means_that_one_alone() {
    let root = machine("own", "PAN123_REPO_PATH=/its\n");
    let own = [("PAN123_CLIENT_ID", "own"), ("PAN123_CLIENT_SECRET", "own")];
    let read = read_on(&root, "verify", &own).expect("an account");
    assert_eq!(read.whose, None);
    assert!(
        matches!(read.task, Task::Verify(c, _) if c.shared.repo_path.path() == "restic-backup")
    );
    let half = read_on(&root, "verify", &own[..1]).expect_err("half an account");
    assert!(half.contains("PAN123_CLIENT_SECRET is missing"), "{half}");
    let local = read_on(&root, "doctor --cloud local --local-dir /x", &[]).expect("a folder");
    assert_eq!(local.whose, None);
    // The server itself never looks for others' settings.
    let served = read_on(&root, "serve", &[]).expect_err("no account");
    assert!(served.contains("PAN123_CLIENT_ID is missing"), "{served}");
    let none = read_on(&root, "verify --help", &[]).expect_err("help");
    assert!(none.starts_with("Usage: "), "{none}");
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn nobody_gets_half_of_what_they_may_not_read() {
    use std::os::unix::fs::PermissionsExt;
    let root = machine("closed", "PAN123_REPO_PATH=/its\n");
    let secret = root.join("etc/restic-123pan/secret");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o0)).unwrap();
    let read = read_on(&root, "verify", &[]);
    // Root may read everything.
    if fs::read(&secret).is_ok() {
        assert!(read.expect("its account").whose.is_some());
    } else {
        let said = read.expect_err("no account");
        let both = [
            "PAN123_CLIENT_ID is missing",
            "may not read /etc/restic-123pan/secret",
        ];
        assert!(both.iter().all(|part| said.contains(part)), "{said}");
        let asked = read_on(&root, "status", &[]).expect("the usual address");
        assert!(asked.whose.is_some_and(|text| text.contains("use sudo")));
    }
    fs::remove_dir_all(&root).unwrap();
}
