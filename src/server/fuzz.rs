//! What the fuzz targets reach of this module. Built for them alone.

/// A request's path as the log shows it.
pub fn logged(target: &str) -> String {
    super::head::logged(target)
}
