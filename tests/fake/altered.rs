//! Answers that are well but for something in their data, as an ordered fault says. Pure.

use super::faults::How;
use serde_json::{Value, json};

/// The data of an answer with what a fault makes of it.
pub fn alter(data: Value, how: &How) -> Value {
    match how {
        How::WrongId => other_ids(data),
        How::Fields(fields) => with(data, fields),
        How::MoreRow(fields) => in_rows(data, |rows| {
            let twin = rows.first().cloned();
            rows.extend(twin.map(|row| with(row, fields)));
        }),
        How::OtherRows(fields) => in_rows(data, |rows| {
            let is_file = |row: &&mut Value| row["type"] == 0 || row["type"] == "file";
            for row in rows.iter_mut().filter(is_file) {
                *row = with(row.take(), fields);
            }
        }),
        How::UnknownHost => other_hosts(data, "nobody.invalid"),
        // Nothing listens on port 1.
        How::DeadHost => other_hosts(data, "127.0.0.1:1"),
        _ => data,
    }
}

/// The same object with these fields.
fn with(mut object: Value, fields: &Value) -> Value {
    for (key, value) in fields.as_object().into_iter().flatten() {
        object[key] = value.clone();
    }
    object
}

/// The same data with its rows changed, if it has any.
fn in_rows(mut data: Value, change: impl FnOnce(&mut Vec<Value>)) -> Value {
    for name in ["fileList", "contents"] {
        if let Some(rows) = data.get_mut(name).and_then(Value::as_array_mut) {
            change(rows);
            break;
        }
    }
    data
}

/// The same data with ids of no file.
fn other_ids(mut data: Value) -> Value {
    if let Some(fields) = data.as_object_mut() {
        for (key, value) in fields {
            if ["fileID", "fileId", "dirID"].contains(&key.as_str()) {
                *value = json!(999_999_999_999_u64);
            } else if value.is_array() || value.is_object() {
                *value = other_ids(value.take());
            }
        }
    } else if let Some(list) = data.as_array_mut() {
        for value in list {
            *value = other_ids(value.take());
        }
    }
    data
}

/// The same data with other hosts in its addresses.
fn other_hosts(data: Value, host: &str) -> Value {
    match data {
        Value::String(text) => match text.strip_prefix("http://") {
            Some(rest) => {
                let path = rest.find('/').map_or("", |at| &rest[at..]);
                json!(format!("http://{host}{path}"))
            }
            None => json!(text),
        },
        Value::Array(list) => list.into_iter().map(|v| other_hosts(v, host)).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            fields.map(|(k, v)| (k, other_hosts(v, host))).collect()
        }
        other => other,
    }
}
