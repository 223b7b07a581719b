//! Paths below `/__fake/` on the API host, for tests and benchmarks in other processes: read
//! counters, set switches, order faults, plant files. Part of the emulator, not of 123pan. What
//! the other emulator's control shares is public.

use super::content::{Content, made_up_etag};
use super::exchange::Exchange;
use super::faults::Faults;
use super::http::Then;
use super::judge::Judge;
use super::mix::Fails;
use super::state::{Hub, State};
use super::switches::Switches;
use super::time::Clock;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io;

/// The largest body: a list of 100,000 files to plant.
const BODY_MAX: u64 = 64 << 20;

/// A file to plant.
#[derive(Deserialize)]
pub struct Seed {
    pub path: String,
    pub size: u64,
}

/// Serves a control request.
pub fn serve(hub: &Hub, exchange: &mut Exchange<'_, '_>) -> io::Result<Then> {
    answer(exchange, |order, body| {
        match order {
            "GET calls" => {
                let state = hub.lock();
                return Ok(told(&state.judge, &state.faults));
            }
            "GET switches" => return Ok(json!(hub.lock().switches)),
            "GET tree" => return Ok(json!(super::inspect::tree(&hub.lock().cloud))),
            "POST switches" => {
                let mut state = hub.lock();
                let set = merged(&state.switches, body)?;
                state.switch(|switches| *switches = set);
                return Ok(json!(state.switches));
            }
            "POST fault" => hub.lock().faults.add(read(body)?),
            "POST reset" => reset(hub),
            "POST plant" => return Ok(seeds(hub, &read::<Vec<Seed>>(body)?)),
            "POST revoke" => hub.lock().tokens.revoke_all(),
            "POST grant" => return Ok(json!(hub.lock().grant(hub.clock.now()))),
            "POST advance" => advance(&hub.clock, body)?,
            "POST account" => account(hub, &read(body)?),
            _ => return Err("no such control path".to_owned()),
        }
        Ok(Value::Null)
    })
}

/// Does what a control request says, which is given as its method and its path, and answers it.
pub fn answer(
    exchange: &mut Exchange<'_, '_>,
    act: impl FnOnce(&str, &[u8]) -> Result<Value, String>,
) -> io::Result<Then> {
    let body = exchange.body(BODY_MAX)?;
    let path = exchange.head.path.trim_start_matches("/__fake/");
    let order = format!("{} {path}", exchange.head.method);
    let (status, value) = match act(&order, &body) {
        Ok(value) => (200, value),
        Err(text) => (400, json!({"error": text})),
    };
    exchange.answer(status, super::spoil::JSON, value.to_string().as_bytes())?;
    Ok(Then::Keep)
}

/// What a body holds.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|e| e.to_string())
}

/// Counters and complaints.
pub fn told<E: Copy + Ord + Serialize + Fails>(judge: &Judge<E>, faults: &Faults<E>) -> Value {
    let mut all = json!(judge.calls);
    all["complaints"] = json!(judge.complaints());
    all["faults_fired"] = json!(faults.fired());
    all
}

/// Switches with those set that a body names.
pub fn merged<T: Serialize + DeserializeOwned>(switches: &T, body: &[u8]) -> Result<T, String> {
    let changes: Value = read(body)?;
    let changes = changes.as_object().ok_or("an object is wanted")?;
    let mut all = json!(switches);
    for (name, value) in changes {
        all[name.as_str()] = value.clone();
    }
    serde_json::from_value(all).map_err(|e| e.to_string())
}

/// Puts the clock forward by so many milliseconds.
pub fn advance(clock: &Clock, body: &[u8]) -> Result<(), String> {
    clock.advance(std::time::Duration::from_millis(read(body)?));
    Ok(())
}

/// Zero counters, no complaints, no faults, default switches. The files stay.
fn reset(hub: &Hub) {
    let mut state = hub.lock();
    state.judge.reset();
    state.faults.clear();
    state.switch(|switches| *switches = Switches::default());
}

/// Plants made-up files.
fn seeds(hub: &Hub, seeds: &[Seed]) -> Value {
    let now = hub.clock.now();
    let mut state = hub.lock();
    let mut etags = HashMap::new();
    let ids = seeds.iter().map(|seed| {
        let etag = etags.entry(seed.size);
        let etag = etag.or_insert_with(|| made_up_etag(seed.size)).clone();
        let file = (seed.size, etag, Content::MadeUp(seed.size));
        super::inspect::plant(&mut state.cloud, &seed.path, file, now)
    });
    json!(ids.collect::<Vec<u64>>())
}

/// What to set of the account; what is missing stays.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Account {
    traffic: Option<u64>,
    space_total: Option<u64>,
    space_used: Option<u64>,
}

/// Sets traffic and space.
fn account(hub: &Hub, account: &Account) {
    let mut state = hub.lock();
    state.traffic = account.traffic.or(state.traffic);
    state.space_total = account.space_total.unwrap_or(state.space_total);
    state.space_used = account.space_used.unwrap_or(state.space_used);
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
