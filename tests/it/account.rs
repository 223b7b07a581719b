//! How a store in this process reaches an emulated account, as most tests want it. Each changes
//! what it is about.

use crate::fake::Fake;
use restic_123pan::pan123::{Bin, Config, Tier, Timing};

/// The folder of the account in which the repositories are.
pub(crate) const BASE: &str = "restic";

/// A store over the account that nothing slows down and that keeps nothing on disk.
pub(crate) fn config(cloud: &Fake) -> Config {
    Config {
        api_url: cloud.url(),
        client_id: cloud.client_id().to_owned(),
        client_secret: cloud.client_secret().to_owned(),
        grant: None,
        repo_path: BASE.to_owned(),
        state_dir: None,
        uploads: 4,
        // Rates are the business of few.
        rate_share: 1000.0,
        tier: Some(Tier::Vip),
        bin: Bin::Keep,
        reserve: 0,
        allow_http_upload: false,
        ipv4_only: false,
        ca: None,
        timing: Timing::default(),
    }
}
