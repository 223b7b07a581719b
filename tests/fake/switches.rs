//! Every behaviour of 123pan that its documents leave open, or that goes wrong now and then, as a
//! value that a test can set. The defaults are the documented, well-behaved service. What the
//! values do stands where they are read.

pub use super::choices::*;
use super::endpoint::{Endpoint, Tier};
use super::limits::Shape;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Fields in JSON are named as here; durations are milliseconds there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    // --- All calls ---
    /// Whose rates hold.
    pub tier: Tier,
    /// How calls are counted.
    pub shape: Shape,
    /// Calls a second of single endpoints, whatever the tier says (trash, for one, is undocumented).
    pub rates: BTreeMap<Endpoint, f64>,
    /// Errors also show in the HTTP status, not only in the body.
    pub http_status: bool,
    /// Refusals of an upload are sent before its body has been read, and the connection is closed.
    pub early_errors: bool,
    /// Every call waits as long before it is carried out.
    #[serde(with = "millis")]
    pub latency: Duration,
    /// The same for single endpoints, in milliseconds, instead of `latency`.
    pub latency_of: BTreeMap<Endpoint, u64>,
    /// Answers carry ids as JSON strings.
    pub ids_as_strings: bool,
    /// Answers carry fields that no document names.
    pub extra_fields: bool,
    /// The service's front door blocks this address: HTTP 403 and no JSON.
    pub blocked: bool,
    /// What is wrong with the front door and the account, and what it says of others.
    pub front: Front,

    // --- Tokens ---
    /// How long a new token lives.
    #[serde(with = "millis")]
    pub token_life: Duration,
    /// How many tokens of one client live at once.
    pub tokens_live: usize,

    /// How OAuth apps get their tokens.
    pub oauth: Oauth,

    // --- Lists ---
    /// A new file is missing from lists for so long.
    #[serde(with = "millis")]
    pub lag_files: Duration,
    /// A new folder is missing from lists for so long.
    #[serde(with = "millis")]
    pub lag_mkdir: Duration,
    /// A row that went into the bin, or came out of it, is listed as before for so long.
    #[serde(with = "millis")]
    pub lag_trash: Duration,
    /// Folder id → milliseconds, instead of the three above, for rows in that folder.
    pub lag_of: BTreeMap<u64, u64>,
    /// `infos` and `detail` lag by so much on their own.
    #[serde(with = "millis")]
    pub lag_infos: Duration,
    /// Living rows whose name contains one of these never show in lists.
    pub list_hides: Vec<String>,
    /// The same for `infos` and `detail`.
    pub infos_hides: Vec<String>,
    /// How `lastFileId` is read.
    pub cursor: Cursor,
    /// How many pages misbehave, with `stuck` and `back`; 0 is all of them.
    pub cursor_times: u32,
    /// No page has more rows, whatever `limit` says.
    pub page_max: usize,
    /// What `limit` above 100 leads to.
    pub limit_over: LimitOver,
    /// What a list of a folder says that is missing or in the bin.
    pub missing_folder: MissingFolder,

    // --- infos ---
    /// The key under which `infos` puts its rows.
    pub infos_key: InfosKey,
    /// More ids than this are refused.
    pub infos_max: usize,

    // --- Names ---
    /// What an upload to a name that is taken leads to, without `duplicate`.
    pub taken: Taken,
    /// Where `duplicate=2` leaves the version before.
    pub overwritten: Overwritten,
    /// `mkdir` of an existing name makes a second folder, as when two calls race.
    pub mkdir_twins: bool,
    /// A folder and a file may have the same name.
    pub kinds_apart: bool,

    // --- Uploads ---
    /// The order demanded of the parts of a single upload.
    pub parts: Parts,
    /// What single uploads come to.
    pub single: Single,
    /// How many single uploads `single` holds for; 0 is all.
    pub single_times: u32,
    /// Only uploads whose name contains this; empty is all.
    pub single_only: String,
    /// What a mode with a delay means by later.
    #[serde(with = "millis")]
    pub appears_after: Duration,
    /// What `create` makes of content that the service has already.
    pub reuse: Reuse,
    /// `create` names no upload hosts.
    pub servers_empty: bool,
    /// `create` and `domain` name a host that refuses connections before the good one.
    pub dead_server: bool,
    /// The size of slices that `create` demands.
    pub slice_size: u64,
    /// So many times `upload_complete` says 20103 first.
    pub complete_verifying: u32,
    /// Then so many times `completed: false`.
    pub complete_unfinished: u32,
    /// `upload_complete` doesn't know an upload any more that it completed.
    pub complete_forgets: bool,
    /// Files of no bytes are refused.
    pub zero_refused: bool,
    /// More uploads in flight lead to a write ban; 0 is never.
    pub ban_over: usize,
    /// How long such a ban lasts.
    #[serde(with = "millis")]
    pub ban_for: Duration,
    /// All writes are refused now.
    pub banned: bool,
    /// Files in the bin take up space.
    pub bin_counts: bool,

    // --- Deleting ---
    /// What `trash` does with ids that are unknown or in the bin already.
    pub trash_bad: BadIds,
    /// What `delete` does with ids that aren't in the bin.
    pub delete_bad: BadIds,
    /// The endpoint `delete` doesn't exist.
    pub delete_missing: bool,

    // --- Downloads ---
    /// So many times `download_info` says 20103 of each file.
    pub download_verifying: u32,
    /// So many times `download_info` says 5066 of each file that exists.
    pub download_missing: u32,
    /// How long a URL works.
    #[serde(with = "millis")]
    pub url_life: Duration,
    /// The `t` in a URL is its end, not its beginning.
    pub url_t_is_end: bool,
    /// A URL works only from the address that asked for it.
    pub url_bound: bool,
    /// A transfer is cut when its URL's time is over.
    pub url_cuts_running: bool,
    /// The CDN says so many times that the URL belongs to another place (1010), with this HTTP
    /// status.
    pub cdn_elsewhere: (u32, u16),
    /// The CDN sends clients to another port by 302.
    pub cdn_redirects: bool,
    /// The CDN answers 200 and everything, whatever `Range` says.
    pub cdn_ignores_range: bool,
    /// The CDN breaks off after so many bytes of an answer.
    pub cdn_cuts_after: Option<u64>,
    /// How many answers it breaks off; 0 is all.
    pub cdn_cuts_times: u32,

    // --- The judge ---
    /// How long a client must wait before it polls again.
    #[serde(with = "millis")]
    pub poll_pause: Duration,
    /// How many new tokens within ten minutes need no reason.
    pub tokens_allowed: usize,
    /// How many new tokens within ten minutes pass even with a reason.
    pub tokens_most: usize,
}

impl Default for Switches {
    fn default() -> Switches {
        Switches {
            tier: Tier::Off,
            shape: Shape::Sliding,
            rates: BTreeMap::new(),
            http_status: false,
            early_errors: false,
            latency: Duration::ZERO,
            latency_of: BTreeMap::new(),
            ids_as_strings: false,
            extra_fields: false,
            blocked: false,
            front: Front::default(),
            token_life: Duration::from_secs(90 * 24 * 60 * 60),
            tokens_live: 3,
            oauth: Oauth::default(),
            lag_files: Duration::ZERO,
            lag_mkdir: Duration::ZERO,
            lag_trash: Duration::ZERO,
            lag_of: BTreeMap::new(),
            lag_infos: Duration::ZERO,
            list_hides: Vec::new(),
            infos_hides: Vec::new(),
            cursor: Cursor::Id,
            cursor_times: 0,
            page_max: 100,
            limit_over: LimitOver::Error,
            missing_folder: MissingFolder::Error,
            infos_key: InfosKey::FileList,
            infos_max: 100,
            taken: Taken::Repeat,
            overwritten: Overwritten::Bin,
            mkdir_twins: false,
            kinds_apart: false,
            parts: Parts::Any,
            single: Single::Done,
            single_times: 0,
            single_only: String::new(),
            appears_after: Duration::from_millis(300),
            reuse: Reuse::Yes,
            servers_empty: false,
            dead_server: false,
            slice_size: 16 << 20,
            complete_verifying: 0,
            complete_unfinished: 0,
            complete_forgets: false,
            zero_refused: false,
            ban_over: 20,
            ban_for: Duration::from_secs(9000),
            banned: false,
            bin_counts: true,
            trash_bad: BadIds::Fail,
            delete_bad: BadIds::Fail,
            delete_missing: false,
            download_verifying: 0,
            download_missing: 0,
            url_life: Duration::from_secs(2 * 60 * 60),
            url_t_is_end: true,
            url_bound: true,
            url_cuts_running: false,
            cdn_elsewhere: (0, 403),
            cdn_redirects: false,
            cdn_ignores_range: false,
            cdn_cuts_after: None,
            cdn_cuts_times: 0,
            poll_pause: Duration::from_secs(1),
            tokens_allowed: 3,
            tokens_most: 10,
        }
    }
}

/// What is wrong with the front door and the account.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Front {
    /// Seconds by which its clock is ahead of the emulator's; below 0 behind.
    pub date_skew: i64,
    /// It doesn't tell the time.
    pub dateless: bool,
    /// The developer benefit has ended.
    pub benefit_ended: bool,
    /// Whether download addresses, and where the CDN redirects to, are by https.
    pub cdn_tls: (bool, bool),
}

/// How OAuth apps get their tokens. An access token lives as long as `token_life` says.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Oauth {
    /// How long a refresh token is good.
    #[serde(with = "millis")]
    pub refresh_life: Duration,
    /// A refresh token that comes a second time ends its grant.
    pub reuse_revokes: bool,
    /// A renewal doesn't end the old access token.
    pub old_token_lives: bool,
    /// An upload's token is looked at once more when its body is there.
    pub late_check: bool,
    /// Apps must send their secret.
    pub needs_secret: bool,
    /// Tokens come in 123pan's envelope.
    pub enveloped: bool,
    /// Refusals come as other OAuth servers write them, with HTTP 400.
    pub plain_errors: bool,
    /// Refusals repeat the refresh token.
    pub echoes: bool,
    /// Access tokens are said to live so long, if not zero; they live as long as they do.
    #[serde(with = "millis")]
    pub life_told: Duration,
    /// `expires_in` is a text.
    pub life_as_text: bool,
}

impl Default for Oauth {
    fn default() -> Oauth {
        Oauth {
            refresh_life: Duration::from_secs(90 * 24 * 60 * 60),
            reuse_revokes: true,
            old_token_lives: false,
            late_check: false,
            needs_secret: true,
            enveloped: false,
            plain_errors: false,
            echoes: false,
            life_told: Duration::ZERO,
            life_as_text: false,
        }
    }
}

/// Durations as whole milliseconds, because people write them into JSON.
pub mod millis {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    /// Writes milliseconds.
    pub fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
    }

    /// Reads milliseconds.
    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}
