//! The server's own binary over an emulated user of Kdocs, as users start it.

use super::rig::BASE;
use crate::fake::kdocs::{Fake, Options, Switches};
use crate::process::{Emulated, Over};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A server over an emulated user of Kdocs.
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
            .args(["--cloud", "kdocs", "--repo-path", BASE])
            .args(["--kdocs-host", &self.url(), "--kdocs-largest", "24M"])
            .args(["--kdocs-app-id", self.app_id(), "--rate-share", "1"])
            .env("PAN123_KDOCS_APP_KEY", self.app_key());
    }

    /// A user agrees, and the account is tried out.
    fn prepare(&self, state: &Path, program: &dyn Fn(&[&str]) -> Command) {
        fs::create_dir_all(state).unwrap();
        fs::write(state.join("kdocs-token.json"), self.grant()).unwrap();
        let output = program(&["doctor", "--probe"]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{told}");
    }

    fn complaints(&self) -> Vec<String> {
        Self::complaints(self)
    }
}
