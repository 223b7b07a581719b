//! Several clients make one repository at the same moment: one of them gets it, whole, and the
//! others are told.

use crate::clients::{RESTIC, find};
use crate::rig::Rig;
use crate::tree::TempDir;
use crate::wire::Wire;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Clients at once, and how many times they try.
const CLIENTS: usize = 4;
const TIMES: usize = 20;

#[test]
fn four_inits_make_one_repository() {
    race(|rig| vec![rig.url("/"); CLIENTS]);
}

#[test]
fn four_inits_on_two_servers_make_one_repository() {
    let mut beside = Vec::new();
    race(|rig| {
        beside = vec![rig.beside()];
        let both = [rig.url("/"), beside[0].url("/")];
        both.iter().cycle().take(CLIENTS).cloned().collect()
    });
}

/// Has restic make repositories at these addresses at once, many times.
fn race(mut addresses: impl FnMut(&Rig) -> Vec<String>) {
    let Some(program) = find(RESTIC.program) else {
        let name = RESTIC.program;
        eprintln!("SKIPPED: {name} is not in the cache; tests/clients.sh says why");
        return;
    };
    let rig = Rig::start(&[]);
    let addresses = addresses(&rig);
    let dir = TempDir::new();
    for time in 0..TIMES {
        let repos = addresses.iter().map(|address| format!("{address}r{time}/"));
        let repos: Vec<String> = repos.collect();
        let inits = repos
            .iter()
            .map(|repo| start(&program, dir.path(), repo, "init"));
        let inits: Vec<Child> = inits.collect();
        let made = inits.into_iter().map(|init| succeeds(init).is_ok());
        let made = made.filter(|made| *made).count();
        assert_eq!(made, 1, "time {time}:\n{}", rig.log());
        let keys = rig.cloud().tree().into_keys();
        let keys = keys.filter(|file| file.contains(&format!("r{time}/keys/")));
        assert_eq!(keys.count(), 1, "time {time}:\n{}", rig.log());
        for repo in &repos {
            let read = succeeds(start(&program, dir.path(), repo, "snapshots"));
            read.unwrap_or_else(|said| panic!("time {time}: {said}\n{}", rig.log()));
        }
    }
}

fn start(program: &Path, dir: &Path, repo: &str, word: &str) -> Child {
    Command::new(program)
        .arg(word)
        .env_clear()
        .env("HOME", dir)
        .env("RESTIC_PASSWORD", "secret")
        .env("RESTIC_REPOSITORY", repo)
        .args(["--no-cache", "--no-lock"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// An Err with what the client said.
fn succeeds(child: Child) -> Result<(), String> {
    let output = child.wait_with_output().unwrap();
    let said = || String::from_utf8_lossy(&output.stderr).into_owned();
    output.status.success().then_some(()).ok_or_else(said)
}

/// A config is changed as `migrate upgrade_repo_v2` does it; and not after another was refused.
#[test]
fn only_a_losers_delete_is_refused() {
    let rig = Rig::start(&[]);
    let mut wire = Wire::open(rig.address());
    let [first, second] = [[1; 155], [2; 155]];
    let mut ask = |method, path, body: &[u8]| wire.ask(method, path, "", body).status;
    assert_eq!(ask("POST", "/a/config", &first), 200);
    assert_eq!(ask("DELETE", "/a/config", b""), 200);
    assert_eq!(ask("POST", "/a/config", &second), 200);
    assert_eq!(ask("POST", "/a/config", &second), 200, "it is the same");
    assert_eq!(ask("DELETE", "/a/config", b""), 200);
    assert_eq!(ask("POST", "/a/config", &first), 200);
    assert_eq!(ask("POST", "/a/config", &second), 403);
    assert_eq!(ask("DELETE", "/a/config", b""), 403);
    assert_eq!(ask("HEAD", "/a/config", b""), 200);
    assert_eq!(ask("POST", "/b/config", &second), 200);
    assert_eq!(ask("DELETE", "/b/config", b""), 200, "another repository's");
}
