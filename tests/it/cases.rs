//! Cases that are tried side by side: most of their time is waiting. One that fails doesn't stop the
//! others, and those that hang are named.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// Longest time until the next case ends; longer is a hang.
const PATIENCE: Duration = Duration::from_secs(300);

/// Tries cases, so many at once: those whose names have the word that an environment variable says,
/// if it says one. An Err of `run`, or what its panic said, is what is wrong.
pub(crate) fn try_all<C: Send>(
    variable: &str,
    at_once: usize,
    cases: impl IntoIterator<Item = C>,
    name: impl Fn(&C) -> String + Sync,
    run: impl Fn(&C) -> Result<(), String> + Sync,
) {
    let filter = std::env::var(variable).unwrap_or_default();
    let cases = cases
        .into_iter()
        .filter(|case| name(case).contains(&filter));
    let (start, cases) = (Instant::now(), cases.collect::<Vec<C>>());
    let count = cases.len();
    assert!(count > 0, "no case is called {filter:?}");
    let (next, running) = (Mutex::new(cases.into_iter()), Mutex::new(Vec::new()));
    let (sender, ended) = channel();
    let work = || {
        loop {
            let Some(case) = next.lock().unwrap().next() else {
                return;
            };
            let name = name(&case);
            running.lock().unwrap().push(name.clone());
            let tried = catch_unwind(AssertUnwindSafe(|| run(&case)));
            let fault = tried.unwrap_or_else(|panic| Err(said(&*panic))).err();
            running.lock().unwrap().retain(|other| *other != name);
            let _ = sender.send(fault.map(|fault| format!("{name}: {fault}")));
        }
    };
    let mut failed = Vec::new();
    thread::scope(|scope| {
        (0..at_once.min(count)).for_each(|_| drop(scope.spawn(work)));
        for _ in 0..count {
            let Ok(fault) = ended.recv_timeout(PATIENCE) else {
                eprintln!("these hang: {:#?}", running.lock().unwrap());
                std::process::exit(1);
            };
            failed.extend(fault.inspect(|fault| println!("--- failed: {fault}")));
        }
    });
    println!("{count} cases in {} s", start.elapsed().as_secs());
    assert!(failed.is_empty(), "{} of {count} failed", failed.len());
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("panicked").to_owned()
}
