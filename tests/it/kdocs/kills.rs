//! The server is killed between an upload and the look for what has come. Whoever repeats it finds it
//! there once, and whole.

use super::process::Process;
use super::rig::path as place;
use crate::cloud::rig::id;
use crate::fake::When;
use crate::fake::kdocs::Clash;
use crate::tree::random;
use restic_123pan::restic::Kind;

#[test]
fn a_server_that_is_killed_between_upload_and_look() {
    let process = Process::with(&[], |s| s.clash = Clash::Duplicate);
    for (n, kind) in Kind::ALL.into_iter().enumerate() {
        let body = random(n as u64, 5000);
        let path = format!("/host/{}/{}", kind.name(), id(&body));
        // The list before it, and perhaps some that look for the folder, pass.
        for (skip, when) in [(0, When::Before), (1, When::After), (2, When::Before)] {
            process.cloud.hold(skip, when);
            process.kill_when(
                || process.cloud.holds(),
                || process.ask("POST", &path, &body),
            );
            process.cloud.release();
            process.restart();
        }
        assert_eq!(process.ask("POST", &path, &body), Some(200), "{path}");
        let there = process.cloud.files(&place(kind, id(&body)));
        assert_eq!(there.len(), 1, "{path}");
        assert_eq!(there[0].bytes(), body, "{path}");
    }
}
