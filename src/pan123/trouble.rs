//! What is wrong with the cloud, said in the log so that its reader knows what to do, once a
//! minute at most and once more when it is over.

use super::judge::Why;
use log::{info, warn};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Least time between two lines about the same trouble.
const QUIET: Duration = Duration::from_secs(60);

/// The troubles that there are now.
#[derive(Default)]
pub struct Troubles(Mutex<HashMap<Why, Instant>>);

impl Troubles {
    /// Says a trouble with what to do about it, unless that was just said.
    pub fn tell(&self, why: Why, text: &str) {
        let Some(advice) = advice(why) else { return };
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.get(&why).is_none_or(|at| at.elapsed() >= QUIET) {
            said.insert(why, Instant::now());
            warn!("{text}; {advice}");
        }
    }

    /// Says that 123pan answers, if it didn't before.
    pub fn over(&self) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_over = false;
        for why in [Why::Unreachable, Why::NoToken, Why::Blocked] {
            is_over |= said.remove(&why).is_some();
        }
        if is_over {
            info!("123pan answers again");
        }
    }
}

/// What the server's owner can do; None for what is no trouble of his.
fn advice(why: Why) -> Option<&'static str> {
    Some(match why {
        Why::Unreachable => {
            "check this machine's network, DNS and clock; requests get 503 until 123pan can be \
             reached"
        }
        Why::NoToken => {
            "check PAN123_CLIENT_ID and PAN123_CLIENT_SECRET, and that the developer benefit of \
             the account hasn't ended; requests get 503 meanwhile"
        }
        Why::PushedOut => {
            "another program has logged in with the same client id; 123pan allows three at a time"
        }
        Why::Blocked => "123pan refuses this address for some time; nothing but waiting helps",
        Why::Banned => {
            "123pan refuses to store anything for this account, often for hours after too many \
             uploads at once: lower --uploads, and stop other programs that upload"
        }
        Why::Traffic => {
            "the account's download traffic is used up: wait until it is renewed (for free \
             accounts, the next day) or buy more; reads get 503 until then"
        }
        Why::Full => "free some space in the account or buy more, then run restic again",
        Why::Throttled => {
            "other programs use this account too: lower --rate-share so that all of them fit"
        }
        _ => return None,
    })
}
