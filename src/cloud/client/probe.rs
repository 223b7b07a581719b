//! A knock at 123pan's door without a token: whether anybody answers, and what time it is there.

use super::super::api::Endpoint;
use super::super::judge::{self, Outcome};
use super::answer::describe;
use super::{Door, Fault, Why};
use crate::civil;
use std::io::Read;
use ureq::http::Request;

/// Bytes of the answer that are looked at.
const LOOKED: u64 = 4 << 10;

impl Door {
    /// The proxy through which 123pan is reached, if the environment names one (`HTTPS_PROXY`,
    /// `ALL_PROXY` and the like). It is the proxy that looks up names then.
    pub fn proxy(&self) -> Option<String> {
        let proxy = self.agent.config().proxy()?;
        let spared = proxy.is_no_proxy(&self.base.parse().ok()?);
        (!spared).then(|| format!("{}:{}", proxy.host(), proxy.port()))
    }

    /// Knocks, and tells the time by 123pan's clock if it says so, in seconds since 1970. Any
    /// answer will do, but for one that refuses this address.
    pub fn knock(&self) -> Result<Option<u64>, Fault> {
        let request = Request::get(format!("{}/", self.base)).body(());
        let request =
            request.map_err(|e| Fault::new(Why::Unknown, format!("a call can't be made: {e}")))?;
        let response = self.agent.run(request).map_err(|error| {
            let outcome = super::unsent(&error);
            let why = judge::why(Endpoint::UserInfo, &outcome).unwrap_or(Why::Lost);
            Fault::new(why, format!("no answer from {}: {error}", self.base))
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
        match judge::why(Endpoint::UserInfo, &outcome) {
            Some(Why::Blocked) => Err(Fault::new(
                Why::Blocked,
                describe(Endpoint::UserInfo, &outcome, ""),
            )),
            _ => Ok(date),
        }
    }
}
