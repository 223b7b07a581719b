//! A dashboard for Grafana over what `/-/metrics` tells Prometheus. Which names there are is
//! `watch`'s business; a test compares.

use serde_json::{Value, json};

/// What each name begins with.
const PREFIX: &str = "restic_123pan_";
/// Grafana's units of width in a row.
const ROW: u64 = 24;
/// The version of the dashboards' format from which on it is understood: Grafana 10.
const SCHEMA: u64 = 38;
/// Where Grafana keeps what was chosen at the top of the page: Prometheus, and which servers.
const SOURCE: &str = "${source}";

/// How a panel looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// One number.
    Stat,
    /// Lines over the time.
    Lines,
}

/// A panel: its title, Grafana's name of its unit, and its lines: a query and what it is called.
/// In a query `@` stands before a name of ours, and `{}` for the servers that were chosen.
struct Panel(&'static str, Look, &'static str, &'static [Query]);

type Query = (&'static str, &'static str);

/// What is shown, from the top; what calls for somebody comes first.
const PANELS: [Panel; 22] = [
    Panel(
        "Cloud",
        Look::Stat,
        "bool_yes_no",
        &[("min(@cloud_up{})", "answers")],
    ),
    Panel(
        "Troubles that need you",
        Look::Stat,
        "none",
        &[("sum(@cloud_troubles{})", "now")],
    ),
    Panel(
        "Oldest last snapshot",
        Look::Stat,
        "s",
        &[(
            "time() - min(@repository_last_snapshot_timestamp_seconds{})",
            "ago",
        )],
    ),
    Panel(
        "Space used",
        Look::Stat,
        "percentunit",
        &[(
            "max(@space_used_bytes{} / @space_total_bytes{})",
            "of the account",
        )],
    ),
    Panel(
        "Access to the cloud ends",
        Look::Stat,
        "s",
        &[("min(@access_expiry_timestamp_seconds{}) - time()", "in")],
    ),
    Panel(
        "Token ends",
        Look::Stat,
        "s",
        &[("min(@token_expiry_timestamp_seconds{}) - time()", "in")],
    ),
    Panel(
        "Damaged, and not removed",
        Look::Stat,
        "none",
        &[
            ("sum(@damaged_files_total{})", "damaged"),
            ("sum(@unremoved_packs_total{})", "not removed"),
        ],
    ),
    Panel(
        "Running since",
        Look::Stat,
        "s",
        &[("time() - min(@start_time_seconds{})", "up")],
    ),
    Panel(
        "Traffic with clients",
        Look::Lines,
        "Bps",
        &[
            (
                "sum(rate(@received_bytes_total{}[$__rate_interval]))",
                "received",
            ),
            ("-sum(rate(@sent_bytes_total{}[$__rate_interval]))", "sent"),
        ],
    ),
    Panel(
        "Traffic of each repository",
        Look::Lines,
        "Bps",
        &[
            (
                "sum by (repository) (rate(@repository_received_bytes_total{}[$__rate_interval]))",
                "{{repository}} received",
            ),
            (
                "-sum by (repository) (rate(@repository_sent_bytes_total{}[$__rate_interval]))",
                "{{repository}} sent",
            ),
        ],
    ),
    Panel(
        "Age of each last snapshot",
        Look::Lines,
        "s",
        &[(
            "time() - max by (repository) (@repository_last_snapshot_timestamp_seconds{})",
            "{{repository}}",
        )],
    ),
    Panel(
        "Requests by status",
        Look::Lines,
        "reqps",
        &[(
            "sum by (status) (rate(@requests_total{}[$__rate_interval]))",
            "{{status}}",
        )],
    ),
    Panel(
        "Requests that broke off",
        Look::Lines,
        "reqps",
        &[(
            "sum(rate(@requests_cut_total{}[$__rate_interval]))",
            "broken off",
        )],
    ),
    Panel(
        "Duration, 95 of 100 below",
        Look::Lines,
        "s",
        &[(
            "histogram_quantile(0.95, sum by (le, operation) \
         (rate(@request_duration_seconds_bucket{}[$__rate_interval])))",
            "{{operation}}",
        )],
    ),
    Panel(
        "Requests waiting and running",
        Look::Lines,
        "none",
        &[
            ("sum by (lane) (@requests_waiting{})", "{{lane}} waiting"),
            ("sum by (lane) (@requests_running{})", "{{lane}} running"),
        ],
    ),
    Panel(
        "Memory of held uploads",
        Look::Lines,
        "bytes",
        &[
            ("sum(@held_memory_bytes{})", "held"),
            ("sum(@held_memory_limit_bytes{})", "limit"),
        ],
    ),
    Panel(
        "Uploads to the cloud",
        Look::Lines,
        "none",
        &[
            ("sum(@uploads_in_flight{})", "under way"),
            ("sum(@uploads_limit{})", "limit"),
        ],
    ),
    Panel(
        "Files to remove",
        Look::Lines,
        "none",
        &[
            ("sum(@removing_packs{})", "packs under way"),
            ("sum(@bin_files{})", "to be purged from the bin"),
        ],
    ),
    Panel(
        "Calls to the cloud",
        Look::Lines,
        "reqps",
        &[(
            "sum by (endpoint) (rate(@cloud_calls_total{}[$__rate_interval]))",
            "{{endpoint}}",
        )],
    ),
    Panel(
        "Calls refused or failed",
        Look::Lines,
        "reqps",
        &[
            (
                "sum by (endpoint) (rate(@cloud_throttled_total{}[$__rate_interval]))",
                "{{endpoint}} too often",
            ),
            (
                "sum by (endpoint) (rate(@cloud_failed_total{}[$__rate_interval]))",
                "{{endpoint}} failed",
            ),
        ],
    ),
    Panel(
        "Waiting for the cloud's rates",
        Look::Lines,
        "s",
        &[(
            "sum by (endpoint) (rate(@cloud_rate_wait_seconds_total{}[$__rate_interval]))",
            "{{endpoint}}",
        )],
    ),
    Panel(
        "Space",
        Look::Lines,
        "bytes",
        &[
            ("max(@space_used_bytes{})", "used"),
            ("max(@space_total_bytes{})", "in all"),
        ],
    ),
];

/// The dashboard, as Grafana imports it.
pub(super) fn dashboard() -> String {
    let mut place = Place::default();
    let panels: Vec<Value> = (1..)
        .zip(&PANELS)
        .map(|(id, panel)| panel.json(id, &mut place))
        .collect();
    let whole = json!({
        "title": "restic-123pan",
        "uid": "restic-123pan",
        "tags": ["restic", "backup"],
        "schemaVersion": SCHEMA,
        "editable": true,
        "refresh": "1m",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {"list": [source(), servers()]},
        "panels": panels,
    });
    format!("{whole:#}\n")
}

fn source() -> Value {
    json!({"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"})
}

fn servers() -> Value {
    json!({
        "name": "server",
        "label": "Server",
        "type": "query",
        "datasource": {"type": "prometheus", "uid": SOURCE},
        "query": format!("label_values({PREFIX}build_info, instance)"),
        "refresh": 2,
        "multi": true,
        "includeAll": true,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    })
}

/// Where the next panel goes.
#[derive(Default)]
struct Place {
    x: u64,
    y: u64,
    /// The height of the row.
    height: u64,
}

impl Place {
    fn take(&mut self, width: u64, height: u64) -> Value {
        if self.x + width > ROW || height != self.height {
            (self.x, self.y) = (0, self.y + self.height);
        }
        let taken = json!({"x": self.x, "y": self.y, "w": width, "h": height});
        (self.x, self.height) = (self.x + width, height);
        taken
    }
}

impl Panel {
    fn json(&self, id: u64, place: &mut Place) -> Value {
        let Self(title, look, unit, queries) = self;
        let (kind, width, height) = match look {
            Look::Stat => ("stat", 3, 4),
            Look::Lines => ("timeseries", 12, 8),
        };
        let targets = ('A'..).zip(*queries);
        let targets: Vec<Value> = targets.map(|(id, query)| target(id, *query)).collect();
        json!({
            "id": id,
            "title": title,
            "type": kind,
            "datasource": {"type": "prometheus", "uid": SOURCE},
            "gridPos": place.take(width, height),
            "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
            "targets": targets,
        })
    }
}

fn target(id: char, (query, name): Query) -> Value {
    let query = query
        .replace('@', PREFIX)
        .replace("{}", "{instance=~\"$server\"}");
    json!({"refId": id, "expr": query, "legendFormat": name})
}
