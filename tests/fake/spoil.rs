//! Ordered faults carried out: what a client gets instead of an answer, on any cloud. Which call
//! is hit stands in `faults`; what the answer would have been is left to others.

use super::exchange::Exchange;
use super::faults::How;
use super::gate::BLOCK_PAGE;
use super::http::Then;
use serde_json::{Value, json};
use std::io::{self, Read};
use std::time::Duration;

/// What servers say that are in trouble.
pub const HTML: &str = "<html><head><title>Error</title></head><body><h1>Error</h1></body></html>";
/// The header of answers in JSON.
pub const JSON: &[(&str, &str)] = &[("Content-Type", "application/json; charset=utf-8")];
const PAGE: &[(&str, &str)] = &[("Content-Type", "text/html")];

/// How a cloud words what it says.
pub trait Voice {
    /// A refusal: its status, content type and body.
    fn no(&self, code: i64, message: &str) -> (u16, &'static str, Vec<u8>);
    /// The body of a success with this data.
    fn yes(&self, data: &Value) -> Vec<u8>;
}

/// An answer as it would be without a fault.
pub struct Reply<'a> {
    pub status: u16,
    pub headers: &'a [(&'a str, &'a str)],
    pub body: Vec<u8>,
}

impl Reply<'static> {
    /// One in JSON.
    pub fn json(status: u16, body: Vec<u8>) -> Self {
        Reply {
            status,
            headers: JSON,
            body,
        }
    }
}

/// Spoils a call that isn't carried out. `None`: it goes on after all.
pub fn request(
    voice: &impl Voice,
    exchange: &mut Exchange<'_, '_>,
    how: &How,
) -> io::Result<Option<Then>> {
    match how {
        How::Hang(how_long) => {
            exchange.pause(*how_long);
            return Ok(None);
        }
        How::Refuse => return Ok(Some(Then::Close)),
        How::Reset => return Ok(Some(Then::Reset)),
        How::ResetInBody(bytes) => {
            let mut part = exchange.take(*bytes);
            io::copy(&mut part, &mut io::sink())?;
            return Ok(Some(Then::Reset));
        }
        _ => exchange.drain()?,
    }
    let reply = Reply::json(200, voice.yes(&Value::Null));
    answer(voice, exchange, how, &reply).map(Some)
}

/// Keeps a call that is held until the client is dead and the test lets go: nobody is answered.
pub fn stand(exchange: &Exchange<'_, '_>, held: impl Fn() -> bool) -> io::Result<Then> {
    while held() && !exchange.stopping() {
        exchange.pause(Duration::from_millis(2));
    }
    Ok(Then::Close)
}

/// Sends an answer, spoilt if there is a fault for it.
pub fn maybe(
    voice: &impl Voice,
    exchange: &mut Exchange<'_, '_>,
    how: Option<&How>,
    reply: &Reply<'_>,
) -> io::Result<Then> {
    match how {
        Some(How::Hang(how_long)) => exchange.pause(*how_long),
        Some(how) => return answer(voice, exchange, how, reply),
        None => {}
    }
    exchange.answer(reply.status, reply.headers, &reply.body)?;
    Ok(Then::Keep)
}

/// Sends what the client gets instead of `reply`.
pub fn answer(
    voice: &impl Voice,
    exchange: &mut Exchange<'_, '_>,
    how: &How,
    reply: &Reply<'_>,
) -> io::Result<Then> {
    match how {
        How::Code(code, message) => {
            let (status, kind, body) = voice.no(*code, message);
            exchange.answer(status, &[("Content-Type", kind)], &body)?;
        }
        How::Html(status) => exchange.answer(*status, PAGE, HTML.as_bytes())?,
        How::Block => exchange.answer(403, PAGE, BLOCK_PAGE.as_bytes())?,
        How::Empty => exchange.answer(200, JSON, b"")?,
        How::BadJson => exchange.answer(200, JSON, b"{\"code\":0,\"message\":\"ok\",\"da")?,
        How::WrongShape => {
            let body = voice.yes(&json!("nothing of the kind"));
            exchange.answer(200, JSON, &body)?;
        }
        How::NullData => exchange.answer(200, JSON, &voice.yes(&Value::Null))?,
        How::Data(data) => exchange.answer(200, JSON, &voice.yes(data))?,
        How::Reset | How::ResetInBody(_) => return Ok(Then::Reset),
        How::Refuse => return Ok(Then::Close),
        How::Cut => {
            if reply.body.is_empty() {
                return Ok(Then::Close);
            }
            exchange.begin(reply.status, reply.headers, reply.body.len() as u64)?;
            exchange.send(&reply.body[..reply.body.len() / 2])?;
            return Ok(Then::Close);
        }
        // What hangs has hung, and what is altered has been.
        _ => exchange.answer(reply.status, reply.headers, &reply.body)?,
    }
    Ok(Then::Keep)
}
