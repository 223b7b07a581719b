//! Lists of folders: order, filters, pages, markers, and the ways in which they lag behind the
//! truth or drift.

use super::super::time::ms;
use super::answer::{Answer, entry};
use super::call::{Query, Route};
use super::refusal::{Outcome, Refusal, no};
use super::state::State;
use super::switches::{End, Marker, OverLimit, Switches};
use super::tree::{Kind, Node, Tree};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// Entries of a page: usually, and at most.
pub const LIMIT: (u64, u64) = (20, 1000);
/// Entries that can be reached by page numbers.
const PAGES_MAX: u64 = 10_000;

/// Where lists go on, by their markers.
#[derive(Default)]
pub struct Markers {
    places: HashMap<u64, Place>,
    next: u64,
    /// Pages that misbehaved.
    odd: u32,
}

impl Markers {
    /// They may misbehave as often again.
    pub fn arm(&mut self) {
        self.odd = 0;
    }
}

/// Behind an entry of a folder, which was the so many-th.
#[derive(Clone)]
struct Place {
    folder: u64,
    kind: Kind,
    name: String,
    offset: usize,
}

/// Lists a folder.
pub fn list(state: &mut State, route: &Route, now: u64) -> Outcome {
    let folder = state.tree.folder(&route.path);
    let folder = folder.ok_or(Refusal("DirectoryNotFound"))?;
    let rows = rows(&state.tree, &state.switches, folder, now);
    let rows = sorted(rows, &route.query)?;
    let mut body = json!({"path": route.path});
    let page: Vec<Value> = if route.query.has("by-marker") {
        let limit = limit(state, &route.query, "limit")?;
        let from = beginning(state, &route.query, folder, &rows)?;
        let to = rows.len().min(from + limit);
        next(state, &route.query, folder, &rows, to, &mut body);
        rows[from..to]
            .iter()
            .map(|n| entry(n, &state.switches))
            .collect()
    } else if route.query.has("by-page") {
        let limit = limit(state, &route.query, "page_size")?;
        let number = route.query.number("page").flatten().unwrap_or(1).max(1);
        if number.saturating_mul(limit as u64) > PAGES_MAX {
            return no("ParamInvalid");
        }
        let folders = rows.iter().filter(|n| n.kind == Kind::Dir).count();
        body["subDirCount"] = json!(folders);
        body["fileCount"] = json!(rows.len() - folders);
        body["totalNum"] = json!(rows.len());
        let page = rows.iter().skip((number as usize - 1) * limit).take(limit);
        page.map(|n| entry(n, &state.switches)).collect()
    } else {
        state.judge.complain("List: neither by marker nor by page");
        return no("CloseOldList");
    };
    body["contents"] = Value::Array(page);
    Ok(Answer::json(200, body))
}

/// What a list of the folder shows now, by name.
fn rows(tree: &Tree, switches: &Switches, folder: u64, now: u64) -> Vec<Node> {
    let (new, deleted) = (ms(switches.lag_new), ms(switches.lag_deleted));
    let ghosts = tree.ghosts(folder).filter(|(_, gone)| now < gone + deleted);
    let mut all: BTreeMap<&str, &Node> = ghosts.map(|(node, _)| (&*node.name, node)).collect();
    let seen = |n: &&Node| n.kind == Kind::Dir || now >= n.made + new;
    all.extend(tree.below(folder).filter(seen).map(|n| (&*n.name, n)));
    all.into_values().cloned().collect()
}

/// The rows that a query wants, in its order. They come in the order of names.
fn sorted(rows: Vec<Node>, query: &Query) -> Result<Vec<Node>, Refusal> {
    let order = query.text("order_by").unwrap_or("name");
    let by_name = order == "name";
    if !by_name && (query.has("prefix") || query.has("start_name")) {
        return no("ParamInvalid");
    }
    let (prefix, start) = (query.text("prefix").unwrap_or(""), query.text("start_name"));
    let mut rows = rows;
    rows.retain(|n| n.name.starts_with(prefix) && start.is_none_or(|start| &*n.name > start));
    match query.text("filter") {
        None => {}
        Some("onlyDir") => rows.retain(|n| n.kind == Kind::Dir),
        Some("onlyFile") => rows.retain(|n| n.kind != Kind::Dir),
        Some(_) => return no("ParamInvalid"),
    }
    match order {
        "name" => {}
        "modificationTime" => rows.sort_by_key(|n| n.changed),
        "creationTime" | "localCreationTime" => rows.sort_by_key(|n| n.made),
        "size" => rows.sort_by_key(|n| n.size),
        _ => return no("ParamInvalid"),
    }
    if query.text("order_by_type") == Some("desc") {
        rows.reverse();
    }
    if query.text("sort_type") != Some("union") {
        rows.sort_by_key(|n| Reverse(n.kind == Kind::Dir));
    }
    Ok(rows)
}

/// How many entries a page has.
pub fn limit(state: &mut State, query: &Query, name: &str) -> Result<usize, Refusal> {
    let limit = query.number(name).ok_or(Refusal("ParamInvalid"))?;
    let limit = limit.unwrap_or(LIMIT.0);
    if limit > LIMIT.1 {
        state.judge.complain(format!("List: {name} {limit}"));
    }
    if limit == 0 || (limit > LIMIT.1 && state.switches.over_limit == OverLimit::Refuse) {
        return no("ParamInvalid");
    }
    let limit = usize::try_from(limit.min(LIMIT.1)).unwrap_or(1);
    Ok(limit.min(state.switches.page_max).max(1))
}

/// Where the page begins.
fn beginning(state: &State, query: &Query, folder: u64, rows: &[Node]) -> Result<usize, Refusal> {
    let Some(marker) = query.text("marker") else {
        return Ok(0);
    };
    let number = marker.trim_start_matches("mk").parse();
    let place = number.ok().and_then(|n| state.markers.places.get(&n));
    let place = place.filter(|place| place.folder == folder);
    let place = place.ok_or(Refusal("MarkerNotFound"))?;
    if state.switches.marker == Marker::Offset {
        return Ok(place.offset.min(rows.len()));
    }
    let same = |n: &Node| n.name == place.name && n.kind == place.kind;
    let at = rows.iter().position(same);
    at.map(|at| at + 1).ok_or(Refusal("MarkerNotFound"))
}

/// Says where the list goes on, after `to` rows.
fn next(state: &mut State, query: &Query, folder: u64, rows: &[Node], to: usize, body: &mut Value) {
    let odd = odd(state, query.has("marker"));
    if odd == Some(Marker::Stuck) {
        body["nextMarker"] = json!(query.text("marker"));
        return;
    }
    let back = odd == Some(Marker::Back);
    if to >= rows.len() && !back {
        match state.switches.end {
            End::Absent => {}
            End::Null => body["nextMarker"] = Value::Null,
            End::Empty => body["nextMarker"] = json!(""),
        }
        return;
    }
    let offset = if back { 1 } else { to };
    let Some(last) = offset.checked_sub(1).and_then(|at| rows.get(at)) else {
        return;
    };
    let markers = &mut state.markers;
    markers.next += 1;
    let place = Place {
        folder,
        kind: last.kind,
        name: last.name.clone(),
        offset,
    };
    markers.places.insert(markers.next, place);
    body["nextMarker"] = match state.switches.marker_as_number {
        true => json!(markers.next),
        false => json!(format!("mk{:08}", markers.next)),
    };
}

/// In which way this page's marker misbehaves. A first page never does.
fn odd(state: &mut State, further: bool) -> Option<Marker> {
    let marker = state.switches.marker;
    let times = state.switches.marker_times;
    let over = times != 0 && state.markers.odd >= times;
    if !further || over || !matches!(marker, Marker::Stuck | Marker::Back) {
        return None;
    }
    state.markers.odd += 1;
    Some(marker)
}
