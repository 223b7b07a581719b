//! What browsers may not do. A page on any site can make its reader's browser ask this server; restic
//! and rustic send none of the headers by which that shows.

use super::{Head, Reply};
use crate::access::Peer;

/// The answer to a request that some site's page made, if it is one; `hosts` are the names by which
/// the server may be asked, or None where passwords protect it.
pub(super) fn refuse(head: &Head<'_>, hosts: Option<&[String]>) -> Option<Reply> {
    let own = head.target.starts_with("/-/") || head.target == "/-";
    let foreign = head.origin.is_some()
        || (head.site).is_some_and(|site| !["none", "same-origin"].contains(&site));
    let reason = match (head.host, hosts) {
        (Some(host), Some(hosts)) if !is_ours(host, hosts) => {
            "This name is not one of --host, and no passwords are asked for"
        }
        _ if foreign && !own => "Web pages may not ask this server",
        _ => return None,
    };
    log::info!(
        "{}: {reason}: {}",
        head.peer,
        head.host.unwrap_or("no host").escape_debug()
    );
    Some(Reply::empty(403).because(reason))
}

/// Whether a host is an address, which no other site's name can be made to mean, or a name of ours.
fn is_ours(host: &str, hosts: &[String]) -> bool {
    let bracketed = host.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let name = match bracketed {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<Peer>().is_ok()
        || hosts.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Length;
    use std::net::Ipv4Addr;

    fn status(target: &str, [origin, site, host]: [&str; 3], hosts: Option<&[String]>) -> u16 {
        let some = |text: &'static str| (text != "-").then_some(text);
        let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        let head = Head {
            method: "GET",
            target,
            accept: None,
            range: None,
            language: None,
            authorization: None,
            origin: some(leak(origin)),
            site: some(leak(site)),
            host: some(leak(host)),
            peer: Ipv4Addr::LOCALHOST.into(),
            length: Length::None,
        };
        refuse(&head, hosts).map_or(200, |reply| reply.status)
    }

    #[test]
    fn pages_of_other_sites_get_nothing() {
        let table = [
            (200, ["-", "-", "x"]),
            (200, ["-", "none", "x"]),
            (200, ["-", "same-origin", "x"]),
            (403, ["-", "same-site", "x"]),
            (403, ["-", "cross-site", "x"]),
            (403, ["https://evil.example", "-", "x"]),
            (403, ["null", "none", "x"]),
        ];
        for (expected, headers) in table {
            assert_eq!(status("/a/config", headers, None), expected, "{headers:?}");
            assert_eq!(status("/-/status", headers, None), 200, "{headers:?}");
        }
    }

    #[test]
    fn without_passwords_a_rebound_name_reaches_nothing() {
        let hosts = ["nas.lan".to_owned()];
        for host in [
            "127.0.0.1",
            "127.0.0.1:81",
            "[::1]:81",
            "[::1]",
            "localhost:1",
            "LocalHost",
            "NAS.lan:9",
            "nas.lan.",
            "-",
        ] {
            assert_eq!(status("/-/", ["-", "-", host], Some(&hosts)), 200, "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:81",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "",
            "nas.lan.evil",
        ] {
            assert_eq!(status("/-/", ["-", "-", host], Some(&hosts)), 403, "{host}");
            assert_eq!(status("/a/config", ["-", "-", host], None), 200, "{host}");
        }
    }
}
