//! The host of downloads: bytes for whoever has an address that is good. It takes no token, and says
//! so.

use super::super::args::Args;
use super::super::exchange::Exchange;
use super::super::faults::How;
use super::super::http::Then;
use super::super::spoil::{self, Reply};
use super::super::transfer::Transfer;
use super::api::signature;
use super::call::Call;
use super::state::Hub;
use std::io;

/// Serves a download.
pub fn serve(hub: &Hub, exchange: &mut Exchange<'_, '_>) -> io::Result<Then> {
    exchange.drain()?;
    let fault = hub.strike(Call::Get).map(|(_, how)| how);
    match &fault {
        Some(How::Hang(how_long)) => exchange.pause(*how_long),
        Some(How::Cut | How::Stall(_)) => {}
        Some(how) if !how.alters() => {
            return spoil::answer(hub, exchange, how, &Reply::json(200, b"{}".to_vec()));
        }
        _ => {}
    }
    match plan(hub, exchange) {
        Ok(mut transfer) => {
            if let Some(how) = fault {
                transfer.alter(&how);
            }
            transfer.send(exchange, &[], |bytes| {
                hub.lock().judge.calls.cdn_bytes += bytes;
                true
            })
        }
        Err(status) => {
            hub.lock().judge.count(Call::Get).errors += 1;
            exchange.answer(status, &[], b"no")?;
            Ok(Then::Keep)
        }
    }
}

/// Looks at the address and the range; an Err is the status of a refusal.
fn plan(hub: &Hub, exchange: &Exchange<'_, '_>) -> Result<Transfer, u16> {
    let (mut state, now, head) = (hub.lock(), hub.clock.now(), &exchange.head);
    if head.header("authorization").is_some() || head.query.contains("access_token") {
        state
            .judge
            .complain("Get: a token for the host of downloads");
    }
    let id = head.path.strip_prefix("/f/").ok_or(404_u16)?;
    let args = Args::query(&head.query);
    let end = args.number("e").unwrap_or(0);
    let good = args
        .text("s")
        .is_ok_and(|s| s == signature(&hub.app_key, id, end));
    if !good || end <= now {
        return Err(403);
    }
    let node = state.files.get(id).ok_or(404_u16)?;
    let (size, content) = node.content.clone().ok_or(404_u16)?;
    let asked = head.header("range").filter(|_| state.switches.ranges);
    Transfer::new(content, size, asked).ok_or(416)
}
