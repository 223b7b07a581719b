//! The one way out: gets a token, waits for the rate, has the request signed, sends it, and decides
//! with what the cloud's own tables say whether it is sent again. The only user of ureq. What the
//! calls are is each cloud's; where tokens come from is [`token`](super::token)'s.

mod agent;
mod describe;
mod fetch;
mod post;
mod probe;
mod reach;
mod routes;
mod said;
#[cfg(test)]
mod tests;
mod tokens;

pub use describe::{clip, describe};
pub use fetch::Fetched;
pub use post::Post;
pub use tokens::{Stream, Streams, Tokens};

use super::call::{Call, Payload, Spec, Way};
use super::dialect::{Answer, Dialect, Reading, Request};
use super::health::Seen;
use super::outcome::{Fault, Outcome, Reason};
use super::pace::{Meanwhile, Pacer};
use super::retry::{Verdict, verdict};
use super::time::Time;
use super::timing::Timing;
use super::trouble::Troubles;
use crate::body::SIGN_OF_LIFE;
use crate::store::{Advice, Health};
use crate::sync::lock;
use agent::{agent, unsent};
use log::debug;
use reach::{REFUSED, Reach};
use routes::Routes;
use serde::de::DeserializeOwned;
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use ureq::http::Response;
use ureq::{Agent, SendBody};

/// Largest answer in bytes that is read: a page of 1,000 rows has about 400 KiB.
const LARGEST_ANSWER: u64 = 4 << 20;

/// How a cloud is reached.
#[derive(Clone)]
pub struct Network {
    /// Where its API is, with the scheme and without a slash at the end.
    pub api_url: String,
    /// Whether calls may go without TLS to hosts that the API names, though it has TLS itself.
    pub allow_http: bool,
    /// Most connections that are kept to one host.
    pub connections: usize,
    /// Whether IPv6 is left alone.
    pub ipv4_only: bool,
    /// Certificate authorities to trust instead of the usual ones, as PEM.
    pub ca: Option<Vec<u8>>,
    /// Every timeout, pause and bound in time.
    pub timing: Timing,
}

impl Network {
    /// Whether the API is spoken to by TLS, and so everything else that it names.
    pub fn is_https(&self) -> bool {
        self.api_url.starts_with("https://")
    }
}

/// The way to a cloud.
pub struct Client {
    agent: Agent,
    routes: Arc<Routes>,
    ipv4_only: bool,
    base: String,
    /// Whether that is by TLS, and so everything else must be.
    https: bool,
    reach: Reach,
    dialect: &'static Dialect,
    tokens: Box<dyn Tokens>,
    /// Uploads under way that can't be sent again.
    pub streams: Streams,
    /// The rates.
    pub pacer: Pacer,
    /// Since when nothing may be written.
    banned: Mutex<Option<Instant>>,
    /// What is wrong, for the log.
    pub troubles: Troubles,
    /// What has been seen of the cloud, for whoever watches.
    pub seen: Seen,
    /// What time it is there.
    pub time: Arc<Time>,
    /// Every timeout, pause and bound in time.
    pub timing: Timing,
}

impl Client {
    /// A client that speaks this dialect at these rates; nothing is sent yet.
    pub fn new(
        network: &Network,
        dialect: &'static Dialect,
        tokens: Box<dyn Tokens>,
        rates: &[f64],
    ) -> Self {
        let (timing, routes) = (network.timing.clone(), Arc::default());
        Self {
            agent: agent(network, &routes),
            routes,
            ipv4_only: network.ipv4_only,
            https: network.is_https(),
            reach: Reach::new(&network.api_url),
            base: network.api_url.trim_end_matches('/').to_owned(),
            seen: Seen::new(&timing, dialect.table),
            dialect,
            tokens,
            streams: Streams::default(),
            pacer: Pacer::new(rates),
            banned: Mutex::default(),
            troubles: Troubles::default(),
            time: Arc::new(Time::new(&timing)),
            timing,
        }
    }

    /// The cloud's name in sentences.
    pub fn cloud(&self) -> &'static str {
        self.dialect.cloud
    }

    /// Where the API is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// What the server's owner can do about a failed call.
    pub fn advice(&self, reason: Reason) -> Option<Advice> {
        (self.dialect.advice)(reason)
    }

    /// Makes a call and reads its data.
    pub fn call<T: DeserializeOwned>(&self, call: Call<'_, '_>) -> Result<T, Fault> {
        let mut data = None;
        self.read(call, &mut |text| {
            data = Some(serde_json::from_str(text)?);
            Ok(())
        })?;
        let none = || {
            Fault::new(
                Reason::Lost,
                format!("{}'s answer has no data", self.cloud()),
            )
        };
        data.ok_or_else(none)
    }

    /// Makes a call whose data doesn't matter.
    pub fn send(&self, call: Call<'_, '_>) -> Result<(), Fault> {
        self.read(call, &mut |_| Ok(()))
    }

    /// Makes a call, as often as `retry` says, and hands its data to `read`.
    pub fn read(&self, mut call: Call<'_, '_>, read: &mut Reading<'_>) -> Result<(), Fault> {
        let spec = call.spec;
        self.check_ban(spec)?;
        let (start, mut tries, mut token) = (Instant::now(), 0, None);
        loop {
            tries += 1;
            // Before the wait: calls that then wait for a token go all at once.
            if token.is_none() && spec.needs_token() {
                token = Some(self.token(None)?);
            }
            let sent = self.wait(&mut call, start)?;
            let stream = call
                .streams()
                .then(|| self.tokens.stream(&mut token, &self.streams));
            let (outcome, trace) = self.send_once(&mut call, token.as_deref(), read)?;
            drop(stream);
            let reason = self.reason(spec, &outcome);
            self.seen.called(spec, reason);
            let Some(reason) = reason else {
                self.troubles.over(self.dialect);
                token.iter().for_each(|token| self.tokens.accepted(token));
                return Ok(());
            };
            let text = describe(self.cloud(), spec, &outcome, &trace);
            self.tell(reason, &outcome, &text);
            if let (Reason::Token | Reason::PushedOut, Some(token)) = (reason, &token) {
                self.tokens.refused(token, &text);
            }
            match reason {
                Reason::Throttled => self.pacer.refused(spec.queue, sent),
                Reason::Banned => *lock(&self.banned) = Some(start),
                _ => {}
            }
            let spent = start.elapsed();
            match verdict(spec, reason, tries, spent, call.ready(), &self.timing) {
                Verdict::Fail if tries > 1 => {
                    let text = format!("{text}, after {tries} tries in {} ms", spent.as_millis());
                    return Err(Fault::new(reason, text));
                }
                Verdict::Fail => return Err(Fault::new(reason, text)),
                Verdict::Renew => {
                    token = Some(self.token(token.as_deref().map(|bad| (bad, reason)))?);
                }
                Verdict::Again(pause) => {
                    debug!("{text}; again in {} ms", pause.as_millis());
                    std::thread::sleep(pause);
                }
            }
        }
    }

    /// Waits until a call may go that was wanted at `start`, and says when it goes. Meanwhile whoever
    /// sends its body sees that move.
    fn wait(&self, call: &mut Call<'_, '_>, start: Instant) -> Result<Duration, Fault> {
        let (spec, asked) = (call.spec, Instant::now());
        let left = self.timing.rate_wait.saturating_sub(start.elapsed());
        let priority = call.priority;
        let meanwhile = &mut Meanwhile {
            every: SIGN_OF_LIFE,
            act: &mut || call.show_life(),
        };
        let goes = self.pacer.wait(spec.queue, priority, left, meanwhile);
        self.seen.waited(spec, asked.elapsed());
        goes.ok_or_else(|| {
            let text = format!(
                "no call to {} was possible in time within its rate",
                spec.name
            );
            Fault::new(Reason::Throttled, text)
        })
    }

    /// After a ban was met nothing is written for a while: going on would prolong it.
    fn check_ban(&self, spec: &Spec) -> Result<(), Fault> {
        let ban = self.timing.ban;
        let banned = *lock(&self.banned);
        match banned.filter(|since| spec.is(Way::Writes) && since.elapsed() < ban) {
            None => Ok(()),
            Some(since) => {
                let minutes = ban.saturating_sub(since.elapsed()).as_secs() / 60 + 1;
                let text = format!(
                    "{} has banned this account from writing; it is tried again in {minutes} min",
                    self.cloud()
                );
                Err(Fault::new(Reason::Banned, text))
            }
        }
    }

    /// Sends once. An Err is the body's own: it can't be sent (again).
    fn send_once(
        &self,
        call: &mut Call<'_, '_>,
        token: Option<&str>,
        read: &mut Reading<'_>,
    ) -> Result<(Outcome, String), Fault> {
        if call.host.is_some_and(|host| self.reach.forbids(host)) {
            return Ok((Outcome::NotSent(REFUSED.to_owned()), String::new()));
        }
        let signed = self.signed(call, token)?;
        let bad = |error: ureq::http::Error| unusable(&error);
        let sent = match &mut call.payload {
            Payload::None => self.agent.run(signed.body(()).map_err(bad)?),
            Payload::Text(_, text) => self.agent.run(signed.body(text.as_str()).map_err(bad)?),
            Payload::Stream(_, content) => {
                let rewound = content.rewind();
                rewound.map_err(|e| Fault::new(Reason::Lost, e.to_string()))?;
                let mut content: &mut dyn Read = content;
                let body = SendBody::from_reader(&mut content);
                self.agent.run(signed.body(body).map_err(bad)?)
            }
        };
        Ok(match sent {
            Ok(response) => self.understand(call, response, read),
            Err(error) => (unsent(&error), String::new()),
        })
    }

    /// A call's request without its body, as the cloud wants it.
    fn signed(
        &self,
        call: &Call<'_, '_>,
        token: Option<&str>,
    ) -> Result<ureq::http::request::Builder, Fault> {
        let mut request = Request {
            method: call.spec.method,
            path: call.path,
            query: call.query.to_owned(),
            headers: call.headers.to_vec(),
            body: match &call.payload {
                Payload::Text(_, text) => Some(text),
                _ => None,
            },
        };
        match &call.payload {
            Payload::None => {}
            Payload::Text(kind, _) => request.header("Content-Type", *kind),
            Payload::Stream(kind, content) => {
                if let Some(kind) = kind {
                    request.header("Content-Type", kind);
                }
                request.header("Content-Length", content.len().to_string());
            }
        }
        if !call.spec.is(Way::Unsigned) {
            (self.dialect.sign)(&mut request, token);
        }
        let host = call.host.unwrap_or(&self.base);
        let mark = if request.query.is_empty() { "" } else { "?" };
        let uri = format!("{host}{}{mark}{}", request.path, request.query);
        let request_line = ureq::http::Request::builder()
            .method(request.method)
            .uri(uri);
        let add = |to: ureq::http::request::Builder, (name, value)| {
            to.header::<String, String>(name, value)
        };
        Ok(request.headers.into_iter().fold(request_line, add))
    }

    fn understand(
        &self,
        call: &Call<'_, '_>,
        response: Response<ureq::Body>,
        read: &mut Reading<'_>,
    ) -> (Outcome, String) {
        let (head, body) = response.into_parts();
        let mut text = Vec::new();
        let mut body = body.into_reader().take(LARGEST_ANSWER);
        if let Err(error) = body.read_to_end(&mut text) {
            let text = format!("the answer was cut off: {error}");
            return (Outcome::Lost(text), String::new());
        }
        let header = |name: &str| Some(head.headers.get(name)?.to_str().ok()?.to_owned());
        let answer = Answer {
            status: head.status.as_u16(),
            header: &header,
            text: &text,
        };
        let (outcome, trace) = (self.dialect.understand)(call.spec, &answer, read);
        let is_clouds = matches!(outcome, Outcome::Done | Outcome::Refused { .. });
        // Other hosts, and whoever answers in the cloud's place, have clocks of their own.
        if is_clouds && call.host.is_none() {
            self.note_date(header("Date").as_deref());
        }
        (outcome, trace)
    }

    /// How the cloud does, from memory, with so many uploads under way of so many; what only one
    /// cloud can tell is left out.
    pub fn health(&self, (uploads, uploads_most): (usize, usize)) -> Health {
        let (seen, unusable) = (self.seen.health(&self.pacer), self.troubles.unusable());
        let asked = seen.answered.is_some() || unusable;
        Health {
            cloud: self.cloud(),
            reachable: asked.then_some(!unusable),
            token_expires: self.token_expires(),
            damaged: self.troubles.damages(),
            troubles: self.troubles.all(),
            uploads,
            uploads_most,
            ..seen
        }
    }

    /// When the token ends, in seconds since 1970, as far as that can be told without waiting.
    pub fn token_expires(&self) -> Option<u64> {
        self.tokens.expires()
    }

    /// Writes the token to disk if it couldn't be when it came; tells whether there was anything.
    pub fn keep_token(&self) -> bool {
        self.tokens.keep()
    }

    /// Makes sure of a token.
    pub fn log_in(&self) -> Result<(), Fault> {
        self.token(None).map(drop)
    }

    fn token(&self, failing: Option<(&str, Reason)>) -> Result<Arc<str>, Fault> {
        let found = self.tokens.token(self, failing);
        found.inspect_err(|fault| self.trouble(fault))
    }
}

/// A request that can't be made. Why is said by ureq without the address.
fn unusable(error: &ureq::http::Error) -> Fault {
    Fault::new(Reason::Unknown, format!("a call can't be made: {error}"))
}
