//! The values of options, each read from its text; the error says what to write instead.

use super::When;
use crate::civil;
use crate::front::Listen;
use crate::pan123::{Bin, Tier};
use crate::restic::{Repo, segment_ok};
use std::fmt;
use std::net::IpAddr;

/// Most uploads in flight, which 123pan's rates make pointless to exceed.
pub(super) const MOST_UPLOADS: usize = 20;
/// Most worker threads.
pub(super) const MOST_WORKERS: usize = 256;
/// Longest time in days that deleted files may be kept in the recycle bin.
const MOST_DAYS: u32 = 3650;

/// Longest time back in seconds that an option can name.
pub(super) const MOST_AGO: u64 = 100 * 366 * 24 * 3600;

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
            let host = if bare {
                format!("[{host}]")
            } else {
                host.to_owned()
            };
            format!("{host}:{}", port.unwrap_or("8000"))
        }
        (None, port) => format!("127.0.0.1:{}", port.unwrap_or("8000")),
    }
}

/// An address of a machine's.
pub(super) fn address(text: &str) -> Result<IpAddr, String> {
    let address = text.parse::<IpAddr>().map(|address| address.to_canonical());
    address.map_err(|_| format!("--trusted-proxy {text:?}: write an address such as 127.0.0.1"))
}

/// A folder in the account; `/` is its root.
pub(super) fn repo_path(text: &str) -> Result<Repo, String> {
    let path = text.trim_matches('/');
    let bad = path.split('/').find(|name| !segment_ok(name));
    if let Some(bad) = bad.filter(|_| !path.is_empty()) {
        return Err(format!("{bad:?} can't be the name of a folder there"));
    }
    Repo::new(path).ok_or_else(|| "too many folders within each other".to_owned())
}

/// The contents of a file of certificates. Each is read when the first connection is made.
pub(super) fn certificates(path: &str) -> Result<Vec<u8>, String> {
    let problem = match std::fs::read_to_string(path) {
        Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => return Ok(text.into_bytes()),
        Ok(_) => "there is no certificate in PEM".to_owned(),
        Err(error) => error.to_string(),
    };
    Err(format!("--ca-file {path:?}: {problem}"))
}

/// The beginning of URLs, without a slash at its end.
pub(super) fn url(text: &str) -> Result<String, String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let host = rest.map(|rest| rest.trim_end_matches('/'));
    match host {
        Some(host) if !host.is_empty() && !host.contains(char::is_whitespace) => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err("write https://host, or http://host:port for tests".to_owned()),
    }
}

/// A number of bytes; K, M, G and T are powers of 1024.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let wrong = || "write a number of bytes, or one with K, M or G, such as 32M".to_owned();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// A number from 1 to `most`.
pub(super) fn count(text: &str, most: usize) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| (1..=most).contains(n));
    number.ok_or_else(|| format!("write a number from 1 to {most}"))
}

/// A share of a whole: above 0, at most 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|x| *x > 0.0 && *x <= 1.0);
    number.ok_or_else(|| "write a number above 0 and at most 1, such as 0.8".to_owned())
}

/// What becomes of deleted files.
pub(super) fn bin(text: &str) -> Result<Bin, String> {
    let days = |text: &str| text.strip_suffix('d').unwrap_or(text).parse().ok();
    match text {
        "purge" => Ok(Bin::Purge),
        "keep" => Ok(Bin::Keep),
        text => match days(text) {
            Some(0) => Ok(Bin::Purge),
            Some(days) if days <= MOST_DAYS => Ok(Bin::Days(days)),
            _ => Err("write days such as 7d, or purge, or keep".to_owned()),
        },
    }
}

impl fmt::Display for Bin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => f.write_str("keep"),
            Self::Purge => f.write_str("purge"),
            Self::Days(days) => write!(f, "{days}d"),
        }
    }
}

/// A time: so long ago, a date, or a date with a time.
pub(super) fn moment(text: &str) -> Result<When, String> {
    let ago = |text: &str| {
        let unit = match text.chars().last()? {
            'm' => 60,
            'h' => 3600,
            'd' => 24 * 3600,
            _ => return None,
        };
        let number: u64 = text[..text.len() - 1].parse().ok()?;
        number.checked_mul(unit).filter(|ago| *ago <= MOST_AGO)
    };
    let at = || civil::seconds(text).or_else(|| civil::seconds(&format!("{text}T00:00:00Z")));
    let when = ago(text).map(When::Ago).or_else(|| at().map(When::At));
    when.ok_or_else(|| {
        "write 2h or 3d for so long ago, 2026-11-22, or 2026-11-22T10:00:00+08:00".to_owned()
    })
}

/// Which rates an account has.
pub(super) fn tier(text: &str) -> Result<Option<Tier>, String> {
    match text {
        "auto" => Ok(None),
        "free" => Ok(Some(Tier::Free)),
        "vip" => Ok(Some(Tier::Vip)),
        "oauth" => Ok(Some(Tier::Oauth)),
        _ => Err("write auto, free, vip or oauth".to_owned()),
    }
}
