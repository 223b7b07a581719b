//! A probe without a token: whether the cloud answers, and what time it is there.

use super::{Client, describe, unsent};
use crate::civil;
use crate::cloud::outcome::{Fault, Outcome, Reason};
use std::io::Read;
use std::net::SocketAddr;
use ureq::http::Request;

/// Bytes of the answer that are looked at.
const LOOKED: u64 = 4 << 10;

impl Client {
    /// The proxy through which the cloud is reached, if the environment names one (`HTTPS_PROXY`,
    /// `ALL_PROXY` and the like). It is the proxy that looks up names then.
    pub fn proxy(&self) -> Option<String> {
        let proxy = self.agent.config().proxy()?;
        let spared = proxy.is_no_proxy(&self.base.parse().ok()?);
        (!spared).then(|| format!("{}:{}", proxy.host(), proxy.port()))
    }

    /// Which family of the addresses that are found doesn't answer although the other one does; None where it
    /// isn't used.
    pub fn dead_family(&self, find: impl FnOnce() -> Vec<SocketAddr>) -> Option<&'static str> {
        let is_used = !self.ipv4_only && self.proxy().is_none();
        is_used.then(|| self.routes.dead(&find()))?
    }

    /// Probes, and tells the time by the cloud's clock if it says so, in seconds since 1970. Any
    /// answer will do, but for one that refuses this address.
    pub fn probe(&self) -> Result<Option<u64>, Fault> {
        let spec = &self.dialect.table[self.dialect.probe];
        let reason = |outcome: &Outcome| (self.dialect.reason)(spec, outcome);
        let request = Request::get(format!("{}/", self.base)).body(());
        let request = request.map_err(|error| super::unusable(&error))?;
        let response = self.agent.run(request).map_err(|error| {
            let outcome = unsent(&error);
            let reason = reason(&outcome).unwrap_or(Reason::Lost);
            Fault::new(reason, format!("no answer from {}: {error}", self.base))
        })?;
        let date = response.headers().get("Date");
        let date = date.and_then(|date| civil::from_http(date.to_str().ok()?));
        let status = response.status().as_u16();
        let mut start = Vec::new();
        // What can't be read is no refusal.
        let _ = response
            .into_body()
            .into_reader()
            .take(LOOKED)
            .read_to_end(&mut start);
        let start = String::from_utf8_lossy(&start).into_owned();
        let outcome = Outcome::Garbage { status, start };
        match reason(&outcome) {
            Some(Reason::Blocked) => {
                let text = describe(self.dialect.cloud, spec, &outcome, "");
                Err(Fault::new(Reason::Blocked, text))
            }
            _ => Ok(date),
        }
    }
}
