//! The server is killed between an upload and the look for what has come. Whoever repeats it finds it
//! there once, and whole.

use super::process::Process;
use super::rig::BASE;
use crate::cloud::rig::id;
use crate::fake::When;
use crate::fake::kdocs::Clash;
use crate::tree::random;
use crate::wire::Wire;
use restic_123pan::restic::Kind;
use std::thread;
use std::time::{Duration, Instant};

/// Longest until a call stands.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stores a file; its status, if there is an answer.
fn post(process: &Process, path: &str, body: &[u8]) -> Option<u16> {
    let address = ([127, 0, 0, 1], process.port()).into();
    let mut wire = Wire::try_open(address, PATIENCE).ok()?;
    let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wire.ask("POST", path, "Connection: close\r\n", body).status
    }));
    asked.ok()
}

#[test]
fn a_server_that_is_killed_between_upload_and_look() {
    let mut process = Process::with(&[], |s| s.clash = Clash::Duplicate);
    for (n, kind) in Kind::ALL.into_iter().enumerate() {
        let body = random(n as u64, 5000);
        let path = format!("/host/{}/{}", kind.name(), id(&body));
        // The list before it, and perhaps some that look for the folder, pass.
        for (skip, when) in [(0, When::Before), (1, When::After), (2, When::Before)] {
            kill_at(&mut process, (skip, when), &path, &body);
            process.restart();
        }
        assert_eq!(post(&process, &path, &body), Some(200), "{path}");
        let folder = match kind {
            Kind::Data => format!("{BASE}/host/data/{}", &id(&body).to_string()[..1]),
            _ => format!("{BASE}/host/{}", kind.name()),
        };
        let there = process.account.files(&format!("{folder}/{}", id(&body)));
        assert_eq!(there.len(), 1, "{path}");
        assert_eq!(there[0].bytes(), body, "{path}");
    }
}

fn kill_at(process: &mut Process, (skip, when): (u32, When), path: &str, body: &[u8]) {
    process.account.hold(skip, when);
    thread::scope(|scope| {
        let server = &*process;
        let working = scope.spawn(move || post(server, path, body));
        let end = Instant::now() + PATIENCE;
        while !server.account.holds() && !working.is_finished() {
            assert!(Instant::now() < end, "call {skip} never came");
            thread::sleep(Duration::from_millis(2));
        }
        let pid = i32::try_from(server.pid()).unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    });
    process.account.release();
    process.kill();
}
