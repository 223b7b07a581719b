//! A request's body as it comes in, and the request itself for as long as tiny_http must not get
//! it back: it takes a truncated body for a whole one, and allocates whatever of a body is left
//! unread.

use super::Net;
use super::peers::Flow;
use super::sockets;
use crate::service::Length;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Instant;
use tiny_http::Request;

/// Bytes read at once while a body is read away.
const SINK: usize = 16 << 10;

/// A request whose body is being read.
pub(super) struct Incoming {
    net: Arc<Net>,
    request: Option<Request>,
    peer: SocketAddr,
    socket: Option<TcpStream>,
    state: State,
    flow: Arc<Flow>,
    /// Bytes of an announced length that are still to come.
    left: u64,
    /// Bytes that have come.
    pub(super) read: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Announced,
    Chunked,
    Ended,
    Broken,
}

impl Incoming {
    /// The request from `peer`, whose head says `length` about its body, if it can be trusted.
    pub(super) fn new(
        net: Arc<Net>,
        request: Request,
        peer: SocketAddr,
        flow: Arc<Flow>,
        length: Option<Length>,
    ) -> Self {
        let state = match length {
            None => State::Broken,
            Some(Length::None | Length::Known(0)) => State::Ended,
            Some(Length::Known(_)) => State::Announced,
            Some(Length::Chunked) => State::Chunked,
        };
        // What tiny_http would allocate, also if it misunderstood.
        let left = request.body_length().map_or(0, |len| len as u64);
        Self {
            net,
            request: Some(request),
            peer,
            socket: None,
            state,
            flow,
            left,
            read: 0,
        }
    }

    /// Reads bytes of the body; the end comes only if it is the true one.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // tiny_http takes an empty read for the end.
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = match self.state {
            State::Ended => return Ok(0),
            State::Broken => return Err(ErrorKind::BrokenPipe.into()),
            State::Announced | State::Chunked => {
                let flow = Arc::clone(&self.flow);
                flow.during(|| self.read_more(buffer))
            }
        };
        match read {
            Ok(n) => self.read += n as u64,
            Err(_) => self.state = State::Broken,
        }
        read.map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
            _ => error,
        })
    }

    fn read_more(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.state {
            State::Announced => self.read_announced(buffer),
            _ => self.read_chunked(buffer),
        }
    }

    /// tiny_http shows a truncated body's end as if it were the announced one, so the bytes are
    /// counted. At that moment it also allocates as much as is missing: that must fit, or it
    /// mustn't see the end at all.
    fn read_announced(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let large = self.left > self.net.harmless;
        let reader = self.request.as_mut().map(Request::as_reader);
        // First of all, because it sends `100 Continue`.
        let reader = reader.ok_or(ErrorKind::NotConnected)?;
        if large {
            let socket = sockets::find_once(&mut self.socket, self.peer, self.net.port);
            sockets::wait_for_bytes(socket.ok_or(ErrorKind::NotConnected)?)?;
        }
        let n = uninterrupted(reader, &mut buffer[..most])?;
        if n == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.left -= n as u64;
        if self.left == 0 {
            self.state = State::Ended;
        }
        Ok(n)
    }

    /// For tiny_http a connection that ends within a chunk is a body that ends, so an end counts
    /// only if the client is still there (safety rule 6).
    fn read_chunked(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let reader = self.request.as_mut().map(Request::as_reader);
        let n = uninterrupted(reader.ok_or(ErrorKind::NotConnected)?, buffer)?;
        if n > 0 {
            return Ok(n);
        }
        match self.socket().is_some_and(sockets::alive) {
            true => self.state = State::Ended,
            false => return Err(ErrorKind::UnexpectedEof.into()),
        }
        Ok(0)
    }

    /// Whether some of the body isn't read, and can be.
    pub(super) fn unread(&self) -> bool {
        matches!(self.state, State::Announced | State::Chunked)
    }

    /// Whether the connection can't be used any more.
    pub(super) fn broken(&self) -> bool {
        self.state == State::Broken
    }

    /// Takes what follows the head for no body and no request.
    pub(super) fn give_up(&mut self) {
        self.state = State::Broken;
    }

    /// Reads the rest of the body away, in a small buffer and within the bounds of time and bytes;
    /// false if it didn't come to its end.
    pub(super) fn drain(&mut self) -> bool {
        if !self.unread() {
            return !self.broken();
        }
        let most = self.net.drain_timeout;
        let until = Instant::now() + most;
        let timeout = self.socket().and_then(|socket| {
            let before = socket.read_timeout().ok()?;
            socket.set_read_timeout(Some(most)).ok()?;
            before
        });
        let mut sink = [0; SINK];
        while self.unread() {
            if Instant::now() > until || self.read > self.net.largest {
                self.give_up();
            } else if self.read(&mut sink).is_err() {
                break;
            }
        }
        if let (Some(socket), Some(timeout)) = (&self.socket, timeout) {
            let _ = socket.set_read_timeout(Some(timeout));
        }
        !self.broken()
    }

    /// The way to answer. tiny_http gets its reader back with it, and would look for the next
    /// request there; so where that can't be found, the answer goes past tiny_http.
    pub(super) fn writer(&mut self) -> Option<Box<dyn Write + Send>> {
        match self.broken() {
            true => Some(Box::new(self.socket()?.try_clone().ok()?)),
            false => Some(self.request.take()?.into_writer()),
        }
    }

    /// The server's end of the connection.
    pub(super) fn socket(&mut self) -> Option<&TcpStream> {
        sockets::find_once(&mut self.socket, self.peer, self.net.port)
    }

    /// Ends the connection at once.
    pub(super) fn cut(&mut self) {
        if let Some(socket) = self.socket() {
            sockets::cut(socket);
        }
        self.abandon();
    }

    /// Takes nothing more from the client, who may still get the answer to an earlier request.
    pub(super) fn turn_away(mut self) {
        if let Some(socket) = self.socket() {
            sockets::deafen(socket);
        }
        self.release();
    }

    /// Gives up a request that isn't answered through tiny_http, if it is still here.
    fn abandon(&mut self) {
        if self.request.is_some() {
            self.socket().inspect(|socket| sockets::cut(socket));
            self.release();
        }
    }

    /// Gives a request back to tiny_http, if that is harmless: it reads the rest of the body and
    /// allocates as much, but with the socket shut it only allocates. Too much for that must not
    /// be dropped at all: it is leaked, with a thread and two descriptors of tiny_http's, and
    /// counted.
    fn release(&mut self) {
        let Some(request) = self.request.take() else {
            return;
        };
        if self.left > self.net.harmless {
            std::mem::forget(request);
            return self.net.leaked(self.peer.ip());
        }
        // Dropping the request itself would answer 500, and wait for its turn to do so.
        drop(request.into_writer());
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// Reads once, however often a signal comes.
fn uninterrupted(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
