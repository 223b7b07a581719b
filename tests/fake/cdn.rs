//! The CDN: bytes for whoever has a signed URL, and the ways in which it fails. It takes neither
//! token nor Platform header, and says so.

use super::args::Args;
use super::content::Content;
use super::endpoint::{Endpoint, Host};
use super::exchange::Exchange;
use super::faults::How;
use super::gate;
use super::http::Then;
use super::state::{Hub, State};
use serde_json::json;
use std::io::{self, Read};
use std::time::Duration;

/// What is sent at once.
const BUFFER: usize = 64 << 10;

/// What to send.
struct Plan {
    status: u16,
    content: Content,
    from: u64,
    length: u64,
    total: u64,
    /// Break off after so many bytes.
    cut: Option<u64>,
    /// How long the connection stays when it was broken off.
    stall: Duration,
    /// The URL's time, when running transfers end with it.
    end: Option<u64>,
}

impl Plan {
    /// Does something else than was asked for.
    fn alter(&mut self, how: &How) {
        match how {
            How::Cut => self.cut = Some(self.length / 2),
            How::Stall(how_long) => (self.cut, self.stall) = (Some(self.length / 2), *how_long),
            How::OtherRange if self.from + self.length < self.total => self.from += 1,
            How::OtherSize => self.total += 1,
            How::Whole => (self.status, self.from, self.length) = (200, 0, self.total),
            How::Short => self.length = self.length.saturating_sub(1),
            How::OtherBytes => self.content = Content::MadeUp(self.total),
            _ => {}
        }
    }
}

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
    gate::wait(hub, Endpoint::Cdn, exchange);
    let fault = gate::strike(hub, Endpoint::Cdn).map(|(_, how)| how);
    match &fault {
        Some(How::Hang(how_long)) => exchange.pause(*how_long),
        Some(How::Cut | How::Stall(_)) => {}
        Some(how) if !how.alters() => return gate::spoil(hub, exchange, how, b"{}".to_vec()),
        _ => {}
    }
    let plan = {
        let mut state = hub.lock();
        plan(hub, host, exchange, &mut state)
    };
    match plan {
        Ok(mut plan) => {
            if let Some(how) = fault {
                plan.alter(&how);
            }
            send(hub, exchange, &plan)
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

/// Looks at the URL and the range.
fn plan(hub: &Hub, host: Host, exchange: &Exchange<'_, '_>, state: &mut State) -> Result<Plan, No> {
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
    let range = asked.and_then(|text| range(text, total));
    let (status, from, length) = match range {
        None => (200, 0, total),
        Some(None) => return Err(No::Unsatisfiable(total)),
        Some(Some((from, length))) => (206, from, length),
    };
    Ok(Plan {
        status,
        content,
        from,
        length,
        total,
        cut: cut(state),
        stall: Duration::ZERO,
        end: end.filter(|_| state.switches.url_cuts_running),
    })
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

/// The range that a header asks for, as start and length. Outer `None`: no range that makes sense;
/// inner `None`: one that the file doesn't have.
fn range(text: &str, total: u64) -> Option<Option<(u64, u64)>> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    if from.is_empty() {
        let length = to.parse::<u64>().ok()?.min(total);
        return Some((length > 0).then_some((total - length, length)));
    }
    let from: u64 = from.parse().ok()?;
    let to: u64 = match to {
        "" => u64::MAX,
        to => to.parse().ok()?,
    };
    if from >= total || to < from {
        return Some(None);
    }
    Some(Some((from, to.min(total - 1) - from + 1)))
}

/// Sends the bytes.
fn send(hub: &Hub, exchange: &mut Exchange<'_, '_>, plan: &Plan) -> io::Result<Then> {
    let last = (plan.from + plan.length).saturating_sub(1);
    let content_range = format!("bytes {}-{last}/{}", plan.from, plan.total);
    let mut headers = vec![
        ("Content-Type", "application/octet-stream"),
        ("Accept-Ranges", "bytes"),
    ];
    if plan.status == 206 {
        headers.push(("Content-Range", &content_range));
    }
    exchange.begin(plan.status, &headers, plan.length)?;
    if exchange.head.method == "HEAD" {
        return Ok(Then::Keep);
    }
    let whole = plan.length;
    let most = plan.cut.unwrap_or(whole).min(whole);
    let mut reader = plan.content.reader(plan.from)?.take(most);
    let mut buffer = vec![0; BUFFER];
    let mut sent = 0;
    loop {
        if plan.end.is_some_and(|end| hub.clock.now() >= end) || exchange.stopping() {
            return Ok(Then::Close);
        }
        let n = reader.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        count(hub, n as u64);
        exchange.send(&buffer[..n])?;
        sent += n as u64;
    }
    if sent == whole {
        return Ok(Then::Keep);
    }
    exchange.pause(plan.stall);
    Ok(Then::Close)
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
            exchange.answer(status, gate::JSON, body.as_bytes())?;
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
