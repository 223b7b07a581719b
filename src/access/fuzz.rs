//! What the fuzz targets reach of this module. Built for them alone.

use super::watched::Wrong;
use super::{Grant, credentials, htpasswd, roles};
use crate::restic::Repo;

/// The name and the password in an `Authorization` header.
pub fn credentials(header: &str) -> Option<(String, Vec<u8>)> {
    credentials::read(header).map(|read| (read.user, read.password))
}

/// Reads a file of passwords; tells whether a user is in it.
pub fn users(text: &str, user: &str) -> Result<bool, Wrong> {
    htpasswd::parse(text).map(|users| users.stored(user).is_some())
}

/// Reads a file of roles; tells what a user may do in a repository.
pub fn roles(text: &str, user: &str, repo: &Repo) -> Result<Option<Grant>, Wrong> {
    roles::parse(text).map(|roles| roles.of(user, repo))
}
