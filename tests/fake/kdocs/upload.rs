//! Uploads: forms whose file is taken in while it arrives. A form whose connection ends before the
//! closing boundary leaves nothing behind.

use super::super::content::{Content, Intake, Keep};
use super::super::exchange::Exchange;
use super::super::multipart::{self, Sink};
use super::files::APP;
use super::gate::{No, Outcome};
use super::state::{Hub, State};
use super::switches::Clash;
use serde_json::json;
use std::io;

/// The largest part that isn't a file.
const FIELD_MAX: usize = 8 << 10;
const WRONG: No = (40_001, 400, "invalid argument");

/// Takes a form in and carries it out; None if the connection ended too early.
pub fn take(hub: &Hub, exchange: &mut Exchange<'_, '_>) -> Option<Outcome> {
    hub.lock().judge.upload_begins();
    let _flight = Flight(hub);
    if exchange.head.chunked() {
        hub.lock().judge.complain("Upload: a body without a length");
    }
    let kind = exchange.head.header("content-type").unwrap_or("");
    let Some(boundary) = multipart::boundary(kind) else {
        exchange.drain().ok()?;
        return Some(Err(WRONG));
    };
    let mut form = Form {
        keep: hub.keep.clone(),
        fields: Vec::new(),
        file: None,
        part: String::new(),
    };
    if multipart::parse(&boundary, exchange, &mut form).is_err() {
        hub.lock().judge.calls.withdrawn += 1;
        return None;
    }
    exchange.drain().ok()?;
    let (mut state, now) = (hub.lock(), hub.clock.now());
    Some(store(&mut state, form, now))
}

/// Counts an upload as long as it lasts.
struct Flight<'a>(&'a Hub);

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.lock().judge.calls.uploads -= 1;
    }
}

/// A form's parts.
struct Form {
    keep: Keep,
    fields: Vec<(String, String)>,
    file: Option<(String, Intake)>,
    part: String,
}

impl Sink for Form {
    fn part(&mut self, name: &str) -> io::Result<()> {
        name.clone_into(&mut self.part);
        self.fields.push((name.to_owned(), String::new()));
        Ok(())
    }

    fn file_name(&mut self, name: &str) -> io::Result<()> {
        self.file = Some((name.to_owned(), Intake::new(&self.keep)?));
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let (Some((_, intake)), "file") = (&mut self.file, self.part.as_str()) {
            return intake.write(bytes);
        }
        let Some((_, text)) = self.fields.last_mut() else {
            return Ok(());
        };
        if text.len() + bytes.len() > FIELD_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        text.push_str(&String::from_utf8_lossy(bytes));
        Ok(())
    }
}

/// Puts the file where the form says.
fn store(state: &mut State, form: Form, now: u64) -> Outcome {
    let (name, intake) = form.file.ok_or(WRONG)?;
    let taken = intake.finish().map_err(|_| (50_000, 500, "no room"))?;
    let switches = state.switches.clone();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let refused = match extension {
        None => switches.bare_refused || switches.binary_refused,
        Some(_) => switches.binary_refused,
    };
    if refused {
        return Err((40_010, 400, "file type not supported"));
    }
    if switches.size_cap.is_some_and(|cap| taken.size > cap) {
        return Err((40_011, 400, "file too large"));
    }
    let folder = folder(state, &form.fields, now)?;
    put(state, folder, &name, (taken.size, taken.content), now)
}

/// The folder that a form names, made where that is so.
fn folder(state: &mut State, fields: &[(String, String)], now: u64) -> Result<u64, No> {
    let of = |wanted: &'static str| fields.iter().filter(move |(name, _)| name == wanted);
    if let Some((_, id)) = of("parent_id").next() {
        let found = state.files.folder(id, now);
        return found.ok_or((40_400, 404, "parent not exists"));
    }
    if of("path_from_root").any(|(_, text)| text == "true") {
        state.judge.complain("Upload: outside the app's folder");
    }
    let mut folder = APP;
    for (_, name) in of("parent_path[]") {
        let there = state.files.named(folder, name, now).is_some();
        if !there && !state.switches.makes_folders {
            return Err((40_400, 404, "parent not exists"));
        }
        folder = state.files.make(folder, name, now);
    }
    Ok(folder)
}

/// One more file, or what becomes of a name that is taken.
fn put(state: &mut State, folder: u64, name: &str, content: (u64, Content), now: u64) -> Outcome {
    let taken = state.files.named(folder, name, now).map(|node| node.number);
    let mut name = name.to_owned();
    match (taken, state.switches.clash) {
        (Some(_), Clash::Error) => return Err((40_900, 400, "file exists")),
        (Some(number), Clash::Overwrite) => {
            state.files.replace(number, content);
            return Ok(json!({}));
        }
        (Some(_), Clash::Rename) => name = free(state, folder, &name, now),
        (Some(_), Clash::Duplicate) | (None, _) => {}
    }
    state.files.add(folder, &name, Some(content), now);
    Ok(json!({}))
}

/// A name like this one that is free.
fn free(state: &State, folder: u64, name: &str, now: u64) -> String {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) => (stem, format!(".{extension}")),
        None => (name, String::new()),
    };
    let names = (1..).map(|n| format!("{stem}({n}){extension}"));
    let mut free = names.filter(|name| state.files.named(folder, name, now).is_none());
    free.next().unwrap_or_default()
}
