//! The CDN: bytes for whoever has a signed URL, and the ways in which it fails. It takes neither
//! token nor Platform header, and says so.

use super::args::Args;
use super::endpoint::{Endpoint, Host};
use super::exchange::Exchange;
use super::faults::How;
use super::http::Then;
use super::spoil::{self, Reply};
use super::state::{Hub, State};
use super::transfer::Transfer;
use serde_json::json;
use std::io;

/// An answer that isn't a file.
enum No {
    Status(u16, &'static str),
    /// The JSON that the real CDN sends with its own code.
    Json(u16, &'static str),
    Elsewhere(String),
    Unsatisfiable(u64),
}

/// Serves a request to the CDN, or to its edge.
pub fn serve(hub: &Hub, host: Host, exchange: &mut Exchange<'_, '_>) -> io::Result<Then> {
    exchange.drain()?;
    hub.wait(Endpoint::Cdn, exchange);
    let fault = hub.strike(Endpoint::Cdn).map(|(_, how)| how);
    match &fault {
        Some(How::Hang(how_long)) => exchange.pause(*how_long),
        Some(How::Cut | How::Stall(_)) => {}
        Some(how) if !how.alters() => {
            return spoil::answer(hub, exchange, how, &Reply::json(200, b"{}".to_vec()));
        }
        _ => {}
    }
    let plan = {
        let mut state = hub.lock();
        plan(hub, host, exchange, &mut state)
    };
    match plan {
        Ok((mut transfer, end)) => {
            if let Some(how) = fault {
                transfer.alter(&how);
            }
            transfer.send(exchange, &[], |bytes| {
                count(hub, bytes);
                end.is_none_or(|end| hub.clock.now() < end)
            })
        }
        Err(no) => {
            hub.lock().judge.count(Endpoint::Cdn).errors += u64::from(!is_redirect(&no));
            refuse(exchange, no)
        }
    }
}

fn is_redirect(no: &No) -> bool {
    matches!(no, No::Elsewhere(_))
}

/// Looks at the URL and the range. Also answers the URL's time, when running transfers end with it.
fn plan(
    hub: &Hub,
    host: Host,
    exchange: &Exchange<'_, '_>,
    state: &mut State,
) -> Result<(Transfer, Option<u64>), No> {
    let head = &exchange.head;
    for name in ["authorization", "platform"] {
        if head.header(name).is_some() {
            state.judge.complain(format!("Cdn: {name} header sent"));
            return Err(No::Status(400, "unexpected header"));
        }
    }
    let id = head.path.strip_prefix("/123-61/");
    let id: Option<u64> = id.and_then(|id| id.parse().ok());
    let (Some(id), "GET" | "HEAD") = (id, head.method.as_str()) else {
        let text = format!("no such call: {} {} on the CDN", head.method, head.path);
        state.judge.complain(text);
        return Err(No::Status(404, "not found"));
    };
    let end = admit(hub, exchange, state, id)?;
    if state.switches.cdn_redirects && host == Host::Cdn {
        let edge = named(&hub.hosts().edge, state.switches.front.cdn_tls.1);
        let target = format!("{edge}{}?{}", head.path, head.query);
        return Err(No::Elsewhere(target));
    }
    let node = state.cloud.node(id);
    let content = node.and_then(|n| n.content.clone());
    let (Some(node), Some(content)) = (node, content) else {
        return Err(No::Status(404, "not found"));
    };
    let total = node.size;
    let asked = head
        .header("range")
        .filter(|_| !state.switches.cdn_ignores_range);
    let transfer = Transfer::new(content, total, asked);
    let mut transfer = transfer.ok_or(No::Unsatisfiable(total))?;
    transfer.cut = cut(state);
    Ok((transfer, end.filter(|_| state.switches.url_cuts_running)))
}

/// Is the URL good, now and here? Answers its end.
fn admit(
    hub: &Hub,
    exchange: &Exchange<'_, '_>,
    state: &mut State,
    id: u64,
) -> Result<Option<u64>, No> {
    let args = Args::query(&exchange.head.query);
    let end = args.number("e").unwrap_or(0);
    let home = args.text("r").unwrap_or_default();
    let sign = super::api::signature(&hub.client.1, id, end, &home);
    if args.text("s").ok() != Some(sign) || hub.clock.now() >= end {
        return Err(No::Status(403, "expired"));
    }
    let away = state.switches.url_bound && exchange.head.peer.to_string() != home;
    let ordered = state.elsewhere < state.switches.cdn_elsewhere.0;
    if away || ordered {
        state.elsewhere += u32::from(ordered);
        let status = state.switches.cdn_elsewhere.1;
        return Err(No::Json(status, "forbidden realc:here arg_c:there"));
    }
    Ok(Some(end))
}

/// Where this answer is cut, if it is.
fn cut(state: &mut State) -> Option<u64> {
    let after = state.switches.cdn_cuts_after?;
    let times = state.switches.cdn_cuts_times;
    if times != 0 && state.cut >= times {
        return None;
    }
    state.cut += 1;
    Some(after)
}

/// Counts bytes that were sent, and takes them from the traffic that is left.
fn count(hub: &Hub, bytes: u64) {
    let mut state = hub.lock();
    state.judge.calls.cdn_bytes += bytes;
    if let Some(left) = &mut state.traffic {
        *left = left.saturating_sub(bytes);
    }
}

/// Sends an answer that isn't a file.
fn refuse(exchange: &mut Exchange<'_, '_>, no: No) -> io::Result<Then> {
    match no {
        No::Status(status, text) => exchange.answer(status, &[], text.as_bytes())?,
        No::Json(status, text) => {
            let body = json!({"code": 1010, "message": text}).to_string();
            exchange.answer(status, spoil::JSON, body.as_bytes())?;
        }
        No::Elsewhere(target) => exchange.answer(302, &[("Location", &target)], b"")?,
        No::Unsatisfiable(total) => {
            let range = format!("bytes */{total}");
            exchange.answer(416, &[("Content-Range", &range)], b"")?;
        }
    }
    Ok(Then::Keep)
}

/// A host as the service names it: every port takes TLS as well.
pub(super) fn named(base: &str, tls: bool) -> String {
    match tls {
        true => base.replacen("http://", "https://", 1),
        false => base.to_owned(),
    }
}
