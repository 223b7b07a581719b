//! Tokens that the cloud has given and then refused, one after the other: what it said, and how long
//! the next one waits. Each new one pushes out another program's where only some of them live.

use crate::cloud::outcome::{Fault, Reason};
use std::time::{Duration, Instant};

/// Tokens that must have been refused in a row before the next one waits for longer than usual: one
/// may have been pushed out by another program.
const USUAL: u32 = 2;
/// How often the pause doubles at most: from a minute to about an hour.
const DOUBLINGS: u32 = 6;

/// What was refused since a call went well.
#[derive(Default)]
pub(super) struct Refusals {
    /// How many tokens.
    tokens: u32,
    /// The last of them, when it was refused first, and why.
    last: Option<(Box<str>, Instant, String)>,
}

impl Refusals {
    /// A token was refused.
    pub fn refused(&mut self, token: &str, why: &str) {
        match &mut self.last {
            Some((last, _, old)) if **last == *token => why.clone_into(old),
            last => {
                *last = Some((token.into(), Instant::now(), why.to_owned()));
                self.tokens += 1;
            }
        }
    }

    /// A call with a token went well.
    pub fn accepted(&mut self, token: &str) {
        // Calls with an older one may still end.
        if self.tokens > 0 && self.last.as_ref().is_none_or(|(last, ..)| **last != *token) {
            *self = Self::default();
        }
    }

    /// Why no other token than the refused one is asked for now; None if one is. `pause` is the
    /// usual time between two.
    pub fn waits(&self, failing: &str, pause: Duration, cloud: &str) -> Option<Fault> {
        let (_, since, why) = self.last.as_ref().filter(|(last, ..)| **last == *failing)?;
        let more = self.tokens.checked_sub(USUAL)?;
        let pause = pause * (2 << more.min(DOUBLINGS - 1));
        let left = pause
            .checked_sub(since.elapsed())
            .filter(|left| !left.is_zero())?;
        let (tokens, minutes) = (self.tokens, left.as_secs().div_ceil(60));
        let text = format!(
            "{cloud} refuses the access tokens that it gives, {tokens} in a row: {why}; \
             the next one is asked for in {minutes} min"
        );
        Some(Fault::new(Reason::Refused, text))
    }

    /// Why there is no other token, with what the cloud said of the refused one.
    pub fn explain(&self, failing: &str, fault: Fault) -> Fault {
        match self.last.as_ref().filter(|(last, ..)| **last == *failing) {
            Some((_, _, why)) => Fault::new(fault.reason, format!("{why}; and {fault}")),
            None => fault,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_with_each_refused_token() {
        let (mut refusals, hour) = (Refusals::default(), Duration::from_secs(3600));
        let mut waits = Vec::new();
        for token in ["a", "b", "b", "c", "d", "e", "f", "g", "h", "i"] {
            refusals.refused(token, "the benefit has ended");
            let fault = refusals.waits(token, hour, "the cloud");
            waits.push(fault.map(|fault| fault.to_string()));
            assert!(refusals.waits(token, Duration::ZERO, "").is_none());
            assert!(
                refusals.waits("?", hour, "").is_none(),
                "another may be better"
            );
        }
        let hours = [0, 2, 2, 4, 8, 16, 32, 64, 64, 64].map(|hours: u32| hours * 60);
        for (wait, minutes) in waits.iter().zip(hours) {
            let said = wait.as_deref().unwrap_or_default();
            assert_eq!(said.is_empty(), minutes == 0, "{said}");
            let expected =
                format!("the benefit has ended; the next one is asked for in {minutes} min");
            assert!(minutes == 0 || said.ends_with(&expected), "{said}");
        }
        refusals.accepted("j");
        refusals.refused("k", "");
        assert!(refusals.waits("k", hour, "").is_none(), "it begins anew");
    }

    #[test]
    fn a_reason_is_kept_beside_another() {
        let mut refusals = Refusals::default();
        refusals.refused("a", "the benefit has ended");
        let fault = || Fault::new(Reason::Token, "too soon");
        let said = refusals.explain("a", fault()).to_string();
        assert_eq!(said, "the benefit has ended; and too soon");
        assert_eq!(refusals.explain("b", fault()).to_string(), "too soon");
    }
}
