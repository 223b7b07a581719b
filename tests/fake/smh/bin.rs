//! The recycle bin, where the library has one.

use super::answer::{Answer, iso};
use super::call::Route;
use super::refusal::{Outcome, Refusal, no};
use super::state::State;
use serde_json::{Value, json};

/// The largest page.
const LIMIT_MAX: u64 = 100;
/// Milliseconds for which something stays.
const LIFE: u64 = 30 * DAY;
const DAY: u64 = 24 * 60 * 60 * 1000;

fn on(state: &State) -> Result<(), Refusal> {
    match state.switches.bin {
        true => Ok(()),
        false => no("RecycleBinNotEnabled"),
    }
}

/// A page of what is in it.
pub fn list(state: &mut State, route: &Route, now: u64) -> Outcome {
    on(state)?;
    let limit = route.query.number("limit").ok_or(Refusal("ParamInvalid"))?;
    let limit = limit.unwrap_or(20);
    if limit == 0 || limit > LIMIT_MAX {
        state.judge.complain(format!("ListBin: limit {limit}"));
        return no("ParamInvalid");
    }
    let after = route
        .query
        .number("marker")
        .ok_or(Refusal("MarkerNotFound"))?;
    let tree = &state.tree;
    let rest = tree.bin.range(after.map_or(0, |after| after + 1)..);
    let page: Vec<_> = rest.take(limit as usize).collect();
    let row = |(number, binned): &(&u64, &super::tree::Binned)| {
        let node = tree.node(binned.id)?;
        let mut row = json!({
            "recycledItemId": number, "originalPath": binned.path, "name": node.name,
            "type": node.kind.name(), "removalTime": iso(binned.at),
            "remainingTime": (binned.at + LIFE).saturating_sub(now) / DAY,
        });
        if node.kind.has_bytes() {
            row["size"] = json!(node.size.to_string());
            row["crc64"] = json!(node.crc64.to_string());
        }
        Some(row)
    };
    let rows: Vec<Value> = page.iter().filter_map(row).collect();
    let mut body = json!({"contents": rows});
    let last = page.last().map_or(0, |(number, _)| **number);
    if tree.bin.range(last + 1..).next().is_some() && !page.is_empty() {
        body["nextMarker"] = json!(last.to_string());
    }
    Ok(Answer::json(200, body))
}

/// Empties one item, or all of it.
pub fn purge(state: &mut State, route: &Route) -> Outcome {
    on(state)?;
    if route.path.is_empty() {
        state
            .judge
            .complain("Purge: the whole bin, where others' files lie too");
        let all: Vec<u64> = state.tree.bin.keys().copied().collect();
        all.into_iter()
            .for_each(|number| _ = state.tree.purge(number));
        return Ok(Answer::empty(204));
    }
    let number = route.key().parse().unwrap_or(0);
    match state.tree.purge(number) {
        true => Ok(Answer::empty(204)),
        false => no("RecycledItemNotFound"),
    }
}

fn numbers(body: &[u8]) -> Result<Vec<u64>, Refusal> {
    let numbers: Vec<u64> = serde_json::from_slice(body).map_err(|_| Refusal("ParamInvalid"))?;
    match numbers.is_empty() {
        true => no("NoItemsProvided"),
        false => Ok(numbers),
    }
}

/// Empties some items.
pub fn purge_many(state: &mut State, body: &[u8]) -> Outcome {
    on(state)?;
    for number in numbers(body)? {
        state.tree.purge(number);
    }
    Ok(Answer::empty(204))
}

/// Takes one item out, or some.
pub fn restore(state: &mut State, route: &Route, body: &[u8], now: u64) -> Outcome {
    on(state)?;
    if !route.path.is_empty() {
        let path = state.tree.restore(route.key().parse().unwrap_or(0), now)?;
        return Ok(Answer::json(200, json!({"path": path})));
    }
    let each = numbers(body)?.into_iter().map(|number| {
        let path = state.tree.restore(number, now);
        match path {
            Ok(path) => json!({"status": 200, "recycledItemId": number, "path": path}),
            Err(refusal) => json!({
                "status": refusal.status(), "recycledItemId": number, "code": refusal.0,
                "message": format!("{}.", refusal.0),
            }),
        }
    });
    let results: Vec<Value> = each.collect();
    let status = if super::batch::failures(&results) == 0 {
        200
    } else {
        207
    };
    Ok(Answer::json(status, json!({"result": results})))
}

/// Sets how long things stay; here they always stay as long.
pub fn lifecycle(state: &State) -> Outcome {
    on(state)?;
    Ok(Answer::empty(204))
}
