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
