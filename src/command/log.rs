//! The log: lines to standard error, as `RUST_LOG` wants them. What is said is others' business, and
//! how often the same is said `lines`'.

use crate::civil;
use crate::lines::{REPEATED, Repeats, harmless};
use crate::server;
use crate::watch::Watch;
use log::{Level, LevelFilter};
use std::env;
use std::io::Write;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Starts the log at a level, unless `RUST_LOG` names another; warnings go to `watch` as well.
pub fn start_log(level: &str, watch: Option<Arc<Watch>>) {
    let default = env_logger::Env::default().default_filter_or(level);
    let mut builder = env_logger::Builder::from_env(default);
    // systemd puts the time before each line itself, and reads the priority there.
    let journal = env::var_os("JOURNAL_STREAM").is_some();
    let repeats = Arc::<Repeats>::default();
    builder.format(move |out, record| {
        // It calls it an error that its accept loop ends, which is what we want of it.
        if record.target().starts_with(server::LIBRARY) {
            return Ok(());
        }
        if let Some(watch) = watch.as_ref().filter(|_| record.target() != REPEATED) {
            watch.log(record);
        }
        let line = harmless(&record.args().to_string());
        if !repeats.admits(record, &line) {
            return Ok(());
        }
        write!(out, "{}", beginning(record.level(), journal))?;
        writeln!(out, "{:<5} {line}", record.level())
    });
    builder.init();
    // At trace the HTTP library writes whole addresses, some of which hold secrets.
    log::set_max_level(log::max_level().min(LevelFilter::Debug));
}

/// What stands before a line: for the journal its priority, as sd-daemon(3) has it, for others the
/// time.
fn beginning(level: Level, journal: bool) -> String {
    let priority = match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    };
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    match journal {
        true => format!("<{priority}>"),
        false => format!("{} ", civil::rfc3339(since.map_or(0, |t| t.as_secs()))),
    }
}
