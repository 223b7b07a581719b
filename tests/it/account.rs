//! How a store in this process reaches an emulated account, as most tests want it. Each changes
//! what it is about.

use crate::fake::Fake;
use restic_123pan::cloud::{Shared, Timing};
use restic_123pan::pan123::{Bin, Config, Tier};
use restic_123pan::restic::Repo;
use restic_123pan::settings::Secret;

/// The folder of the account in which the repositories are.
pub(crate) const BASE: &str = "restic";

/// A store over the account that nothing slows down and that keeps nothing on disk.
pub(crate) fn config(cloud: &Fake) -> Config {
    Config {
        api_url: cloud.url(),
        client_id: Secret::new(cloud.client_id()),
        client_secret: Secret::new(cloud.client_secret()),
        grant: None,
        tier: Some(Tier::Vip),
        allow_http_upload: false,
        shared: shared(Timing::default()),
    }
}

/// What every cloud is told, with these bounds in time.
pub(crate) fn shared(timing: Timing) -> Shared {
    Shared {
        repo_path: Repo::new(BASE).unwrap(),
        state_dir: None,
        uploads: 4,
        // Rates are the business of few.
        rate_share: 1000.0,
        bin: Bin::Keep,
        reserve: 0,
        ipv6: true,
        ca: None,
        timing,
    }
}
