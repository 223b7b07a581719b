//! An emulated user's files and servers over them, without a socket of our own. Times that are
//! seconds in earnest are milliseconds here.

use crate::account::shared;
pub(crate) use crate::cloud::rig::{BASE, path};
use crate::cloud::rig::{Server, fast};
use crate::fake::kdocs::{Call, Fake, Options, Switches};
use crate::tree::TempDir;
use restic_123pan::cloud::Shared;
use restic_123pan::cloud::token::Grant;
use restic_123pan::kdocs::{App, Config, Kdocs, probe};
use restic_123pan::settings::Secret;
use std::fs;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// The largest file that probes try: 150 MiB would take long, and restic's smallest packs have up to
/// 12 here.
pub(crate) const LARGEST: u64 = 16 << 20;

/// An emulated user's files. When they go, nothing of what its servers did may have broken a rule.
pub(crate) struct Account {
    fake: Fake,
    folder: TempDir,
    grant: Arc<Grant>,
}

impl Account {
    /// An account as the documents and others say, without a probe.
    pub(crate) fn untried(change: impl FnOnce(&mut Switches)) -> Self {
        let mut switches = Switches::default();
        change(&mut switches);
        let options = Options {
            switches,
            ..Options::default()
        };
        let (fake, folder) = (Fake::with(options).unwrap(), TempDir::new());
        let file = folder.path().join("token.json");
        fs::write(&file, fake.grant()).unwrap();
        let grant = Arc::new(Grant::open(&file).unwrap());
        Self {
            fake,
            folder,
            grant,
        }
    }

    /// The same, tried out.
    pub(crate) fn with(change: impl FnOnce(&mut Switches)) -> Self {
        let account = Self::untried(change);
        account.try_out(&account.config());
        account
    }

    /// Has a probe try it out.
    pub(crate) fn try_out(&self, config: &Config) {
        let probed = probe(config, &mut |finding| println!("{finding}"));
        assert!(probed.is_ok(), "{probed:?}");
        self.reset_counters();
    }

    /// The same, of which a server knows already what the probe finds of the usual one.
    pub(crate) fn known(change: impl FnOnce(&mut Switches)) -> Self {
        static FACTS: OnceLock<Vec<u8>> = OnceLock::new();
        let facts = |account: &Self| account.config().state_file("probe", "json").unwrap();
        let found = FACTS.get_or_init(|| fs::read(facts(&Self::start())).unwrap());
        let account = Self::untried(change);
        fs::write(facts(&account), found).unwrap();
        account
    }

    /// The usual one.
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// A server on this machine.
    pub(crate) fn server(&self) -> Server {
        Server::over(Kdocs::new(&self.config()))
    }

    /// One that is configured otherwise.
    pub(crate) fn server_with(&self, change: impl FnOnce(&mut Config)) -> Server {
        Server::over(self.store_with(change))
    }

    /// The store of one.
    pub(crate) fn store_with(&self, change: impl FnOnce(&mut Config)) -> Kdocs {
        let mut config = self.config();
        change(&mut config);
        Kdocs::new(&config)
    }

    /// How often a call was made.
    pub(crate) fn made(&self, call: Call) -> u64 {
        self.count(call).calls
    }

    /// How a server is configured.
    pub(crate) fn config(&self) -> Config {
        Config {
            host: self.fake.url(),
            app_id: self.fake.app_id().to_owned(),
            app_key: Secret::new(self.fake.app_key()),
            app: App::Formal,
            grant: Some(Arc::clone(&self.grant)),
            largest: LARGEST,
            shared: Shared {
                state_dir: Some(self.folder.path().to_owned()),
                ..shared(fast())
            },
        }
    }
}

impl Deref for Account {
    type Target = Fake;

    fn deref(&self) -> &Fake {
        &self.fake
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let complaints = self.fake.complaints();
        let fine = std::thread::panicking() || complaints.is_empty();
        assert!(fine, "{complaints:#?}");
    }
}
