//! What every call to the library host passes before and after it is carried out: its path, ordered
//! faults, rate, token, and the JSON of its answer.

use super::super::altered::alter;
use super::super::exchange::Exchange;
use super::super::faults::How;
use super::super::http::Then;
use super::super::limits::Shape;
use super::super::spoil::{self, Reply, Voice};
use super::super::time::ms;
use super::answer::Answer;
use super::call::{self, Call, Route};
use super::refusal::{Outcome, Refusal, no};
use super::state::{Hub, State};
use super::tokens::Token;
use serde_json::{Value, json};
use std::io;

/// The largest JSON body.
const BODY_MAX: u64 = 4 << 20;

/// Serves a request to the library host.
pub fn serve(hub: &Hub, exchange: &mut Exchange<'_, '_>) -> io::Result<Then> {
    if exchange.head.path.starts_with("/__fake/") {
        return super::control::serve(hub, exchange);
    }
    let Some(route) = call::route(&exchange.head) else {
        unknown(hub, exchange);
        exchange.drain()?;
        return write(hub, exchange, Call::Other, no("RouteNotFound"), None);
    };
    let writing = Writing::begin(hub, &route);
    let passed = match hub.arrive(route.call, exchange)? {
        Ok(passed) => passed,
        Err(then) => return Ok(then),
    };
    let Ok(body) = exchange.body(BODY_MAX) else {
        return Ok(Then::Close);
    };
    exchange.drain()?;
    check_kind(hub, exchange, &body);
    let conflict = writing.as_ref().is_some_and(|writing| writing.meets);
    let outcome = match pass(hub, &route, exchange) {
        Err(refusal) => Err(refusal),
        Ok(_) if conflict => no("PathConflict"),
        Ok(_) if body.len() as u64 >= BODY_MAX => no("RequestEntityTooLarge"),
        Ok(token) => {
            let (mut state, now) = (hub.lock(), hub.clock.now());
            super::api::call(hub, &mut state, &route, &body, token.as_ref(), now)
        }
    };
    if passed.held {
        return hub.stand(exchange);
    }
    // Whoever gets the answer may write again.
    drop(writing);
    write(hub, exchange, route.call, outcome, passed.how)
}

/// JSON must be called JSON.
fn check_kind(hub: &Hub, exchange: &Exchange<'_, '_>, body: &[u8]) {
    let kind = exchange.head.header("content-type").unwrap_or("");
    if !body.is_empty() && !kind.starts_with("application/json") {
        let text = format!("a body with Content-Type {kind:?}");
        hub.lock().judge.complain(text);
    }
}

/// A write under way in a folder.
struct Writing<'a> {
    hub: &'a Hub,
    folder: Vec<String>,
    /// Whether it found another one there, and must fail for that.
    meets: bool,
}

impl<'a> Writing<'a> {
    fn begin(hub: &'a Hub, route: &Route) -> Option<Writing<'a>> {
        let mut state = hub.lock();
        let folder = match route.call {
            Call::Mkdir | Call::Start | Call::DeleteFile => route.folder().to_vec(),
            Call::Confirm => super::upload::folder_of(&state, route.key())?,
            _ => return None,
        };
        let on = state.switches.path_conflict;
        let others = state.writing.entry(folder.clone()).or_default();
        *others += 1;
        let meets = on && *others > 1;
        Some(Writing { hub, folder, meets })
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        if let Some(others) = state.writing.get_mut(&self.folder) {
            *others -= 1;
            if *others == 0 {
                state.writing.remove(&self.folder);
            }
        }
    }
}

/// Notes a call that the service doesn't have.
fn unknown(hub: &Hub, exchange: &Exchange<'_, '_>) {
    let head = &exchange.head;
    let mut state = hub.lock();
    state.judge.count(Call::Other).calls += 1;
    // Whoever only wants to know whether anybody is there asks for no more.
    if head.path == "/" {
        return;
    }
    let text = format!("no such call: {} {}", head.method, head.path);
    state.judge.complain(text);
}

/// Rate and token. `None`: the call needs no token.
fn pass(hub: &Hub, route: &Route, exchange: &Exchange<'_, '_>) -> Result<Option<Token>, Refusal> {
    let (mut state, now) = (hub.lock(), hub.clock.now());
    if let Some(rate) = state.switches.rate
        && !state.limits.take((), rate, Shape::Sliding, now)
    {
        return no("RateLimitExceeded");
    }
    let call = route.call;
    if matches!(
        call,
        Call::Token | Call::RenewToken | Call::EndToken | Call::EndTokens
    ) {
        return Ok(None);
    }
    if route.query.has("library_secret") {
        let text = format!("{call:?}: the library's secret, where a token does");
        state.judge.complain(text);
    }
    let bearer = exchange.head.header("authorization");
    let bearer = bearer.filter(|_| state.switches.bearer);
    let bearer = bearer.and_then(|text| text.strip_prefix("Bearer "));
    let token = match route.query.text("access_token").or(bearer) {
        Some(text) => state.tokens.used(text, now),
        None if state.switches.public_read && call.reads() => return Ok(None),
        None => return no("EmptyAccessToken"),
    };
    let token = token.ok_or(Refusal("InvalidAccessToken"))?;
    place(hub, route, &token)?;
    Ok(Some(token))
}

/// Whether the token is for this library and this space, and whether there are such.
fn place(hub: &Hub, route: &Route, token: &Token) -> Result<(), Refusal> {
    if route.library != hub.library {
        return no("AccessTokenNotMatchLibrary");
    }
    if matches!(route.call, Call::History | Call::Usage) {
        return Ok(());
    }
    if !token.is_for(&route.space) {
        return no("AccessTokenNotMatchSpace");
    }
    match route.space == hub.space {
        true => Ok(()),
        false => no("SpaceNotFound"),
    }
}

/// Sends an answer, spoilt or not, and counts it.
fn write(
    hub: &Hub,
    exchange: &mut Exchange<'_, '_>,
    call: Call,
    outcome: Outcome,
    how: Option<How>,
) -> io::Result<Then> {
    let request = hub.request();
    let (switches, date) = {
        let state = hub.lock();
        let seconds = (hub.clock.now() / 1000).saturating_add_signed(state.switches.date_skew);
        (state.switches.clone(), restic_123pan::civil::http(seconds))
    };
    let mut headers = vec![("X-Request-Id", request.clone()), ("Date", date)];
    let mut answer = match outcome {
        Ok(answer) => answer,
        Err(refusal) => {
            let mut state = hub.lock();
            let count = state.judge.count(call);
            match refusal.0 {
                "RateLimitExceeded" => count.limited += 1,
                _ => count.errors += 1,
            }
            drop(state);
            if let ("RateLimitExceeded", Some(after)) = (refusal.0, switches.retry_after) {
                headers.push(("Retry-After", after.to_string()));
            }
            refused(refusal, &switches, &request, &exchange.head.method)
        }
    };
    headers.append(&mut answer.headers);
    let body = match (answer.body, &how) {
        (None, _) => Vec::new(),
        (Some(body), Some(how)) => alter(body, how).to_string().into_bytes(),
        (Some(body), None) => body.to_string().into_bytes(),
    };
    if !body.is_empty() {
        headers.push(("Content-Type", "application/json; charset=utf-8".to_owned()));
    }
    let headers: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let (status, headers) = (answer.status, headers.as_slice());
    let reply = Reply {
        status,
        headers,
        body,
    };
    spoil::maybe(hub, exchange, how.as_ref(), &reply)
}

/// The answer that says no.
fn refused(refusal: Refusal, switches: &super::Switches, request: &str, method: &str) -> Answer {
    let status = match refusal.0 {
        "UploadIncomplete" => switches.incomplete_status,
        _ => refusal.status(),
    };
    // What has no body can't say it there.
    let hidden = switches.errors_as_200 && method != "HEAD";
    Answer::json(
        if hidden { 200 } else { status },
        envelope(status, refusal.0, request),
    )
}

/// The envelope of all errors.
fn envelope(status: u16, code: &str, request: &str) -> Value {
    json!({"status": status, "code": code, "message": format!("{code}."), "requestId": request})
}

impl Voice for Hub {
    fn no(&self, code: i64, message: &str) -> (u16, &'static str, Vec<u8>) {
        let status = u16::try_from(code).unwrap_or(500);
        let body = envelope(status, message, &self.request());
        let kind = "application/json; charset=utf-8";
        (status, kind, body.to_string().into_bytes())
    }

    fn yes(&self, data: &Value) -> Vec<u8> {
        data.to_string().into_bytes()
    }
}

impl State {
    /// Whether the client asks too soon for what wasn't ready.
    pub fn polled(&mut self, what: &str, now: u64) {
        let pause = ms(self.switches.poll_pause);
        self.judge.asked_again(what, pause, now);
    }
}
