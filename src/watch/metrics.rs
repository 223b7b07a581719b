//! A snapshot as Prometheus' text. The names stand in the manual, and a test asks `promtool`.

use super::histogram::BOUNDS;
use super::snapshot::{Latency, Snapshot};
use crate::store::Calls;
use std::fmt::{Display, Write};

/// What every name begins with.
const PREFIX: &str = "restic_123pan_";

/// The media type of the text.
pub const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A snapshot as Prometheus reads it.
pub fn metrics(seen: &Snapshot) -> String {
    let mut page = Page(String::new());
    requests(&mut page, seen);
    latencies(&mut page, &seen.latencies);
    load(&mut page, seen);
    repositories(&mut page, seen);
    cloud(&mut page, seen);
    calls(&mut page, &seen.cloud.calls);
    page.0
}

fn requests(page: &mut Page, seen: &Snapshot) {
    page.family("build_info", "gauge", "The program's version.");
    page.row("build_info", &[("version", &seen.version)], 1);
    page.one(
        "start_time_seconds",
        "gauge",
        "When the server started.",
        seen.started,
    );
    let name = "requests_total";
    page.family(
        name,
        "counter",
        "Requests by the kind of file and the answer's status.",
    );
    for row in &seen.requests {
        page.row(
            name,
            &[("kind", &row.kind), ("status", &row.status)],
            row.count,
        );
    }
    let help = "Requests that broke off before their answer was whole.";
    page.one("requests_cut_total", "counter", help, seen.cut);
    page.one(
        "received_bytes_total",
        "counter",
        "Bytes that clients have sent.",
        seen.received,
    );
    page.one(
        "sent_bytes_total",
        "counter",
        "Bytes that clients have been sent.",
        seen.sent,
    );
}

fn latencies(page: &mut Page, latencies: &[Latency]) {
    let name = "request_duration_seconds";
    page.family(
        name,
        "histogram",
        "How long requests took, by what they do.",
    );
    for row in latencies {
        let operation: Label<'_> = ("operation", &row.operation);
        let mut sum = 0;
        for (bound, count) in BOUNDS.iter().zip(row.times.steps) {
            sum += count;
            let le = seconds(*bound);
            page.row(&format!("{name}_bucket"), &[operation, ("le", &le)], sum);
        }
        let all = row.times.count();
        page.row(
            &format!("{name}_bucket"),
            &[operation, ("le", &"+Inf")],
            all,
        );
        page.row(
            &format!("{name}_sum"),
            &[operation],
            seconds(row.times.sum_ms),
        );
        page.row(&format!("{name}_count"), &[operation], all);
    }
}

fn load(page: &mut Page, seen: &Snapshot) {
    for (name, help, running) in [
        ("requests_waiting", "Requests in a queue.", false),
        ("requests_running", "Requests that a worker has.", true),
    ] {
        page.family(name, "gauge", help);
        for lane in &seen.lanes {
            let count = if running { lane.running } else { lane.waiting };
            page.row(name, &[("lane", &lane.name)], count);
        }
    }
    let help = "Memory that held uploads take.";
    page.one("held_memory_bytes", "gauge", help, seen.memory);
    let help = "Memory that held uploads may take.";
    page.one("held_memory_limit_bytes", "gauge", help, seen.memory_most);
}

fn repositories(page: &mut Page, seen: &Snapshot) {
    let named = || {
        seen.repositories
            .iter()
            .filter(|repo| !repo.name.is_empty())
    };
    let name = "repository_last_snapshot_timestamp_seconds";
    page.family(
        name,
        "gauge",
        "When a repository's last snapshot was stored through this server.",
    );
    for repo in named() {
        if let Some(last) = repo.last_snapshot {
            page.row(name, &[("repository", &repo.name)], last);
        }
    }
    for (name, help, received) in [
        (
            "repository_received_bytes_total",
            "Bytes received for a repository.",
            true,
        ),
        (
            "repository_sent_bytes_total",
            "Bytes sent from a repository.",
            false,
        ),
    ] {
        page.family(name, "counter", help);
        for repo in &seen.repositories {
            let label = if repo.name.is_empty() {
                "other"
            } else {
                &repo.name
            };
            let bytes = if received { repo.received } else { repo.sent };
            page.row(name, &[("repository", &label)], bytes);
        }
    }
}

fn cloud(page: &mut Page, seen: &Snapshot) {
    let cloud = &seen.cloud;
    if let Some(up) = cloud.reachable {
        page.one(
            "cloud_up",
            "gauge",
            "Whether the cloud can be used.",
            u8::from(up),
        );
    }
    if let Some(at) = cloud.answered {
        let help = "When the cloud last answered well.";
        page.one("cloud_last_answer_timestamp_seconds", "gauge", help, at);
    }
    if let Some(at) = cloud.token_expires {
        page.one(
            "token_expiry_timestamp_seconds",
            "gauge",
            "When the access token ends.",
            at,
        );
    }
    if let Some(account) = &cloud.account {
        page.one(
            "space_used_bytes",
            "gauge",
            "Space used in the account.",
            account.used,
        );
        page.one(
            "space_total_bytes",
            "gauge",
            "Space of the account.",
            account.total,
        );
        if let Some(at) = account.paid_until {
            let help = "When the paid access to the cloud's interface ends.";
            page.one("access_expiry_timestamp_seconds", "gauge", help, at);
        }
    }
    files(page, seen);
}

fn files(page: &mut Page, seen: &Snapshot) {
    let cloud = &seen.cloud;
    page.one(
        "uploads_in_flight",
        "gauge",
        "Uploads to the cloud under way.",
        cloud.uploads,
    );
    page.one(
        "uploads_limit",
        "gauge",
        "Most uploads at the same time.",
        cloud.uploads_most,
    );
    page.one(
        "removing_packs",
        "gauge",
        "Packs whose removal was acknowledged and is under way.",
        cloud.removing,
    );
    page.one(
        "unremoved_packs_total",
        "counter",
        "Packs whose removal was acknowledged and has failed.",
        cloud.unremoved,
    );
    page.one(
        "bin_files",
        "gauge",
        "Deleted files that are still to be purged.",
        cloud.bin,
    );
    page.one(
        "damaged_files_total",
        "counter",
        "Files found damaged at the cloud.",
        cloud.damaged,
    );
    let name = "cloud_troubles";
    let current = cloud
        .troubles
        .iter()
        .filter(|trouble| trouble.is_current(seen.now));
    page.one(
        name,
        "gauge",
        "Troubles that ask for the owner now.",
        current.count(),
    );
}

fn calls(page: &mut Page, calls: &[Calls]) {
    type Value = fn(&Calls) -> String;
    let table: [(&str, &str, &str, Value); 6] = [
        ("cloud_calls_total", "counter", "Calls to the cloud.", |c| {
            c.made.to_string()
        }),
        (
            "cloud_throttled_total",
            "counter",
            "Calls refused for coming too often.",
            |c| c.throttled.to_string(),
        ),
        (
            "cloud_failed_total",
            "counter",
            "Calls that failed otherwise.",
            |c| c.failed.to_string(),
        ),
        (
            "cloud_rate_wait_seconds_total",
            "counter",
            "Time that requests waited for a rate.",
            |c| seconds(c.waited_ms),
        ),
        (
            "cloud_calls_waiting",
            "gauge",
            "Calls that wait for a rate.",
            |c| c.waiting.to_string(),
        ),
        (
            "cloud_calls_per_second",
            "gauge",
            "The rate that is kept now.",
            |c| format!("{:.3}", c.per_second),
        ),
    ];
    for (name, kind, help, value) in table {
        page.family(name, kind, help);
        for call in calls {
            page.row(name, &[("endpoint", &call.name)], value(call));
        }
    }
}

/// Milliseconds in seconds.
fn seconds(millis: u64) -> String {
    let (whole, rest) = (millis / 1000, millis % 1000);
    match rest {
        0 => whole.to_string(),
        _ => format!("{whole}.{rest:03}")
            .trim_end_matches('0')
            .to_owned(),
    }
}

/// A label's name and value.
type Label<'a> = (&'static str, &'a dyn Display);

/// The text as it grows.
struct Page(String);

// Writing to a String can't fail.
impl Page {
    /// Opens a family.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(
            self.0,
            "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}"
        );
    }

    /// A family of one.
    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.row(name, &[], value);
    }

    fn row(&mut self, name: &str, labels: &[Label<'_>], value: impl Display) {
        let _ = write!(self.0, "{PREFIX}{name}");
        for (at, (label, value)) in labels.iter().enumerate() {
            let open = if at == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{open}{label}=\"{}\"", escaped(&value.to_string()));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{close} {value}");
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
