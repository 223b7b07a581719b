//! Every behaviour of 123pan that its documents leave open, or that goes wrong now and then, as a
//! value that a test can set. The defaults are the documented, well-behaved service. What the
//! values do stands where they are read.

pub use super::choices::*;
use super::endpoint::{Endpoint, Tier};
use super::limits::Shape;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

switches! {
    /// Fields in JSON are named as here; durations are milliseconds there.
    Switches {
        // --- All calls ---
        /// Whose rates hold.
        tier: Tier = Tier::Off,
        /// How calls are counted.
        shape: Shape = Shape::Sliding,
        /// Calls a second of single endpoints, whatever the tier says (trash, for one, is
        /// undocumented).
        rates: BTreeMap<Endpoint, f64>,
        /// Errors also show in the HTTP status, not only in the body.
        http_status: bool,
        /// Refusals of an upload are sent before its body has been read, and the connection is
        /// closed.
        early_errors: bool,
        /// Every call waits as long before it is carried out.
        #[serde(with = "millis")]
        latency: Duration,
        /// The same for single endpoints, in milliseconds, instead of `latency`.
        latency_of: BTreeMap<Endpoint, u64>,
        /// Answers carry ids as JSON strings.
        ids_as_strings: bool,
        /// Answers carry fields that no document names.
        extra_fields: bool,
        /// The service's front door blocks this address: HTTP 403 and no JSON.
        blocked: bool,
        /// What is wrong with the front door and the account, and what it says of others.
        front: Front,

        // --- Tokens ---
        /// How long a new token lives.
        #[serde(with = "millis")]
        token_life: Duration = Duration::from_secs(90 * 24 * 60 * 60),
        /// How many tokens of one client live at once.
        tokens_live: usize = 3,

        /// How OAuth apps get their tokens.
        oauth: Oauth,

        // --- Lists ---
        /// A new file is missing from lists for so long.
        #[serde(with = "millis")]
        lag_files: Duration,
        /// A new folder is missing from lists for so long.
        #[serde(with = "millis")]
        lag_mkdir: Duration,
        /// A row that went into the bin, or came out of it, is listed as before for so long.
        #[serde(with = "millis")]
        lag_trash: Duration,
        /// Folder id → milliseconds, instead of the three above, for rows in that folder.
        lag_of: BTreeMap<u64, u64>,
        /// `infos` and `detail` lag by so much on their own.
        #[serde(with = "millis")]
        lag_infos: Duration,
        /// Living rows whose name contains one of these never show in lists.
        list_hides: Vec<String>,
        /// The same for `infos` and `detail`.
        infos_hides: Vec<String>,
        /// How `lastFileId` is read.
        cursor: Cursor = Cursor::Id,
        /// How many pages misbehave, with `stuck` and `back`; 0 is all of them.
        cursor_times: u32,
        /// No page has more rows, whatever `limit` says.
        page_max: usize = 100,
        /// What `limit` above 100 leads to.
        limit_over: LimitOver = LimitOver::Error,
        /// What a list of a folder says that is missing or in the bin.
        missing_folder: MissingFolder = MissingFolder::Error,

        // --- infos ---
        /// The key under which `infos` puts its rows.
        infos_key: InfosKey = InfosKey::FileList,
        /// More ids than this are refused.
        infos_max: usize = 100,

        // --- Names ---
        /// What an upload to a name that is taken leads to, without `duplicate`.
        taken: Taken = Taken::Repeat,
        /// Where `duplicate=2` leaves the version before.
        overwritten: Overwritten = Overwritten::Bin,
        /// `mkdir` of an existing name makes a second folder, as when two calls race.
        mkdir_twins: bool,
        /// A folder and a file may have the same name.
        kinds_apart: bool,

        // --- Uploads ---
        /// The order demanded of the parts of a single upload.
        parts: Parts = Parts::Any,
        /// What single uploads come to.
        single: Single = Single::Done,
        /// How many single uploads `single` holds for; 0 is all.
        single_times: u32,
        /// Only uploads whose name contains this; empty is all.
        single_only: String,
        /// What a mode with a delay means by later.
        #[serde(with = "millis")]
        appears_after: Duration = Duration::from_millis(300),
        /// What `create` makes of content that the service has already.
        reuse: Reuse = Reuse::Yes,
        /// `create` names no upload hosts.
        servers_empty: bool,
        /// `create` and `domain` name a host that refuses connections before the good one.
        dead_server: bool,
        /// The size of slices that `create` demands.
        slice_size: u64 = 16 << 20,
        /// So many times `upload_complete` says 20103 first.
        complete_verifying: u32,
        /// Then so many times `completed: false`.
        complete_unfinished: u32,
        /// `upload_complete` doesn't know an upload any more that it completed.
        complete_forgets: bool,
        /// Files of no bytes are refused.
        zero_refused: bool,
        /// More uploads in flight lead to a write ban; 0 is never.
        ban_over: usize = 20,
        /// How long such a ban lasts.
        #[serde(with = "millis")]
        ban_for: Duration = Duration::from_secs(9000),
        /// All writes are refused now.
        banned: bool,
        /// Files in the bin take up space.
        bin_counts: bool = true,

        // --- Deleting ---
        /// What `trash` does with ids that are unknown or in the bin already.
        trash_bad: BadIds = BadIds::Fail,
        /// What `delete` does with ids that aren't in the bin.
        delete_bad: BadIds = BadIds::Fail,
        /// The endpoint `delete` doesn't exist.
        delete_missing: bool,

        // --- Downloads ---
        /// So many times `download_info` says 20103 of each file.
        download_verifying: u32,
        /// So many times `download_info` says 5066 of each file that exists.
        download_missing: u32,
        /// How long a URL works.
        #[serde(with = "millis")]
        url_life: Duration = Duration::from_secs(2 * 60 * 60),
        /// The `t` in a URL is its end, not its beginning.
        url_t_is_end: bool = true,
        /// A URL works only from the address that asked for it.
        url_bound: bool = true,
        /// A transfer is cut when its URL's time is over.
        url_cuts_running: bool,
        /// The CDN says so many times that the URL belongs to another place (1010), with this HTTP
        /// status.
        cdn_elsewhere: (u32, u16) = (0, 403),
        /// The CDN sends clients to another port by 302.
        cdn_redirects: bool,
        /// The CDN answers 200 and everything, whatever `Range` says.
        cdn_ignores_range: bool,
        /// The CDN breaks off after so many bytes of an answer.
        cdn_cuts_after: Option<u64>,
        /// How many answers it breaks off; 0 is all.
        cdn_cuts_times: u32,

        // --- The judge ---
        /// How long a client must wait before it polls again.
        #[serde(with = "millis")]
        poll_pause: Duration = Duration::from_secs(1),
        /// How many new tokens within ten minutes need no reason.
        tokens_allowed: usize = 3,
        /// How many new tokens within ten minutes pass even with a reason.
        tokens_most: usize = 10,
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

switches! {
    /// How OAuth apps get their tokens. An access token lives as long as `token_life` says.
    #[derive(Copy)]
    Oauth {
        /// How long a refresh token is good.
        #[serde(with = "millis")]
        refresh_life: Duration = Duration::from_secs(90 * 24 * 60 * 60),
        /// A refresh token that comes a second time ends its grant.
        reuse_revokes: bool = true,
        /// A renewal doesn't end the old access token.
        old_token_lives: bool,
        /// An upload's token is looked at once more when its body is there.
        late_check: bool,
        /// Apps must send their secret.
        needs_secret: bool = true,
        /// Tokens come in 123pan's envelope.
        enveloped: bool,
        /// Refusals come as other OAuth servers write them, with HTTP 400.
        plain_errors: bool,
        /// Refusals repeat the refresh token.
        echoes: bool,
        /// Access tokens are said to live so long, if not zero; they live as long as they do.
        #[serde(with = "millis")]
        life_told: Duration,
        /// `expires_in` is a text.
        life_as_text: bool,
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
