//! The dashboard for Grafana asks for what `/-/metrics` really tells, in queries that Prometheus
//! takes.

use super::finish;
use crate::rig::Rig;
use crate::tools::tool;
use crate::tree::TempDir;
use crate::waiting::awaited;
use crate::wire::Wire;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::process::Command;

/// What every name begins with.
const PREFIX: &str = "restic_123pan_";

fn dashboard() -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_restic-123pan"));
    let output = finish(command.args(["service", "grafana"]));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every query, as Prometheus gets it when all servers are chosen.
fn queries(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap());
    let text = |target: &Value| target["expr"].as_str().unwrap().to_owned();
    let all = targets.map(text).map(|query| {
        let query = query.replace("$server", ".*");
        query.replace("$__rate_interval", "5m")
    });
    all.collect()
}

/// What the server tells: each name with its labels.
fn metrics(rig: &Rig) -> BTreeMap<String, BTreeSet<String>> {
    // The first look has the account looked at, and a snapshot counts when its answer has been sent.
    let text = awaited(|| {
        let answer = Wire::open(rig.address()).ask("GET", "/-/metrics", "", b"");
        let text = answer.text();
        let late = ["space_total_bytes ", "last_snapshot_timestamp_seconds{"];
        let is_whole = late.iter().all(|name| text.contains(name));
        if is_whole { Ok(text) } else { Err(text) }
    });
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_at(line.find(['{', ' ']).unwrap());
        let labels = rest
            .split(['{', ','])
            .filter_map(|part| part.split_once("=\""));
        let labels = labels.map(|(label, _)| label.to_owned());
        all.entry(name.to_owned()).or_default().extend(labels);
    }
    all
}

/// The words of a query, or of a line's name.
fn words(query: &str) -> impl Iterator<Item = &str> {
    query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

/// The labels that a query sums by.
fn labels(query: &str) -> Vec<&str> {
    let lists = query.split("by (").skip(1);
    let lists = lists.filter_map(|rest| rest.split(')').next());
    lists
        .flat_map(words)
        .filter(|word| !word.is_empty())
        .collect()
}

#[test]
fn the_dashboard_asks_for_what_there_is() {
    let rig = Rig::start(&[]);
    let mut wire = Wire::open(rig.address());
    assert_eq!(wire.ask("POST", "/ab/?create=true", "", b"").status, 200);
    let name = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let path = format!("/ab/snapshots/{name}");
    assert_eq!(wire.ask("POST", &path, "", b"secret").status, 200);
    assert_eq!(wire.ask("GET", "/-/readyz", "", b"").status, 200);
    let told = metrics(&rig);
    let dashboard = dashboard();
    let queries = queries(&dashboard);
    assert!(queries.len() > 20, "{queries:#?}");
    for query in &queries {
        let names: Vec<&str> = words(query).filter(|w| w.starts_with(PREFIX)).collect();
        assert!(!names.is_empty(), "{query}");
        for name in names {
            let known = told.get(name);
            let known = known.unwrap_or_else(|| panic!("{name} isn't told: {told:#?}"));
            for label in labels(query) {
                assert!(known.contains(label), "{name} has no {label}");
            }
        }
    }
    places_are_apart(&dashboard);
    promtool_takes(&queries);
}

/// No panel lies on another one.
fn places_are_apart(dashboard: &Value) {
    let mut taken = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        for x in at("x")..at("x") + at("w") {
            assert!(x < 24, "{panel}");
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{panel}");
            }
        }
    }
}

fn promtool_takes(queries: &[String]) {
    let Some(promtool) = tool("promtool") else {
        return;
    };
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    for (number, query) in queries.iter().enumerate() {
        let _ = writeln!(rules, "  - record: panel:{number}\n    expr: {query:?}");
    }
    let dir = TempDir::new();
    let path = dir.path().join("rules.yml");
    fs::write(&path, rules).unwrap();
    let output = finish(Command::new(promtool).args(["check", "rules"]).arg(&path));
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{said}");
}
