//! What a call was given: fields of a JSON body, of a query or of a form, in any letter case, with
//! numbers that may come as strings — the service takes both.

use super::refusal::Refusal;
use serde_json::Value;
use std::collections::HashMap;

/// Fields by their names in lower case.
#[derive(Default)]
pub struct Args(HashMap<String, Value>);

impl Args {
    /// From a JSON object.
    pub fn json(body: &[u8]) -> Result<Args, Refusal> {
        let value: Value = serde_json::from_slice(body).map_err(|_| Refusal::Field("JSON"))?;
        let Value::Object(fields) = value else {
            return Err(Refusal::Field("JSON"));
        };
        let lower = fields.into_iter().map(|(k, v)| (k.to_ascii_lowercase(), v));
        Ok(Args(lower.collect()))
    }

    /// From a query.
    pub fn query(query: &str) -> Args {
        let mut args = Args::default();
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            args.set(&decode(key), decode(value));
        }
        args
    }

    /// Adds a field.
    pub fn set(&mut self, name: &str, value: String) {
        self.0
            .insert(name.to_ascii_lowercase(), Value::String(value));
    }

    fn value(&self, name: &str) -> Option<&Value> {
        let value = self.0.get(&name.to_ascii_lowercase());
        value.filter(|v| !v.is_null())
    }

    /// A number that must be there.
    pub fn number(&self, name: &'static str) -> Result<u64, Refusal> {
        let value = self.value(name).ok_or(Refusal::Field(name))?;
        number(value).ok_or(Refusal::Field(name))
    }

    /// A number that may be there.
    pub fn maybe(&self, name: &'static str) -> Result<Option<u64>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(value) => number(value).map(Some).ok_or(Refusal::Field(name)),
        }
    }

    /// A text that must be there.
    pub fn text(&self, name: &'static str) -> Result<String, Refusal> {
        match self.value(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            _ => Err(Refusal::Field(name)),
        }
    }

    /// A list of ids that must be there.
    pub fn ids(&self, name: &'static str) -> Result<Vec<u64>, Refusal> {
        let list = self.value(name).and_then(Value::as_array);
        let list = list.ok_or(Refusal::Field(name))?;
        let ids: Option<Vec<u64>> = list.iter().map(number).collect();
        ids.ok_or(Refusal::Field(name))
    }

    /// Is this flag set?
    pub fn flag(&self, name: &str) -> bool {
        match self.value(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "true",
            _ => false,
        }
    }
}

/// A number, whether it came as one or as a string.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Undoes the encoding of queries.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = bytes.get(at + 1..at + 3);
        let code = code.and_then(|c| std::str::from_utf8(c).ok());
        match (bytes[at], code.and_then(|c| u8::from_str_radix(c, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
