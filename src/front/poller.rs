//! The kernel's list of connections that wait, in which thousands cost nothing: `epoll`.

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// Most that are told of at once.
const EVENTS: usize = 256;
/// The number of the bell; nothing else has it.
pub(super) const BELL: u64 = u64::MAX;

/// Waits for many at once.
#[derive(Debug)]
pub(super) struct Poller {
    epoll: OwnedFd,
    bell: OwnedFd,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// Something has come; told once.
    Readable,
    /// Now: something is left over that the kernel doesn't know of; told once.
    Now,
    /// Each time that more has come.
    More,
    /// Something has come; told as long as it is there.
    Always,
    /// Nothing.
    Never,
}

impl Until {
    fn flags(self) -> EventFlags {
        let once = EventFlags::ONESHOT;
        match self {
            Self::Readable => EventFlags::IN | once,
            Self::Now => EventFlags::IN | EventFlags::OUT | once,
            Self::More => EventFlags::IN | EventFlags::ET | EventFlags::RDHUP,
            Self::Always => EventFlags::IN,
            Self::Never => once,
        }
    }
}

impl Poller {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &bell, EventData::new_u64(BELL), EventFlags::IN)?;
        Ok(Self { epoll, bell })
    }

    /// Takes in something new.
    pub(super) fn add(&self, fd: impl AsFd, number: u64, until: Until) -> io::Result<()> {
        let data = EventData::new_u64(number);
        Ok(epoll::add(&self.epoll, fd, data, until.flags())?)
    }

    /// Waits for something else of what was taken in.
    pub(super) fn arm(&self, fd: impl AsFd, number: u64, until: Until) -> io::Result<()> {
        let data = EventData::new_u64(number);
        Ok(epoll::modify(&self.epoll, fd, data, until.flags())?)
    }

    /// Ends the wait under way and the next ones.
    pub(super) fn ring(&self) {
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    /// Waits, so long at most. Those that are ready are told, and whether their other ends have gone or
    /// say nothing more.
    pub(super) fn wait(&self, most: Duration) -> io::Result<Vec<(u64, bool)>> {
        let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
        let most = Timespec::try_from(most).map_err(io::Error::other)?;
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&most)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let gone = EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR;
        // Copied first: the kernel packs an event without padding.
        let ready = events.iter().map(|event| (event.data, event.flags));
        let ready = ready.map(|(data, flags)| (data.u64(), flags.intersects(gone)));
        Ok(ready.collect())
    }
}
