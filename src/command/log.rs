//! The log: lines to standard error, as `RUST_LOG` wants them. What is said is others' business, and
//! how often the same is said `lines`'.

use crate::civil;
use crate::lines::{REPEATED, Repeats, harmless};
use crate::server;
use crate::watch::Watch;
use log::{LevelFilter, warn};
use std::env;
use std::io::Write;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Starts the log at a level, unless `RUST_LOG` names another; warnings go to `watch` as well.
pub fn start_log(level: &str, watch: Option<Arc<Watch>>) {
    let asked = env::var("RUST_LOG").unwrap_or_default();
    let is_bogus = is_bogus(&asked);
    let filters = if asked.is_empty() || is_bogus {
        level
    } else {
        &asked
    };
    let mut builder = env_logger::Builder::new();
    builder.parse_filters(filters);
    // systemd puts the time before each line itself.
    let timed = env::var_os("JOURNAL_STREAM").is_none();
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
        if timed {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            write!(out, "{} ", civil::rfc3339(since.map_or(0, |t| t.as_secs())))?;
        }
        writeln!(out, "{:<5} {line}", record.level())
    });
    builder.init();
    // At trace the HTTP library writes whole addresses, some of which hold secrets.
    log::set_max_level(log::max_level().min(LevelFilter::Debug));
    if is_bogus {
        warn!(
            "RUST_LOG {asked:?} is no level: write error, warn, info, debug or off; {level} counts"
        );
    }
}

/// Whether it is one word that is neither a level nor this program, so that nothing would be said.
fn is_bogus(asked: &str) -> bool {
    let is_word = !asked.is_empty() && !asked.contains([',', '=', ':', '/']);
    is_word && asked.parse::<LevelFilter>().is_err() && asked != env!("CARGO_CRATE_NAME")
}

#[cfg(test)]
mod tests {
    use super::is_bogus;

    #[test]
    fn words_that_are_no_levels() {
        for (asked, is) in [
            ("bogus", true),
            ("", false),
            ("INFO", false),
            ("off", false),
            ("restic_123pan", false),
            ("restic_123pan::front=debug,warn", false),
        ] {
            assert_eq!(is_bogus(asked), is, "{asked}");
        }
    }
}
