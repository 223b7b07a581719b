//! The clouds that there are, a line each. Nothing else names them but their own directories.

use crate::cloud::Cloud;
use crate::store::Store;
use crate::{local, pan123, smh};

/// Every cloud; the first is the one that is used unless `--cloud` names another.
pub const ALL: [&dyn Cloud; 3] = [
    &pan123::Description, // 123pan
    &smh::Description,    // Tencent SMH
    &local::Description,  // a folder of this machine
];

/// The repositories in a folder of this machine, for copies to it and from it, whatever the cloud.
pub fn folder(path: &str) -> Box<dyn Store> {
    Box::new(local::Local::new(path))
}
