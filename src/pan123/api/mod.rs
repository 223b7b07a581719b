//! 123pan's endpoints: one table with their paths and rates, and one typed method for each.
//! Field names are exactly the documented ones, with all their capitalisations (API reference
//! 1.4). What a failure means is `judge`'s, how a call is made is `call`'s.

mod answers;
mod tokens;

#[cfg(fuzzing)]
pub use answers::read_as_each;
pub use answers::{Created, OauthTokens, Page, Row, Uploaded, User};

use super::call::{Call, Door, Fault};
use super::judge::Why;
use super::multipart::Form;
use super::pace::Priority;
use crate::store::Error;
use answers::{Address, Found, ListData, MadeFolder, Measured, Recovered};
use serde::Serialize;
use serde_json::json;

/// What an account may do in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// A free account.
    Free,
    /// A paying one.
    Vip,
    /// One that an OAuth app uses: the rates are the app's for each user, whatever he pays.
    Oauth,
}

macro_rules! endpoints {
    ($($(#[$doc:meta])* $name:ident, $method:literal, $path:literal, $free:literal, $vip:literal, $oauth:literal;)*) => {
        /// The calls that we make.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Endpoint { $($(#[$doc])* $name,)* }

        impl Endpoint {
            /// Every endpoint.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The HTTP method.
            pub fn method(self) -> &'static str {
                match self { $(Self::$name => $method,)* }
            }

            /// The path on its host.
            pub fn path(self) -> &'static str {
                match self { $(Self::$name => $path,)* }
            }

            /// Most calls a second for an account of this tier.
            pub fn per_second(self, tier: Tier) -> f64 {
                match (self, tier) {
                    $((Self::$name, Tier::Free) => $free,
                    (Self::$name, Tier::Vip) => $vip,
                    (Self::$name, Tier::Oauth) => $oauth,)*
                }
            }
        }
    };
}

// Calls a second from API reference 2.1: for free and for VIP accounts columns A, B and C; where
// they differ, the lower one; where nobody official names one, 10, or less where a client was told
// less. For OAuth column C; where it is silent, as for free accounts.
endpoints! {
    /// A new access token.
    AccessToken, "POST", "/api/v1/access_token", 8.0, 10.0, 8.0;
    /// The tokens of an OAuth app. 100 calls a minute are allowed; more, and the address is limited.
    OauthToken, "POST", "/api/v1/oauth2/access_token", 1.0, 1.0, 1.0;
    /// The account: space, VIP, developer benefit.
    UserInfo, "GET", "/api/v1/user/info", 10.0, 10.0, 10.0;
    /// One page of a folder.
    List, "GET", "/api/v2/file/list", 5.0, 10.0, 15.0;
    /// A new folder.
    Mkdir, "POST", "/upload/v1/file/mkdir", 5.0, 20.0, 5.0;
    /// Details of up to 100 files.
    Infos, "POST", "/api/v1/file/infos", 10.0, 10.0, 10.0;
    /// Details of one file or folder.
    Detail, "GET", "/api/v1/file/detail", 10.0, 10.0, 10.0;
    /// Up to 100 files into the bin. No table for developers names it; 5 is the OAuth figure, and
    /// the support told of none. `pace` finds out.
    Trash, "POST", "/api/v1/file/trash", 10.0, 10.0, 5.0;
    /// Up to 100 files out of the bin for good.
    Purge, "POST", "/api/v1/file/delete", 1.0, 10.0, 1.0;
    /// Up to 100 files back out of the bin.
    Recover, "POST", "/api/v1/file/recover", 10.0, 10.0, 10.0;
    /// The same into another folder.
    RecoverByPath, "POST", "/api/v1/file/recover/by_path", 10.0, 10.0, 10.0;
    /// The address to download a file from; 5 is the OAuth figure.
    DownloadInfo, "GET", "/api/v1/file/download_info", 5.0, 10.0, 5.0;
    /// Where uploads go.
    Domain, "GET", "/upload/v2/file/domain", 10.0, 10.0, 10.0;
    /// A whole file in one call.
    Single, "POST", "/upload/v2/file/single/create", 10.0, 10.0, 10.0;
    /// The start of an upload in slices; 1 and 20 were told by the support, 2 and 5 noted there.
    Create, "POST", "/upload/v2/file/create", 1.0, 5.0, 1.0;
    /// One slice.
    Slice, "POST", "/upload/v2/file/slice", 10.0, 10.0, 10.0;
    /// The end of an upload in slices.
    Complete, "POST", "/upload/v2/file/upload_complete", 5.0, 10.0, 5.0;
}

impl Endpoint {
    /// Whether a call can be made twice without harm when its answer was lost.
    pub fn idempotent(self) -> bool {
        // A second trash, purge or recovery would do no harm either, but what they say about ids that are
        // gone already is unknown; `bin` looks instead.
        !matches!(
            self,
            Self::AccessToken
                | Self::OauthToken
                | Self::Mkdir
                | Self::Trash
                | Self::Purge
                | Self::Recover
                | Self::RecoverByPath
                | Self::Single
                | Self::Create
        )
    }

    /// Whether it makes a file or folder, and one more each time where names may be doubled.
    pub fn makes(self) -> bool {
        matches!(self, Self::Mkdir | Self::Single | Self::Create)
    }

    /// Whether it is what tokens come from, so that none goes with it.
    pub fn gives_tokens(self) -> bool {
        matches!(self, Self::AccessToken | Self::OauthToken)
    }

    /// Whether it goes to a host of its own instead of the API's.
    pub fn goes_elsewhere(self) -> bool {
        matches!(self, Self::Single | Self::Slice)
    }

    /// Whether it changes files; a write ban forbids these.
    pub fn writes(self) -> bool {
        matches!(
            self,
            Self::Mkdir | Self::Single | Self::Create | Self::Slice | Self::Complete
        )
    }
}

/// A file to be made.
#[derive(Clone, Debug)]
pub struct NewFile<'a> {
    /// The folder's number.
    pub parent: u64,
    /// The name.
    pub name: &'a str,
    /// Bytes.
    pub size: u64,
    /// Whether a file of this name is replaced; otherwise 123pan refuses (safety rule 1).
    pub replace: bool,
}

/// The typed calls.
impl Door {
    /// One page of a folder; `after` is the cursor of the page before.
    pub fn list(&self, folder: u64, after: Option<i64>, first: Priority) -> Result<Page, Fault> {
        let mut query = format!("?parentFileId={folder}&limit=100");
        if let Some(after) = after {
            query += &format!("&lastFileId={after}");
        }
        let data: ListData = self.ask(Call::get(Endpoint::List, &query).first(first))?;
        let is_odd = |row: &&Row| row.trashed == 0 && !row.fits_into(folder);
        if let Some(row) = data.file_list.iter().find(is_odd) {
            // It may be another folder's list, in which all of ours seem to be gone.
            let (id, parent) = (row.file_id, row.parent_file_id);
            let text = format!("123pan's list of folder {folder} shows {id} of folder {parent}");
            return Err(Fault::new(Why::Lost, text));
        }
        let next = (data.last_file_id != -1).then_some(data.last_file_id);
        Ok(Page {
            rows: data.file_list,
            next,
        })
    }

    /// Makes a folder and tells its number.
    pub fn mkdir(&self, parent: u64, name: &str, first: Priority) -> Result<u64, Fault> {
        let body = json!({ "name": name, "parentID": parent });
        let data: MadeFolder = self.ask(Call::json(Endpoint::Mkdir, &body).first(first))?;
        Ok(data.dir)
    }

    /// The rows of up to 100 files, living or in the bin; those that 123pan doesn't know are left
    /// out.
    pub fn infos(&self, files: &[u64], first: Priority) -> Result<Vec<Row>, Fault> {
        let body = json!({ "fileIds": files });
        let data: Found = self.ask(Call::json(Endpoint::Infos, &body).first(first))?;
        Ok(data.rows)
    }

    /// The bytes of a file, or of everything below a folder (API reference 3.14).
    pub fn size(&self, file: u64, first: Priority) -> Result<u64, Fault> {
        let query = format!("?fileID={file}");
        let data: Measured = self.ask(Call::get(Endpoint::Detail, &query).first(first))?;
        Ok(data.size)
    }

    /// Moves up to 100 files into the bin.
    pub fn trash(&self, files: &[u64], first: Priority) -> Result<(), Fault> {
        self.tell(Call::json(Endpoint::Trash, &json!({ "fileIDs": files })).first(first))
    }

    /// Destroys up to 100 files that are in the bin.
    pub fn purge(&self, files: &[u64]) -> Result<(), Fault> {
        let call = Call::json(Endpoint::Purge, &json!({ "fileIDs": files }));
        self.tell(call.first(Priority::Background))
    }

    /// Takes up to 100 files out of the bin; answers those whose folder is gone.
    pub fn recover(&self, files: &[u64]) -> Result<Vec<u64>, Fault> {
        let call = Call::json(Endpoint::Recover, &json!({ "fileIDs": files }));
        // Nobody says that there is always an object when all went well.
        let data: Option<Recovered> = self.ask(call.first(Priority::Background))?;
        Ok(data.map(|data| data.abnormal).unwrap_or_default())
    }

    /// Takes up to 100 files out of the bin into this folder.
    pub fn recover_into(&self, files: &[u64], folder: u64) -> Result<(), Fault> {
        let body = json!({ "fileIDs": files, "parentFileID": folder });
        let call = Call::json(Endpoint::RecoverByPath, &body);
        self.tell(call.first(Priority::Background))
    }

    /// Where a file can be downloaded.
    pub fn download_info(&self, file: u64, first: Priority) -> Result<String, Fault> {
        let query = format!("?fileId={file}");
        let data: Address = self.ask(Call::get(Endpoint::DownloadInfo, &query).first(first))?;
        Ok(data.url)
    }

    /// The hosts that take uploads.
    pub fn domains(&self, first: Priority) -> Result<Vec<String>, Fault> {
        self.ask(Call::get(Endpoint::Domain, "").first(first))
    }

    /// The account.
    pub fn user(&self) -> Result<User, Fault> {
        let asked = self.ask(Call::get(Endpoint::UserInfo, "").first(Priority::Background));
        self.seen.looked(&asked);
        asked
    }

    /// Uploads a whole file to `host`.
    pub fn single(
        &self,
        host: &str,
        form: &mut Form<'_>,
        first: Priority,
    ) -> Result<Uploaded, Fault> {
        self.ask(Call::form(Endpoint::Single, host, form).first(first))
    }

    /// Starts an upload in slices.
    pub fn create(&self, file: &NewFile<'_>, md5: &str, first: Priority) -> Result<Created, Fault> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            #[serde(rename = "parentFileID")]
            parent: u64,
            filename: &'a str,
            etag: &'a str,
            size: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            duplicate: Option<u8>,
        }
        let duplicate = file.replace.then_some(2);
        let (parent, filename, size) = (file.parent, file.name, file.size);
        let body = json!(Body {
            parent,
            filename,
            etag: md5,
            size,
            duplicate
        });
        self.ask(Call::json(Endpoint::Create, &body).first(first))
    }

    /// Sends one slice to `host`.
    pub fn slice(&self, host: &str, form: &mut Form<'_>, first: Priority) -> Result<(), Fault> {
        self.tell(Call::form(Endpoint::Slice, host, form).first(first))
    }

    /// Ends an upload in slices, or asks how far it is.
    pub fn complete(&self, upload: &str, first: Priority) -> Result<Uploaded, Fault> {
        let body = json!({ "preuploadID": upload });
        self.ask(Call::json(Endpoint::Complete, &body).first(first))
    }
}

/// A failure of a call, as the store's callers know failures.
impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::new(fault.cause(), fault.to_string())
    }
}
