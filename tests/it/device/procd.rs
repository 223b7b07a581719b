//! OpenWrt's init script, run by a stand-in for procd that writes down what it is told.

use super::{have, printed, run, settings};
use crate::tree::TempDir;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// `/etc/rc.common` and what it brings along: UCI and procd, as far as the script uses them.
const STUB: &str = include_str!("rc.common");

/// Four servers that run, one of them over a disk, one that doesn't, one without credentials.
const CONFIG: &str = "
config server 'main'
	option enabled '1'
	option client_id_file 'DIR/etc/id'
	option client_secret_file 'DIR/etc/secret'
	option listen '192.168.1.1:8000'
	option no_ipv6 '1'
	option htpasswd_file 'DIR/etc/users'
	option state_dir 'DIR/state with space'

config server 'second'
	option enabled '1'
	option client_id 'id in uci'
	option client_secret 'hidden $in `uci`'
	option listen ':8001'
	option allow_http_upload '0'
	option log 'debug'

config server 'off'
	option client_id 'unused'

config server 'app'
	option enabled '1'
	option oauth_client_id 'an app'
	option client_secret 'hidden'
	option listen ':8002'

config server 'disk'
	option enabled '1'
	option cloud 'local'
	option local_dir 'DIR/disk'
	option tls_key 'DIR/etc/key'
	option vault_key 'hidden as well'

config server 'nothing'
	option enabled '1'
	option client_id_file 'DIR/etc/missing'
";

/// Runs the init script in a folder under a shell; what procd was told, a call a line.
fn started(shell: &[&str], dir: &Path, config: &str) -> String {
    let place = dir.display().to_string();
    let script = printed(&["service", "openwrt", "--program", "/usr/bin/restic-123pan"])
        // As if there were a cloud with a secret of its own.
        .replace("SECRETS=\"", "SECRETS=\"vault_key ")
        .replace("/var/run/restic-123pan", &format!("{place}/run"))
        .replace("/etc/restic-123pan", &format!("{place}/etc"));
    fs::create_dir_all(dir.join("etc")).unwrap();
    fs::write(dir.join("etc/id"), "id in a file\n").unwrap();
    fs::write(dir.join("etc/secret"), "hidden in a file\n").unwrap();
    fs::write(dir.join("etc/users"), "laptop:hash\n").unwrap();
    fs::write(dir.join("etc/key"), "hidden\n").unwrap();
    fs::write(dir.join("init"), script).unwrap();
    fs::write(dir.join("config"), config.replace("DIR", &place)).unwrap();
    fs::write(dir.join("rc.common"), STUB).unwrap();
    let mut command = Command::new(shell[0]);
    command
        .args(&shell[1..])
        .arg(dir.join("rc.common"))
        .arg(dir)
        .arg("start");
    run(&mut command)
}

fn check(shell: &[&str]) {
    let dir = TempDir::new();
    let calls = started(shell, dir.path(), CONFIG);
    let place = dir.path().display();
    let has = |call: &str| {
        assert!(
            calls.lines().any(|line| line == call),
            "{call}\nin\n{calls}"
        )
    };
    has("user_add restic-123pan");
    let instances: Vec<_> = calls.lines().filter(|l| l.starts_with("open")).collect();
    assert_eq!(
        instances,
        ["open main", "open second", "open app", "open disk"],
        "{calls}"
    );
    has("main command: /usr/bin/restic-123pan|serve|");
    check_environment(&calls, &place.to_string());
    for line in [
        "user: restic-123pan|",
        "group: restic-123pan|",
        "respawn: 3600|5|0|",
        "stdout: 1|",
        "stderr: 1|",
        "no_new_privs: 1|",
    ] {
        has(&format!("main {line}"));
        has(&format!("second {line}"));
    }
    has(&format!(
        "main file: {place}/run/main.id|{place}/run/main.secret|"
    ));
    assert!(
        calls.contains("logger -t restic-123pan -p daemon.err nothing isn't started"),
        "{calls}"
    );
    assert!(!calls.contains("hidden"), "a secret was told:\n{calls}");

    let copy = |name: &str| fs::read_to_string(dir.path().join("run").join(name)).unwrap();
    assert_eq!(copy("main.secret"), "hidden in a file\n");
    assert_eq!(copy("second.secret"), "hidden $in `uci`\n");
    assert_eq!(copy("second.id"), "id in uci\n");
    let mode = fs::metadata(dir.path().join("run/second.secret"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    has(&format!(
        "chown restic-123pan:restic-123pan {place}/run/second.secret"
    ));
    has(&format!(
        "chown restic-123pan:restic-123pan {place}/state with space"
    ));
    has(&format!("chown root:restic-123pan {place}/etc/users"));
}

/// What each server's environment says.
fn check_environment(calls: &str, place: &str) {
    let has = |call: &str| {
        assert!(
            calls.lines().any(|line| line == call),
            "{call}\nin\n{calls}"
        )
    };
    has(&format!(
        "main env: PAN123_CLIENT_ID_FILE={place}/run/main.id|PAN123_CLIENT_SECRET_FILE={place}/run/main.secret|STATE_DIRECTORY={place}/state with space|RUST_LOG=info|"
    ));
    has(&format!(
        "app env: PAN123_CLIENT_ID_FILE=|PAN123_OAUTH_CLIENT_SECRET_FILE={place}/run/app.secret|STATE_DIRECTORY={place}/etc/state|RUST_LOG=info|"
    ));
    has("app env: PAN123_OAUTH_CLIENT_ID=an app|");
    has(&format!(
        "disk env: PAN123_CLIENT_ID_FILE=|PAN123_CLIENT_SECRET_FILE=|STATE_DIRECTORY={place}/etc/state|RUST_LOG=info|"
    ));
    has("disk env: PAN123_CLOUD=local|");
    has(&format!(
        "disk env: PAN123_VAULT_KEY_FILE={place}/run/disk.vault_key|"
    ));
    has(&format!("disk file: {place}/run/disk.vault_key|"));
    has(&format!("chown root:restic-123pan {place}/etc/key"));
    has(&format!("disk env: PAN123_LOCAL_DIR={place}/disk|"));
    has(&format!("chown restic-123pan:restic-123pan {place}/disk"));
    has("main env: PAN123_LISTEN=192.168.1.1:8000|");
    has("main env: PAN123_NO_IPV6=1|");
    has("second env: PAN123_LISTEN=:8001|");
    assert!(calls.contains("RUST_LOG=debug|"), "{calls}");
    assert!(!calls.contains("ALLOW_HTTP"), "{calls}");
}

#[test]
fn the_init_script_tells_procd_everything() {
    check(&["sh"]);
}

/// OpenWrt's own shell.
#[test]
fn the_init_script_runs_in_busybox() {
    if have("busybox") {
        check(&["busybox", "ash"]);
    }
}

#[test]
fn the_configuration_that_is_installed_starts_nothing() {
    let dir = TempDir::new();
    let calls = started(
        &["sh"],
        dir.path(),
        &printed(&["service", "openwrt-config"]),
    );
    assert!(!calls.contains("open"), "{calls}");
}

/// With every line of the UCI file in force, every option reaches the server.
#[test]
fn every_option_reaches_the_server() {
    let config = printed(&["service", "openwrt-config"])
        .replace("#option", "option")
        .replace("enabled '0'", "enabled '1'")
        .replace("''", "'DIR/spool'")
        .replace("/etc/restic-123pan", "DIR/etc");
    let dir = TempDir::new();
    let calls = started(&["sh"], dir.path(), &config);
    for name in settings() {
        let variable = format!(
            "main env: PAN123_{}=",
            name.replace('-', "_").to_uppercase()
        );
        assert!(calls.contains(&variable), "{variable}\nisn't in\n{calls}");
    }
}

#[test]
fn a_changed_configuration_reloads() {
    let dir = TempDir::new();
    started(&["sh"], dir.path(), CONFIG);
    let mut command = Command::new("sh");
    command
        .arg(dir.path().join("rc.common"))
        .arg(dir.path())
        .arg("service_triggers");
    assert_eq!(run(&mut command), "reload trigger restic-123pan\n");
}
