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

/// The panels, as the file itself explains.
const PANELS: &str = include_str!("../templates/grafana");

/// The dashboard, as Grafana imports it.
pub(super) fn dashboard() -> String {
    let mut place = Place::default();
    let panels = PANELS.trim_end().split("\n\n").skip(1);
    let panels: Vec<Value> = (1..)
        .zip(panels)
        .filter_map(|(id, lines)| panel(id, lines, &mut place))
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

/// A panel from its lines.
fn panel(id: u64, lines: &str, place: &mut Place) -> Option<Value> {
    let (head, queries) = lines.split_once('\n')?;
    let (look, rest) = head.split_once(' ')?;
    let (unit, title) = rest.split_once(' ')?;
    let (kind, width, height) = match look {
        "stat" => ("stat", 3, 4),
        _ => ("timeseries", 12, 8),
    };
    let targets = ('A'..).zip(queries.lines());
    let targets: Vec<Value> = targets.filter_map(target).collect();
    Some(json!({
        "id": id,
        "title": title,
        "type": kind,
        "datasource": {"type": "prometheus", "uid": SOURCE},
        "gridPos": place.take(width, height),
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": targets,
    }))
}

fn target((id, line): (char, &str)) -> Option<Value> {
    let (name, query) = line.trim().split_once(" = ")?;
    let query = query
        .replace('@', PREFIX)
        .replace("{}", "{instance=~\"$server\"}")
        .replace("[]", "[$__rate_interval]");
    Some(json!({"refId": id, "expr": query, "legendFormat": name}))
}
