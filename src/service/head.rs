//! A request's head, as far as the protocol looks at it.

use crate::access::Peer;
use crate::body::Length;

/// What the protocol looks at in a request's head.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// Path and query, as they came.
    pub target: &'a str,
    /// The `Accept` header.
    pub accept: Option<&'a str>,
    /// The `Range` header.
    pub range: Option<&'a str>,
    /// The `Accept-Language` header.
    pub language: Option<&'a str>,
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The `Origin` header, which browsers send.
    pub origin: Option<&'a str>,
    /// The `Sec-Fetch-Site` header, which browsers send.
    pub site: Option<&'a str>,
    /// The host that is asked, maybe with a port.
    pub host: Option<&'a str>,
    /// The client's address.
    pub peer: Peer,
    /// What the head says about the body.
    pub length: Length,
}
