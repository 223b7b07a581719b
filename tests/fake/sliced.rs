//! The two ends of a sliced upload that go to the API host: `create` opens it (or finds that the
//! content is known), `upload_complete` puts the slices together. The slices come in by `upload`.

use super::args::Args;
use super::cloud::Put;
use super::content::{Content, Intake, Keep};
use super::endpoint::Endpoint;
use super::refusal::Refusal;
use super::state::{Hub, Session, State};
use super::switches::Reuse;
use super::views::{id_value, ms};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read;

/// The largest file of the sliced upload.
const FILE_MAX: u64 = 10 << 30;

/// Opens an upload.
pub fn create(hub: &Hub, state: &mut State, args: &Args, now: u64) -> Result<Value, Refusal> {
    let put = Put {
        parent: args.number("parentFileID")?,
        name: args.text("filename")?,
        etag: args.text("etag")?,
        size: args.number("size")?,
        duplicate: args.maybe("duplicate")?,
        content: Content::MadeUp(0),
    };
    check(state, Endpoint::Create, &put, args, FILE_MAX, now)?;
    let known = state.cloud.known(&put.etag, put.size);
    if let (Some(content), true) = (known, state.switches.reuse != Reuse::Never) {
        let put = Put { content, ..put };
        if state.switches.reuse == Reuse::NoId {
            let due = now + ms(state.switches.appears_after);
            state.cloud.put_later(put, due);
            return Ok(json!({"reuse": true, "fileID": 0}));
        }
        let rules = state.name_rules();
        let id = state.cloud.put(put, now, rules)?;
        return Ok(json!({"reuse": true, "fileID": id_value(&state.switches, id)}));
    }
    let pre = format!("PRE-{}-{}", hub.trace(), "x".repeat(200));
    let slice_size = state.switches.slice_size.max(1);
    let session = Session {
        parent: put.parent,
        name: put.name,
        etag: put.etag,
        size: put.size,
        slice_size,
        duplicate: put.duplicate,
        slices: BTreeMap::new(),
        asked: 0,
        file: None,
    };
    state.sessions.insert(pre.clone(), session);
    let servers = if state.switches.servers_empty {
        Vec::new()
    } else {
        hub.upload_hosts(state.switches.dead_server)
    };
    Ok(json!({
        "fileID": 0, "reuse": false, "preuploadID": pre, "sliceSize": slice_size,
        "servers": servers,
    }))
}

/// What both ways of uploading demand of a file.
pub fn check(
    state: &mut State,
    endpoint: Endpoint,
    put: &Put,
    args: &Args,
    most: u64,
    now: u64,
) -> Result<(), Refusal> {
    state.judge.name(endpoint, &put.name);
    state.judge.md5(endpoint, &put.etag);
    state.judge.duplicate(endpoint, &put.name, put.duplicate);
    if args.flag("containDir") {
        let text = format!("{endpoint:?}: containDir isn't emulated");
        state.judge.complain(text);
    }
    state.writable(now)?;
    if put.size == 0 && state.switches.zero_refused {
        return Err(Refusal::ZeroBytes);
    }
    if put.size > most {
        let text = format!("{endpoint:?}: {} bytes are too many", put.size);
        state.judge.complain(text);
        return Err(Refusal::TooLarge);
    }
    state.cloud.free_name(put, state.name_rules())?;
    state.room_for(put.size)
}

/// Ends an upload, after as many delays as are switched on.
pub fn complete(hub: &Hub, state: &mut State, args: &Args, now: u64) -> Result<Value, Refusal> {
    let pre = args.text("preuploadID")?;
    let what = format!("upload_complete of {}", pre.trim_end_matches('x'));
    let pause = ms(state.switches.poll_pause);
    state.judge.asked_again(&what, pause, now);
    let (verifying, unfinished) = (
        state.switches.complete_verifying,
        state.switches.complete_unfinished,
    );
    let found = state.sessions.get_mut(&pre);
    let session = found.ok_or(Refusal::Field("preuploadID"))?;
    if let Some(id) = session.file {
        return Ok(json!({"completed": true, "fileID": id_value(&state.switches, id)}));
    }
    session.asked = session.asked.saturating_add(1);
    let asked = session.asked;
    if asked <= verifying {
        state.judge.told_unready(what, now);
        return Err(Refusal::Verifying);
    }
    if asked <= verifying.saturating_add(unfinished) {
        state.judge.told_unready(what, now);
        return Ok(json!({"completed": false, "fileID": 0}));
    }
    let put = assemble(hub, session)?;
    state.writable(now)?;
    state.room_for(put.size)?;
    let rules = state.name_rules();
    let id = state.cloud.put(put, now, rules)?;
    if let Some(session) = state.sessions.get_mut(&pre) {
        session.file = Some(id);
        session.slices.clear();
    }
    if state.switches.complete_forgets {
        state.sessions.remove(&pre);
    }
    Ok(json!({"completed": true, "fileID": id_value(&state.switches, id)}))
}

/// Puts the slices together and compares with what was declared.
fn assemble(hub: &Hub, session: &Session) -> Result<Put, Refusal> {
    let failed = |_| Refusal::UploadFailed;
    let count = session.size.div_ceil(session.slice_size);
    let all = (1..=count).all(|no| session.slices.contains_key(&no));
    let size: u64 = session.slices.values().map(|(_, size)| size).sum();
    if !all || size != session.size {
        return Err(Refusal::UploadFailed);
    }
    let mut intake = Intake::new(&hub.keep).map_err(failed)?;
    let mut buffer = vec![0; 256 << 10];
    for (content, _) in session.slices.values() {
        let mut reader = content.reader(0).map_err(failed)?;
        loop {
            match reader.read(&mut buffer).map_err(failed)? {
                0 => break,
                n => intake.write(&buffer[..n]).map_err(failed)?,
            }
        }
    }
    let taken = intake.finish().map_err(failed)?;
    // Discarded slices can't be hashed again; each was checked when it came.
    let trusted = matches!(hub.keep, Keep::Discard);
    if taken.etag != session.etag && !trusted {
        return Err(Refusal::UploadFailed);
    }
    Ok(Put {
        parent: session.parent,
        name: session.name.clone(),
        size,
        etag: session.etag.clone(),
        content: taken.content,
        duplicate: session.duplicate,
    })
}
