//! Access tokens: how many live, which one is pushed out, when each ends. Pure; time comes in as
//! milliseconds. What the client is told is left to `gate`.

use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};

/// What a token is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    Good,
    /// Newer tokens took its place.
    PushedOut,
    /// Its time is over, or it was revoked.
    Over,
    /// Never issued.
    Unknown,
}

/// All tokens of all clients.
#[derive(Default, Serialize, Deserialize)]
pub struct Tokens {
    next: u64,
    /// Client id → its living tokens, oldest first, with their ends.
    living: HashMap<String, VecDeque<(String, u64)>>,
    /// Pushed-out tokens, with the calls they were still used for.
    pushed: HashMap<String, u32>,
    over: HashMap<String, ()>,
    /// Times of tokens issued while another was good, for the judge.
    #[serde(skip)]
    needless: VecDeque<u64>,
    /// Times of all tokens issued, but for those that were ended by hand.
    #[serde(skip)]
    issued: VecDeque<u64>,
    #[serde(skip)]
    refused_since: bool,
}

impl Tokens {
    /// A new token; if `most` live already, the oldest goes.
    pub fn issue(&mut self, client: &str, end: u64, most: usize, now: u64) -> String {
        self.next += 1;
        let mark = super::content::md5_hex(format!("{client} {} {now}", self.next).as_bytes());
        // Real tokens are over 200 characters long.
        let token = format!("fake.{}.{}", self.next, mark.repeat(7));
        let living = self.living.entry(client.to_owned()).or_default();
        while let Some(at) = living.iter().position(|(_, end)| *end <= now) {
            let gone = living.remove(at).map(|(token, _)| token);
            self.over.extend(gone.map(|token| (token, ())));
        }
        if !living.is_empty() && !self.refused_since {
            self.needless.push_back(now);
        }
        self.refused_since = false;
        self.issued.push_back(now);
        living.push_back((token.clone(), end));
        while living.len() > most.max(1) {
            let gone = living.pop_front().map(|(token, _)| token);
            self.pushed.extend(gone.map(|token| (token, 0)));
        }
        token
    }

    /// What a token is worth now. Counts the uses of tokens that were pushed out.
    pub fn judge(&mut self, token: &str, now: u64) -> Worth {
        let found = self.living.values().flatten().find(|(t, _)| t == token);
        let worth = match found {
            Some((_, end)) if *end > now => Worth::Good,
            Some(_) => Worth::Over,
            None => {
                if let Some(uses) = self.pushed.get_mut(token) {
                    *uses += 1;
                    Worth::PushedOut
                } else if self.over.contains_key(token) {
                    Worth::Over
                } else {
                    Worth::Unknown
                }
            }
        };
        self.refused_since |= worth != Worth::Good;
        worth
    }

    /// How often a token was used after it was pushed out.
    pub fn uses_after_end(&self, token: &str) -> u32 {
        self.pushed.get(token).copied().unwrap_or(0)
    }

    /// How many tokens were issued in the ten minutes before now: without need, and at all.
    pub fn lately(&mut self, now: u64) -> (usize, usize) {
        const SPAN: u64 = 10 * 60 * 1000;
        for times in [&mut self.needless, &mut self.issued] {
            while times.front().is_some_and(|at| at + SPAN <= now) {
                times.pop_front();
            }
        }
        (self.needless.len(), self.issued.len())
    }

    /// Ends all tokens now, as a password change would.
    pub fn revoke_all(&mut self) {
        self.issued.clear();
        for (token, _) in self.living.drain().flat_map(|(_, living)| living) {
            self.over.insert(token, ());
        }
    }

    /// Pushes all tokens out now, as logins elsewhere would.
    pub fn push_out_all(&mut self) {
        self.issued.clear();
        for (token, _) in self.living.drain().flat_map(|(_, living)| living) {
            self.pushed.insert(token, 0);
        }
    }
}
