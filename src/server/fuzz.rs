//! What the fuzz targets reach of this module. Built for them alone.

use super::head;
use crate::service::Length;

/// How long the body is that follows a head with these headers.
pub fn length(lengths: &[&str], encodings: &[&str]) -> Option<Length> {
    let encodings = encodings.iter().copied();
    head::length(lengths.iter().copied(), encodings)
}

/// A request's path as the log shows it.
pub fn logged(target: &str) -> String {
    head::logged(target)
}
