//! The storage host: bytes for whoever brings the headers of a start, or a signed address. It knows
//! neither tokens nor the library's JSON, and answers errors in XML.

use super::super::content::md5_hex;
use super::super::exchange::Exchange;
use super::super::faults::{How, When};
use super::super::http::Then;
use super::super::spoil::{self, Reply, Voice};
use super::super::transfer::Transfer;
use super::Host;
use super::call::{Call, Query};
use super::state::{Hub, State};
use super::switches::{Oddly, Switches};
use super::tree::{Node, Stored};
use super::upload::{Receiver, Session};
use serde_json::Value;
use std::io;

/// The largest object of one piece.
const OBJECT_MAX: u64 = 5 << 30;
const XML: &[(&str, &str)] = &[("Content-Type", "application/xml")];

/// A refusal: status, code and message.
type No = (u16, &'static str, &'static str);

const EXPIRED: No = (403, "AccessDenied", "Request has expired");
const UNSIGNED: No = (403, "AccessDenied", "Access Denied.");
const FORGED: No = (403, "SignatureDoesNotMatch", "The Signature is not right.");
const MISSING: No = (404, "NoSuchKey", "The specified key does not exist.");

/// How the storage host says things.
struct Cos<'a>(&'a Hub);

impl Voice for Cos<'_> {
    fn no(&self, code: i64, message: &str) -> (u16, &'static str, Vec<u8>) {
        let status = u16::try_from(code).unwrap_or(500);
        let body = xml(self.0, message, "Something went wrong.");
        (status, "application/xml", body)
    }

    fn yes(&self, _: &Value) -> Vec<u8> {
        Vec::new()
    }
}

fn xml(hub: &Hub, code: &str, message: &str) -> Vec<u8> {
    let request = hub.request();
    format!(
        "<?xml version='1.0' encoding='utf-8' ?>\n<Error>\n\t<Code>{code}</Code>\n\t<Message>\
         {message}</Message>\n\t<RequestId>{request}</RequestId>\n</Error>\n"
    )
    .into_bytes()
}

/// Serves a request to the storage host, or to its edge.
pub fn serve(hub: &Hub, host: Host, exchange: &mut Exchange<'_, '_>) -> io::Result<Then> {
    let call = match exchange.head.method.as_str() {
        "PUT" => Call::Put,
        "GET" | "HEAD" => Call::Get,
        _ => Call::Other,
    };
    hub.wait(call, exchange);
    let held = hub.lock().hold.meet();
    if held == Some(When::Before) {
        return hub.stand(exchange);
    }
    let fault = hub.strike(call);
    let spoils = |when: When, how: &How| match call {
        // What is read is sent otherwise than it is.
        Call::Get => !how.alters() && !matches!(how, How::Cut | How::Stall(_)),
        _ => when == When::Before,
    };
    if let Some((when, how)) = &fault
        && spoils(*when, how)
        && let Some(then) = spoil::request(&Cos(hub), exchange, how)?
    {
        return Ok(then);
    }
    let how = fault.filter(|(when, _)| call == Call::Get || *when == When::After);
    let how = how.map(|(_, how)| how);
    let result = match call {
        Call::Put => put(hub, host, exchange),
        Call::Get if held.is_none() => return get(hub, host, exchange, how.as_ref()),
        Call::Get => Ok(Put::Gone),
        _ => Err((405, "MethodNotAllowed", "This method is not allowed.")),
    };
    match held {
        Some(_) => hub.stand(exchange),
        None => tell(hub, exchange, call, result, how.as_ref()),
    }
}

/// Sends what a PUT came to, spoilt or not.
fn tell(
    hub: &Hub,
    exchange: &mut Exchange<'_, '_>,
    call: Call,
    result: Result<Put, No>,
    how: Option<&How>,
) -> io::Result<Then> {
    let (status, headers) = match result {
        Ok(Put::Gone) => return Ok(Then::Close),
        Ok(Put::Elsewhere(target)) => (307, vec![("Location", target)]),
        Ok(Put::Done(etag, crc64)) => (200, vec![("ETag", etag), ("x-cos-hash-crc64ecma", crc64)]),
        Err(no) => return refuse(hub, exchange, call, no),
    };
    exchange.drain()?;
    let headers: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let (headers, body) = (headers.as_slice(), Vec::new());
    let reply = Reply {
        status,
        headers,
        body,
    };
    spoil::maybe(&Cos(hub), exchange, how, &reply)
}

/// Sends a refusal.
fn refuse(hub: &Hub, exchange: &mut Exchange<'_, '_>, call: Call, no: No) -> io::Result<Then> {
    let (status, code, message) = no;
    let early = {
        let mut state = hub.lock();
        state.judge.count(call).errors += 1;
        state.switches.early_errors
    };
    if !early {
        exchange.drain()?;
    }
    exchange.answer(status, XML, &xml(hub, code, message))?;
    Ok(if early { Then::Close } else { Then::Keep })
}

/// What a PUT comes to.
enum Put {
    /// Stored: eTag and CRC-64.
    Done(String, String),
    Elsewhere(String),
    /// The client is gone.
    Gone,
}

fn put(hub: &Hub, host: Host, exchange: &mut Exchange<'_, '_>) -> Result<Put, No> {
    let query = Query::parse(&exchange.head.query);
    let length = exchange.head.header("content-length");
    let length: Option<u64> = length.and_then(|text| text.parse().ok());
    let object = exchange.head.path.clone();
    let part = {
        let mut state = hub.lock();
        let part = admit(&mut state, exchange, &query, hub.clock.now())?;
        if state.switches.storage_redirects && host == Host::Storage {
            let (edge, query) = (hub.storage(true), &exchange.head.query);
            return Ok(Put::Elsewhere(format!("http://{edge}{object}?{query}")));
        }
        allow_length(&state, exchange.head.chunked(), length)?;
        let announced = state.uploads.by_object(&object).and_then(|s| s.announced);
        if part.is_none() && length.is_some() && announced.is_some() && length != announced {
            state
                .judge
                .complain("Put: another length than start was told");
        }
        state.judge.upload_begins();
        part
    };
    let stored = receive(hub, exchange);
    let mut state = hub.lock();
    state.judge.calls.uploads -= 1;
    let Ok(stored) = stored else {
        state.judge.calls.withdrawn += 1;
        return Ok(Put::Gone);
    };
    if stored.size == 0 && exchange.head.chunked() {
        odd(state.switches.zero)?;
    }
    let done = Put::Done(format!("\"{}\"", stored.etag), stored.crc64.to_string());
    let session = state.uploads.by_object(&object);
    // Aborted, or confirmed, while the bytes came in.
    let session = session.filter(|s| s.confirmed.is_none()).ok_or(MISSING)?;
    match (&mut session.parts, part) {
        (Some((_, parts)), Some(number)) => drop(parts.insert(number, stored)),
        _ => session.stored = Some(stored),
    }
    Ok(done)
}

fn receive(hub: &Hub, exchange: &mut Exchange<'_, '_>) -> io::Result<Stored> {
    let mut receiver = Receiver::new(&hub.keep)?;
    receiver.take(exchange)?;
    receiver.finish()
}

/// May this PUT store into its path? Answers the number of its part, if it is one.
fn admit(
    state: &mut State,
    exchange: &Exchange<'_, '_>,
    query: &Query,
    now: u64,
) -> Result<Option<u64>, No> {
    let head = &exchange.head;
    let bearer = head.header("authorization").unwrap_or("");
    if query.has("access_token") || query.has("library_secret") || bearer.contains("acctk") {
        state
            .judge
            .complain("Put: the library's token sent to the storage host");
        return Err((400, "InvalidArgument", "unexpected token"));
    }
    let Some(session) = state.uploads.by_object(&head.path) else {
        return Err(MISSING);
    };
    let fits = |(name, value): &(&str, String)| {
        let name = name.to_ascii_lowercase();
        head.header(&name) == Some(value.as_str())
    };
    let all = session.headers.iter().all(fits);
    let expired = now >= session.expires;
    let over = session.confirmed.is_some();
    let part = part(session, query);
    if !all {
        state.judge.complain("Put: not the headers that start gave");
    }
    match (bearer, all) {
        ("", _) => Err(UNSIGNED),
        (_, false) => Err(FORGED),
        _ if expired || over => Err(EXPIRED),
        _ => part,
    }
}

/// The part that a query names, in an upload of parts.
fn part(session: &Session, query: &Query) -> Result<Option<u64>, No> {
    const BAD: No = (400, "InvalidArgument", "no such part");
    let Some((id, _)) = &session.parts else {
        return Ok(None);
    };
    let number = query.number("partNumber").flatten();
    let number = number
        .filter(|number| (1..=10_000).contains(number))
        .ok_or(BAD)?;
    match query.text("uploadId") == Some(id) {
        true => Ok(Some(number)),
        false => Err((404, "NoSuchUpload", "The specified upload does not exist.")),
    }
}

/// Whether bytes of such a length are taken.
fn allow_length(state: &State, chunked: bool, length: Option<u64>) -> Result<(), No> {
    match length {
        _ if chunked => odd(state.switches.chunked),
        None => odd(Oddly::Status411),
        Some(0) => odd(state.switches.zero),
        Some(length) if length > OBJECT_MAX => {
            Err((400, "EntityTooLarge", "Your proposed upload is too large."))
        }
        Some(_) => Ok(()),
    }
}

fn odd(oddly: Oddly) -> Result<(), No> {
    match oddly {
        Oddly::Stored => Ok(()),
        Oddly::Status411 => Err((411, "MissingContentLength", "You must provide a length.")),
        Oddly::Status400 => Err((400, "InvalidArgument", "No such length.")),
    }
}

/// The address of a file's bytes, good until `end`.
pub fn address(hub: &Hub, switches: &Switches, node: &Node, end: u64) -> String {
    let scheme = if switches.https_addresses {
        "https"
    } else {
        "http"
    };
    let (host, id, sign) = (hub.storage(false), node.id, signature(hub, node.id, end));
    format!("{scheme}://{host}/d/{id}?q-sign-time={end}&q-signature={sign}")
}

fn signature(hub: &Hub, id: u64, end: u64) -> String {
    md5_hex(format!("{} {id} {end}", hub.secret).as_bytes())
}

/// Sends a file's bytes.
fn get(
    hub: &Hub,
    host: Host,
    exchange: &mut Exchange<'_, '_>,
    how: Option<&How>,
) -> io::Result<Then> {
    exchange.drain()?;
    match look_up(hub, exchange) {
        Err(no) => refuse(hub, exchange, Call::Get, no),
        Ok(_) if host == Host::Storage && hub.lock().switches.storage_redirects => {
            let (edge, head) = (hub.storage(true), &exchange.head);
            let target = format!("http://{edge}{}?{}", head.path, head.query);
            exchange.answer(302, &[("Location", &target)], b"")?;
            Ok(Then::Keep)
        }
        Ok(node) => {
            let range = exchange.head.header("range").map(str::to_owned);
            let content = node.content.clone();
            let transfer = content.and_then(|c| Transfer::new(c, node.size, range.as_deref()));
            let Some(mut transfer) = transfer else {
                let no = (
                    416,
                    "InvalidRange",
                    "The requested range cannot be satisfied.",
                );
                return refuse(hub, exchange, Call::Get, no);
            };
            transfer.cut = hub.lock().switches.cuts_after;
            if let Some(how) = how {
                transfer.alter(how);
            }
            let crc64 = node.crc64.to_string();
            transfer.send(exchange, &[("x-cos-hash-crc64ecma", &crc64)], |bytes| {
                hub.lock().judge.calls.cdn_bytes += bytes;
                true
            })
        }
    }
}

/// The file that an address stands for.
fn look_up(hub: &Hub, exchange: &Exchange<'_, '_>) -> Result<Node, No> {
    let head = &exchange.head;
    let query = Query::parse(&head.query);
    let mut state = hub.lock();
    for name in ["authorization", "cookie"] {
        if head.header(name).is_some() {
            state
                .judge
                .complain(format!("Get: {name} sent to the storage host"));
            return Err((400, "InvalidArgument", "unexpected header"));
        }
    }
    if query.has("access_token") || query.has("library_secret") {
        state
            .judge
            .complain("Get: the library's token sent to the storage host");
        return Err((400, "InvalidArgument", "unexpected token"));
    }
    let id = head.path.strip_prefix("/d/").and_then(|id| id.parse().ok());
    let Some(id) = id else {
        let text = format!(
            "no such call: {} {} on the storage host",
            head.method, head.path
        );
        state.judge.complain(text);
        return Err(MISSING);
    };
    let end = query.number("q-sign-time").flatten().unwrap_or(0);
    if query.text("q-signature") != Some(&*signature(hub, id, end)) {
        return Err(FORGED);
    }
    if hub.clock.now() >= end {
        return Err(EXPIRED);
    }
    let node = state
        .tree
        .node(id)
        .filter(|n| !n.removed && n.kind.has_bytes());
    node.cloned().ok_or(MISSING)
}
