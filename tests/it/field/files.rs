//! Files as Windows' editors write them, and what may go to flash memory.

use crate::rig::Rig;
use crate::tree::TempDir;
use crate::wire::Wire;
use restic_123pan::body::{Body, Budget};
use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

/// A hash of a password's, as `htpasswd -B` writes it.
const HASH: &str = "$2y$05$PX9.NN6O/nldzcAuW2Q8SOC3RMXm9y2q6cAqF1ZWyG2WOzY2hE4rS";

/// Runs `check-config` with these files as id, secret, configuration, passwords and roles.
fn check(files: [&[u8]; 5]) -> Output {
    let rig = Rig::start(&[]);
    let dir = TempDir::new();
    let names = ["id", "secret", "config", "passwords", "roles"];
    let paths = names.map(|name| dir.path().join(name));
    for (path, bytes) in paths.iter().zip(files) {
        fs::write(path, bytes).unwrap();
    }
    let [id, secret, config, passwords, roles] = paths;
    let word = |path: &Path| path.to_str().unwrap().to_owned();
    let mut command = rig.spare_command(&["check-config", "--config", &word(&config)]);
    command
        .args([
            "--htpasswd-file",
            &word(&passwords),
            "--roles",
            &word(&roles),
        ])
        .env_remove("PAN123_CLIENT_ID")
        .env_remove("PAN123_CLIENT_SECRET")
        .env("PAN123_CLIENT_ID_FILE", id)
        .env("PAN123_CLIENT_SECRET_FILE", secret);
    command.output().unwrap()
}

/// A text as Windows' PowerShell writes it.
fn wide(text: &str) -> Vec<u8> {
    let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

#[test]
fn files_written_on_windows_are_read() {
    let marked = |text: &str| format!("\u{feff}{text}").into_bytes();
    let passwords = format!("laptop:{HASH}\r\n");
    let output = check([
        &marked("demo \r\n"),
        &wide("demo\r\n"),
        &marked("memory = 8M\r\n"),
        &marked(&passwords),
        &marked("laptop / admin\r\n"),
    ]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("8 MiB"), "{said}");
}

#[test]
fn what_cannot_be_a_credential_is_refused_with_its_file() {
    let others: [&[u8]; 3] = [
        b"memory = 8M\n",
        b"laptop:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\n",
        b"laptop / admin\n",
    ];
    let table: [(&[u8], &[u8], &str); 4] = [
        ("de\u{200b}mo".as_bytes(), b"demo", "/id: character "),
        (b"demo", b"de mo", "/secret: character "),
        (b"demo\ndemo", b"demo", "/id has several lines"),
        (b"demo", "ｄemo".as_bytes(), "/secret: character "),
    ];
    for (id, secret, why) in table {
        let output = check([id, secret, others[0], others[1], others[2]]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

/// A pack without a length that doesn't fit the memory isn't put into the state directory, which is
/// flash on a router.
#[test]
fn packs_do_not_go_to_flash_by_themselves() {
    let rig = Rig::start(&["--memory", "0"]);
    let mut wire = Wire::open(rig.address());
    let id = "0".repeat(64);
    wire.send(format!(
        "POST /data/{id} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    ));
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..4 {
        wire.send(format!("{:x}\r\n", chunk.len()))
            .send(&chunk)
            .send("\r\n");
    }
    let state = rig.grant().parent().unwrap().to_owned();
    let fds = format!("/proc/{}/fd", rig.pid());
    let end = Instant::now() + Duration::from_secs(2);
    while Instant::now() < end {
        for fd in fs::read_dir(&fds).unwrap().flatten() {
            let file = fs::read_link(fd.path()).unwrap_or_default();
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            // As files are called that get no name.
            let spooled = file.starts_with(&state) && name.starts_with('.');
            assert!(!spooled, "{}", file.display());
        }
    }
}

#[test]
fn what_fits_nowhere_is_refused_with_what_helps() {
    let budget = Budget::new(1 << 20, None);
    let bytes = vec![b'x'; 3 << 20];
    let mut source = &bytes[..];
    let refused = Body::chunked(&mut source, None, &budget, &mut |_| Ok(()))
        .err()
        .unwrap();
    let said = refused.to_string();
    for option in [
        "--memory",
        "--spool-dir",
        "--set-datapack-size",
        "--set-treepack-size",
    ] {
        assert!(said.contains(option), "{said}");
    }
}
