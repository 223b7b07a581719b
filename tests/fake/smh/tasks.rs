//! Deletes in the background: begun with 202, done when their time has come, and told of to
//! whoever asks.

use super::super::time::ms;
use super::answer::Answer;
use super::batch::{self, Item};
use super::call::Route;
use super::refusal::{Outcome, no};
use super::state::State;
use super::switches::NoTask;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// All tasks, by their numbers.
#[derive(Default)]
pub struct Tasks {
    all: BTreeMap<u64, Task>,
}

/// A delete that was put off.
struct Task {
    items: Vec<Item>,
    due: u64,
    /// A result for each item, once it is done.
    results: Option<Vec<Value>>,
}

impl Tasks {
    /// How many aren't done.
    pub fn pending(&self) -> usize {
        let all = self.all.values();
        all.filter(|task| task.results.is_none()).count()
    }
}

/// Puts a delete off; answers that.
pub fn begin(state: &mut State, items: Vec<Item>, now: u64) -> Answer {
    let number = state.tasks.all.len() as u64 + 15;
    let due = now + ms(state.switches.task_time);
    let results = None;
    state.tasks.all.insert(
        number,
        Task {
            items,
            due,
            results,
        },
    );
    state.judge.told_unready(format!("task {number}"), now);
    Answer::json(202, json!({"taskId": number}))
}

/// Carries out what is due.
pub fn settle(state: &mut State, now: u64) {
    let due = |task: &Task| task.results.is_none() && task.due <= now;
    let due = state.tasks.all.iter().filter(|(_, task)| due(task));
    let due: Vec<(u64, Vec<Item>)> = due.map(|(n, task)| (*n, task.items.clone())).collect();
    for (number, items) in due {
        let results = batch::carry_out(state, &items, now);
        if let Some(task) = state.tasks.all.get_mut(&number) {
            task.results = Some(results);
        }
    }
}

/// What is said of a number that no task has.
fn missing(state: &State) -> Outcome {
    match state.switches.no_task {
        NoTask::Status404 => no("TaskNotFound"),
        NoTask::Status403 => no("NoPermission"),
        NoTask::Status400 => no("ParamInvalid"),
        NoTask::Empty => Ok(Answer::json(200, json!([]))),
    }
}

/// A task's status, and its results if it is done.
fn look(state: &mut State, number: u64, now: u64) -> Option<(u16, Vec<Value>)> {
    state.polled(&format!("task {number}"), now);
    let results = state.tasks.all.get(&number)?.results.clone();
    let Some(results) = results else {
        state.judge.told_unready(format!("task {number}"), now);
        return Some((202, Vec::new()));
    };
    let status = match batch::failures(&results) {
        0 => 200,
        failed if failed == results.len() => 500,
        _ => 207,
    };
    let told = results.into_iter().map(|r| batch::told(state, r));
    Some((status, told.collect()))
}

/// Tasks by their numbers, the first form.
pub fn list(state: &mut State, route: &Route, now: u64) -> Outcome {
    let mut all = Vec::new();
    for text in route.key().split(',') {
        let number = text.parse().unwrap_or(0);
        let Some((status, results)) = look(state, number, now) else {
            return missing(state);
        };
        all.push(match status {
            202 => json!({"taskId": number, "status": 202}),
            _ => json!({"taskId": number, "status": status, "result": results}),
        });
    }
    Ok(Answer::json(200, Value::Array(all)))
}

/// One task, the second form.
pub fn one(state: &mut State, route: &Route, now: u64) -> Outcome {
    let number = route.key().parse().unwrap_or(0);
    let Some((status, results)) = look(state, number, now) else {
        return missing(state);
    };
    let status = if status == 500 { 400 } else { status };
    let mut body = json!({
        "taskId": number.to_string(), "taskType": "batchDelete", "status": status,
    });
    if status != 202 {
        body["batchDeleteResults"] = Value::Array(results);
    }
    Ok(Answer::json(200, body))
}
