//! Commands beside a service as systemd runs it: what stands in its folders is all that they are
//! told. The folders are this test's own, in a namespace of its own.

use super::{PROGRAM, have, said};
use crate::fake::Fake;
use crate::tools::missing;
use crate::tree::TempDir;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A namespace with mounts of its own: root needs no more, and has users to give files to.
fn namespace() -> &'static str {
    match rustix::process::geteuid().is_root() {
        true => "-m",
        false => "-rm",
    }
}

/// Puts the folders of `$0` into the places where a service has them, and runs the rest. The state
/// lies behind a link, as systemd has it for a user that it makes up.
const SCRIPT: &str = "set -e; mount -t tmpfs none /var/lib; mount -t tmpfs none /etc; \
    mkdir -p /var/lib/private/restic-123pan; ln -s private/restic-123pan /var/lib; \
    mount --bind \"$0/state\" /var/lib/private/restic-123pan; chmod 700 /var/lib/private; \
    chown 4321 /var/lib/private/restic-123pan || true; \
    cp -r \"$0/etc\" /etc/restic-123pan; exec \"$@\"";

/// What a command says whose machine has a service with these files.
fn run(files: &Path, words: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new("unshare");
    command
        .args([namespace(), "sh", "-c", SCRIPT])
        .arg(files)
        .arg(PROGRAM)
        .args(words);
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path);
    command.envs(variables.iter().copied()).output().unwrap()
}

fn is_possible() -> bool {
    let probe = "mount -t tmpfs none /etc";
    let done = Command::new("unshare")
        .args([namespace(), "sh", "-c", probe])
        .output();
    done.is_ok_and(|output| output.status.success())
}

#[test]
fn commands_beside_a_service_just_work() {
    if !have("unshare") || !is_possible() {
        missing("no namespaces of our own here");
        return;
    }
    let (cloud, dir) = (Fake::start(), TempDir::new());
    for folder in ["etc", "state"] {
        fs::create_dir(dir.path().join(folder)).unwrap();
    }
    let write = |name: &str, text: &str| {
        fs::write(dir.path().join("etc").join(name), text).unwrap();
    };
    write(
        "options",
        &format!(
            "PAN123_API_URL={}\nPAN123_TIER=vip\nPAN123_LISTEN=:9\n",
            cloud.url()
        ),
    );
    write("id", &format!("{}\n", cloud.client_id()));
    write("secret", &format!("{}\n", cloud.client_secret()));
    let whose = "using the settings of the service in /etc/restic-123pan";
    #[rustfmt::skip]
    let table: [(&[&str], i32, &str); 6] = [
        (&["doctor"], 0, "/var/lib/private/restic-123pan can be written"),
        (&["verify"], 0, "nothing is wrong"),
        (&["bin", "list"], 0, "total: "),
        (&["bin", "restore"], 0, "there is nothing to bring back"),
        (&["check-config", "--online"], 0, "takes the credentials"),
        (&["status"], 1, "no server listens on 127.0.0.1:9"),
    ];
    let own = [("PAN123_NO_AUTH", "1")];
    for (words, code, named) in table {
        let output = run(dir.path(), words, &own);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        assert!(
            said.contains(named) && said.contains(whose),
            "{words:?}: {said}"
        );
    }
    let chinese = run(dir.path(), &["doctor"], &[("LC_MESSAGES", "zh_CN")]);
    let text = said(&chinese);
    assert!(
        text.contains("正在使用 /etc/restic-123pan 中的服务的设置"),
        "{text}"
    );
    assert!(
        text.contains("一切正常：restic 可以使用此服务器。"),
        "{text}"
    );
    assert!(text.contains("✓ 状态目录"), "{text}");
    assert_eq!(cloud.complaints(), [""; 0]);
    write("secret", "wrong\n");
    let wrong = run(dir.path(), &["check-config", "--online"], &own);
    let text = said(&wrong);
    assert!(
        wrong.status.code() == Some(2) && text.contains("PAN123_CLIENT_SECRET"),
        "{text}"
    );
}
