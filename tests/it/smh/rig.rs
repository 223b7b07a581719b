//! An emulated library and servers over it, without a socket of our own. Times that are seconds in
//! earnest are milliseconds here.

use crate::account::shared;
pub(crate) use crate::cloud::rig::{BASE, path};
use crate::cloud::rig::{Server, fast, ms};
use crate::fake::smh::{Call, Fake, Options, Switches};
use restic_123pan::cloud::{Shared, Timing};
use restic_123pan::settings::Secret;
use restic_123pan::settings::values::Bin;
use restic_123pan::smh::{Config, Smh};
use std::ops::Deref;

/// An emulated library. When it goes, nothing of what its servers did may have broken a rule of
/// the service's, or of those that keep data safe there.
pub(crate) struct Library(Fake);

impl Library {
    /// A library as documented.
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// A library that behaves otherwise.
    pub(crate) fn with(change: impl FnOnce(&mut Switches)) -> Self {
        let mut switches = Switches {
            task_time: ms(30),
            poll_pause: ms(10),
            ..Switches::default()
        };
        change(&mut switches);
        let options = Options {
            switches,
            ..Options::default()
        };
        Self(Fake::with(options).unwrap())
    }

    /// A server on a machine of its own.
    pub(crate) fn server(&self) -> Server {
        self.server_with(|_| {})
    }

    /// One that soon stops repeating.
    pub(crate) fn hasty_server(&self) -> Server {
        self.server_with(|c| (c.shared.timing.retry, c.shared.timing.rate_wait) = (ms(20), ms(200)))
    }

    /// One that is configured otherwise.
    pub(crate) fn server_with(&self, change: impl FnOnce(&mut Config)) -> Server {
        let mut config = config(self);
        change(&mut config);
        Server::over(Smh::new(&config))
    }

    /// How often a call was made.
    pub(crate) fn made(&self, call: Call) -> u64 {
        self.count(call).calls
    }
}

/// How a server is configured for a library.
pub(crate) fn config(library: &Fake) -> Config {
    let timing = Timing {
        poll: ms(15),
        ..fast()
    };
    Config {
        host: library.url(),
        library: library.library().to_owned(),
        space: library.space().to_owned(),
        secret: Secret::new(library.secret()),
        allow_http_upload: true,
        shared: Shared {
            bin: Bin::Purge,
            ..shared(timing)
        },
    }
}

impl Deref for Library {
    type Target = Fake;

    fn deref(&self) -> &Fake {
        &self.0
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        let complaints = self.0.complaints();
        let fine = std::thread::panicking() || complaints.is_empty();
        assert!(fine, "{complaints:#?}");
    }
}
