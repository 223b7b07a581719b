//! Paths below `/__fake/` on the API host, for tests and benchmarks in other processes: read
//! counters, set switches, order faults, plant files. Part of the emulator, not of 123pan.

use super::content::{Content, made_up_etag};
use super::exchange::Exchange;
use super::faults::Fault;
use super::http::Then;
use super::state::{Hub, State};
use super::switches::Switches;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io;

/// The largest body: a list of 100,000 files to plant.
const BODY_MAX: u64 = 64 << 20;

/// A file to plant.
#[derive(Deserialize)]
struct Seed {
    path: String,
    size: u64,
}

/// Serves a control request.
pub fn serve(hub: &Hub, exchange: &mut Exchange<'_, '_>) -> io::Result<Then> {
    let body = exchange.body(BODY_MAX)?;
    let (method, path) = (exchange.head.method.clone(), exchange.head.path.clone());
    let result = match (method.as_str(), path.trim_start_matches("/__fake/")) {
        ("GET", "calls") => Ok(calls(hub)),
        ("GET", "switches") => Ok(json!(hub.lock().switches)),
        ("GET", "tree") => Ok(json!(super::inspect::tree(&hub.lock().cloud))),
        ("POST", "switches") => switches(hub, &body),
        ("POST", "fault") => fault(hub, &body),
        ("POST", "reset") => Ok(reset(hub)),
        ("POST", "plant") => seeds(hub, &body),
        ("POST", "revoke") => Ok(revoke(hub)),
        ("POST", "grant") => Ok(json!(hub.lock().grant(hub.clock.now()))),
        ("POST", "advance") => advance(hub, &body),
        ("POST", "account") => account(hub, &body),
        _ => Err("no such control path".to_owned()),
    };
    let (status, value) = match result {
        Ok(value) => (200, value),
        Err(text) => (400, json!({"error": text})),
    };
    exchange.answer(status, super::spoil::JSON, value.to_string().as_bytes())?;
    Ok(Then::Keep)
}

/// Counters and complaints.
fn calls(hub: &Hub) -> Value {
    let state = hub.lock();
    let mut all = json!(state.judge.calls);
    all["complaints"] = json!(state.judge.complaints());
    all["faults_fired"] = json!(state.faults.fired());
    all
}

/// Sets the switches that are named, leaves the others.
fn switches(hub: &Hub, body: &[u8]) -> Result<Value, String> {
    let changes: Value = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let changes = changes.as_object().ok_or("an object is wanted")?;
    let mut state = hub.lock();
    let mut all = json!(state.switches);
    for (name, value) in changes {
        all[name.as_str()] = value.clone();
    }
    let set: Switches = serde_json::from_value(all).map_err(|e| e.to_string())?;
    state.switch(|switches| *switches = set);
    Ok(json!(state.switches))
}

/// Orders a fault.
fn fault(hub: &Hub, body: &[u8]) -> Result<Value, String> {
    let fault: Fault = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    hub.lock().faults.add(fault);
    Ok(Value::Null)
}

/// Zero counters, no complaints, no faults, default switches. The files stay.
fn reset(hub: &Hub) -> Value {
    let mut state = hub.lock();
    state.judge.reset();
    state.faults.clear();
    state.switch(|switches| *switches = Switches::default());
    Value::Null
}

/// Plants made-up files.
fn seeds(hub: &Hub, body: &[u8]) -> Result<Value, String> {
    let seeds: Vec<Seed> = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let now = hub.clock.now();
    let mut state = hub.lock();
    let mut etags = HashMap::new();
    let ids = seeds.iter().map(|seed| {
        let etag = etags.entry(seed.size);
        let etag = etag.or_insert_with(|| made_up_etag(seed.size)).clone();
        let file = (seed.size, etag, Content::MadeUp(seed.size));
        super::inspect::plant(&mut state.cloud, &seed.path, file, now)
    });
    Ok(json!(ids.collect::<Vec<u64>>()))
}

/// Ends all tokens.
fn revoke(hub: &Hub) -> Value {
    hub.lock().tokens.revoke_all();
    Value::Null
}

/// What to set of the account; what is missing stays.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Account {
    traffic: Option<u64>,
    space_total: Option<u64>,
    space_used: Option<u64>,
}

/// Puts the clock forward by so many milliseconds.
fn advance(hub: &Hub, body: &[u8]) -> Result<Value, String> {
    let ms: u64 = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    hub.clock.advance(std::time::Duration::from_millis(ms));
    Ok(Value::Null)
}

/// Sets traffic and space.
fn account(hub: &Hub, body: &[u8]) -> Result<Value, String> {
    let account: Account = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let mut state = hub.lock();
    state.traffic = account.traffic.or(state.traffic);
    state.space_total = account.space_total.unwrap_or(state.space_total);
    state.space_used = account.space_used.unwrap_or(state.space_used);
    Ok(Value::Null)
}

impl State {
    /// Changes switches. Every change, of whatever switch, arms those anew that hold for a number
    /// of times.
    pub fn switch(&mut self, change: impl FnOnce(&mut Switches)) {
        let before = self.switches.cursor;
        change(&mut self.switches);
        (self.singles, self.cut, self.elsewhere) = (0, 0, 0);
        self.pages.arm();
        if before != self.switches.cursor {
            self.pages = super::views::Pages::default();
        }
    }
}
