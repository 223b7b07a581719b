//! The one door out: waits for the rate, adds the token, sends, and has `judge` decide what the
//! outcome means. The only user of ureq. What the calls are is `api`'s.

mod agent;
pub(super) mod answer;
mod knock;
mod reach;

use super::api::Endpoint;
use super::health::Seen;
use super::judge::{self, Outcome, Verdict, Why};
use super::multipart::Form;
use super::pace::{Pacer, Priority};
use super::token::Keeper;
use super::trouble::Troubles;
use super::{Config, Timing};
use crate::restic::Part;
use crate::store::{self, Cause};
use agent::{agent, unsent, words};
use answer::{describe, understand};
use log::debug;
use reach::{REFUSED, Reach};
use serde::de::DeserializeOwned;
use std::fmt;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use ureq::http::{Request, Response};
use ureq::{Agent, SendBody};

/// A failed call: why, and a sentence for the log.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Why, as far as it matters.
    pub why: Why,
    text: String,
}

impl Fault {
    /// A fault with its sentence.
    pub fn new(why: Why, text: impl Into<String>) -> Self {
        Self {
            why,
            text: text.into(),
        }
    }

    /// What is certain for whoever knows only the store.
    pub fn cause(&self) -> Cause {
        match self.why {
            Why::Full => Cause::Full,
            Why::Lost | Why::Server | Why::Unknown | Why::Corrupt | Why::BadName => Cause::Cloud,
            Why::NoFile | Why::NoParent | Why::Taken | Why::NoEndpoint => Cause::Cloud,
            _ => Cause::Busy,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A call to be made.
pub struct Call<'a, 'f> {
    endpoint: Endpoint,
    host: Option<&'a str>,
    query: &'a str,
    payload: Payload<'a, 'f>,
    first: Priority,
}

enum Payload<'a, 'f> {
    None,
    Json(String),
    Form(&'a mut Form<'f>),
}

impl<'a, 'f> Call<'a, 'f> {
    /// A GET with this query, which starts with its question mark.
    pub fn get(endpoint: Endpoint, query: &'a str) -> Self {
        Self {
            endpoint,
            host: None,
            query,
            payload: Payload::None,
            first: Priority::Packs,
        }
    }

    /// A POST of JSON.
    pub fn json(endpoint: Endpoint, body: &serde_json::Value) -> Self {
        let payload = Payload::Json(body.to_string());
        Self {
            endpoint,
            host: None,
            query: "",
            payload,
            first: Priority::Packs,
        }
    }

    /// A POST of a form to another host.
    pub fn form(endpoint: Endpoint, host: &'a str, form: &'a mut Form<'f>) -> Self {
        let payload = Payload::Form(form);
        Self {
            endpoint,
            host: Some(host),
            query: "",
            payload,
            first: Priority::Packs,
        }
    }

    /// Who goes first when calls must wait.
    pub fn first(self, first: Priority) -> Self {
        Self { first, ..self }
    }

    fn streams(&self) -> bool {
        matches!(self.payload, Payload::Form(_))
    }

    fn ready(&self) -> bool {
        match &self.payload {
            Payload::Form(form) => form.ready(),
            _ => true,
        }
    }
}

/// Reads the data of an answer; an Err says what isn't as it should be.
type Reading<'r> = dyn FnMut(&str) -> Result<(), serde_json::Error> + 'r;

/// The way to 123pan.
pub struct Door {
    agent: Agent,
    base: String,
    /// Whether that is by TLS, and so everything else must be.
    https: bool,
    reach: Reach,
    /// The token.
    pub keeper: Keeper,
    /// The rates.
    pub pacer: Pacer,
    /// Since when nothing may be written.
    banned: Mutex<Option<Instant>>,
    /// What is wrong, for the log.
    pub troubles: Troubles,
    /// What has been seen of 123pan, for whoever watches.
    pub seen: Seen,
    /// Every timeout, pause and bound in time.
    pub timing: Timing,
}

impl Door {
    /// A door for the configured account; nothing is sent yet.
    pub fn new(config: &Config, pacer: Pacer) -> Self {
        let timing = config.timing.clone();
        Self {
            agent: agent(config),
            https: config.is_https(),
            reach: Reach::new(&config.api_url),
            base: config.api_url.trim_end_matches('/').to_owned(),
            keeper: Keeper::new(config),
            pacer,
            banned: Mutex::default(),
            troubles: Troubles::default(),
            seen: Seen::new(&timing),
            timing,
        }
    }

    /// Makes a call and reads its data.
    pub fn ask<T: DeserializeOwned>(&self, call: Call<'_, '_>) -> Result<T, Fault> {
        let mut data = None;
        self.make(call, &mut |text| {
            data = Some(serde_json::from_str(text)?);
            Ok(())
        })?;
        data.ok_or_else(|| Fault::new(Why::Lost, "123pan's answer has no data"))
    }

    /// Makes a call whose data doesn't matter.
    pub fn tell(&self, call: Call<'_, '_>) -> Result<(), Fault> {
        self.make(call, &mut |_| Ok(()))
    }

    /// Makes a call, as often as `judge` says.
    fn make(&self, mut call: Call<'_, '_>, read: &mut Reading<'_>) -> Result<(), Fault> {
        self.check_ban(call.endpoint)?;
        let (start, mut tries, mut token) = (Instant::now(), 0, None);
        loop {
            tries += 1;
            // Before the wait: calls that then wait for a token go all at once.
            if token.is_none() && !call.endpoint.gives_tokens() {
                token = Some(self.token(None)?);
            }
            let left = self.timing.rate_wait.saturating_sub(start.elapsed());
            let asked = Instant::now();
            let goes = self.pacer.wait(call.endpoint, call.first, left);
            self.seen.waited(call.endpoint, asked.elapsed());
            let Some(sent) = goes else {
                let text = format!("the rate of {} left no room for it", call.endpoint.path());
                return Err(Fault::new(Why::Throttled, text));
            };
            let stream = call.streams().then(|| self.keeper.stream(&mut token));
            let (outcome, trace) = self.send(&mut call, token.as_deref(), read)?;
            drop(stream);
            let why = judge::why(call.endpoint, &outcome);
            self.seen.called(call.endpoint, why);
            let Some(why) = why else {
                self.troubles.over();
                return Ok(());
            };
            let text = describe(call.endpoint, &outcome, &trace);
            self.troubles.tell(why, &text);
            match why {
                Why::Throttled => self.pacer.refused(call.endpoint, sent),
                Why::Banned => *self.banned() = Some(start),
                _ => {}
            }
            let spent = start.elapsed();
            match judge::judge(call.endpoint, why, tries, spent, call.ready(), &self.timing) {
                Verdict::Fail if tries > 1 => {
                    let text = format!("{text}, after {tries} tries in {} ms", spent.as_millis());
                    return Err(Fault::new(why, text));
                }
                Verdict::Fail => return Err(Fault::new(why, text)),
                Verdict::Renew => token = Some(self.token(token.as_deref().map(|bad| (bad, why)))?),
                Verdict::Again(pause) => {
                    debug!("{text}; again in {} ms", pause.as_millis());
                    std::thread::sleep(pause);
                }
            }
        }
    }

    /// After a ban was met nothing is written for a while: going on would prolong it.
    fn check_ban(&self, endpoint: Endpoint) -> Result<(), Fault> {
        let ban = self.timing.ban;
        match self
            .banned()
            .filter(|since| endpoint.writes() && since.elapsed() < ban)
        {
            None => Ok(()),
            Some(since) => {
                let minutes = ban.saturating_sub(since.elapsed()).as_secs() / 60 + 1;
                let text = format!(
                    "123pan has banned this account from writing; it is tried again in {minutes} min"
                );
                Err(Fault::new(Why::Banned, text))
            }
        }
    }

    fn banned(&self) -> MutexGuard<'_, Option<Instant>> {
        self.banned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends once. An Err is the body's own: it can't be sent (again).
    fn send(
        &self,
        call: &mut Call<'_, '_>,
        token: Option<&str>,
        read: &mut Reading<'_>,
    ) -> Result<(Outcome, String), Fault> {
        let host = call.host.unwrap_or(&self.base);
        if call.host.is_some_and(|host| self.reach.forbids(host)) {
            return Ok((Outcome::NotSent(REFUSED.to_owned()), String::new()));
        }
        let uri = format!("{host}{}{}", call.endpoint.path(), call.query);
        let mut request = Request::builder().method(call.endpoint.method()).uri(uri);
        request = request.header("Platform", "open_platform");
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let bad =
            |e: ureq::http::Error| Fault::new(Why::Unknown, format!("a call can't be made: {e}"));
        let sent = match &mut call.payload {
            Payload::None => self.agent.run(request.body(()).map_err(bad)?),
            Payload::Json(text) => {
                let request = request.header("Content-Type", "application/json");
                self.agent.run(request.body(text.as_str()).map_err(bad)?)
            }
            Payload::Form(form) => {
                form.rewind()
                    .map_err(|e| Fault::new(Why::Lost, e.to_string()))?;
                let request = request
                    .header("Content-Type", Form::content_type())
                    .header("Content-Length", form.len());
                self.agent
                    .run(request.body(SendBody::from_reader(form)).map_err(bad)?)
            }
        };
        Ok(match sent {
            Ok(response) => understand(call.endpoint, response, read),
            Err(error) => (unsent(&error), String::new()),
        })
    }

    /// When the token ends, in seconds since 1970, as far as that can be told without waiting.
    pub fn token_expires(&self) -> Option<u64> {
        self.keeper.expires()
    }

    /// Makes sure of a token.
    pub fn log_in(&self) -> Result<(), Fault> {
        self.token(None).map(drop)
    }

    fn token(&self, failing: Option<(&str, Why)>) -> Result<Arc<str>, Fault> {
        let found = self.keeper.token(self, failing);
        found.map_err(|no| {
            self.troubles.tell(no.why(), &no.1);
            Fault::new(no.why(), no.1)
        })
    }

    /// Opens a download address at a part of its file; no token goes with it. The caller checks
    /// what comes.
    pub fn fetch(&self, url: &str, part: Option<Part>) -> Result<Fetched, Fault> {
        if self.reach.forbids(url) {
            return Err(self.not_opened(REFUSED));
        }
        let config = self
            .agent
            .configure_request(Request::get(url).body(()).map_err(|_| {
                // The address itself is a secret. The next one may be better.
                Fault::new(Why::Lost, "123pan gave a download address that is none")
            })?);
        let mut request = config.max_redirects(5).https_only(self.https).build();
        if let Some(Part { start, len }) = part {
            let range = format!("bytes={start}-{}", (start + len).saturating_sub(1));
            if let Ok(range) = range.parse() {
                request.headers_mut().insert("Range", range);
            }
        }
        match self.agent.run(request) {
            Ok(response) => Ok(Fetched::new(response)),
            Err(error) => Err(self.not_opened(&words(&error))),
        }
    }

    fn not_opened(&self, why: &str) -> Fault {
        let text = format!("a download can't be opened ({why})");
        self.troubles.tell(Why::Unreachable, &text);
        Fault::new(Why::Unreachable, text)
    }
}

/// An opened download.
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Range`, if there is one.
    pub range: Option<String>,
    /// Bytes to come, if they are announced.
    pub len: Option<u64>,
    /// The bytes.
    pub reader: Box<dyn Read + Send>,
}

impl Fetched {
    fn new(response: Response<ureq::Body>) -> Self {
        let header = |name| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        Self {
            status: response.status().as_u16(),
            range: header("Content-Range").map(str::to_owned),
            len: header("Content-Length").and_then(|len| len.parse().ok()),
            reader: Box::new(response.into_body().into_reader()),
        }
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        Self::other(store::Error::from(fault))
    }
}
