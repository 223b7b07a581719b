//! Connections to what is measured, and the emulator's control paths.

use crate::wire::Wire;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Calls by endpoint.
pub(crate) type Bill = BTreeMap<String, u64>;

/// The header by which restic gets sizes in lists.
pub(crate) const SIZES: &str = "Accept: application/vnd.x.restic.rest.v2\r\n";
/// How long an answer may take: calls wait for their rates.
const PATIENCE: Duration = Duration::from_secs(600);

/// Connects to this machine.
pub(crate) fn open(port: u16) -> Wire {
    Wire::try_open(([127, 0, 0, 1], port).into(), PATIENCE).unwrap()
}

/// Asks an emulator something, or tells it.
pub(crate) fn control(url: &str, path: &str, body: Option<&Value>) -> Value {
    let (_, port) = url.rsplit_once(':').unwrap();
    let method = if body.is_some() { "POST" } else { "GET" };
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut wire = open(port.parse().unwrap());
    let answer = wire.ask(method, &format!("/__fake/{path}"), "", body.as_bytes());
    assert_eq!(answer.status, 200, "{path}");
    serde_json::from_str(&answer.text()).unwrap()
}

/// What an emulator has counted, and how many calls it has refused for their rate.
pub(crate) fn calls(url: &str) -> (Bill, u64) {
    let all = control(url, "calls", None);
    let mut limited = 0;
    let mut bill = Bill::new();
    for (endpoint, count) in all["endpoints"].as_object().unwrap() {
        limited += count["limited"].as_u64().unwrap();
        bill.insert(endpoint.clone(), count["calls"].as_u64().unwrap());
    }
    bill.remove("cdn");
    (bill, limited)
}

/// The calls between two counts.
pub(crate) fn between(before: &Bill, after: &Bill) -> Bill {
    let made = |(endpoint, count): (&String, &u64)| {
        let made = count - before.get(endpoint).unwrap_or(&0);
        (made > 0).then(|| (endpoint.clone(), made))
    };
    after.iter().filter_map(made).collect()
}

/// A bill on one line.
pub(crate) fn told(bill: &Bill) -> String {
    let parts = bill
        .iter()
        .map(|(endpoint, calls)| format!("{endpoint} {calls}"));
    parts.collect::<Vec<_>>().join(", ")
}
