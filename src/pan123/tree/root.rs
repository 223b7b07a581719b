//! Where repositories and their files lie in the account is told as for every cloud with folders;
//! here is what files are known by there.

use super::files::CONFIG;
pub use crate::cloud::paths::{Root, priority_of};
use crate::restic::{File, Id};

/// The name under which a file is known.
pub fn name_of(file: &File) -> Id {
    file.id().unwrap_or(CONFIG)
}
