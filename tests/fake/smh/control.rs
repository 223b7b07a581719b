//! Paths below `/__fake/` on the library host, for tests and benchmarks in other processes. Part of
//! the emulator, not of Tencent SMH.

use super::super::control::{self, Seed};
use super::super::exchange::Exchange;
use super::super::http::Then;
use super::hand;
use super::state::Hub;
use super::tree::{Kind, Stored};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io;

/// Serves a control request.
pub fn serve(hub: &Hub, exchange: &mut Exchange<'_, '_>) -> io::Result<Then> {
    control::answer(exchange, |order, body| {
        let mut state = hub.lock();
        match order {
            "GET calls" => return Ok(control::told(&state.judge, &state.faults)),
            "GET switches" => return Ok(json!(state.switches)),
            "GET tree" => return Ok(json!(hand::tree(&state.tree))),
            "POST switches" => {
                state.switches = control::merged(&state.switches, body)?;
                state.markers.arm();
            }
            "POST fault" => state.faults.add(control::read(body)?),
            "POST reset" => {
                state.judge.reset();
                state.faults.clear();
                state.switches = super::Switches::default();
            }
            "POST revoke" => state.tokens.revoke_all(),
            "POST advance" => control::advance(&hub.clock, body)?,
            "POST quota" => {
                let quota: Quota = control::read(body)?;
                (state.quota, state.more_used) = (quota.capacity, quota.more_used);
            }
            "POST plant" => {
                drop(state);
                seeds(hub, control::read(body)?);
            }
            _ => return Err("no such control path".to_owned()),
        }
        Ok(Value::Null)
    })
}

/// The space's quota, and what is used of it besides the files here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quota {
    capacity: Option<u64>,
    #[serde(default)]
    more_used: u64,
}

/// Plants made-up files.
fn seeds(hub: &Hub, seeds: Vec<Seed>) {
    let mut known: HashMap<u64, Stored> = HashMap::new();
    let now = hub.clock.now();
    let mut state = hub.lock();
    for seed in seeds {
        let file = known
            .entry(seed.size)
            .or_insert_with(|| hand::made_up(seed.size));
        let file = Some(file.clone());
        hand::plant(&mut state.tree, &seed.path, Kind::File, file, now);
    }
}
