//! A client with a request: whoever has it reads the body from the client's own connection and writes
//! the answer there. The connection goes back to where it waited, or ends.

use super::body::Framing;
use super::crowd::Conn;
use super::hall::Hall;
use super::head::Head;
use super::pace::Behind;
use super::stream::{Stream, Wait};
use std::io::{self, ErrorKind, Read, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes read at once where only some are needed.
const READ: usize = 4 << 10;
/// Bytes read at once while a body is read away.
const SINK: usize = 16 << 10;

/// A client with a request.
pub struct Client {
    hall: Arc<Hall>,
    conn: Conn,
    head: Box<Head>,
    address: IpAddr,
    framing: Framing,
    /// How much of what the connection holds has been used.
    used: usize,
    behind: Behind,
    /// Whether the client still waits for `100 Continue`.
    waits: bool,
    /// When reading ends whatever comes.
    until: Option<Instant>,
    received: u64,
    /// Asked while its body is waited for.
    wanted: Option<Box<Wanted>>,
}

/// Whether others want the worker of a client that is so far behind.
type Wanted = dyn Fn(Duration) -> bool + Send;

impl Client {
    pub(super) fn new(
        hall: &Arc<Hall>,
        conn: Conn,
        head: Box<Head>,
        address: IpAddr,
        late: bool,
    ) -> Self {
        let framing = if late {
            Framing::Broken
        } else {
            Framing::of(head.length)
        };
        Self {
            hall: Arc::clone(hall),
            conn,
            waits: head.expects,
            head,
            address,
            framing,
            used: 0,
            behind: Behind::default(),
            until: None,
            received: 0,
            wanted: None,
        }
    }

    /// What it asks.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The host that it asks, maybe with a port. Names mean nothing on a Unix socket, where no browser
    /// is.
    pub fn host(&self) -> Option<&str> {
        self.head.host.as_deref().filter(|_| self.conn.named)
    }

    /// From where.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Bytes of the body that have been read.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Whether some of the body isn't read, and can be.
    pub fn unread(&self) -> bool {
        self.framing.unread()
    }

    /// Whether it sends its body only when it is asked to, and hasn't been.
    pub fn waits(&self) -> bool {
        self.waits
    }

    /// Takes what follows for no body and no request: the connection ends with the answer.
    pub fn distrust(&mut self) {
        self.framing = Framing::Broken;
    }

    /// Whether this answer is the last one on the connection.
    pub fn ends(&self) -> bool {
        !self.head.keeps || self.framing != Framing::Ended
    }

    /// Whether it has gone without waiting for its answer.
    pub fn gone(&self) -> bool {
        self.conn.rest.is_empty() && !self.conn.stream.is_alive()
    }

    /// Breaks its body off when it stands still and others want its worker.
    pub fn give_way(&mut self, wanted: impl Fn(Duration) -> bool + Send + 'static) {
        self.wanted = Some(Box::new(wanted));
    }

    /// Reads the rest of the body away, until then and so many bytes at most; false if it didn't come
    /// to its end.
    pub fn drain(&mut self, until: Instant, most: u64) -> bool {
        self.until = Some(until);
        let mut sink = [0; SINK];
        while self.unread() {
            if Instant::now() > until || self.received > most || self.read(&mut sink).is_err() {
                self.distrust();
            }
        }
        self.until = None;
        self.framing == Framing::Ended
    }

    /// Ends the request: the answer is whole. The connection goes on if it can and may.
    pub fn finish(mut self, keep: bool) -> io::Result<()> {
        self.flush()?;
        let ends = self.ends() || !keep;
        let mut conn = self.conn;
        conn.rest.drain(..self.used);
        conn.rest.shrink_to_fit();
        match ends {
            true => self.hall.linger(conn),
            false => self.hall.back(conn),
        }
        Ok(())
    }

    /// Breaks the connection, so that the client can't take what it got for the whole.
    pub fn cut(self) {
        self.conn.stream.reset();
    }

    /// Some of the body, into all or a part of the buffer.
    fn read_body(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.waits) {
            self.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            self.flush()?;
        }
        loop {
            match self.framing {
                Framing::Ended => return Ok(0),
                Framing::Broken => return Err(ErrorKind::InvalidData.into()),
                Framing::Data { left, .. } => {
                    let most = usize::try_from(left).map_or(buffer.len(), |n| n.min(buffer.len()));
                    let n = self.take(&mut buffer[..most])?;
                    self.framing.passed(n);
                    self.received += n as u64;
                    return Ok(n);
                }
                Framing::Between(..) => {
                    let byte = self.byte()?;
                    self.framing.step(byte);
                }
            }
        }
    }

    /// What comes next, held or not.
    fn take(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let held = &self.conn.rest[self.used..];
        if !held.is_empty() {
            let n = held.len().min(buffer.len());
            buffer[..n].copy_from_slice(&held[..n]);
            self.used += n;
            return Ok(n);
        }
        match self.during(true, |stream| stream.read(buffer, Wait::Step))? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            n => Ok(n),
        }
    }

    fn byte(&mut self) -> io::Result<u8> {
        if self.used == self.conn.rest.len() {
            let mut buffer = [0; READ];
            let n = self.take(&mut buffer)?;
            self.conn.rest = buffer[..n].to_vec();
            self.used = 0;
        }
        let mut byte = [0];
        self.take(&mut byte)?;
        Ok(byte[0])
    }

    /// Waits for the client, as long as it isn't too slow. Only who reads gives way: a slow receiver
    /// opens its window so seldom that it can't be told from one that stands still.
    fn during(
        &mut self,
        gives_way: bool,
        mut act: impl FnMut(&mut Stream) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let courtesy = self.hall.config.pace.courtesy();
        loop {
            let start = Instant::now();
            let done = act(&mut self.conn.stream);
            let bytes = done.as_ref().map_or(0, |n| *n);
            let end = Instant::now();
            let borne = self.behind.note(&self.hall.config.pace, end - start, bytes);
            let wanted = self.wanted.as_ref().filter(|_| gives_way);
            if wanted.is_some_and(|wanted| wanted(self.behind.0)) && self.behind.0 >= courtesy {
                let text = "the client stands still while others wait";
                return Err(io::Error::new(ErrorKind::TimedOut, text));
            }
            let over = self.until.is_some_and(|until| end > until);
            match done {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && borne && !over => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(too_slow()),
                Ok(_) if !borne => return Err(too_slow()),
                done => return done,
            }
        }
    }
}

impl Read for Client {
    /// Reads bytes of the body; the end comes only if it is the true one.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        self.read_body(buffer).inspect_err(|_| self.distrust())
    }
}

impl Write for Client {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.during(false, |stream| stream.write(bytes, Wait::Step))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.during(false, |stream| stream.flush(Wait::Step).map(|()| 0))?;
        Ok(())
    }
}

fn too_slow() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "the client is too slow")
}
