//! No secret in a list of processes, in a log, or in a file that the program prints, however it
//! is started.

use super::{PROGRAM, have, kinds, printed, run};
use crate::fake::Fake;
use crate::tree::TempDir;
use crate::waiting::awaited;
use crate::wire::Wire;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command};

/// A process that ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that logs all it can, told its secrets by `how`.
fn start(cloud: &Fake, dir: &Path, how: impl FnOnce(&mut Command)) -> Running {
    let mut command = Command::new(PROGRAM);
    command
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--tier",
            "vip",
            "--allow-http-upload",
        ])
        .args(["--api-url", &cloud.url(), "--state-dir"])
        .arg(dir.join("state"))
        .env("RUST_LOG", "trace")
        .stderr(File::create(dir.join("log")).unwrap());
    how(&mut command);
    Running(command.spawn().unwrap())
}

/// Waits for a line of the log and returns it.
fn line(dir: &Path, with: &str) -> String {
    awaited(|| {
        let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
        let line = log.lines().find(|line| line.contains(with));
        line.map(str::to_owned).ok_or(format!("{with} in\n{log}"))
    })
}

/// Makes the server use its secrets, and looks everywhere for them.
fn check(how: impl FnOnce(&mut Command, &str, &str, &Path)) {
    let (cloud, dir) = (Fake::start(), TempDir::new());
    let (id, secret) = (
        cloud.client_id().to_owned(),
        cloud.client_secret().to_owned(),
    );
    // Only an OAuth app looks at it.
    let grant = cloud.grant();
    fs::write(dir.path().join("grant"), &grant).unwrap();
    let server = start(&cloud, dir.path(), |command| {
        how(command, &id, &secret, dir.path())
    });
    let listening = line(dir.path(), "listening on ");
    let address = listening
        .split("listening on ")
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    let mut wire = Wire::open(address.parse().unwrap());
    assert_eq!(wire.ask("POST", "/x/?create=true", "", b"").status, 200);
    line(dir.path(), "POST");

    let hidden = [kept(&dir.path().join("state")), vec![secret, grant]].concat();
    let pid = server.0.id();
    let words = fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
    let log = fs::read_to_string(dir.path().join("log")).unwrap();
    let mut places = vec![("the command line", words), ("the log", log)];
    if have("ps") {
        places.push((
            "ps",
            run(Command::new("ps").args(["-ww", "-o", "args=", "-p", &pid.to_string()])),
        ));
    }
    for (place, text) in places {
        for hidden in &hidden {
            assert!(
                !text.contains(hidden.as_str()),
                "a secret is in {place}:\n{text}"
            );
        }
    }
}

/// The tokens that the server keeps.
fn kept(state: &Path) -> Vec<String> {
    let files = fs::read_dir(state)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut kept = files.filter(|path| path.extension().is_some_and(|e| e == "json"));
    let path = kept
        .find(|path| path.to_string_lossy().contains("token"))
        .unwrap();
    let text = fs::read_to_string(path).unwrap();
    let words = text.split('"').filter(|word| word.len() > 60);
    let words: Vec<String> = words.map(str::to_owned).collect();
    assert!(!words.is_empty(), "{text}");
    words
}

#[test]
fn secrets_from_the_environment_stay_hidden() {
    check(|command, id, secret, _| {
        command
            .env("PAN123_CLIENT_ID", id)
            .env("PAN123_CLIENT_SECRET", secret);
    });
}

#[test]
fn secrets_from_files_stay_hidden() {
    check(|command, id, secret, dir| {
        fs::write(dir.join("id"), id).unwrap();
        fs::write(dir.join("secret"), secret).unwrap();
        let file = |name: &str| dir.join(name);
        command
            .env("PAN123_CLIENT_ID_FILE", file("id"))
            .env("PAN123_CLIENT_SECRET_FILE", file("secret"));
    });
}

/// The refresh token that was pasted, those that came for it, and the app's secret, which stand in
/// addresses and answers.
#[test]
fn secrets_of_an_oauth_app_stay_hidden() {
    check(|command, id, secret, dir| {
        fs::create_dir(dir.join("state")).unwrap();
        fs::rename(dir.join("grant"), dir.join("state/oauth-token.json")).unwrap();
        command
            .env("PAN123_OAUTH_CLIENT_ID", id)
            .env("PAN123_OAUTH_CLIENT_SECRET", secret);
    });
}

/// As systemd runs it: the unit's own variables, its credentials folder, its state folder.
#[test]
fn secrets_from_systemds_credentials_stay_hidden() {
    let unit = printed(&["service", "systemd"]);
    let variables: Vec<(String, String)> = unit
        .lines()
        .filter_map(|line| line.strip_prefix("Environment=")?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(variables.len(), 2, "{unit}");
    check(|command, id, secret, dir| {
        let place = credentials(dir, id, secret);
        for (name, value) in variables {
            command.env(name, value.replace("/run/credentials/%n", &place));
        }
    });
}

/// As OpenRC starts it: with the variables that the init script leaves to its supervisor.
#[test]
fn secrets_from_openrc_stay_hidden() {
    check(|command, id, secret, dir| {
        let place = credentials(dir, id, secret);
        let script = printed(&["service", "openrc"]).replace("/etc/restic-123pan", &place);
        fs::write(dir.join("init"), script).unwrap();
        fs::write(dir.join("credentials/options"), "PAN123_UPLOADS=3\n").unwrap();
        // What of OpenRC the script calls; then what the server would be started with.
        let supervisor = "checkpath() { :; }; . \"$0\"; start_pre; echo \"$command_args\"; env";
        let mut shell = Command::new("sh");
        shell.args(["-c", supervisor]).arg(dir.join("init"));
        let told = run(shell.env_clear().env("PATH", "/usr/bin:/bin"));
        let (words, variables) = told.split_once('\n').unwrap();
        assert_eq!(words, "serve");
        assert!(variables.contains("PAN123_UPLOADS=3\n"), "{variables}");
        command.envs(variables.lines().filter_map(|line| line.split_once('=')));
    });
}

/// As launchd starts it: with the variables that stand in its file.
#[test]
fn secrets_from_launchd_stay_hidden() {
    check(|command, id, secret, dir| {
        let place = credentials(dir, id, secret);
        let plist = printed(&["service", "launchd"]);
        let (_, variables) = plist.split_once("<key>EnvironmentVariables</key>").unwrap();
        let (variables, _) = variables.split_once("</dict>").unwrap();
        let words: Vec<&str> = variables.split(['<', '>']).skip(4).step_by(4).collect();
        assert_eq!(words.len(), 4, "{plist}");
        for pair in words.chunks(2) {
            let (_, name) = pair[1].rsplit_once('/').unwrap();
            command.env(pair[0], format!("{place}/{name}"));
        }
    });
}

/// A folder with the files `id` and `secret`.
fn credentials(dir: &Path, id: &str, secret: &str) -> String {
    let place = dir.join("credentials");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("id"), id).unwrap();
    fs::write(place.join("secret"), secret).unwrap();
    place.to_str().unwrap().to_owned()
}

/// There is no way to give a secret where everybody could read it.
#[test]
fn the_command_line_takes_no_secret() {
    for word in [
        "--client-id",
        "--client-secret",
        "--token",
        "--oauth-client-secret",
    ] {
        let output = Command::new(PROGRAM)
            .args([word, "hidden"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{word}");
    }
}

/// Printed files name where secrets are and hold none, even if the environment has them.
#[test]
fn printed_files_hold_no_secret() {
    for kind in kinds() {
        let mut command = Command::new(PROGRAM);
        command
            .args(["service", &kind])
            .env("PAN123_CLIENT_ID", "hidden id")
            .env("PAN123_CLIENT_SECRET", "hidden");
        let text = run(&mut command);
        assert!(!text.contains("hidden"), "{kind}:\n{text}");
    }
}
