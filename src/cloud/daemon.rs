//! A thread that works in the background as long as its owner lives: a bell wakes it, and the bell's
//! end is its own.

use crate::warning::Kind;
use log::warn;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

/// Bytes of stack; it makes HTTPS calls.
const STACK: usize = 256 << 10;

/// The thread; none if the machine had none left. When this is dropped it ends, after its call.
pub struct Daemon {
    /// Sending wakes it, hanging up ends it.
    bell: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Daemon {
    /// Starts the thread, which is told of rings; `follows` says what follows without it.
    pub fn start(
        name: &'static str,
        follows: &str,
        work: impl FnOnce(Receiver<()>) + Send + 'static,
    ) -> Self {
        let (bell, rung) = sync_channel(1);
        let builder = Builder::new().name(name.to_owned()).stack_size(STACK);
        let thread = builder.spawn(move || work(rung));
        let thread = thread.inspect_err(|error| {
            warn!(target: &Kind::Resources.about(name), "{follows}: starting a thread: {error}");
        });
        Self {
            bell: Some(bell),
            thread: thread.ok(),
        }
    }

    /// Has it look as soon as it is free.
    pub fn wake(&self) {
        // One ring is as good as many.
        let _ = self.bell.as_ref().map(|bell| bell.try_send(()));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.bell = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
