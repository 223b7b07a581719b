//! The hosts that take uploads: 123pan names them, and any will do. https goes first, because the
//! token that goes with an upload opens the whole account (safety rule 24).

use crate::cloud::{Fault, Priority, Reason};
use crate::pan123::api::Api;
use crate::pan123::config::Config;
use crate::sync::{SingleFlight, lock};
use std::sync::Mutex;

/// Upload hosts.
pub struct Hosts {
    /// Those that are known, the one to be used next first.
    known: Mutex<Vec<String>>,
    asking: SingleFlight<()>,
    /// Whether the API itself is spoken to in the clear, as in tests.
    clear: bool,
    allow_http: bool,
}

impl Hosts {
    /// Knows no hosts yet.
    pub fn new(config: &Config) -> Self {
        let clear = config.api_url.starts_with("http://");
        Self {
            known: Mutex::default(),
            asking: SingleFlight::default(),
            clear,
            allow_http: config.allow_http_upload,
        }
    }

    /// The host to use now.
    pub fn pick(&self, api: &Api, priority: Priority) -> Result<String, Fault> {
        let first = || lock(&self.known).first().cloned();
        if let Some(host) = first() {
            return Ok(host);
        }
        // One asks, and the others wait for its answer, or for their turn if it fails.
        let _asking = self.asking.begin((), api.timing().rate_wait);
        if let Some(host) = first() {
            return Ok(host);
        }
        let usable = self.usable(&api.domains(priority)?);
        let none = || Fault::new(Reason::Unknown, "123pan named no upload host");
        let host = usable.first().cloned().ok_or_else(none);
        *lock(&self.known) = usable;
        host
    }

    /// Learns that a host can't be used: the next one is, and after the last one they are asked
    /// for anew.
    pub fn failed(&self, host: &str) {
        lock(&self.known).retain(|known| known != host);
    }

    /// What to call hosts that 123pan named, in the order in which they are tried.
    pub fn usable(&self, named: &[String]) -> Vec<String> {
        let mut hosts: Vec<String> = Vec::new();
        let mut clear = Vec::new();
        for host in named.iter().map(|host| host.trim_end_matches('/')) {
            match host.strip_prefix("http://") {
                Some(_) if self.clear => hosts.push(host.to_owned()),
                Some(name) => {
                    hosts.push(format!("https://{name}"));
                    clear.push(host.to_owned());
                }
                None if host.starts_with("https://") => hosts.push(host.to_owned()),
                None => hosts.push(format!("https://{host}")),
            }
        }
        if self.allow_http {
            hosts.append(&mut clear);
        }
        hosts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_goes_first() {
        let named = [
            "http://a".to_owned(),
            "https://b/".to_owned(),
            "c".to_owned(),
        ];
        let hosts = |clear, allow_http| {
            Hosts {
                known: Mutex::default(),
                asking: SingleFlight::default(),
                clear,
                allow_http,
            }
            .usable(&named)
        };
        assert_eq!(hosts(false, false), ["https://a", "https://b", "https://c"]);
        assert_eq!(
            hosts(false, true),
            ["https://a", "https://b", "https://c", "http://a"]
        );
        assert_eq!(hosts(true, false), ["http://a", "https://b", "https://c"]);
    }
}
