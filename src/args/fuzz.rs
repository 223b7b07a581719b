//! What the fuzz targets reach of this module. Built for them alone.

use super::file::Settings;
use super::{OPTIONS, values};

/// Reads a configuration file; the value of a variable in it.
pub fn setting(text: &str, variable: &str) -> Result<Option<String>, String> {
    let settings = Settings::parse("file", text, &OPTIONS)?;
    Ok(settings.value(variable).map(|(value, _)| value))
}

/// Reads a time such as `2h` or a date.
pub fn moment(text: &str) -> Result<super::When, String> {
    values::moment(text)
}

/// Reads a number of bytes.
pub fn size(text: &str) -> Result<u64, String> {
    values::size(text)
}
