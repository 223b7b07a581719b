//! One request and its answer: the body that comes in, the bytes that go out, and a clean end
//! whatever happened in between. What is decided about it is `service`'s, and which thread does it
//! is `lanes`'.

use super::Net;
use super::head::{self, Framing, Manner};
use super::incoming::Incoming;
use super::peers::{Flow, Seat};
use super::sockets;
use crate::lines::{REFUSED, shown};
use crate::service::{Answer, Length, Reply};
use crate::watch::Track;
use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tiny_http::{HTTPVersion, Request};

/// Bytes of an answer that are gathered before they are sent.
const BUFFER: usize = 64 << 10;

/// A request under way.
pub(super) struct Exchange {
    incoming: RefCell<Incoming>,
    outgoing: Outgoing,
    line: String,
    peer: SocketAddr,
    since: Instant,
    track: Track,
}

impl Exchange {
    /// Takes over a request whose head says `length` about its body, if that can be trusted.
    pub(super) fn new(
        net: &Arc<Net>,
        request: Request,
        seat: Seat,
        length: Option<Length>,
    ) -> Self {
        let (peer, flow) = (seat.peer(), seat.flow());
        Self {
            line: format!(
                "{} {}",
                shown(request.method().as_str()),
                head::logged(request.url())
            ),
            outgoing: Outgoing::new(&request, seat),
            incoming: RefCell::new(Incoming::new(Arc::clone(net), request, peer, flow, length)),
            peer,
            since: Instant::now(),
            track: net.watch.arrive(),
        }
    }

    /// The client's address.
    pub(super) fn address(&self) -> IpAddr {
        self.peer.ip()
    }

    /// Where its way is noted.
    pub(super) fn track(&self) -> &Track {
        &self.track
    }

    /// Turns away a request that can't be answered, and what would follow it.
    pub(super) fn turn_away(net: &Arc<Net>, request: Request) {
        if let Some(peer) = request.remote_addr().copied() {
            log::info!(
                "{}: a request came before the last one was answered",
                peer.ip()
            );
            let flow = Arc::new(Flow::new());
            Incoming::new(Arc::clone(net), request, peer, flow, None).turn_away();
        }
    }

    /// Ends the connection after the answer, because nobody knows where the next request starts.
    pub(super) fn distrust(&mut self) {
        self.incoming.get_mut().give_up();
    }

    /// Whether the client has gone without waiting for its answer. When no request can follow, as
    /// proxies have it that speak HTTP/1.0, tiny_http itself ends the receiving side: that looks
    /// the same, and means nothing.
    pub(super) fn deserted(&mut self) -> bool {
        let socket = self.incoming.get_mut().socket();
        !self.outgoing.last && !socket.is_some_and(sockets::alive)
    }

    /// Lets `serve` read the body and write the answer.
    pub(super) fn serve(
        &mut self,
        serve: impl FnOnce(&mut dyn Read, &mut dyn Answer) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut body = BodyReader(&self.incoming, &self.track);
        let mut answer = Answering {
            incoming: &self.incoming,
            outgoing: &mut self.outgoing,
            track: &self.track,
        };
        serve(&mut body, &mut answer)
    }

    /// Whether some of the answer may have been sent.
    pub(super) fn started(&self) -> bool {
        self.outgoing.writer.is_some()
    }

    /// Answers without a body, later if the request's body isn't read yet.
    pub(super) fn reply(&mut self, reply: Reply) {
        self.outgoing.reply = Some(reply);
    }

    /// Whether the answer has to wait until the body has been read away (safety rule 21). First
    /// the body, then the answer: a client that is still sending needn't be listening, and what is
    /// left unread would be read by tiny_http at once, into one allocation.
    pub(super) fn undrained(&self) -> bool {
        self.outgoing.writer.is_none() && self.incoming.borrow().unread()
    }

    /// Reads the rest of the body away.
    pub(super) fn drain(&mut self) {
        if !self.incoming.get_mut().drain() {
            log::debug!("{}: the body didn't end in time", self.line);
        }
    }

    /// Sends what is left of the answer, and ends the connection if it must end.
    pub(super) fn finish(mut self) {
        let sent = self.outgoing.finish(self.incoming.get_mut());
        match sent {
            Ok(()) => {
                self.log("");
                self.track.end(self.outgoing.status(), false);
            }
            Err(error) => self.abort(&error),
        }
    }

    /// Cuts the connection, so that a part of an answer can't look whole: nothing is padded, and
    /// no last chunk is sent.
    pub(super) fn abort(mut self, error: &io::Error) {
        // First the socket: dropping the writer sends what tiny_http still holds.
        self.incoming.get_mut().cut();
        self.log(&format!(", cut off: {error}"));
        self.track.end(self.outgoing.status(), true);
    }

    fn log(&self, end: &str) {
        let status = self.outgoing.status();
        let (read, sent) = (self.incoming.borrow().read, self.outgoing.sent);
        let millis = self.since.elapsed().as_millis();
        let reply = self.outgoing.reply.as_ref();
        let user = reply
            .map(|reply| &reply.user)
            .filter(|user| user.is_known());
        let user = user.map_or(String::new(), |user| format!(" {user}"));
        let (line, peer) = (&self.line, self.peer.ip());
        let target = if status < 400 {
            module_path!()
        } else {
            REFUSED
        };
        log::info!(
            target: target,
            "{peer}{user} {line} {status}, {read} B in, {sent} B out, {millis} ms{end}"
        );
    }
}

/// The body as `service` sees it.
struct BodyReader<'a>(&'a RefCell<Incoming>, &'a Track);

impl Read for BodyReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.0.borrow_mut().read(buffer)?;
        self.1.received(n as u64);
        Ok(n)
    }
}

/// The answer as `service` sees it.
struct Answering<'a> {
    incoming: &'a RefCell<Incoming>,
    outgoing: &'a mut Outgoing,
    track: &'a Track,
}

impl Answer for Answering<'_> {
    fn start(&mut self, reply: Reply) -> io::Result<()> {
        let bare = reply.length == Some(0) || self.outgoing.bodiless;
        if !bare {
            self.track.answers(reply.length);
        }
        self.outgoing.reply = Some(reply);
        match bare {
            // It is sent by `finish`, after the body has been read away.
            true => Ok(()),
            false => {
                let mut incoming = self.incoming.borrow_mut();
                incoming.drain();
                self.outgoing.open(&mut incoming)
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.outgoing.bodiless {
            true => Ok(()),
            false => {
                self.track.sent(bytes.len() as u64);
                self.outgoing.write(bytes)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.outgoing.writer {
            Some(_) => self.outgoing.flush(),
            None => Ok(()),
        }
    }
}

/// An answer on its way to the client.
struct Outgoing {
    reply: Option<Reply>,
    /// Whether the request was a HEAD.
    bodiless: bool,
    /// Whether the client speaks HTTP/1.0.
    old: bool,
    /// Whether the client wants the connection to end; tiny_http then sees to it.
    last: bool,
    /// Whether we want it.
    closes: bool,
    seat: Seat,
    writer: Option<Box<dyn Write + Send>>,
    buffer: Vec<u8>,
    framing: Framing,
    sent: u64,
}

impl Outgoing {
    fn new(request: &Request, seat: Seat) -> Self {
        let old = *request.http_version() == HTTPVersion(1, 0);
        let headers = request.headers().iter();
        // As tiny_http decides it, from the first such header.
        let wish = headers
            .clone()
            .find(|header| header.field.equiv("Connection"))
            .map(|header| header.value.as_str().to_ascii_lowercase())
            .unwrap_or_default();
        let keeps = !old || wish.contains("keep-alive");
        Self {
            reply: None,
            bodiless: request.method().as_str() == "HEAD",
            old,
            last: !keeps || wish.contains("close") || wish.contains("upgrade"),
            closes: false,
            seat,
            writer: None,
            buffer: Vec::new(),
            framing: Framing::Length(0),
            sent: 0,
        }
    }

    /// The status, once there is one.
    fn status(&self) -> u16 {
        self.reply.as_ref().map_or(0, |reply| reply.status)
    }

    /// Takes the connection's writer and puts the head into the buffer.
    fn open(&mut self, incoming: &mut Incoming) -> io::Result<()> {
        let reply = self.reply.get_or_insert_with(|| Reply::empty(500));
        self.closes = incoming.broken();
        if self.closes {
            // Before the reader goes back to tiny_http, which looks for the next request in it.
            self.seat.close();
        }
        let manner = Manner {
            old: self.old,
            closes: self.closes || self.last,
            now: now(),
        };
        (self.buffer, self.framing) = head::answer(reply, manner);
        self.closes |= self.framing == Framing::Close;
        let gone = || io::Error::from(ErrorKind::NotConnected);
        self.writer = Some(incoming.writer().ok_or_else(gone)?);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sent += bytes.len() as u64;
        match &mut self.framing {
            Framing::Length(left) => {
                let too_many = || io::Error::other("the answer is longer than announced");
                *left = left.checked_sub(bytes.len() as u64).ok_or_else(too_many)?;
                if *left == 0 {
                    self.seat.leave();
                }
                if self.buffer.len() + bytes.len() <= BUFFER {
                    self.buffer.extend_from_slice(bytes);
                    return Ok(());
                }
                self.flush()?;
                self.send(bytes)
            }
            Framing::Chunked => {
                if bytes.is_empty() {
                    // An empty chunk would be the last one.
                    return Ok(());
                }
                write!(self.buffer, "{:x}\r\n", bytes.len())?;
                self.buffer.extend_from_slice(bytes);
                self.buffer.extend_from_slice(b"\r\n");
                // At once: restic kills requests on which nothing moves for minutes.
                self.flush()
            }
            Framing::Close => {
                self.buffer.extend_from_slice(bytes);
                self.flush()
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        self.send(&buffer)?;
        let flow = self.seat.flow();
        let flushed = self
            .writer
            .as_mut()
            .map(|writer| flow.during(|| writer.flush().map(|()| 0)));
        flushed.map_or(Ok(()), |done| done.map(drop))
    }

    /// Sends all of it, in steps whose progress the guard can see.
    fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let writer = self.writer.as_mut().ok_or(ErrorKind::NotConnected)?;
        let flow = self.seat.flow();
        while !bytes.is_empty() {
            match flow.during(|| writer.write(bytes)) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => bytes = &bytes[n..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn finish(&mut self, incoming: &mut Incoming) -> io::Result<()> {
        if self.writer.is_none() {
            self.open(incoming)?;
        }
        match self.framing {
            Framing::Length(left) if left > 0 && !self.bodiless => {
                let text = format!("{left} bytes of the answer are missing");
                return Err(io::Error::other(text));
            }
            Framing::Chunked if !self.bodiless => self.buffer.extend_from_slice(b"0\r\n\r\n"),
            _ => {}
        }
        if !self.closes {
            self.seat.leave();
        }
        self.flush()?;
        if self.closes {
            // The writer is still held, and with it the connection.
            incoming.socket().inspect(|socket| sockets::close(socket));
        }
        self.writer = None;
        Ok(())
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
