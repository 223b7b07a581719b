//! One request and its answer: the body that comes in, the bytes that go out, and a clean end
//! whatever happened in between. What is decided about it is `service`'s, and which thread does it
//! is `lanes`'.

use super::head::{self, Ending, Manner};
use crate::access::User;
use crate::body::LARGEST;
use crate::civil;
use crate::front::{Client, Party};
use crate::lines::{REFUSED, shown};
use crate::service::{Answer, Reply};
use crate::watch::{Track, Watch};
use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of an answer that are gathered before they are sent.
const BUFFER: usize = 64 << 10;

/// A request under way.
pub(super) struct Exchange {
    client: RefCell<Client>,
    outgoing: Outgoing,
    line: String,
    since: Instant,
    drain: Duration,
    track: Track,
}

impl Exchange {
    /// Takes over a request; if it is refused, its body is read away for so long at most.
    pub(super) fn new(watch: &Arc<Watch>, client: Client, drain: Duration) -> Self {
        let head = client.head();
        Self {
            line: format!("{} {}", shown(&head.method), head::logged(&head.target)),
            outgoing: Outgoing::new(head.method == "HEAD", head.old),
            client: RefCell::new(client),
            since: Instant::now(),
            drain,
            track: watch.arrive(),
        }
    }

    /// Whom it counts for.
    pub(super) fn party(&self) -> Party {
        self.client.borrow().address().into()
    }

    /// Where its way is noted.
    pub(super) fn track(&self) -> &Track {
        &self.track
    }

    /// How long ago it came.
    pub(super) fn waited(&self) -> Duration {
        self.since.elapsed()
    }

    /// Whether the client has gone without waiting for its answer.
    pub(super) fn deserted(&self) -> bool {
        self.client.borrow().gone()
    }

    /// Lets others have the thread when the client stands still and they want it.
    pub(super) fn give_way(&mut self, wanted: impl Fn(Duration) -> bool + Send + 'static) {
        self.client.get_mut().give_way(wanted);
    }

    /// Lets `serve` read a user's body and write the answer.
    pub(super) fn serve(
        &mut self,
        user: &User,
        serve: impl FnOnce(&mut dyn Read, &mut dyn Answer) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut body = BodyReader(&self.client, &self.track);
        let mut answer = Answering {
            user,
            client: &self.client,
            outgoing: &mut self.outgoing,
            drain: self.drain,
            track: &self.track,
        };
        serve(&mut body, &mut answer)
    }

    /// Whether some of the answer may have been sent.
    pub(super) fn started(&self) -> bool {
        self.outgoing.started
    }

    /// Answers without a body, later if the request's body isn't read yet.
    pub(super) fn reply(&mut self, reply: Reply) {
        self.outgoing.reply = Some(reply);
    }

    /// Whether the answer has to wait until the body has been read away (safety rule 21). First
    /// the body, then the answer: a client that is still sending needn't be listening. One that
    /// waits to be asked for its body isn't sending.
    pub(super) fn undrained(&self) -> bool {
        let client = self.client.borrow();
        !self.outgoing.started && client.unread() && !client.waits()
    }

    /// Reads the rest of the body away.
    pub(super) fn drain(&mut self) {
        if !drain(self.client.get_mut(), self.drain) {
            log::debug!("{}: the body didn't end in time", self.line);
        }
    }

    /// Sends what is left of the answer, and ends the connection if it must end.
    pub(super) fn finish(mut self) {
        match self.outgoing.finish(self.client.get_mut()) {
            Ok(()) => {
                self.log("");
                self.track.end(self.outgoing.status(), false);
                let keep = self.outgoing.ending != Ending::Close;
                // It has been sent, but may be held still.
                if let Err(error) = self.client.into_inner().finish(keep) {
                    log::debug!("{}: {error}", self.line);
                }
            }
            Err(error) => self.abort(&error),
        }
    }

    /// Cuts the connection, so that a part of an answer can't look whole: nothing is padded, and
    /// no last chunk is sent.
    pub(super) fn abort(self, error: &io::Error) {
        self.log(&format!(", cut off: {error}"));
        self.track.end(self.outgoing.status(), true);
        self.client.into_inner().cut();
    }

    fn log(&self, end: &str) {
        let (status, sent) = (self.outgoing.status(), self.outgoing.sent);
        let client = self.client.borrow();
        let (peer, read) = (client.address(), client.received());
        let reply = self.outgoing.reply.as_ref();
        let user = reply
            .map(|reply| &reply.user)
            .filter(|user| user.is_known());
        let user = user.map_or(String::new(), |user| format!(" {user}"));
        let (line, millis) = (&self.line, self.since.elapsed().as_millis());
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

fn drain(client: &mut Client, most: Duration) -> bool {
    client.drain(Instant::now() + most, LARGEST)
}

/// The body as `service` sees it.
struct BodyReader<'a>(&'a RefCell<Client>, &'a Track);

impl Read for BodyReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.0.borrow_mut().read(buffer)?;
        self.1.received(n as u64);
        Ok(n)
    }
}

/// The answer as `service` sees it.
struct Answering<'a> {
    user: &'a User,
    client: &'a RefCell<Client>,
    outgoing: &'a mut Outgoing,
    drain: Duration,
    track: &'a Track,
}

impl Answer for Answering<'_> {
    fn start(&mut self, reply: Reply) -> io::Result<()> {
        let bare = reply.length == Some(0) || self.outgoing.bodiless;
        if !bare {
            self.track.answers(reply.length);
        }
        self.outgoing.reply = Some(reply.to(self.user));
        // A bare one is sent by `finish`, after the body has been read away.
        if !bare {
            let mut client = self.client.borrow_mut();
            if !client.waits() {
                drain(&mut client, self.drain);
            }
            self.outgoing.open(&client);
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.outgoing.bodiless {
            return Ok(());
        }
        self.track.sent(bytes.len() as u64);
        self.outgoing.write(&mut self.client.borrow_mut(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.outgoing.started {
            true => self.outgoing.flush(&mut self.client.borrow_mut()),
            false => Ok(()),
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
    started: bool,
    buffer: Vec<u8>,
    ending: Ending,
    sent: u64,
}

impl Outgoing {
    fn new(bodiless: bool, old: bool) -> Self {
        Self {
            reply: None,
            bodiless,
            old,
            started: false,
            buffer: Vec::new(),
            ending: Ending::Length(0),
            sent: 0,
        }
    }

    /// The status, once there is one.
    fn status(&self) -> u16 {
        self.reply.as_ref().map_or(0, |reply| reply.status)
    }

    /// Puts the head into the buffer.
    fn open(&mut self, client: &Client) {
        let reply = self.reply.get_or_insert_with(|| Reply::empty(500));
        let manner = Manner {
            old: self.old,
            closes: client.ends(),
            now: civil::now(),
        };
        (self.buffer, self.ending) = head::answer(reply, manner);
        self.started = true;
    }

    /// Puts why it is refused behind the head, where nothing else follows.
    fn explain(&mut self) {
        let reply = self.reply.as_ref().filter(|reply| reply.length == Some(0));
        let text = reply.map_or(String::new(), head::explanation);
        if let Ending::Length(left) = &mut self.ending
            && !self.bodiless
        {
            *left = left.saturating_sub(text.len() as u64);
            self.buffer.extend_from_slice(text.as_bytes());
        }
    }

    fn write(&mut self, client: &mut Client, bytes: &[u8]) -> io::Result<()> {
        self.sent += bytes.len() as u64;
        match &mut self.ending {
            Ending::Length(left) => {
                let too_many = || io::Error::other("the answer is longer than announced");
                *left = left.checked_sub(bytes.len() as u64).ok_or_else(too_many)?;
                if self.buffer.len() + bytes.len() <= BUFFER {
                    self.buffer.extend_from_slice(bytes);
                    return Ok(());
                }
                self.flush(client)?;
                client.write_all(bytes)?;
                client.flush()
            }
            Ending::Chunked => {
                if bytes.is_empty() {
                    // An empty chunk would be the last one.
                    return Ok(());
                }
                write!(self.buffer, "{:x}\r\n", bytes.len())?;
                self.buffer.extend_from_slice(bytes);
                self.buffer.extend_from_slice(b"\r\n");
                // At once: restic kills requests on which nothing moves for minutes.
                self.flush(client)
            }
            Ending::Close => {
                self.buffer.extend_from_slice(bytes);
                self.flush(client)
            }
        }
    }

    fn flush(&mut self, client: &mut Client) -> io::Result<()> {
        client.write_all(&std::mem::take(&mut self.buffer))?;
        client.flush()
    }

    fn finish(&mut self, client: &mut Client) -> io::Result<()> {
        if !self.started {
            self.open(client);
            self.explain();
        }
        match self.ending {
            Ending::Length(left) if left > 0 && !self.bodiless => {
                let text = format!("{left} bytes of the answer are missing");
                return Err(io::Error::other(text));
            }
            Ending::Chunked if !self.bodiless => self.buffer.extend_from_slice(b"0\r\n\r\n"),
            _ => {}
        }
        self.flush(client)
    }
}
