//! Answers of the library host as values, and the JSON of files and folders.

use super::switches::Switches;
use super::tree::{Node, Tree};
use serde_json::{Value, json};

/// A success.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Value>,
}

impl Answer {
    /// One with a body.
    pub fn json(status: u16, body: Value) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: Some(body),
        }
    }

    /// One without.
    pub fn empty(status: u16) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: None,
        }
    }
}

/// A moment as the service writes it.
pub fn iso(at: u64) -> String {
    let seconds = restic_123pan::civil::rfc3339(at / 1000);
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), at % 1000)
}

/// A file or folder in a list.
pub fn entry(node: &Node, switches: &Switches) -> Value {
    let mut entry = metadata(node);
    entry["name"] = json!(node.name);
    entry["userId"] = json!("0");
    entry["isFavorite"] = json!(false);
    if node.kind.has_bytes() && switches.size_as_number {
        entry["size"] = json!(node.size);
    }
    if node.removed {
        entry["removedByQuota"] = json!(true);
    }
    entry
}

/// What is told of a file or folder besides its name.
pub fn metadata(node: &Node) -> Value {
    let mut all = json!({
        "type": node.kind.name(),
        "creationTime": iso(node.made), "modificationTime": iso(node.changed),
        "metaData": {}, "versionId": null,
    });
    if node.kind.has_bytes() {
        all["size"] = json!(node.size.to_string());
        all["crc64"] = json!(node.crc64.to_string());
        all["eTag"] = json!(format!("\"{}\"", node.etag));
        all["contentType"] = json!("application/octet-stream");
    }
    all
}

/// The same as headers.
pub fn headers(node: &Node) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("x-smh-type", node.kind.name().to_owned()),
        ("x-smh-creation-time", iso(node.made)),
        ("x-smh-modification-time", iso(node.changed)),
    ];
    if node.kind.has_bytes() {
        all.extend([
            ("x-smh-size", node.size.to_string()),
            ("x-smh-crc64", node.crc64.to_string()),
            ("x-smh-etag", format!("\"{}\"", node.etag)),
            ("x-smh-content-type", "application/octet-stream".to_owned()),
        ]);
    }
    all
}

/// What confirm tells of a file; `None` when its folder went meanwhile.
pub fn confirmed(
    tree: &Tree,
    node: Option<&Node>,
    overwritten: bool,
    switches: &Switches,
) -> Value {
    let Some(node) = node else {
        return json!({"path": null, "name": "", "type": "file"});
    };
    let mut all = metadata(node);
    all["path"] = json!(tree.path_of(node.id));
    all["name"] = json!(node.name);
    let spelling = match switches.overwritten_spelt_oddly {
        true => "isOverwrittened",
        false => "isOverwritten",
    };
    all[spelling] = json!(overwritten);
    all["virusAuditStatus"] = json!(0);
    all
}
