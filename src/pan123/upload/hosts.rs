//! The hosts that take uploads: 123pan names them, and any will do. https goes first, because the
//! token that goes with an upload opens the whole account (safety rule 24).

use crate::cloud::{Fault, Priority, Reason};
use crate::pan123::api::Api;
use crate::pan123::config::Config;
use crate::sync::{lock, wait_while};
use std::sync::{Condvar, Mutex};

/// Upload hosts, the one to be used next first.
pub struct Hosts {
    known: Mutex<Known>,
    /// Somebody has asked for hosts.
    asked: Condvar,
    /// Whether the API itself is spoken to in the clear, as in tests.
    clear: bool,
    allow_http: bool,
}

/// What is known of hosts.
#[derive(Default)]
struct Known {
    hosts: Vec<String>,
    /// Whether somebody is asking for them now.
    asking: bool,
}

impl Hosts {
    /// Knows no hosts yet.
    pub fn new(config: &Config) -> Self {
        let clear = config.api_url.starts_with("http://");
        Self {
            known: Mutex::default(),
            asked: Condvar::new(),
            clear,
            allow_http: config.allow_http_upload,
        }
    }

    /// The host to use now.
    pub fn pick(&self, api: &Api, priority: Priority) -> Result<String, Fault> {
        // One asks, and the others wait for its answer, or for their turn if it fails.
        let waits = |known: &mut Known| known.asking && known.hosts.is_empty();
        let longest = api.timing().rate_wait;
        let (mut known, _) = wait_while(&self.asked, lock(&self.known), longest, waits);
        if let Some(host) = known.hosts.first() {
            return Ok(host.clone());
        }
        known.asking = true;
        drop(known);
        let named = api.domains(priority);
        let mut known = lock(&self.known);
        known.asking = false;
        self.asked.notify_all();
        known.hosts = self.usable(&named?);
        let none = || Fault::new(Reason::Unknown, "123pan named no upload host");
        known.hosts.first().cloned().ok_or_else(none)
    }

    /// Learns that a host can't be used: the next one is, and after the last one they are asked
    /// for anew.
    pub fn failed(&self, host: &str) {
        lock(&self.known).hosts.retain(|known| known != host);
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
                asked: Condvar::new(),
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
