//! Uploads from start to confirm: sessions, what each one was promised, what becomes of it. The
//! bytes come in by `storage`; nothing is visible before confirm.

use super::super::content::{Intake, Keep, md5_hex};
use super::super::time::ms;
use super::answer::{self, Answer, iso};
use super::call::{Call, Route};
use super::refusal::{Outcome, Refusal, no};
use super::state::{Hub, State};
use super::switches::Unsaid;
use super::tree::{Kind, Stored, Strategy, check_name};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;

/// The smallest part but for the last one.
const PART_MIN: u64 = 1 << 20;

/// All uploads that were begun and not aborted, by their confirm keys.
#[derive(Default)]
pub struct Uploads {
    sessions: HashMap<String, Session>,
    /// Path on the storage host → confirm key.
    objects: HashMap<String, String>,
    next: u64,
}

/// An upload.
pub struct Session {
    /// The folder that it goes into, and the name there.
    folder: u64,
    name: String,
    strategy: Strategy,
    /// The size that was told at the start.
    pub announced: Option<u64>,
    pub object: String,
    /// What the storage host demands, to the letter.
    pub headers: Vec<(&'static str, String)>,
    pub expires: u64,
    pub stored: Option<Stored>,
    /// Of an upload in parts: its id, and the parts by number.
    pub parts: Option<(String, BTreeMap<u64, Stored>)>,
    began: u64,
    /// How often confirm said that it is incomplete though it isn't.
    denied: u32,
    /// The entry that it became, and whether that replaced another.
    pub confirmed: Option<(Option<u64>, bool)>,
}

impl Uploads {
    /// The upload that stores into a path of the storage host.
    pub fn by_object(&mut self, path: &str) -> Option<&mut Session> {
        self.sessions.get_mut(self.objects.get(path)?)
    }

    /// How many were neither confirmed nor aborted.
    pub fn open(&self) -> usize {
        let all = self.sessions.values();
        all.filter(|s| s.confirmed.is_none()).count()
    }
}

/// Signs an upload anew.
fn sign(hub: &Hub, session: &mut Session, life: u64, now: u64) {
    session.expires = now + life;
    let text = format!("{} {} {}", hub.secret, session.object, session.expires);
    let times = format!("{};{}", now / 1000, session.expires / 1000);
    let signature = md5_hex(text.as_bytes());
    session.headers = vec![
        (
            "Authorization",
            format!("q-sign-algorithm=sha1&q-sign-time={times}&q-signature={signature}"),
        ),
        ("x-cos-security-token", md5_hex(signature.as_bytes())),
        ("x-cos-meta-smh", "1".to_owned()),
    ];
}

/// What start and renew answer.
fn ticket(hub: &Hub, key: &str, session: &Session) -> Value {
    let headers = session.headers.iter().map(|(k, v)| (*k, v.as_str()));
    let mut ticket = json!({
        "domain": hub.storage(false), "path": session.object,
        "headers": headers.collect::<HashMap<_, _>>(),
        "confirmKey": key, "expiration": iso(session.expires), "availableDomainNum": 1,
    });
    if let Some((id, _)) = &session.parts {
        ticket["uploadId"] = json!(id);
    }
    ticket
}

/// What the client wants when the name is taken; unsaid, it is `otherwise`.
fn strategy(state: &mut State, route: &Route, otherwise: Strategy) -> Result<Strategy, Refusal> {
    let call = route.call;
    match route.query.text("conflict_resolution_strategy") {
        Some("rename") => {
            let text = format!("{call:?}: rename, so that nobody finds the file");
            state.judge.complain(text);
            Ok(Strategy::Rename)
        }
        Some(text) => Strategy::parse(text),
        None => {
            let text = format!("{call:?}: no conflict_resolution_strategy");
            state.judge.complain(text);
            Ok(otherwise)
        }
    }
}

/// Begins an upload, in one piece or in parts.
pub fn start(hub: &Hub, state: &mut State, route: &Route, body: &[u8], now: u64) -> Outcome {
    let Some((name, above)) = route.path.split_last() else {
        return no("ParamInvalid");
    };
    check_name(name, "FileNameLengthExceed")?;
    if state.switches.media && !name.contains('.') {
        return no("ExtnameNotAllowed");
    }
    let strategy = strategy(state, route, Strategy::Rename)?;
    if strategy == Strategy::Overwrite && name == "config" {
        state.judge.complain("Start: config is to be overwritten");
    }
    let folder = state
        .tree
        .folder(above)
        .ok_or(Refusal("DirectoryNotFound"))?;
    place(state, folder, name, strategy)?;
    let size = route
        .query
        .number("filesize")
        .ok_or(Refusal("ParamInvalid"))?;
    announce(state, route.call, size, body)?;
    let number = state.uploads.next;
    state.uploads.next += 1;
    let mark = md5_hex(format!("{number} {now}").as_bytes());
    let parts = route.call == Call::StartParts;
    let mut session = Session {
        folder,
        name: name.clone(),
        strategy,
        announced: size,
        object: format!("/o/{mark}"),
        headers: Vec::new(),
        expires: 0,
        stored: None,
        parts: parts.then(|| (format!("up{number}"), BTreeMap::new())),
        began: now,
        denied: 0,
        confirmed: None,
    };
    sign(hub, &mut session, ms(state.switches.signature_life), now);
    let key = format!("ck{number}-{}", &mark[..8]);
    let ticket = ticket(hub, &key, &session);
    let uploads = &mut state.uploads;
    uploads.objects.insert(session.object.clone(), key.clone());
    uploads.sessions.insert(key, session);
    Ok(Answer::json(201, ticket))
}

/// What is known of an upload's bytes beforehand.
fn announce(state: &mut State, call: Call, size: Option<u64>, body: &[u8]) -> Result<(), Refusal> {
    if !matches!(body, b"" | b"{}") {
        let text = format!("{call:?}: a body, which asks for an instant upload");
        state.judge.complain(text);
    }
    let Some(size) = size else {
        state.judge.complain(format!("{call:?}: no filesize"));
        return Ok(());
    };
    let full = state.quota.is_some_and(|quota| state.used() + size > quota);
    match full && !state.switches.quota_removes {
        true => no("QuotaLimitReached"),
        false => Ok(()),
    }
}

/// Where a file goes, as far as history allows that.
fn place(
    state: &State,
    folder: u64,
    name: &str,
    strategy: Strategy,
) -> Result<(String, bool), Refusal> {
    let (name, overwrites) = state.tree.place(folder, name, strategy)?;
    match overwrites && state.switches.history {
        true => no("OverwriteFileNotAllowed"),
        false => Ok((name, overwrites)),
    }
}

/// Makes a file of an upload.
pub fn confirm(hub: &Hub, state: &mut State, route: &Route, body: &[u8], now: u64) -> Outcome {
    let key = route.key();
    let session = state.uploads.sessions.get_mut(key);
    let session = session.ok_or(Refusal("ConfirmKeyNotFound"))?;
    if session.confirmed.is_some() {
        return no("UploadComplete");
    }
    if session.parts.is_some() {
        session.stored = Some(joined(&hub.keep, session)?);
    }
    let stored = session.stored.clone().ok_or(Refusal("UploadIncomplete"))?;
    if session.denied < state.switches.incomplete_times {
        session.denied += 1;
        return no("UploadIncomplete");
    }
    let (folder, name) = (session.folder, session.name.clone());
    let at_start = session.strategy;
    let inherited = match state.switches.unsaid {
        Unsaid::Inherit => at_start,
        Unsaid::Rename => Strategy::Rename,
    };
    check_crc64(state, body, stored.crc64)?;
    let strategy = strategy(state, route, inherited)?;
    if strategy != at_start && route.query.has("conflict_resolution_strategy") {
        state
            .judge
            .complain("Confirm: another strategy than at the start");
    }
    let (id, overwrites) = match state.tree.path_of(folder) {
        Some(_) => publish(state, folder, &name, strategy, stored, now)?,
        None => (None, false),
    };
    if let Some(session) = state.uploads.sessions.get_mut(key) {
        session.confirmed = Some((id, overwrites));
        session.stored = None;
    }
    state.enforce_quota();
    let node = id.and_then(|id| state.tree.node(id));
    let body = answer::confirmed(&state.tree, node, overwrites, &state.switches);
    Ok(Answer::json(200, body))
}

/// Puts a file into its folder; answers its id, and whether it replaces another.
fn publish(
    state: &mut State,
    folder: u64,
    name: &str,
    strategy: Strategy,
    stored: Stored,
    now: u64,
) -> Result<(Option<u64>, bool), Refusal> {
    let (name, overwrites) = place(state, folder, name, strategy)?;
    if let Some(old) = state.tree.named(folder, &name) {
        state.tree.remove(old, false, now);
    }
    let file = Some(stored);
    let id = state.tree.add(folder, &name, Kind::File, file, now);
    Ok((Some(id), overwrites))
}

/// The checksum that confirm brings, against that of the bytes.
fn check_crc64(state: &mut State, body: &[u8], true_one: u64) -> Result<(), Refusal> {
    let body: Value = match body {
        b"" => json!({}),
        body => serde_json::from_slice(body).map_err(|_| Refusal("ParamInvalid"))?,
    };
    match &body["crc64"] {
        Value::Null => {
            state.judge.complain("Confirm: no crc64");
            Ok(())
        }
        Value::String(text) => match text.parse() == Ok(true_one) {
            true => Ok(()),
            false => no("BadCrc64"),
        },
        _ => no("ParamInvalid"),
    }
}

/// The bytes of all parts, one after the other.
fn joined(keep: &Keep, session: &Session) -> Result<Stored, Refusal> {
    let parts = session.parts.iter().flat_map(|(_, parts)| parts);
    let parts: Vec<(&u64, &Stored)> = parts.collect();
    let contiguous = parts.iter().zip(1..).all(|((n, _), at)| **n == at);
    let Some((_, but_last)) = parts.split_last().filter(|_| contiguous) else {
        return no("MultipartUploadIncomplete");
    };
    if but_last.iter().any(|(_, part)| part.size < PART_MIN) {
        return no("MultipartUploadPartTooSmall");
    }
    let mut receiver = Receiver::new(keep).map_err(|_| Refusal("MultipartUploadIncomplete"))?;
    for (_, part) in &parts {
        let read = part
            .content
            .reader(0)
            .and_then(|r| receiver.take(r.take(part.size)));
        read.map_err(|_| Refusal("MultipartUploadIncomplete"))?;
    }
    let mut stored = receiver
        .finish()
        .map_err(|_| Refusal("MultipartUploadIncomplete"))?;
    stored.etag = format!("{}-{}", stored.etag, parts.len());
    Ok(stored)
}

/// What became of an upload so far.
pub fn session(state: &State, hub: &Hub, route: &Route) -> Outcome {
    let session = state.uploads.sessions.get(route.key());
    let session = session.ok_or(Refusal("UploadNotFound"))?;
    let path = match session.confirmed {
        Some((id, _)) => id.and_then(|id| state.tree.path_of(id)),
        None => state.tree.path_of(session.folder).map(|mut path| {
            path.push(session.name.clone());
            path
        }),
    };
    let mut all = json!({
        "confirmed": session.confirmed.is_some(), "path": path, "type": "file",
        "creationTime": iso(session.began), "conflictResolutionStrategy": session.strategy.name(),
        "force": session.strategy == Strategy::Overwrite,
    });
    if let Some((id, parts)) = &session.parts {
        let part = |(number, part): (&u64, &Stored)| {
            let etag = format!("\"{}\"", part.etag);
            json!({"PartNumber": number, "ETag": etag, "Size": part.size})
        };
        all["uploadId"] = json!(id);
        all["parts"] = parts.iter().map(part).collect();
        all["uploadPartInfo"] = ticket(hub, route.key(), session);
    }
    Ok(Answer::json(200, all))
}

/// Ends an upload that isn't wanted. Its key is unknown then.
pub fn abort(state: &mut State, route: &Route) -> Outcome {
    let confirmed = |s: &Session| s.confirmed.is_some();
    let uploads = &mut state.uploads;
    if uploads.sessions.get(route.key()).is_some_and(confirmed) {
        return no("UploadComplete");
    }
    let session = uploads.sessions.remove(route.key());
    let session = session.ok_or(Refusal("UploadNotFound"))?;
    uploads.objects.remove(&session.object);
    Ok(Answer::empty(204))
}

/// New headers for an upload in parts.
pub fn renew(hub: &Hub, state: &mut State, route: &Route, now: u64) -> Outcome {
    let life = ms(state.switches.signature_life);
    let session = state.uploads.sessions.get_mut(route.key());
    let session = session.ok_or(Refusal("UploadNotFound"))?;
    if session.parts.is_none() {
        return no("NotMultipartUpload");
    }
    if session.confirmed.is_some() {
        return no("UploadComplete");
    }
    sign(hub, session, life, now);
    Ok(Answer::json(200, ticket(hub, route.key(), session)))
}

/// The folder that an upload goes into, while there is one.
pub fn folder_of(state: &State, key: &str) -> Option<Vec<String>> {
    state.tree.path_of(state.uploads.sessions.get(key)?.folder)
}

/// Takes bytes in as they arrive, with their checksum.
pub struct Receiver {
    intake: Intake,
    crc64: crc64fast::Digest,
}

impl Receiver {
    /// Nothing is here yet.
    pub fn new(keep: &Keep) -> std::io::Result<Receiver> {
        Ok(Receiver {
            intake: Intake::new(keep)?,
            crc64: crc64fast::Digest::new(),
        })
    }

    /// Everything that a reader has.
    pub fn take(&mut self, mut from: impl Read) -> std::io::Result<()> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n = from.read(&mut buffer)?;
            if n == 0 {
                return Ok(());
            }
            self.crc64.write(&buffer[..n]);
            self.intake.write(&buffer[..n])?;
        }
    }

    /// No more bytes.
    pub fn finish(self) -> std::io::Result<Stored> {
        let taken = self.intake.finish()?;
        Ok(Stored {
            size: taken.size,
            crc64: self.crc64.sum64(),
            etag: taken.etag,
            content: taken.content,
        })
    }
}
