//! A small POST to an address of the owner's, which is no cloud's: how notifications leave. It stands
//! here because everything that goes out does, with the same certificates and the same bounds.

use super::Network;
use super::agent::{agent, words};
use crate::settings::Secret;
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;

/// Longest for all of it; the end of the process may wait so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way to an address. It may hold a secret, so nothing shows it.
pub struct Post {
    agent: Agent,
    url: Secret,
}

impl Post {
    /// The way to a URL; the rest is as clouds are reached.
    pub fn new(url: &Secret, network: Network) -> Self {
        let network = Network {
            api_url: url.reveal().to_owned(),
            allow_http: true,
            ..network
        };
        Self {
            agent: agent(&network, &Arc::default()),
            url: url.clone(),
        }
    }

    /// Sends a JSON text.
    pub fn send(&self, text: &str) -> Result<(), String> {
        let request = self.agent.post(self.url.reveal());
        let request = request.config().timeout_global(Some(PATIENCE)).build();
        let request = request.header("Content-Type", "application/json");
        let response = request.send(text).map_err(|error| words(&error))?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("the answer is {status}")),
        }
    }
}
