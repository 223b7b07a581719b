//! The calls but for uploads: tokens, lists, links, deletions, the bin.

use super::super::args::Args;
use super::super::content::md5_hex;
use super::super::grants::{Bad, Pair};
use super::super::time::ms;
use super::call::Call;
use super::files::{APP, Node, ROOT};
use super::gate::{No, Outcome};
use super::state::{ACCESS_LIFE, Hub, REFRESH_LIFE, State};
use super::switches::Task;
use serde_json::{Value, json};

/// Most ids of a deletion.
const BATCH: usize = 100;
const ABSENT: No = (40_400, 404, "file not exists");
const WRONG: No = (40_001, 400, "invalid argument");

/// Carries a call out.
pub fn call(hub: &Hub, call: Call, file: &str, args: &Args, body: &[u8]) -> Outcome {
    let (mut state, now) = (hub.lock(), hub.clock.now());
    match call {
        Call::Token | Call::Refresh => tokens(hub, &mut state, call, args, body, now),
        Call::List | Call::AppList => list(&mut state, call, args, now),
        Call::Link => link(hub, &state, file, now),
        Call::Delete => {
            let node = state.files.get(file).filter(|node| node.lives(now));
            let number = node.ok_or(ABSENT)?.number;
            state.files.bin(number, now);
            Ok(json!({}))
        }
        Call::DeleteMany => delete(&mut state, body, now),
        Call::Bin => {
            let binned = state.files.all().filter(|node| !node.lives(now));
            let rows: Vec<Value> = binned.map(|node| row(&state, node)).collect();
            Ok(json!(rows))
        }
        Call::Recover => {
            let ids = ids(body, "file_tokens")?;
            let numbers = ids.iter().filter_map(|id| state.files.get(id));
            let numbers: Vec<u64> = numbers.map(|node| node.number).collect();
            numbers.into_iter().for_each(|n| state.files.recover(n));
            Ok(json!({}))
        }
        Call::Upload | Call::Get | Call::Other => Err(WRONG),
    }
}

/// Access and refresh token for a code or a refresh token.
fn tokens(hub: &Hub, state: &mut State, call: Call, args: &Args, body: &[u8], now: u64) -> Outcome {
    let fields = Args::json(body).unwrap_or_default();
    let given = if call == Call::Token { args } else { &fields };
    let is_app = args.text("app_id").is_ok_and(|id| id == hub.app_id);
    let has_key = given.text("app_key").is_ok_and(|key| key == hub.app_key);
    if !is_app || !has_key {
        return Err((20_002, 401, "app invalid"));
    }
    let (ticket, redirect) = match call {
        Call::Token => (args.text("code"), Some("")),
        _ => (fields.text("refresh_token"), None),
    };
    let ticket = ticket.map_err(|_| WRONG)?;
    let ends = (now + ACCESS_LIFE, now + REFRESH_LIFE);
    let pair = state
        .grants
        .exchange(&ticket, redirect, now, ends, false, false);
    state.judge.calls.tokens += 1;
    let no = if call == Call::Token { 20_001 } else { 20_004 };
    let Pair { access, refresh } = pair.map_err(|bad| match bad {
        Bad::Used | Bad::Over => (no, 401, "code or refresh_token expired"),
    })?;
    let life = ACCESS_LIFE / 1000;
    Ok(
        json!({"access_token": access, "refresh_token": refresh, "expires_in": life, "app_id": hub.app_id}),
    )
}

/// A page of a folder.
fn list(state: &mut State, call: Call, args: &Args, now: u64) -> Outcome {
    let switches = state.switches.clone();
    let folder = match args.text("parent_id") {
        Ok(id) => state.files.folder(&id, now).ok_or(ABSENT)?,
        Err(_) if call == Call::List => ROOT,
        Err(_) if state.files.has_app() => APP,
        Err(_) => return Err(ABSENT),
    };
    let count = args.maybe("count").map_err(|_| WRONG)?.unwrap_or(30);
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let count = count.clamp(1, switches.page_max.max(1));
    let offset = args.maybe("offset").map_err(|_| WRONG)?.unwrap_or(0);
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    let filter = args.text("filter").unwrap_or_default();
    if offset > 0 && switches.filters && filter.is_empty() {
        state
            .judge
            .complain("List: a further page without next_filter");
    }
    let from = if switches.page_repeats { 0 } else { offset };
    let lag = ms(switches.lag);
    let mut shown: Vec<&Node> = state.files.below(folder).collect();
    shown.retain(|node| node.shows(now, lag));
    // Folders come first, then files.
    shown.sort_by_key(|node| (node.content.is_some(), node.number));
    let page: Vec<&Node> = shown.iter().copied().skip(from).take(count).collect();
    let end = offset + page.len() >= shown.len() && !(switches.page_repeats && offset == 0);
    let next = if end {
        json!(-1)
    } else {
        json!(offset + page.len())
    };
    let files = page.last().is_some_and(|node| node.content.is_some());
    let kind = match (switches.filters, files) {
        (false, _) => "",
        (true, true) => "file",
        (true, false) => "folder",
    };
    let rows: Vec<Value> = page.into_iter().map(|node| row(state, node)).collect();
    Ok(json!({"files": rows, "next_offset": next, "next_filter": kind}))
}

/// A row of a list.
fn row(state: &State, node: &Node) -> Value {
    let id = node.id();
    let kind = if node.content.is_some() {
        "file"
    } else {
        "folder"
    };
    let mut row = json!({
        "id": {"open_id": id, "union_id": format!("u{id}")},
        "fname": node.name,
        "ftype": kind,
        "mtime": node.since / 1000,
    });
    if let (Some(field), Some((size, _))) = (&state.switches.size_field, &node.content) {
        row[field.as_str()] = json!(size);
    }
    row
}

/// Where a file can be downloaded.
fn link(hub: &Hub, state: &State, file: &str, now: u64) -> Outcome {
    let node = state.files.get(file).filter(|node| node.lives(now));
    let node = node.ok_or(ABSENT)?;
    let size = node.content.as_ref().ok_or(WRONG)?.0;
    let end = now + ms(state.switches.link_life);
    let cdn = hub.cdn.get().map_or("", String::as_str);
    let url = format!(
        "{cdn}/f/{file}?e={end}&s={}",
        signature(&hub.app_key, file, end)
    );
    Ok(json!({"url": url, "fsize": size, "checksums": []}))
}

/// What proves a download's address.
pub fn signature(key: &str, file: &str, end: u64) -> String {
    md5_hex(format!("{key} {file} {end}").as_bytes())
}

/// The ids of a body.
fn ids(body: &[u8], name: &str) -> Result<Vec<String>, No> {
    let body: Value = serde_json::from_slice(body).map_err(|_| WRONG)?;
    serde_json::from_value(body[name].clone()).map_err(|_| WRONG)
}

/// Puts up to 100 files into the bin.
fn delete(state: &mut State, body: &[u8], now: u64) -> Outcome {
    let ids = ids(body, "file_ids")?;
    if ids.is_empty() || ids.len() > BATCH {
        state
            .judge
            .complain(format!("DeleteMany: {} ids", ids.len()));
        return Err(WRONG);
    }
    let numbers = ids.iter().filter_map(|id| state.files.get(id));
    let numbers: Vec<u64> = numbers.map(|node| node.number).collect();
    if state.switches.task_from.is_none_or(|from| ids.len() < from) {
        numbers.into_iter().for_each(|n| state.files.bin(n, now));
        return Ok(json!({"task_id": ""}));
    }
    state.tasks += 1;
    let skip = match state.switches.task {
        Task::Ends => 0,
        Task::Half => 1,
        Task::Fails => numbers.len(),
    };
    let at = now + ms(state.switches.task_time);
    for number in numbers.into_iter().skip(skip) {
        state.files.bin(number, at);
    }
    Ok(json!({"task_id": format!("task-{}", state.tasks)}))
}
