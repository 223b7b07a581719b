//! What every call to the API's host passes before and after it is carried out: its path, ordered
//! faults, token, budget, and the envelope of its answer.

use super::super::altered::alter;
use super::super::args::Args;
use super::super::exchange::Exchange;
use super::super::faults::How;
use super::super::http::Then;
use super::super::spoil::{self, Reply, Voice};
use super::call::{Call, route};
use super::state::Hub;
use super::switches::{Switches, Texts};
use serde_json::{Value, json};
use std::io;

/// The largest body in JSON.
const BODY_MAX: u64 = 1 << 20;

/// A refusal: code, HTTP status, text.
pub type No = (i64, u16, &'static str);
/// What a call comes to.
pub type Outcome = Result<Value, No>;

/// Serves a request.
pub fn serve(hub: &Hub, exchange: &mut Exchange<'_, '_>) -> io::Result<Then> {
    if exchange.head.path.starts_with("/__fake/") {
        return super::control::serve(hub, exchange);
    }
    let Some((call, file)) = route(&exchange.head) else {
        let head = &exchange.head;
        if head.path != "/" {
            let text = format!("no such call: {} {}", head.method, head.path);
            hub.lock().judge.complain(text);
        }
        exchange.drain()?;
        let no = (404, 404, "no such path");
        return write(hub, exchange, Call::Other, Err(no), None);
    };
    let passed = match hub.arrive(call, exchange)? {
        Ok(passed) => passed,
        Err(then) => return Ok(then),
    };
    let outcome = match admit(hub, call, exchange) {
        Err(no) => {
            exchange.drain()?;
            Err(no)
        }
        Ok(()) if call == Call::Upload => match super::upload::take(hub, exchange) {
            Some(outcome) => outcome,
            None => return Ok(Then::Close),
        },
        Ok(()) => {
            let body = exchange.body(BODY_MAX)?;
            let args = Args::query(&exchange.head.query);
            super::api::call(hub, call, &file, &args, &body)
        }
    };
    match passed.held {
        true => hub.stand(exchange),
        false => write(hub, exchange, call, outcome, passed.how),
    }
}

/// Token, scope and budget.
fn admit(hub: &Hub, call: Call, exchange: &Exchange<'_, '_>) -> Result<(), No> {
    let (mut state, now) = (hub.lock(), hub.clock.now());
    if exchange.head.header("authorization").is_some() {
        let text = format!("{call:?}: a token in a header");
        state.judge.complain(text);
    }
    if call.gives_tokens() {
        return Ok(());
    }
    let token = Args::query(&exchange.head.query).text("access_token");
    let good = token.is_ok_and(|token| state.grants.is_good(&token, now));
    if !good {
        return Err((20_003, 401, "access_token invalid"));
    }
    let mut scopes = state.switches.scopes.split(',');
    if !scopes.any(|scope| scope == call.scope()) {
        return Err((20_005, 403, "no permission: not in the scope"));
    }
    match state.spend(call, now) {
        true => Ok(()),
        false => {
            state.judge.count(call).limited += 1;
            let (code, status) = state.switches.budget_code;
            Err((code, status, "request count over the limit of the day"))
        }
    }
}

/// Sends an answer, spoilt or not.
fn write(
    hub: &Hub,
    exchange: &mut Exchange<'_, '_>,
    call: Call,
    outcome: Outcome,
    how: Option<How>,
) -> io::Result<Then> {
    let switches = hub.lock().switches.clone();
    let (status, body) = match outcome {
        Ok(data) => {
            let data = match &how {
                Some(how) => alter(data, how),
                None => data,
            };
            (200, json!({"code": 0, "data": data}))
        }
        Err((code, status, text)) => {
            hub.lock().judge.count(call).errors += 1;
            let status = if switches.errors_as_200 { 200 } else { status };
            (status, refused(code, text, &switches))
        }
    };
    let reply = Reply::json(status, body.to_string().into_bytes());
    spoil::maybe(hub, exchange, how.as_ref(), &reply)
}

fn refused(code: i64, text: &str, switches: &Switches) -> Value {
    let name = match switches.texts {
        Texts::Msg => "msg",
        Texts::Message => "message",
        Texts::Result => "result",
    };
    json!({"code": code, name: text})
}

impl Voice for Hub {
    fn no(&self, code: i64, message: &str) -> (u16, &'static str, Vec<u8>) {
        let body = refused(code, message, &self.lock().switches);
        (200, "application/json", body.to_string().into_bytes())
    }

    fn yes(&self, data: &Value) -> Vec<u8> {
        json!({"code": 0, "data": data}).to_string().into_bytes()
    }
}
