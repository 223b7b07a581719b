//! What a server's owner sees: the pages below `/-/`, in a real browser too, and the commands that
//! ask and examine.

mod browser;
mod chinese;
mod dashboard;
mod doctor;
mod notify;
mod pages;

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Runs a program to its end, within a minute.
fn finish(command: &mut Command) -> Output {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Outputs here are smaller than a pipe, but for the browser's, which a thread reads.
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read = std::thread::spawn(move || read_all(&mut out));
    let errors = std::thread::spawn(move || read_all(&mut err));
    let end = Instant::now() + Duration::from_secs(60);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > end {
            let _ = child.kill();
            panic!("{command:?} did not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let (stdout, stderr) = (read.join().unwrap(), errors.join().unwrap());
    Output {
        status,
        stdout,
        stderr,
    }
}

fn read_all(from: &mut dyn std::io::Read) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = from.read_to_end(&mut all);
    all
}
