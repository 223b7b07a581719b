//! What lists and `infos` show of the cloud: rows as JSON, pages, cursors, and all the ways in
//! which they lag behind the truth.

use super::cloud::{Cloud, Node, ROOT};
use super::refusal::Refusal;
use super::switches::{Cursor, MissingFolder, Switches};
pub use super::time::ms;
use serde_json::{Value, json};
use std::collections::HashMap;

/// What a list needs to remember from page to page, for the cursors that misbehave.
#[derive(Default)]
pub struct Pages {
    /// (Folder, row) → its place when it was last shown, counted from 1.
    offsets: HashMap<(u64, u64), usize>,
    misbehaved: u32,
}

impl Pages {
    /// Cursors may misbehave as often again.
    pub fn arm(&mut self) {
        self.misbehaved = 0;
    }
}

/// What a client asks for.
pub struct Ask {
    pub parent: u64,
    pub limit: usize,
    pub last: Option<u64>,
}

/// One page of a folder, as `data` of the answer.
pub fn page(
    cloud: &Cloud,
    pages: &mut Pages,
    switches: &Switches,
    ask: &Ask,
    now: u64,
) -> Result<Value, Refusal> {
    if !cloud.living_folder(ask.parent) {
        let binned = cloud
            .node(ask.parent)
            .is_some_and(|n| n.folder && n.trashed);
        match switches.missing_folder {
            MissingFolder::Error => return Err(Refusal::NoParent),
            MissingFolder::Empty => return Ok(json!({"lastFileId": -1, "fileList": []})),
            MissingFolder::NullData => return Ok(Value::Null),
            MissingFolder::NullList => return Ok(json!({"lastFileId": -1, "fileList": null})),
            MissingFolder::Rows if binned => {}
            MissingFolder::Rows => return Err(Refusal::NoParent),
        }
    }
    let limit = ask.limit.min(switches.page_max).max(1);
    let start = match (switches.cursor, ask.last) {
        (_, None) => Start::Id(0),
        (Cursor::Offset, Some(last)) => match pages.offsets.get(&(ask.parent, last)) {
            Some(offset) => Start::Row(*offset),
            None => Start::Id(last + 1),
        },
        (_, Some(last)) => Start::Id(last + 1),
    };
    let (rows, before, more) = cut(cloud, switches, ask.parent, start, limit, now);
    let mut last = match rows.last() {
        Some((id, _)) if more => i64::try_from(*id).unwrap_or(i64::MAX),
        _ => -1,
    };
    if switches.cursor == Cursor::Offset {
        // The number of any row stands for the place that it had when it was last shown.
        for (place, (id, _)) in (before + 1..).zip(&rows) {
            pages.offsets.insert((ask.parent, *id), place);
        }
    }
    if last != -1 {
        last = misplace(pages, switches, ask, last);
    }
    let list: Vec<Value> = rows.into_iter().map(|(_, row)| row).collect();
    Ok(json!({"lastFileId": last, "fileList": list}))
}

/// Where a page begins.
enum Start {
    Id(u64),
    Row(usize),
}

/// The rows of a page, how many rows were before it, and whether more follow.
fn cut(
    cloud: &Cloud,
    switches: &Switches,
    parent: u64,
    start: Start,
    limit: usize,
    now: u64,
) -> (Vec<(u64, Value)>, usize, bool) {
    let Some(ids) = cloud.children.get(&parent) else {
        return (Vec::new(), 0, false);
    };
    let lags = Lags::of(switches, parent);
    let first = match start {
        Start::Id(id) => id,
        Start::Row(_) => 0,
    };
    let shown = ids.range(first..).filter_map(|id| {
        let node = cloud.nodes.get(id)?;
        let trashed = lags.shows(node, now)?;
        let hidden = hides(&switches.list_hides, node);
        (!hidden).then_some((node, trashed))
    });
    let skip = match start {
        Start::Id(_) => 0,
        Start::Row(rows) => rows,
    };
    // Counting the rows before a page costs a walk, so it is done only for the cursor that needs it.
    let before = match (switches.cursor, start) {
        (Cursor::Offset, Start::Id(id)) => ids
            .range(..id)
            .filter_map(|id| lags.shows(cloud.nodes.get(id)?, now))
            .count(),
        _ => skip,
    };
    let mut rows: Vec<(u64, Value)> = shown
        .skip(skip)
        .take(limit + 1)
        .map(|(node, trashed)| (node.id, row(node, trashed, switches)))
        .collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    (rows, before, more)
}

/// The cursor of the answer, when cursors misbehave.
fn misplace(pages: &mut Pages, switches: &Switches, ask: &Ask, last: i64) -> i64 {
    let Some(asked) = ask.last else {
        return last;
    };
    if switches.cursor_times != 0 && pages.misbehaved >= switches.cursor_times {
        return last;
    }
    let asked = i64::try_from(asked).unwrap_or(i64::MAX);
    match switches.cursor {
        Cursor::Id | Cursor::Offset => return last,
        Cursor::Stuck => pages.misbehaved += 1,
        Cursor::Back => {
            pages.misbehaved += 1;
            return asked - 1;
        }
    }
    asked
}

/// How far the lists of one folder are behind.
struct Lags {
    files: u64,
    folders: u64,
    trash: u64,
}

impl Lags {
    fn of(switches: &Switches, parent: u64) -> Lags {
        if let Some(lag) = switches.lag_of.get(&parent) {
            return Lags {
                files: *lag,
                folders: *lag,
                trash: *lag,
            };
        }
        Lags {
            files: ms(switches.lag_files),
            folders: ms(switches.lag_mkdir),
            trash: ms(switches.lag_trash),
        }
    }

    /// Does a row show, and if so, as trashed or not?
    fn shows(&self, node: &Node, now: u64) -> Option<bool> {
        let lag = if node.folder {
            self.folders
        } else {
            self.files
        };
        if now < node.made + lag {
            return None;
        }
        let late = node.moved != 0 && now < node.moved + self.trash;
        match node.gone {
            // Destroyed, but the list doesn't even know yet that it went into the bin.
            Some(_) if late => Some(false),
            Some(_) => None,
            None => Some(node.trashed != late),
        }
    }
}

/// Is this a living row that is withheld?
fn hides(names: &[String], node: &Node) -> bool {
    !node.trashed && names.iter().any(|part| node.name.contains(part.as_str()))
}

/// What `infos` and `detail` show of an id; `None` if they don't know it.
pub fn info(cloud: &Cloud, switches: &Switches, id: u64, now: u64) -> Option<Value> {
    let node = cloud.nodes.get(&id)?;
    let lag = ms(switches.lag_infos);
    let lags = Lags {
        files: lag,
        folders: lag,
        trash: lag,
    };
    if hides(&switches.infos_hides, node) {
        return None;
    }
    let trashed = lags.shows(node, now)?;
    Some(row(node, trashed, switches))
}

/// A row as the wire has it.
pub fn row(node: &Node, trashed: bool, switches: &Switches) -> Value {
    let mut row = json!({
        "fileId": id_value(switches, node.id),
        "filename": node.name,
        "parentFileId": id_value(switches, node.parent),
        "type": u8::from(node.folder),
        "etag": node.etag,
        "size": node.size,
        "category": 0,
        "status": node.status,
        "punishFlag": 0,
        "s3KeyFlag": "1001-0",
        "storageNode": "m0",
        "trashed": u8::from(trashed),
        "createAt": super::time::plain(node.made),
        "updateAt": super::time::plain(node.made.max(node.moved)),
    });
    if switches.extra_fields {
        row["hidden"] = json!(false);
        row["aFieldOfNoDocument"] = json!({"deep": [1, 2, 3]});
    }
    row
}

/// An id, as a number or as a string.
pub fn id_value(switches: &Switches, id: u64) -> Value {
    if switches.ids_as_strings && id != ROOT {
        json!(id.to_string())
    } else {
        json!(id)
    }
}
