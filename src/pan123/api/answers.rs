//! What 123pan's answers hold, read leniently where the service varies: numbers may come as text,
//! empty things as null, and unknown fields are left alone.

use crate::civil;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;

/// An entry of a list or of `infos`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The file's or folder's number.
    #[serde(alias = "fileID", deserialize_with = "number")]
    pub file_id: u64,
    /// Its name.
    pub filename: String,
    /// The folder that it lies in.
    #[serde(default, alias = "parentFileID", deserialize_with = "number")]
    pub parent_file_id: u64,
    /// 1 for a folder, else a file.
    #[serde(rename = "type", default, deserialize_with = "number")]
    pub kind: u64,
    /// MD5 of the content, in hex; empty for folders.
    #[serde(default, deserialize_with = "or_none")]
    pub etag: String,
    /// Bytes; 0 for folders.
    #[serde(default, deserialize_with = "length")]
    pub size: u64,
    /// Over 100 when the content audit has rejected it.
    #[serde(default, deserialize_with = "number")]
    pub status: u64,
    /// Not 0 when it lies in the bin.
    #[serde(default, deserialize_with = "number")]
    pub trashed: u64,
    /// When it was made, in seconds since 1970; 0 if that isn't told.
    #[serde(default, rename = "createAt", deserialize_with = "moment")]
    pub made: u64,
}

impl Row {
    /// Whether it is a file outside the bin.
    pub fn is_file(&self) -> bool {
        self.kind != 1 && self.trashed == 0
    }

    /// Whether it is a folder outside the bin.
    pub fn is_folder(&self) -> bool {
        self.kind == 1 && self.trashed == 0
    }

    /// Whether it can stand in this folder's list. Nothing has the number of the account's root, 0,
    /// and what lies there may tell of another number for it.
    pub fn fits_into(&self, folder: u64) -> bool {
        self.file_id != 0 && (folder == 0 || self.lies_in(&[folder]))
    }

    /// Whether it lies in one of these folders, as far as the answer tells.
    pub fn lies_in(&self, folders: &[u64]) -> bool {
        self.parent_file_id == 0 || folders.contains(&self.parent_file_id)
    }

    /// Whether it holds these bytes.
    pub fn holds(&self, size: u64, md5: &str) -> bool {
        self.size == size && self.etag.eq_ignore_ascii_case(md5)
    }
}

/// One page of a folder's list.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// Its rows, those of the bin among them. Neither missing nor null: such an answer is a fault,
    /// never an empty list (safety rule 11).
    #[serde(rename = "fileList")]
    pub rows: Vec<Row>,
    /// Where the next page starts; None after the last one.
    #[serde(rename = "lastFileId", deserialize_with = "cursor")]
    pub next: Option<i64>,
}

/// A new folder.
#[derive(Deserialize)]
pub(super) struct MadeFolder {
    #[serde(rename = "dirID", deserialize_with = "number")]
    pub(super) dir: u64,
}

/// What `infos` found.
#[derive(Deserialize)]
pub(super) struct Infos {
    // Both names are documented, one in the table, the other in the sample.
    #[serde(rename = "fileList", alias = "list")]
    pub(super) rows: Vec<Row>,
}

/// The details of a file or folder.
#[derive(Deserialize)]
pub(super) struct Measured {
    #[serde(deserialize_with = "number")]
    pub(super) size: u64,
}

/// What couldn't be taken out of the bin.
#[derive(Deserialize)]
pub(super) struct Recovered {
    #[serde(rename = "abnormalFileIDs", default, deserialize_with = "numbers")]
    pub(super) abnormal: Vec<u64>,
}

/// Where a file can be downloaded.
#[derive(Deserialize)]
pub(super) struct Address {
    #[serde(rename = "downloadUrl")]
    pub(super) url: String,
}

/// A new access token for a client id.
#[derive(Deserialize)]
pub struct Granted {
    /// The token.
    #[serde(rename = "accessToken")]
    pub token: String,
    /// When it ends, as RFC 3339 writes it.
    #[serde(rename = "expiredAt")]
    pub expires: String,
}

/// The account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct User {
    /// Bytes used.
    #[serde(deserialize_with = "number")]
    pub space_used: u64,
    /// Bytes that the account has for good.
    #[serde(deserialize_with = "number")]
    pub space_permanent: u64,
    /// Bytes that it has for a while.
    #[serde(deserialize_with = "number")]
    pub space_temp: u64,
    /// Whether it pays.
    pub vip: bool,
    /// The benefit that lets programs use the account, if 123pan tells of one.
    #[serde(rename = "developerInfo")]
    pub developer: Option<Benefit>,
}

impl User {
    /// Bytes that the account has.
    pub fn space(&self) -> u64 {
        self.space_permanent.saturating_add(self.space_temp)
    }

    /// Bytes that are free.
    pub fn free(&self) -> u64 {
        self.space().saturating_sub(self.space_used)
    }
}

/// Something that was paid for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Benefit {
    /// When it ends, as `2027-01-01 00:00:00` in Chinese time.
    #[serde(deserialize_with = "or_none")]
    pub end_time: String,
}

/// What an upload was answered.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Uploaded {
    /// Whether everything is done.
    #[serde(deserialize_with = "or_none")]
    completed: bool,
    #[serde(rename = "fileID", deserialize_with = "number")]
    file_id: u64,
}

impl Uploaded {
    /// The new file's number; None if it isn't certain that there is one.
    pub fn file(self) -> Option<u64> {
        (self.completed && self.file_id != 0).then_some(self.file_id)
    }
}

/// The start of an upload in slices.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Created {
    /// Whether 123pan has the content already, so that nothing needs to be sent.
    #[serde(deserialize_with = "or_none")]
    pub reuse: bool,
    /// Then its number, if it is known.
    #[serde(rename = "fileID", deserialize_with = "number")]
    pub file_id: u64,
    /// Names the upload.
    #[serde(rename = "preuploadID", deserialize_with = "or_none")]
    pub upload: String,
    /// Bytes a slice.
    #[serde(rename = "sliceSize", deserialize_with = "number")]
    pub slice_size: u64,
    /// Where the slices go.
    #[serde(deserialize_with = "or_none")]
    pub servers: Vec<String>,
}

/// Reads a text as each kind of data in turn, for the fuzz targets; the rows that it holds.
#[cfg(fuzzing)]
pub fn read_as_each(text: &str) -> Vec<Row> {
    fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
        serde_json::from_str(text).ok()
    }
    let _ = (read::<MadeFolder>(text), read::<Measured>(text));
    let _ = (read::<Option<Recovered>>(text), read::<Address>(text));
    let _ = (
        read::<Granted>(text),
        read::<crate::cloud::token::GrantedTokens>(text),
    );
    let _ = read::<Vec<String>>(text);
    let _ = read::<User>(text).map(|user| (user.space(), user.free()));
    let _ = read::<Uploaded>(text).map(Uploaded::file);
    let _ = read::<Created>(text);
    let found = read::<Infos>(text).map(|found| found.rows);
    let listed = read::<Page>(text).map(|listed| listed.rows);
    found.into_iter().chain(listed).flatten().collect()
}

/// An integer as a number or as text, or null for 0: 123pan's capitalisations vary, and so may
/// its types.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    // A number below 0 is nonsense, and a status below 0 is no rejection.
    Ok(u64::try_from(signed(from)?).unwrap_or(0))
}

/// A size in bytes; below 0 there is none.
fn length<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    u64::try_from(signed(from)?).map_err(D::Error::custom)
}

fn signed<'de, D: Deserializer<'de>>(from: D) -> Result<i128, D::Error> {
    match Option::<Loose>::deserialize(from)? {
        None => Ok(0),
        Some(Loose::Number(n)) => Ok(n.into()),
        Some(Loose::Text(text)) => text.trim().parse().map_err(D::Error::custom),
    }
}

/// A time, which has no zone and is Chinese; 0 for what is none.
fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let told = Value::deserialize(from)?;
    Ok(told.as_str().and_then(civil::chinese).unwrap_or(0))
}

/// Integers as numbers or as text, or null for none.
fn numbers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u64>, D::Error> {
    #[derive(Deserialize)]
    struct One(#[serde(deserialize_with = "number")] u64);
    let all = Option::<Vec<One>>::deserialize(from)?.unwrap_or_default();
    Ok(all.into_iter().map(|One(n)| n).collect())
}

/// A cursor as a number or as text; -1 stands for none.
fn cursor<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let cursor = match Loose::deserialize(from)? {
        Loose::Number(n) => n,
        Loose::Text(text) => text.trim().parse().map_err(D::Error::custom)?,
    };
    Ok((cursor != -1).then_some(cursor))
}

/// A boolean, a text or several, or null for none.
fn or_none<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    from: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Loose {
    Number(i64),
    Text(String),
}
