//! How the server's threads are started, and how they live on when something in them panics.

use crate::warning::Kind;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// A thread's stack in bytes. Most of it is never touched; TLS handshakes happen on it.
const STACK: usize = 512 << 10;

/// Starts a thread. All bodies are of one type, so that the code for a start is there once.
pub(super) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let body: Box<dyn FnOnce() + Send> = Box::new(body);
    let builder = thread::Builder::new().name(name.to_owned());
    builder.stack_size(STACK).spawn(body).map(drop)
}

/// Runs something that may panic, so that the thread lives on.
pub(super) fn guarded<T>(what: &str, run: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(run));
    done.inspect_err(|_| log::error!(target: &Kind::Panic.about(what), "{what} panicked; the line before says why"))
        .ok()
}
