//! Reasons that would get lost: why nothing is at a path, what of a download is damaged, and a log
//! that nobody reads.

use crate::rig::Rig;
use crate::tree::random;
use crate::wire::Wire;
use restic_123pan::restic::hex;
use sha2::{Digest, Sha256};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

#[test]
fn a_path_that_is_refused_gets_a_line_with_the_reason() {
    let rig = Rig::start(&[]);
    let table = [
        ("/a./config", "\"a.\" ends with a dot"),
        ("/c:/keys/", "\"c:\" has a control character or one of"),
        ("/data/config", "\"data\" is kept for"),
        ("/x/-/config", "\"-\" is kept for"),
        (
            "/.restic-123pan-disk/keys/",
            "\".restic-123pan-disk\" is kept for",
        ),
        (
            "/x/.restic-123pan-tmp-0/config",
            "\".restic-123pan-tmp-0\" is kept for",
        ),
        ("/%20x/config", "\"%20x\" begins or ends with a blank"),
        ("/a%2fb/config", "\"a%2fb\" isn't UTF-8, or hides"),
        ("/data/abc", "no file of a repository is called like this"),
        ("/1/2/3/4/5/6/7/8/9/config", "at most 8 folders deep"),
    ];
    for (number, (path, why)) in table.into_iter().enumerate() {
        let mut wire = Wire::open(rig.address());
        assert_eq!(wire.ask("GET", path, "", b"").status, 404, "{path}");
        rig.wait_for(|line| line.contains(why).then_some(()));
        let log = rig.log();
        let lines = log.lines().filter(|line| line.contains("anything at this"));
        assert_eq!(lines.count(), number + 1, "{log}");
    }
    rig.assert_clean(&[]);
}

#[test]
fn several_slashes_count_as_one() {
    let rig = Rig::start(&[]);
    let mut wire = Wire::open(rig.address());
    let config = [7; 155];
    assert_eq!(wire.ask("POST", "//a//b/?create=true", "", b"").status, 200);
    assert_eq!(wire.ask("POST", "//a///b//config", "", &config).status, 200);
    let read = wire.ask("GET", "/a/b/config", "", b"");
    assert_eq!((read.status, read.body.unwrap()), (200, config.to_vec()));
    assert_eq!(wire.ask("GET", "//a//b//keys//", "", b"").status, 200);
}

#[test]
fn a_damaged_pack_is_named_when_a_client_reads_it() {
    let rig = Rig::start(&[]);
    let (good, bad) = (random(1, 200_000), random(2, 200_000));
    let plant = |bytes: &[u8], named: &[u8]| {
        let id = hex(&Sha256::digest(named));
        let path = format!("restic-backup/data/{}/{id}", &id[..2]);
        rig.cloud().plant(&path, bytes);
        format!("/data/{id}")
    };
    let (sound, damaged) = (plant(&good, &good), plant(&bad, b"what it was"));
    let mut wire = Wire::open(rig.address());
    let mut get = |path: &str, range: &str| wire.ask("GET", path, range, b"").status;
    assert_eq!(get(&sound, ""), 200);
    assert_eq!(get(&damaged, "Range: bytes=0-99\r\n"), 206);
    assert!(!rig.log().contains("damaged"), "{}", rig.log());
    assert_eq!(get(&damaged, "Range: bytes=0-\r\n"), 206);
    let named = |line: &str| {
        line.contains("is damaged at 123pan")
            .then(|| line.to_owned())
    };
    let line = rig.wait_for(named);
    let id = damaged.rsplit('/').next().unwrap();
    assert!(line.contains("ERROR") && line.contains(id), "{line}");
}

/// A pipe holds 64 KiB, and each request writes more than 150 bytes into it.
#[test]
fn a_log_that_nobody_reads_stops_nobody() {
    let rig = Rig::start(&[]);
    let mut command = rig.spare_command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut server = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(server.stderr.take().unwrap());
    let port = loop {
        let mut line = String::new();
        assert!(
            log.read_line(&mut line).unwrap() > 0,
            "the server has ended"
        );
        if let Some((_, after)) = line.split_once("listening on 127.0.0.1:") {
            break after.split(',').next().unwrap().parse::<u16>().unwrap();
        }
    };
    let patience = Duration::from_secs(15);
    let mut answered = 0;
    if let Ok(mut wire) = Wire::try_open(([127, 0, 0, 1], port).into(), patience) {
        for _ in 0..1500 {
            wire.send("GET /a./config HTTP/1.1\r\nHost: localhost\r\n\r\n");
            answered += u32::from(wire.try_answer(false).is_some());
        }
    }
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(answered, 1500);
}
