//! The values of options, each read from its text; the error says what to write instead.

use crate::civil;
use crate::front::Listen;
use crate::restic::Repo;
use crate::settings::values::repo_path;
use std::net::IpAddr;

/// Longest time back in seconds that an option can name.
const MOST_AGO: u64 = 100 * 366 * 24 * 3600;

/// A time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So many seconds before now.
    Ago(u64),
    /// In seconds since 1970.
    At(u64),
}

impl When {
    /// In seconds since 1970, as seen from `now`.
    pub fn seconds(self, now: u64) -> u64 {
        match self {
            Self::Ago(seconds) => now.saturating_sub(seconds),
            Self::At(at) => at,
        }
    }
}

/// An address to listen on; whether it can be, only the network knows.
pub(super) fn listen(text: &str) -> Result<Listen, String> {
    text.parse()
}

/// An address of a host and a port that may be missing; the host may name its port itself.
pub(super) fn host_and_port(host: Option<&str>, port: Option<&str>) -> String {
    match (host, port) {
        (Some(host), _) if host.contains(':') && listen(host).is_ok() => host.to_owned(),
        (Some(host), port) => {
            // A bare address of IPv6 wants brackets.
            let bare = host.contains(':') && !host.starts_with('[');
            let (open, close) = if bare { ("[", "]") } else { ("", "") };
            format!("{open}{host}{close}:{}", port.unwrap_or("8000"))
        }
        (None, port) => format!("127.0.0.1:{}", port.unwrap_or("8000")),
    }
}

/// An address of a machine's.
pub(super) fn address(text: &str) -> Result<IpAddr, String> {
    let address = text.parse::<IpAddr>().map(|address| address.to_canonical());
    address.map_err(|_| "write an address such as 127.0.0.1".to_owned())
}

/// A repository in the account; `/` is the one in the folder of repositories itself.
pub(super) fn repository(text: &str) -> Result<Repo, String> {
    repo_path(text).map_err(|why| format!("it can't be a repository's path: {why}"))
}

/// An age in seconds, at least one.
pub(super) fn age(text: &str) -> Result<u64, String> {
    let age = span(text).filter(|age| *age > 0);
    age.ok_or_else(|| "write an age such as 36h or 8d".to_owned())
}

/// So many seconds, minutes, hours or days.
fn span(text: &str) -> Option<u64> {
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 24 * 3600)];
    let number = |(sign, unit)| Some((text.strip_suffix(sign)?, unit));
    let (number, unit): (&str, u64) = units.into_iter().find_map(number)?;
    let span = number.parse::<u64>().ok()?.checked_mul(unit)?;
    Some(span).filter(|span| *span <= MOST_AGO)
}

/// A time: so long ago, a date, or a date with a time.
pub(super) fn moment(text: &str) -> Result<When, String> {
    let at = || civil::seconds(text).or_else(|| civil::seconds(&format!("{text}T00:00:00Z")));
    let when = span(text).map(When::Ago).or_else(|| at().map(When::At));
    let how = "write 2h or 3d for so long ago, 2026-11-22, or 2026-11-22T10:00:00+08:00";
    when.ok_or_else(|| how.to_owned())
}
