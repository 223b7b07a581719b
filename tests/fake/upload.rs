//! The upload hosts: forms whose file parts are taken in while they arrive. A form whose
//! connection ends before the closing boundary leaves nothing behind.

use super::args::Args;
use super::cloud::Put;
use super::content::{Intake, Keep, Taken};
use super::endpoint::Endpoint;
use super::exchange::Exchange;
use super::gate::Answer;
use super::line::Over;
use super::multipart::{self, Sink};
use super::refusal::Refusal;
use super::state::{Hub, State};
use super::switches::{Parts, Single};
use super::views::{id_value, ms};
use serde_json::{Value, json};
use std::io;

/// The largest file of a single upload.
const SINGLE_MAX: u64 = 1 << 30;
/// The largest part that isn't a file.
const FIELD_MAX: usize = 8 << 10;

/// Takes a form in and carries it out.
pub fn serve(hub: &Hub, endpoint: Endpoint, exchange: &mut Exchange<'_, '_>) -> Answer {
    hub.lock().upload_begins(hub.clock.now());
    let _flight = Flight(hub);
    if exchange.head.chunked() {
        let text = format!("{endpoint:?}: a body without a length");
        hub.lock().judge.complain(text);
    }
    let kind = exchange.head.header("content-type").unwrap_or("");
    let Some(boundary) = multipart::boundary(kind) else {
        let text = format!("{endpoint:?}: Content-Type {kind:?}");
        hub.lock().judge.complain(text);
        return match exchange.drain() {
            Ok(()) => Answer::No(Refusal::Field("Content-Type")),
            Err(_) => Answer::Gone,
        };
    };
    let keep = match endpoint {
        // Slices of files on disk wait in memory until they are put together.
        Endpoint::Slice if matches!(hub.keep, Keep::Disk(_)) => Keep::Memory,
        _ => hub.keep.clone(),
    };
    let mut form = Form::new(endpoint, keep);
    if multipart::parse(&boundary, &mut Over(&hub.line, exchange), &mut form).is_err() {
        hub.lock().judge.calls.withdrawn += 1;
        return Answer::Gone;
    }
    let _ = exchange.drain();
    let single = endpoint == Endpoint::Single;
    let done = form.finish().and_then(|(args, taken, early)| match single {
        true => store(hub, &args, taken, early),
        false => slice(hub, &args, taken).map(Answer::Data),
    });
    done.unwrap_or_else(Answer::No)
}

/// Counts an upload as long as it lasts.
struct Flight<'a>(&'a Hub);

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.lock().judge.calls.uploads -= 1;
    }
}

/// A form as it comes in.
struct Form {
    /// The part that holds the bytes.
    file_name: &'static str,
    keep: Keep,
    args: Args,
    file: Option<Intake>,
    part: String,
    field: Vec<u8>,
    has_etag: bool,
    file_first: bool,
}

impl Form {
    fn new(endpoint: Endpoint, keep: Keep) -> Form {
        Form {
            file_name: match endpoint {
                Endpoint::Slice => "slice",
                _ => "file",
            },
            keep,
            args: Args::default(),
            file: None,
            part: String::new(),
            field: Vec::new(),
            has_etag: false,
            file_first: false,
        }
    }

    /// The present part is over.
    fn close_part(&mut self) {
        if !self.part.is_empty() && self.part != self.file_name {
            let value = String::from_utf8_lossy(&self.field).into_owned();
            self.args.set(&self.part, value);
        }
        self.field.clear();
        self.part.clear();
    }

    /// The fields, the file, and whether the file came before the etag.
    fn finish(mut self) -> Result<(Args, Taken, bool), Refusal> {
        self.close_part();
        let file = self.file.take().ok_or(Refusal::Field("file"))?;
        let taken = file.finish().map_err(|_| Refusal::UploadFailed)?;
        Ok((self.args, taken, self.file_first))
    }
}

impl Sink for Form {
    fn part(&mut self, name: &str) -> io::Result<()> {
        self.close_part();
        self.part = name.to_ascii_lowercase();
        if self.part == self.file_name {
            self.file_first = !self.has_etag;
            self.file = Some(Intake::new(&self.keep)?);
        }
        self.has_etag |= self.part == "etag";
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) if self.part == self.file_name => file.write(bytes),
            _ if self.field.len() + bytes.len() > FIELD_MAX => {
                Err(io::ErrorKind::InvalidData.into())
            }
            _ => {
                self.field.extend_from_slice(bytes);
                Ok(())
            }
        }
    }
}

/// A complete single upload.
fn store(hub: &Hub, args: &Args, taken: Taken, file_first: bool) -> Result<Answer, Refusal> {
    let now = hub.clock.now();
    let mut guard = hub.lock();
    let state = &mut *guard;
    if file_first && state.switches.parts == Parts::EtagFirst {
        return Err(Refusal::Field("etag"));
    }
    let put = Put {
        parent: args.number("parentFileID")?,
        name: args.text("filename")?,
        etag: args.text("etag")?,
        size: args.number("size")?,
        duplicate: args.maybe("duplicate")?,
        content: taken.content,
    };
    super::sliced::check(state, Endpoint::Single, &put, args, SINGLE_MAX, now)?;
    if put.size != taken.size || put.etag != taken.etag {
        let text = format!("Single: {} isn't what was declared", put.name);
        state.judge.complain(text);
        return Err(Refusal::UploadFailed);
    }
    let mode = state.single_mode(&put.name);
    outcome(state, mode, put, now)
}

/// What a single upload comes to in each mode.
fn outcome(state: &mut State, mode: Single, mut put: Put, now: u64) -> Result<Answer, Refusal> {
    let due = now + ms(state.switches.appears_after);
    let rules = state.name_rules();
    match mode {
        Single::Done => {}
        Single::WrongSize => put.size = put.size.saturating_sub(1),
        Single::WrongEtag => put.etag = put.etag.chars().rev().collect(),
        Single::Unfinished => {
            state.cloud.put_later(put, due);
            return Ok(Answer::Data(json!({"fileID": 0, "completed": false})));
        }
        Single::NoId => {
            state.cloud.put_later(put, due);
            return Ok(Answer::Data(json!({"fileID": 0, "completed": true})));
        }
        Single::Queued => {
            state.cloud.put_later(put, due);
            return Err(Refusal::Queued);
        }
        Single::QueuedNever => return Err(Refusal::Queued),
        Single::Lost => {
            // An id as good as any, of a file that never was.
            let id = id_value(&state.switches, state.cloud.skip_id());
            return Ok(Answer::Data(json!({"fileID": id, "completed": true})));
        }
        Single::StoredThen500 => {
            state.cloud.put(put, now, rules)?;
            return Ok(Answer::Page(500, "internal error"));
        }
        Single::Only500 => return Ok(Answer::Page(500, "internal error")),
    }
    let id = state.cloud.put(put, now, rules)?;
    let id = id_value(&state.switches, id);
    Ok(Answer::Data(json!({"fileID": id, "completed": true})))
}

/// One slice of an upload.
fn slice(hub: &Hub, args: &Args, taken: Taken) -> Result<Value, Refusal> {
    let (pre, number) = (args.text("preuploadID")?, args.number("sliceNo")?);
    let md5 = args.text("sliceMD5")?;
    let mut guard = hub.lock();
    let state = &mut *guard;
    state.judge.md5(Endpoint::Slice, &md5);
    state.writable(hub.clock.now())?;
    let found = state.sessions.get_mut(&pre);
    let session = found.ok_or(Refusal::Field("preuploadID"))?;
    let count = session.size.div_ceil(session.slice_size);
    if number == 0 || number > count {
        let text = format!("Slice: number {number} of {count}");
        state.judge.complain(text);
        return Err(Refusal::Field("sliceNo"));
    }
    let before = (number - 1) * session.slice_size;
    let wanted = session.slice_size.min(session.size - before);
    if taken.size != wanted {
        let text = format!(
            "Slice: {} bytes in slice {number}, not {wanted}",
            taken.size
        );
        state.judge.complain(text);
        return Err(Refusal::UploadFailed);
    }
    if taken.etag != md5 {
        state.judge.complain("Slice: sliceMD5 isn't the bytes' MD5");
        return Err(Refusal::UploadFailed);
    }
    session.slices.insert(number, (taken.content, taken.size));
    Ok(Value::Null)
}
