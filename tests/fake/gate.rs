//! What every call passes before and after it is carried out: its path, ordered faults, headers,
//! token, rate, and the envelope of its answer.

use super::altered::alter;
use super::endpoint::{self, Endpoint, Host};
use super::exchange::Exchange;
use super::faults::How;
use super::http::Then;
use super::refusal::Refusal;
use super::spoil::{self, HTML, Reply, Voice};
use super::state::Hub;
use super::tokens::Worth;
use serde_json::{Value, json};
use std::io;

/// What a call comes to.
pub enum Answer {
    /// Success, with its data.
    Data(Value),
    No(Refusal),
    /// JSON without the envelope.
    Flat(u16, Value),
    /// An HTTP status with a page that isn't JSON.
    Page(u16, &'static str),
    /// The client is gone: nobody to answer.
    Gone,
}

impl From<Result<Value, Refusal>> for Answer {
    fn from(result: Result<Value, Refusal>) -> Answer {
        match result {
            Ok(data) => Answer::Data(data),
            Err(refusal) => Answer::No(refusal),
        }
    }
}

/// The page of the front door for addresses that are blocked.
pub const BLOCK_PAGE: &str = "123pan-global-slb forbidden client ip";

/// Serves a request to the API host or to an upload host.
pub fn serve(hub: &Hub, host: Host, exchange: &mut Exchange<'_, '_>) -> io::Result<Then> {
    if host == Host::Api && exchange.head.path.starts_with("/__fake/") {
        return super::control::serve(hub, exchange);
    }
    if host == Host::Api && exchange.head.path == "/" {
        return front(hub, exchange);
    }
    let endpoint = match known(hub, host, exchange) {
        Ok(endpoint) => endpoint,
        Err(refusal) => {
            exchange.drain()?;
            return write(hub, exchange, Endpoint::Other, Answer::No(refusal), None);
        }
    };
    let passed = match hub.arrive(endpoint, exchange)? {
        Ok(passed) => passed,
        Err(then) => return Ok(then),
    };
    let uploads = matches!(endpoint, Endpoint::Single | Endpoint::Slice);
    let answer = match pass(hub, endpoint, exchange) {
        Ok(()) if uploads => {
            let answer = super::upload::serve(hub, endpoint, exchange);
            let late = hub.lock().switches.oauth.late_check;
            match late {
                true => pass_token(hub, endpoint, exchange).map_or_else(|no| no, |()| answer),
                false => answer,
            }
        }
        Ok(()) if endpoint == Endpoint::Oauth => {
            exchange.drain()?;
            super::oauth::serve(hub, &exchange.head.query)
        }
        Ok(()) => super::api::serve(hub, endpoint, exchange),
        Err(answer) => {
            if uploads && hub.lock().switches.early_errors {
                write(hub, exchange, endpoint, answer, None)?;
                return Ok(Then::Close);
            }
            exchange.drain()?;
            answer
        }
    };
    match passed.held {
        true => hub.stand(exchange),
        false => write(hub, exchange, endpoint, answer, passed.how),
    }
}

/// The front door itself: a page for browsers, which also tells the time.
fn front(hub: &Hub, exchange: &mut Exchange<'_, '_>) -> io::Result<Then> {
    exchange.drain()?;
    let switches = hub.lock().switches.clone();
    let headers = [("Content-Type", "text/html")];
    exchange.date = hub.date();
    let (status, text) = match switches.blocked {
        true => (403, BLOCK_PAGE),
        false => (404, HTML),
    };
    exchange.answer(status, &headers, text.as_bytes())?;
    Ok(Then::Keep)
}

/// Which endpoint this is, if it is one.
fn known(hub: &Hub, host: Host, exchange: &Exchange<'_, '_>) -> Result<Endpoint, Refusal> {
    let head = &exchange.head;
    let line = endpoint::find(host, &head.path);
    let right = line.filter(|l| l.method == head.method);
    if let Some(line) = right {
        return Ok(line.endpoint);
    }
    let (method, path) = (&head.method, &head.path);
    let mut state = hub.lock();
    state.judge.count(Endpoint::Other).calls += 1;
    let text = format!("no such call: {method} {path} on the {host:?} host");
    state.judge.complain(text);
    if head.header("authorization").is_some() && line.is_none() {
        let text = format!("token sent to an unknown place: {path} on the {host:?} host");
        state.judge.complain(text);
    }
    Err(if line.is_some() {
        Refusal::Method
    } else {
        Refusal::NoSuchPath
    })
}

/// Headers, token and rate.
fn pass(hub: &Hub, endpoint: Endpoint, exchange: &Exchange<'_, '_>) -> Result<(), Answer> {
    let head = &exchange.head;
    let now = hub.clock.now();
    let mut state = hub.lock();
    if state.switches.blocked {
        return Err(Answer::Page(403, BLOCK_PAGE));
    }
    if endpoint == Endpoint::Delete && state.switches.delete_missing {
        return Err(Answer::Page(404, "404 page not found"));
    }
    if head.header("platform") != Some("open_platform") {
        let text = format!("{endpoint:?}: no Platform header");
        state.judge.complain(text);
        return Err(Answer::No(Refusal::Platform));
    }
    if !state.pace(endpoint, now) {
        return Err(Answer::No(Refusal::TooOften));
    }
    if matches!(endpoint, Endpoint::Token | Endpoint::Oauth) {
        if head.header("authorization").is_some() {
            let text = format!("{endpoint:?}: Authorization header sent");
            state.judge.complain(text);
        }
        return Ok(());
    }
    drop(state);
    pass_token(hub, endpoint, exchange)
}

/// The token that a call must bring.
fn pass_token(hub: &Hub, endpoint: Endpoint, exchange: &Exchange<'_, '_>) -> Result<(), Answer> {
    let head = &exchange.head;
    let now = hub.clock.now();
    let mut state = hub.lock();
    let bearer = head.header("authorization");
    let token = bearer.and_then(|v| v.strip_prefix("Bearer "));
    let Some(token) = token else {
        let text = format!("{endpoint:?}: no Bearer token");
        state.judge.complain(text);
        return Err(Answer::No(Refusal::TokenMissing));
    };
    if state.grants.is_good(token, now) {
        return Ok(());
    }
    match state.tokens.judge(token, now) {
        Worth::Good => Ok(()),
        Worth::Over | Worth::Unknown => Err(Answer::No(Refusal::TokenOver)),
        Worth::PushedOut => {
            // Calls under way when the token was pushed out are nobody's fault.
            const PARDONED: u32 = 32;
            if state.tokens.uses_after_end(token) > PARDONED {
                state.judge.complain("a pushed-out token is used on and on");
            }
            Err(Answer::No(Refusal::TokenPushedOut))
        }
    }
}

/// Sends an answer, spoilt or not, and counts it.
fn write(
    hub: &Hub,
    exchange: &mut Exchange<'_, '_>,
    endpoint: Endpoint,
    answer: Answer,
    how: Option<How>,
) -> io::Result<Then> {
    exchange.date = hub.date();
    let altered = |data| match &how {
        Some(how) => alter(data, how),
        None => data,
    };
    let (status, body) = match answer {
        Answer::Gone => return Ok(Then::Close),
        Answer::Page(status, text) => {
            hub.lock().judge.count(endpoint).errors += 1;
            let page = format!("<html><body>{text}</body></html>");
            exchange.answer(status, &[("Content-Type", "text/html")], page.as_bytes())?;
            return Ok(Then::Keep);
        }
        Answer::Data(data) => (200, envelope(hub, 0, "ok", &altered(data))),
        Answer::Flat(status, value) => {
            if status != 200 {
                hub.lock().judge.count(endpoint).errors += 1;
            }
            (status, altered(value).to_string().into_bytes())
        }
        Answer::No(refusal) => {
            let (code, message) = refusal.wire();
            let mut state = hub.lock();
            let count = state.judge.count(endpoint);
            match refusal {
                Refusal::TooOften => count.limited += 1,
                _ => count.errors += 1,
            }
            let missing = matches!(refusal, Refusal::NoSuchPath | Refusal::Method);
            let status = match state.switches.http_status || missing {
                true => Refusal::status(code),
                false => 200,
            };
            drop(state);
            (status, envelope(hub, code, &message, &Value::Null))
        }
    };
    spoil::maybe(hub, exchange, how.as_ref(), &Reply::json(status, body))
}

impl Voice for Hub {
    fn no(&self, code: i64, message: &str) -> (u16, &'static str, Vec<u8>) {
        let status = match self.lock().switches.http_status {
            true => Refusal::status(code),
            false => 200,
        };
        let body = envelope(self, code, message, &Value::Null);
        (status, "application/json; charset=utf-8", body)
    }

    fn yes(&self, data: &Value) -> Vec<u8> {
        envelope(self, 0, "ok", data)
    }
}

/// The envelope of all answers.
pub fn envelope(hub: &Hub, code: i64, message: &str, data: &Value) -> Vec<u8> {
    let all = json!({
        "code": code, "message": message, "data": data, "x-traceID": hub.trace(),
    });
    all.to_string().into_bytes()
}
