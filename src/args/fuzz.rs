//! What the fuzz targets reach of this module. Built for them alone.

use super::{Table, values};
use crate::settings::{File, variable};
use crate::units;

/// Reads a configuration file; the value of a variable in it.
pub fn setting(text: &str, wanted: &str) -> Result<Option<String>, String> {
    let table = Table::new();
    let names: Vec<&str> = table.settings().map(|(_, o)| o.name.as_str()).collect();
    let file = File::parse("file", text, &names)?;
    let name = names.into_iter().find(|name| variable(name) == wanted);
    let found = name.and_then(|name| file.value(name));
    Ok(found.map(|(value, _)| value.clone()))
}

/// Reads a time such as `2h` or a date.
pub fn moment(text: &str) -> Result<super::When, String> {
    values::moment(text)
}

/// Reads a number of bytes.
pub fn size(text: &str) -> Result<u64, String> {
    units::size(text)
}
