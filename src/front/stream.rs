//! A connection's bytes, in the clear or by TLS, waited for or not. How long one may wait is the
//! others' business.

use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown, sockopt};
use rustls::ServerConnection;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// A client's connection.
#[derive(Debug)]
pub(super) struct Stream {
    socket: OwnedFd,
    session: Option<Box<ServerConnection>>,
}

/// Whether to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// As long as the socket lets.
    Step,
    Never,
}

impl Stream {
    /// Over a socket on which each wait takes no longer than this.
    pub(super) fn over(socket: OwnedFd, step: Duration) -> io::Result<Self> {
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(step))?;
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(step))?;
        let session = None;
        Ok(Self { socket, session })
    }

    /// The first byte that has come, which stays there; None at the end.
    pub(super) fn first(&self) -> io::Result<Option<u8>> {
        let mut byte = [0; 1];
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let (_, n) = recv(&self.socket, &mut byte, flags)?;
        Ok((n > 0).then_some(byte[0]))
    }

    /// Begins to speak TLS.
    pub(super) fn secure(&mut self, session: ServerConnection) {
        self.session = Some(Box::new(session));
    }

    /// Whether it speaks TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.session.is_some()
    }

    /// Whether the other end hasn't greeted yet as it should.
    pub(super) fn is_greeting(&self) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.is_handshaking())
    }

    /// Goes on with a greeting as far as that is possible now.
    pub(super) fn greet(&mut self) -> io::Result<()> {
        while self.is_greeting() {
            self.take_in(Wait::Never)?;
        }
        Ok(())
    }

    /// Reads; WouldBlock if nothing comes.
    pub(super) fn read(&mut self, buffer: &mut [u8], wait: Wait) -> io::Result<usize> {
        loop {
            let Some(session) = &mut self.session else {
                return Raw(&self.socket, wait).read(buffer);
            };
            match session.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.take_in(wait)?,
                read => return read,
            }
        }
    }

    /// Reads what is encrypted, and answers what TLS itself wants answered.
    fn take_in(&mut self, wait: Wait) -> io::Result<()> {
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        let mut raw = Raw(&self.socket, wait);
        let ended = session.read_tls(&mut raw)? == 0;
        let state = session.process_new_packets();
        while session.wants_write() {
            session.write_tls(&mut raw)?;
        }
        match state {
            Err(error) => Err(io::Error::new(ErrorKind::InvalidData, error)),
            Ok(_) if ended && session.is_handshaking() => Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(()),
        }
    }

    /// Writes some; WouldBlock if nothing goes.
    pub(super) fn write(&mut self, bytes: &[u8], wait: Wait) -> io::Result<usize> {
        self.flush(wait)?;
        match &mut self.session {
            Some(session) => session.writer().write(bytes),
            None => Raw(&self.socket, wait).write(bytes),
        }
    }

    /// Sends what is still held; WouldBlock if it doesn't go.
    pub(super) fn flush(&mut self, wait: Wait) -> io::Result<()> {
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        while session.wants_write() {
            session.write_tls(&mut Raw(&self.socket, wait))?;
        }
        Ok(())
    }

    /// Bytes that have come and nobody has read, as they came.
    pub(super) fn waiting(&self) -> u64 {
        rustix::io::ioctl_fionread(&self.socket).unwrap_or(0)
    }

    /// Whether something has come that the kernel doesn't know of any more.
    pub(super) fn holds(&mut self) -> bool {
        let session = self.session.as_mut();
        session.is_some_and(|session| match session.reader().into_first_chunk() {
            Ok(chunk) => !chunk.is_empty(),
            Err(_) => false,
        })
    }

    /// Whether the client has neither closed nor broken the connection.
    pub(super) fn is_alive(&self) -> bool {
        match self.first() {
            Ok(first) => first.is_some(),
            Err(error) => is_passing(&error),
        }
    }

    /// Throws away what has come, and says how much; None if nothing more will.
    pub(super) fn discard(&self, buffer: &mut [u8]) -> Option<usize> {
        match Raw(&self.socket, Wait::Never).read(buffer) {
            Ok(n) => Some(n).filter(|n| *n > 0),
            Err(error) => is_passing(&error).then_some(0),
        }
    }

    /// Sends nothing more.
    pub(super) fn end(&mut self) {
        if let Some(session) = &mut self.session {
            session.send_close_notify();
            let _ = session.write_tls(&mut Raw(&self.socket, Wait::Never));
        }
        let _ = shutdown(&self.socket, Shutdown::Write);
    }

    /// Ends it so that the client can't take what it got for the whole.
    pub(super) fn reset(self) {
        let _ = sockopt::set_socket_linger(&self.socket, Some(Duration::ZERO));
    }
}

fn is_passing(error: &io::Error) -> bool {
    [ErrorKind::WouldBlock, ErrorKind::Interrupted].contains(&error.kind())
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The socket itself.
struct Raw<'a>(&'a OwnedFd, Wait);

impl Read for Raw<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let flags = match self.1 {
            Wait::Step => RecvFlags::empty(),
            Wait::Never => RecvFlags::DONTWAIT,
        };
        Ok(recv(self.0, buffer, flags)?.1)
    }
}

impl Write for Raw<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let flags = match self.1 {
            Wait::Step => SendFlags::NOSIGNAL,
            Wait::Never => SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
        };
        Ok(send(self.0, bytes, flags)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
