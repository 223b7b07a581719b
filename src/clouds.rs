//! The clouds that there are, a line each. Nothing else names them but their own directories.

use crate::cloud::Cloud;
use crate::store::Store;
use crate::{kdocs, local, pan123, smh};

/// Every cloud; the first is the one that is used unless `--cloud` names another.
pub const ALL: [&Cloud; 4] = [
    &pan123::CLOUD, // 123pan
    &smh::CLOUD,    // Tencent SMH
    &local::CLOUD,  // a folder of this machine
    &kdocs::CLOUD,  // WPS Kdocs
];

/// The repositories in a folder of this machine, for copies to it and from it, whatever the cloud.
pub fn folder(path: &str) -> Box<dyn Store> {
    Box::new(local::Local::new(path))
}
