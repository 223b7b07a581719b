//! Deletes: of one entry, and of many in one call, with an answer for each.

use super::answer::Answer;
use super::api::right_to_delete;
use super::call::segments;
use super::refusal::{Outcome, Refusal, no};
use super::state::State;
use super::tasks;
use super::tokens::Token;
use super::tree::Gone;
use serde_json::{Value, json};

/// The most items of a batch.
const ITEMS_MAX: usize = 1000;

/// A path, and whether it goes for good.
pub type Item = (Vec<String>, bool);

/// Deletes an entry that exists; answers its number in the bin, if it went there.
pub fn remove(state: &mut State, id: u64, permanent: bool, now: u64) -> Option<u64> {
    let switches = &state.switches;
    let into_bin = switches.bin && (!permanent || switches.permanent_ignored);
    match state.tree.remove(id, into_bin, now) {
        Gone::ForGood => None,
        Gone::Binned(number) => Some(number),
    }
}

/// Deletes many.
pub fn delete(state: &mut State, token: Option<&Token>, body: &[u8], now: u64) -> Outcome {
    let items = items(state, body)?;
    for (path, permanent) in &items {
        let node = state.tree.at(path);
        let right = node.map(|n| right_to_delete(n.kind, *permanent));
        let may = |right| token.is_some_and(|t| t.may(right));
        if !right.is_none_or(may) {
            return no("NoPermission");
        }
    }
    let from = state.switches.batch_task_from;
    if from.is_some_and(|from| items.len() >= from) {
        return Ok(tasks::begin(state, items, now));
    }
    let results = carry_out(state, &items, now);
    let status = if failures(&results) == 0 { 200 } else { 207 };
    let results: Vec<Value> = results.into_iter().map(|r| told(state, r)).collect();
    Ok(Answer::json(status, json!({"result": results})))
}

/// What a batch names.
fn items(state: &mut State, body: &[u8]) -> Result<Vec<Item>, Refusal> {
    let list: Vec<Value> = serde_json::from_slice(body).map_err(|_| Refusal("ParamInvalid"))?;
    if list.is_empty() {
        state.judge.complain("Batch: no items");
        return no("NoItemsProvided");
    }
    if list.len() > ITEMS_MAX {
        state.judge.complain(format!("Batch: {} items", list.len()));
        return no("TooManyItems");
    }
    let mut items = Vec::new();
    for item in &list {
        let path = segments(item["path"].as_str().ok_or(Refusal("ParamInvalid"))?);
        if path.is_empty() {
            state
                .judge
                .complain("Batch: an empty path, which is the root");
            return no("ParamInvalid");
        }
        if path.iter().any(|name| name == "locks") {
            state
                .judge
                .complain("Batch: locks, which are deleted one by one");
        }
        let permanent = match &item["permanent"] {
            Value::Null => {
                state.judge.complain("Batch: permanent isn't said");
                false
            }
            Value::Bool(yes) => *yes,
            other => other == 1,
        };
        items.push((path, permanent));
    }
    Ok(items)
}

/// Deletes one after the other; answers a result for each, with its status as a number.
pub fn carry_out(state: &mut State, items: &[Item], now: u64) -> Vec<Value> {
    let each = items.iter().map(|(path, permanent)| {
        let mut result = one(state, path, *permanent, now);
        result["path"] = json!(path);
        result
    });
    each.collect()
}

fn one(state: &mut State, path: &[String], permanent: bool, now: u64) -> Value {
    if let Some((_, status, code)) = state
        .switches
        .item_fails
        .as_ref()
        .filter(|(part, ..)| path.join("/").contains(&**part))
    {
        return json!({"status": status, "code": code, "message": format!("{code}.")});
    }
    let Some(id) = state.tree.at(path).map(|n| n.id) else {
        let code = "FileNotFound";
        return json!({"status": 404, "code": code, "message": format!("{code}.")});
    };
    match remove(state, id, permanent, now) {
        None => json!({"status": 204}),
        Some(number) => json!({"status": 200, "recycledItemId": number}),
    }
}

/// How many items failed.
pub fn failures(results: &[Value]) -> usize {
    let failed = |r: &&Value| r["status"].as_u64().is_none_or(|status| status >= 300);
    results.iter().filter(failed).count()
}

/// A result as it is told.
pub fn told(state: &State, mut result: Value) -> Value {
    if state.switches.status_as_text {
        result["status"] = json!(result["status"].to_string());
    }
    result
}
