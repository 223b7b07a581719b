//! The log: lines to standard error, as `RUST_LOG` wants them. What is said is others' business, and
//! how often the same is said `lines`'.

use crate::civil;
use crate::lines::{REPEATED, Repeats, harmless};
use crate::watch::Watch;
use log::LevelFilter;
use std::env;
use std::io::Write;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Starts the log at a level, unless `RUST_LOG` names another; warnings go to `watch` as well.
pub fn start_log(level: &str, watch: Option<Arc<Watch>>) {
    let default = env_logger::Env::default().default_filter_or(level);
    let mut builder = env_logger::Builder::from_env(default);
    // systemd puts the time before each line itself.
    let timed = env::var_os("JOURNAL_STREAM").is_none();
    let repeats = Arc::<Repeats>::default();
    builder.format(move |out, record| {
        if let Some(watch) = watch.as_ref().filter(|_| record.target() != REPEATED) {
            watch.log(record);
        }
        let line = harmless(&record.args().to_string());
        if !repeats.admits(record, &line) {
            return Ok(());
        }
        if timed {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            write!(out, "{} ", civil::rfc3339(since.map_or(0, |t| t.as_secs())))?;
        }
        writeln!(out, "{:<5} {line}", record.level())
    });
    builder.init();
    // At trace the HTTP library writes whole addresses, some of which hold secrets.
    log::set_max_level(log::max_level().min(LevelFilter::Debug));
}
