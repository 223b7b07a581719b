//! What Kdocs' calls answer, as far as it is used.

use serde::{Deserialize, Deserializer};

/// A page of a folder.
#[derive(Deserialize)]
pub struct Page {
    /// Its rows: an answer without them is none.
    pub files: Vec<Row>,
    /// Where the next page begins; -1 at the end.
    pub next_offset: i64,
    /// What must go with that.
    #[serde(default)]
    pub next_filter: Option<String>,
}

/// A file or folder.
#[derive(Clone, Debug, Deserialize)]
pub struct Row {
    id: Ids,
    /// Its name.
    #[serde(rename = "fname")]
    pub name: String,
    #[serde(rename = "ftype", default)]
    kind: String,
    /// Its size in bytes, if the row tells it.
    #[serde(rename = "fsize", default, deserialize_with = "number")]
    pub size: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
struct Ids {
    open_id: String,
}

impl Row {
    /// By what it is called in calls.
    pub fn id(&self) -> &str {
        &self.id.open_id
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.kind == "folder"
    }
}

/// Where a file can be downloaded.
#[derive(Deserialize)]
pub struct Link {
    /// Its address, which is a secret.
    pub url: String,
    /// The file's size in bytes.
    #[serde(rename = "fsize", default, deserialize_with = "number")]
    pub size: Option<u64>,
}

/// What became of a deletion.
#[derive(Deserialize)]
pub struct Deleted {
    /// Empty if it is done.
    pub task_id: String,
}

/// A number, whether it comes as one or as a text.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let value: serde_json::Value = Deserialize::deserialize(from)?;
    let text = value.as_str().and_then(|text| text.parse().ok());
    Ok(value.as_u64().or(text))
}
