//! The data of answers, as far as we use it. What is a number may come as a text and the other way
//! round; what isn't named here is passed over.

use serde::{Deserialize, Deserializer};

/// A number or a text with one.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    maybe(from)?.ok_or_else(|| serde::de::Error::custom("no number"))
}

/// The same where there may be none.
fn maybe<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let bad = || serde::de::Error::custom("not a number");
    match Option::deserialize(from)? {
        None => Ok(None),
        Some(Either::Number(number)) => Ok(Some(number)),
        Some(Either::Text(text)) => text.parse().map(Some).map_err(|_| bad()),
    }
}

/// A text or a number as a text; an empty one is none.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = match Option::deserialize(from)? {
        None => return Ok(None),
        Some(Either::Number(number)) => number.to_string(),
        Some(Either::Text(text)) => text,
    };
    Ok(Some(text).filter(|text| !text.is_empty()))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Either {
    Number(u64),
    Text(String),
}

/// A new token.
#[derive(Deserialize)]
pub struct Granted {
    /// The token itself.
    #[serde(rename = "accessToken")]
    pub token: String,
    /// Seconds.
    #[serde(rename = "expiresIn", deserialize_with = "number")]
    pub life: u64,
}

/// An entry of a folder.
#[derive(Clone, Debug, Deserialize)]
pub struct Entry {
    /// Its name; empty where the answer has none.
    #[serde(default)]
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// Bytes.
    #[serde(default, deserialize_with = "maybe")]
    pub size: Option<u64>,
    /// Its checksum.
    #[serde(default, deserialize_with = "maybe")]
    pub crc64: Option<u64>,
    /// When it was made.
    #[serde(rename = "creationTime", default)]
    pub made: Option<String>,
    /// Whether its bytes went because the space was over its quota.
    #[serde(rename = "removedByQuota", default)]
    pub removed: bool,
}

impl Entry {
    /// Whether it is a file with bytes of its own (safety rule 13).
    pub fn is_file(&self) -> bool {
        matches!(&*self.kind, "file" | "image" | "video")
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.kind == "dir"
    }

    /// Whether it has exactly these bytes, as far as a checksum tells.
    pub fn holds(&self, size: u64, crc64: u64) -> bool {
        let same = self.size == Some(size) && self.crc64 == Some(crc64);
        same && self.is_file() && !self.removed
    }
}

/// One page of a folder.
#[derive(Deserialize)]
pub struct Page {
    /// Its entries. An answer without them is none (safety rule 14).
    pub contents: Vec<Entry>,
    /// What asks for the next one.
    #[serde(rename = "nextMarker", default, deserialize_with = "text")]
    pub next: Option<String>,
}

/// The start of an upload. It has no `Debug`: its headers are a signature.
#[derive(Deserialize)]
pub struct StartedUpload {
    /// The storage host.
    pub domain: String,
    /// The path there.
    pub path: String,
    /// What must go with the bytes.
    #[serde(default)]
    pub headers: std::collections::BTreeMap<String, String>,
    /// By what it is confirmed.
    #[serde(rename = "confirmKey")]
    pub key: String,
    /// When it ends, as RFC 3339 writes it.
    #[serde(rename = "expiration", default)]
    pub until: Option<String>,
}

/// A confirmed upload.
#[derive(Debug, Deserialize)]
pub struct Confirmed {
    /// Where the file lies; None if its folder has gone.
    pub path: Option<Vec<String>>,
    /// Bytes.
    #[serde(default, deserialize_with = "maybe")]
    pub size: Option<u64>,
    /// Their checksum.
    #[serde(default, deserialize_with = "maybe")]
    pub crc64: Option<u64>,
}

/// An upload that was begun.
#[derive(Debug, Deserialize)]
pub struct Session {
    /// Whether its file is there.
    pub confirmed: bool,
}

/// Where a file can be downloaded. It has no `Debug`: the address is a secret.
#[derive(Deserialize)]
pub struct Address {
    /// The address.
    #[serde(rename = "cosUrl")]
    pub url: String,
    /// Bytes of the file.
    #[serde(deserialize_with = "number")]
    pub size: u64,
    /// When it ends.
    #[serde(rename = "cosUrlExpiration", default)]
    pub until: Option<String>,
}

/// What a deletion came to, of one or of many.
#[derive(Debug, Default, Deserialize)]
pub struct Deleted {
    /// Its number in the bin.
    #[serde(rename = "recycledItemId", default, deserialize_with = "maybe")]
    pub binned: Option<u64>,
    /// What is still to be done.
    #[serde(rename = "taskId", default, deserialize_with = "text")]
    pub task: Option<String>,
    /// What became of each.
    #[serde(default)]
    pub result: Option<Vec<Item>>,
}

/// One of many.
#[derive(Clone, Debug, Deserialize)]
pub struct Item {
    /// Its own HTTP status.
    #[serde(deserialize_with = "number")]
    pub status: u64,
    /// Its file.
    #[serde(default)]
    pub path: Vec<String>,
    /// Why it failed.
    #[serde(default)]
    pub code: Option<String>,
    /// Its number in the bin.
    #[serde(rename = "recycledItemId", default, deserialize_with = "maybe")]
    pub binned: Option<u64>,
}

/// What takes long.
#[derive(Debug, Deserialize)]
pub struct Task {
    /// How far it is.
    #[serde(deserialize_with = "number")]
    pub status: u64,
    /// What became of each, at its end.
    #[serde(default)]
    pub result: Option<Vec<Item>>,
}

/// Something in the bin.
#[derive(Clone, Debug, Deserialize)]
pub struct Binned {
    /// Its number there.
    #[serde(rename = "recycledItemId", deserialize_with = "number")]
    pub number: u64,
    /// Where it was.
    #[serde(rename = "originalPath")]
    pub path: Vec<String>,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// Bytes.
    #[serde(default, deserialize_with = "maybe")]
    pub size: Option<u64>,
    /// When it was put there.
    #[serde(rename = "removalTime", default)]
    pub since: Option<String>,
    /// Days until it is destroyed.
    #[serde(rename = "remainingTime", default, deserialize_with = "maybe")]
    pub days: Option<u64>,
}

/// One page of the bin.
#[derive(Deserialize)]
pub struct BinPage {
    /// What lies there.
    pub contents: Vec<Binned>,
    /// What asks for the next one.
    #[serde(rename = "nextMarker", default, deserialize_with = "text")]
    pub next: Option<String>,
}

/// How much room a space has.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Usage {
    /// None where there is no quota.
    #[serde(default, deserialize_with = "maybe")]
    pub capacity: Option<u64>,
    /// Bytes that are free.
    #[serde(rename = "availableSpace", default, deserialize_with = "maybe")]
    pub available: Option<u64>,
    /// Bytes that are used.
    #[serde(default, deserialize_with = "maybe")]
    pub size: Option<u64>,
}

/// How much lies below a folder.
#[derive(Deserialize)]
pub struct Stats {
    /// Bytes.
    #[serde(deserialize_with = "number")]
    pub storage: u64,
}

/// The space's quota.
#[derive(Deserialize)]
pub struct Quota {
    /// Whether files go by themselves when there are too many.
    #[serde(rename = "removeWhenExceed", default)]
    pub removes: bool,
}

/// Whether earlier versions of files are kept.
#[derive(Deserialize)]
pub struct History {
    /// Whether they are.
    #[serde(rename = "enableFileHistory", default)]
    pub on: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_are_taken_alike() {
        for text in [
            r#"{"contents":[{"name":"a","type":"file","size":"7","crc64":"9"}],"nextMarker":12}"#,
            r#"{"contents":[{"name":"a","type":"file","size":7,"crc64":9}],"nextMarker":"12"}"#,
        ] {
            let page: Page = serde_json::from_str(text).expect("a page");
            assert!(page.contents[0].holds(7, 9));
            assert_eq!(page.next.as_deref(), Some("12"));
        }
        for end in ["", r#","nextMarker":null"#, r#","nextMarker":"""#] {
            let text = format!(r#"{{"contents":[]{end}}}"#);
            let page: Page = serde_json::from_str(&text).expect("a page");
            assert_eq!(page.next, None, "{text}");
        }
        for bad in [r"{}", r#"{"contents":null}"#, r#"{"contents":{}}"#] {
            assert!(serde_json::from_str::<Page>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_files_are_files() {
        for (kind, expected) in [
            ("file", true),
            ("image", true),
            ("video", true),
            ("dir", false),
            ("symlink", false),
            ("virtual", false),
        ] {
            let text = format!(r#"{{"name":"a","type":"{kind}","size":1,"crc64":2}}"#);
            let entry: Entry = serde_json::from_str(&text).expect("an entry");
            assert_eq!(entry.holds(1, 2), expected, "{kind}");
        }
    }
}
