//! What may go wrong at the cloud, as tables to draw from: habits, which hold for a whole history
//! and stand for what 123pan leaves undocumented; moods, which hold for a while; faults of single
//! calls. And gloom, in some histories: the cloud lies about success, or refuses for so long that a
//! server doesn't ask again while the history lasts.

use super::chance::Chance;
use crate::fake::{
    self, BadIds, Cursor, Endpoint, Fake, Fault, How, InfosKey, LimitOver, MissingFolder,
    Overwritten, Parts, Reuse, Shape, Single, Switches, Taken, Tier, When,
};
use std::fmt;
use std::time::Duration;

/// Longest that any list lags behind.
pub(super) const LAG: Duration = Duration::from_millis(1200);

/// A way to behave, and what it is called.
pub(super) struct Habit(pub(super) &'static str, pub(super) fn(&mut Switches));

/// The same for what is no habit, but trouble.
pub(super) struct Gloom(pub(super) &'static str, pub(super) fn(&Fake));

/// What holds in every history.
pub(super) fn fair(s: &mut Switches) {
    *s = Switches::default();
    // Servers that are killed again and again ask for many.
    (s.tokens_live, s.tokens_allowed, s.tokens_most) = (1000, 1000, 1000);
    // A server that was killed can't know what its forerunner was told.
    s.poll_pause = Duration::ZERO;
}

/// Variants of what is undocumented.
#[rustfmt::skip]
pub(super) const HABITS: &[Habit] = &[
    Habit("infos says list", |s| s.infos_key = InfosKey::List),
    Habit("ids are strings", |s| s.ids_as_strings = true),
    Habit("fields of no document", |s| s.extra_fields = true),
    Habit("errors in HTTP", |s| s.http_status = true),
    Habit("missing folders are empty", |s| s.missing_folder = MissingFolder::Empty),
    Habit("missing folders are null", |s| s.missing_folder = MissingFolder::NullData),
    Habit("missing folders have a null list", |s| s.missing_folder = MissingFolder::NullList),
    Habit("folders in the bin have rows", |s| s.missing_folder = MissingFolder::Rows),
    Habit("pages of 3", |s| s.page_max = 3),
    Habit("pages of 7", |s| s.page_max = 7),
    Habit("large limits are clamped", |s| s.limit_over = LimitOver::Clamp),
    Habit("taken: exists", |s| s.taken = Taken::Exists),
    Habit("taken: 5060", |s| s.taken = Taken::Code5060),
    Habit("taken: suffix", |s| s.taken = Taken::Suffix),
    Habit("taken: twin", |s| s.taken = Taken::Twin),
    Habit("overwritten vanish", |s| s.overwritten = Overwritten::Vanish),
    Habit("folders get twins", |s| s.mkdir_twins = true),
    Habit("kinds apart", |s| s.kinds_apart = true),
    Habit("etag first", |s| s.parts = Parts::EtagFirst),
    Habit("reuse without id", |s| s.reuse = Reuse::NoId),
    Habit("no reuse", |s| s.reuse = Reuse::Never),
    Habit("trash does the possible and fails", |s| s.trash_bad = BadIds::Partial),
    Habit("trash does the possible", |s| s.trash_bad = BadIds::Silent),
    Habit("delete does the possible and fails", |s| s.delete_bad = BadIds::Partial),
    Habit("delete does the possible", |s| s.delete_bad = BadIds::Silent),
    Habit("no delete", |s| s.delete_missing = true),
    Habit("t is the beginning", |s| s.url_t_is_end = false),
    Habit("the CDN redirects", |s| s.cdn_redirects = true),
    Habit("the CDN ignores ranges", |s| s.cdn_ignores_range = true),
    Habit("cursors by place", |s| s.cursor = Cursor::Offset),
    Habit("slices of 4 MiB", |s| s.slice_size = 4 << 20),
    Habit("uploads are forgotten", |s| s.complete_forgets = true),
    Habit("VIP rates, sliding", |s| s.tier = Tier::Vip),
    Habit("VIP rates, fixed", |s| (s.tier, s.shape) = (Tier::Vip, Shape::Fixed)),
    Habit("refused early", |s| s.early_errors = true),
];

/// Passing troubles.
#[rustfmt::skip]
pub(super) const MOODS: &[Habit] = &[
    Habit("files lag", |s| s.lag_files = LAG),
    Habit("files lag a little", |s| s.lag_files = Duration::from_millis(300)),
    Habit("folders lag", |s| s.lag_mkdir = LAG),
    Habit("the bin lags", |s| s.lag_trash = LAG),
    Habit("infos lags", |s| s.lag_infos = Duration::from_millis(600)),
    Habit("everything lags", |s| {
        (s.lag_files, s.lag_mkdir, s.lag_trash, s.lag_infos) = (LAG, LAG, LAG, LAG);
    }),
    Habit("slow", |s| s.latency = Duration::from_millis(60)),
    Habit("uploads are slow", |s| { s.latency_of.insert(Endpoint::Single, 300); }),
    Habit("trash is slow", |s| { s.latency_of.insert(Endpoint::Trash, 300); }),
    Habit("uploads unfinished", |s| (s.single, s.single_times) = (Single::Unfinished, 3)),
    Habit("uploads without id", |s| (s.single, s.single_times) = (Single::NoId, 3)),
    Habit("uploads queued", |s| (s.single, s.single_times) = (Single::Queued, 2)),
    Habit("uploads queued for ever", |s| (s.single, s.single_times) = (Single::QueuedNever, 1)),
    Habit("uploads stored, then 500", |s| (s.single, s.single_times) = (Single::StoredThen500, 3)),
    Habit("uploads 500", |s| (s.single, s.single_times) = (Single::Only500, 3)),
    Habit("cursors stick", |s| (s.cursor, s.cursor_times) = (Cursor::Stuck, 1)),
    Habit("cursors go back", |s| (s.cursor, s.cursor_times) = (Cursor::Back, 1)),
    Habit("downloads are verified", |s| s.download_verifying = 1),
    Habit("downloads are missing", |s| s.download_missing = 1),
    Habit("the CDN cuts", |s| (s.cdn_cuts_after, s.cdn_cuts_times) = (Some(100), 2)),
    Habit("the CDN is elsewhere", |s| s.cdn_elsewhere.0 = 2),
    Habit("completion is verified", |s| s.complete_verifying = 1),
    Habit("completion is unfinished", |s| s.complete_unfinished = 1),
    Habit("a dead upload host", |s| s.dead_server = true),
    Habit("no upload hosts", |s| s.servers_empty = true),
    Habit("VIP rates in a bucket", |s| (s.tier, s.shape) = (Tier::Vip, Shape::Bucket)),
];

/// What a server can't mend, but must notice.
#[rustfmt::skip]
pub(super) const GLOOM: &[Gloom] = &[
    Gloom("uploads are told done and never come", |c| c.set(|s| (s.single, s.single_times) = (Single::Lost, 1))),
    Gloom("many uploads are told done and never come", |c| c.set(|s| (s.single, s.single_times) = (Single::Lost, 4))),
    Gloom("writes are banned", |c| c.set(|s| s.banned = true)),
    Gloom("the traffic is used up", |c| c.set_traffic(Some(0))),
];

/// Calls that faults hit, each as often as it stands here.
const CALLS: &[Endpoint] = &[
    Endpoint::List,
    Endpoint::List,
    Endpoint::Infos,
    Endpoint::Infos,
    Endpoint::Mkdir,
    Endpoint::Create,
    Endpoint::Slice,
    Endpoint::Complete,
    Endpoint::Domain,
    Endpoint::Single,
    Endpoint::Single,
    Endpoint::Single,
    Endpoint::Trash,
    Endpoint::Trash,
    Endpoint::Delete,
    Endpoint::DownloadInfo,
    Endpoint::Cdn,
    Endpoint::UserInfo,
];

/// A fault of some calls.
pub(super) fn fault(chance: &mut Chance) -> Fault {
    let endpoint = *chance.pick(CALLS);
    let how = chance.pick(&fake::hows(endpoint)).clone();
    let when = match how {
        How::ResetInBody(_) => When::Before,
        _ => *chance.pick(&[When::Before, When::After]),
    };
    Fault {
        endpoint,
        skip: *chance.pick(&[0, 0, 1, 2, 3]),
        times: *chance.pick(&[1, 2, 3]),
        when,
        how,
    }
}

impl fmt::Debug for Habit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Gloom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
