//! A slow line to the upload hosts: so many bytes a second for all uploads together, each of them
//! in its turn, over sockets that hold as little as a distant host's.

use socket2::SockRef;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What passes at once.
const STEP: usize = 8 << 10;
/// How far a busy machine's line may be behind and catch up.
const LATE: Duration = Duration::from_millis(500);
/// Bytes that the receiving end takes ahead.
const AHEAD: usize = 32 << 10;
/// Bytes of a segment on the Internet; the sender keeps a multiple of it, and loopback's are 64 KiB.
const SEGMENT: u32 = 1400;

/// A line of so many bytes a second.
pub struct Line {
    rate: u64,
    free: Mutex<Instant>,
}

impl Line {
    /// A line; 0 is as fast as it goes.
    pub fn new(rate: u64) -> Line {
        Line {
            rate,
            free: Mutex::new(Instant::now()),
        }
    }

    /// Waits until so many bytes have passed after everything that came before.
    fn pass(&self, bytes: usize) {
        let took = Duration::from_secs_f64(bytes as f64 / self.rate as f64);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let late = now.checked_sub(LATE).unwrap_or(now);
        *free = late.max(*free) + took;
        let until = *free;
        drop(free);
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
    }
}

/// What comes over a line.
pub struct Over<'a, R>(pub &'a Line, pub &'a mut R);

impl<R: Read> Read for Over<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.rate == 0 {
            return self.1.read(buffer);
        }
        let most = buffer.len().min(STEP);
        let n = self.1.read(&mut buffer[..most])?;
        self.0.pass(n);
        Ok(n)
    }
}

/// Has a listening socket's connections hold as little as those to a distant host.
pub fn narrow(socket: impl AsFd) -> io::Result<()> {
    let socket = SockRef::from(&socket);
    socket.set_recv_buffer_size(AHEAD)?;
    socket.set_tcp_mss(SEGMENT)
}
