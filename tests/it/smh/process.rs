//! The server's own binary over an emulated library, as users start it.

use super::rig::BASE;
use crate::fake::smh::{Fake, Options, Switches};
use crate::process::{Emulated, Over};
use std::process::Command;

/// A server over an emulated library.
pub(crate) type Process = Over<Fake>;

impl Emulated for Fake {
    type Switches = Switches;

    fn with_switches(switches: Switches) -> Self {
        let options = Options {
            switches,
            ..Options::default()
        };
        Self::with(options).unwrap()
    }

    fn name_account(&self, command: &mut Command) {
        command
            .args(["--cloud", "smh", "--allow-http-upload"])
            .args(["--repo-path", BASE, "--smh-host", &self.url()])
            .args(["--smh-library", self.library()])
            .args(["--smh-space", self.space()])
            .env("PAN123_SMH_LIBRARY_SECRET", self.secret());
    }

    fn complaints(&self) -> Vec<String> {
        Self::complaints(self)
    }
}
