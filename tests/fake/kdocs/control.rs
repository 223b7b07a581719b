//! Paths below `/__fake/` on the API's host, for tests and demonstrations in other processes. Part
//! of the emulator, not of Kdocs.

use super::super::control;
use super::super::exchange::Exchange;
use super::super::http::Then;
use super::state::{Hub, REFRESH_LIFE};
use serde_json::{Value, json};
use std::io;

/// Serves a control request.
pub fn serve(hub: &Hub, exchange: &mut Exchange<'_, '_>) -> io::Result<Then> {
    control::answer(exchange, |order, body| {
        let (mut state, now) = (hub.lock(), hub.clock.now());
        match order {
            "GET calls" => return Ok(control::told(&state.judge, &state.faults)),
            "GET switches" => return Ok(json!(state.switches)),
            "GET tree" => {
                let living = state.files.all().filter(|node| node.lives(now));
                let paths: Vec<String> = living.map(|node| state.files.path(node)).collect();
                return Ok(json!(paths));
            }
            "POST switches" => state.switches = control::merged(&state.switches, body)?,
            "POST fault" => state.faults.add(control::read(body)?),
            "POST grant" => return Ok(json!(state.grants.grant(now + REFRESH_LIFE))),
            "POST authorize" => {
                let end = now + super::state::CODE_LIFE;
                return Ok(json!(state.grants.authorize("", end)));
            }
            "POST revoke" => state.grants.revoke_all(),
            "POST advance" => control::advance(&hub.clock, body)?,
            "POST reset" => {
                state.judge.reset();
                state.faults.clear();
                state.switches = super::Switches::default();
            }
            _ => return Err("no such control path".to_owned()),
        }
        Ok(Value::Null)
    })
}
