//! A small file system in memory, mounted for one test: a disk that can be full, read-only, or
//! away. Only root may mount; others skip such tests with a printed reason.

use crate::tools::missing;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted file system; it goes with its owner.
pub(super) struct Mount(PathBuf);

impl Mount {
    /// So many bytes, mounted on a folder.
    pub(super) fn new(on: &Path, bytes: u64) -> Option<Self> {
        let options = format!("size={bytes}");
        let words = ["-t", "tmpfs", "-o", &options, "restic-123pan-test"];
        let is_mounted = run(Command::new("mount").args(words).arg(on));
        if !is_mounted {
            missing("this user can't mount a file system");
        }
        is_mounted.then(|| Self(on.to_owned()))
    }

    /// Whether it may be written from now on.
    pub(super) fn set_writable(&self, is_writable: bool) {
        let options = if is_writable {
            "remount,rw"
        } else {
            "remount,ro"
        };
        assert!(run(Command::new("mount")
            .args(["-o", options])
            .arg(&self.0)));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // At once, also while somebody has a file of it open.
        run(Command::new("umount").arg("-l").arg(&self.0));
    }
}

fn run(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
