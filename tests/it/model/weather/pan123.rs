//! 123pan's weather: habits stand for what it leaves undocumented. And gloom, in some histories: it
//! lies about success, or refuses for so long that a server doesn't ask again while the history
//! lasts.

use super::super::chance::Chance;
use super::super::stage::{Machine, Sky};
use super::{Change, Climate, Gloom, Habit, LAG, Place, Stroke, as_all_emulators, fault};
use crate::fake::{
    BadIds, Cursor, Endpoint, Fake, InfosKey, LimitOver, MissingFolder, Overwritten, Parts, Reuse,
    Shape, Single, Switches, Taken, Tier,
};
use crate::process;
use crate::rig::Rig;
use md5::{Digest, Md5};
use restic_123pan::restic::hex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// 123pan.
pub(in crate::model) static PAN123: Climate = Climate {
    base: "restic-backup",
    habits: HABITS,
    copies: &["taken: suffix", "taken: twin", "folders get twins"],
    moods: MOODS,
    gloom: GLOOM,
    stroke,
    start,
};

const fn habit(name: &'static str, change: fn(&mut Switches)) -> Habit {
    Habit(name, Change::Pan123(change))
}

/// What holds in every history.
fn fair(s: &mut Switches) {
    *s = Switches::default();
    // Servers that are killed again and again ask for many.
    (s.tokens_live, s.tokens_allowed, s.tokens_most) = (1000, 1000, 1000);
    // A server that was killed can't know what its forerunner was told.
    s.poll_pause = Duration::ZERO;
}

/// Variants of what is undocumented.
#[rustfmt::skip]
const HABITS: &[Habit] = &[
    habit("infos says list", |s| s.infos_key = InfosKey::List),
    habit("ids are strings", |s| s.ids_as_strings = true),
    habit("fields of no document", |s| s.extra_fields = true),
    habit("errors in HTTP", |s| s.http_status = true),
    habit("missing folders are empty", |s| s.missing_folder = MissingFolder::Empty),
    habit("missing folders are null", |s| s.missing_folder = MissingFolder::NullData),
    habit("missing folders have a null list", |s| s.missing_folder = MissingFolder::NullList),
    habit("folders in the bin have rows", |s| s.missing_folder = MissingFolder::Rows),
    habit("pages of 3", |s| s.page_max = 3),
    habit("pages of 7", |s| s.page_max = 7),
    habit("large limits are clamped", |s| s.limit_over = LimitOver::Clamp),
    habit("taken: exists", |s| s.taken = Taken::Exists),
    habit("taken: 5060", |s| s.taken = Taken::Code5060),
    habit("taken: suffix", |s| s.taken = Taken::Suffix),
    habit("taken: twin", |s| s.taken = Taken::Twin),
    habit("overwritten vanish", |s| s.overwritten = Overwritten::Vanish),
    habit("folders get twins", |s| s.mkdir_twins = true),
    habit("kinds apart", |s| s.kinds_apart = true),
    habit("etag first", |s| s.parts = Parts::EtagFirst),
    habit("reuse without id", |s| s.reuse = Reuse::NoId),
    habit("no reuse", |s| s.reuse = Reuse::Never),
    habit("trash does the possible and fails", |s| s.trash_bad = BadIds::Partial),
    habit("trash does the possible", |s| s.trash_bad = BadIds::Silent),
    habit("delete does the possible and fails", |s| s.delete_bad = BadIds::Partial),
    habit("delete does the possible", |s| s.delete_bad = BadIds::Silent),
    habit("no delete", |s| s.delete_missing = true),
    habit("t is the beginning", |s| s.url_t_is_end = false),
    habit("the CDN redirects", |s| s.cdn_redirects = true),
    habit("the CDN ignores ranges", |s| s.cdn_ignores_range = true),
    habit("cursors by place", |s| s.cursor = Cursor::Offset),
    habit("slices of 4 MiB", |s| s.slice_size = 4 << 20),
    habit("uploads are forgotten", |s| s.complete_forgets = true),
    habit("VIP rates, sliding", |s| s.tier = Tier::Vip),
    habit("VIP rates, fixed", |s| (s.tier, s.shape) = (Tier::Vip, Shape::Fixed)),
    habit("refused early", |s| s.early_errors = true),
];

/// Passing troubles.
#[rustfmt::skip]
const MOODS: &[Habit] = &[
    habit("files lag", |s| s.lag_files = LAG),
    habit("files lag a little", |s| s.lag_files = Duration::from_millis(300)),
    habit("folders lag", |s| s.lag_mkdir = LAG),
    habit("the bin lags", |s| s.lag_trash = LAG),
    habit("infos lags", |s| s.lag_infos = Duration::from_millis(600)),
    habit("everything lags", |s| {
        (s.lag_files, s.lag_mkdir, s.lag_trash, s.lag_infos) = (LAG, LAG, LAG, LAG);
    }),
    habit("slow", |s| s.latency = Duration::from_millis(60)),
    habit("uploads are slow", |s| { s.latency_of.insert(Endpoint::Single, 300); }),
    habit("trash is slow", |s| { s.latency_of.insert(Endpoint::Trash, 300); }),
    habit("uploads unfinished", |s| (s.single, s.single_times) = (Single::Unfinished, 3)),
    habit("uploads without id", |s| (s.single, s.single_times) = (Single::NoId, 3)),
    habit("uploads queued", |s| (s.single, s.single_times) = (Single::Queued, 2)),
    habit("uploads queued for ever", |s| (s.single, s.single_times) = (Single::QueuedNever, 1)),
    habit("uploads stored, then 500", |s| (s.single, s.single_times) = (Single::StoredThen500, 3)),
    habit("uploads 500", |s| (s.single, s.single_times) = (Single::Only500, 3)),
    habit("cursors stick", |s| (s.cursor, s.cursor_times) = (Cursor::Stuck, 1)),
    habit("cursors go back", |s| (s.cursor, s.cursor_times) = (Cursor::Back, 1)),
    habit("downloads are verified", |s| s.download_verifying = 1),
    habit("downloads are missing", |s| s.download_missing = 1),
    habit("the CDN cuts", |s| (s.cdn_cuts_after, s.cdn_cuts_times) = (Some(100), 2)),
    habit("the CDN is elsewhere", |s| s.cdn_elsewhere.0 = 2),
    habit("completion is verified", |s| s.complete_verifying = 1),
    habit("completion is unfinished", |s| s.complete_unfinished = 1),
    habit("a dead upload host", |s| s.dead_server = true),
    habit("no upload hosts", |s| s.servers_empty = true),
    habit("VIP rates in a bucket", |s| (s.tier, s.shape) = (Tier::Vip, Shape::Bucket)),
];

/// What a server can't mend, but must notice.
#[rustfmt::skip]
const GLOOM: &[Gloom] = &[
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

fn stroke(chance: &mut Chance) -> Stroke {
    Stroke::Pan123(fault(chance, CALLS))
}

fn start(options: &[&str]) -> Place {
    let rig = Rig::broken(options, |cloud| cloud.set(fair));
    (Arc::<Fake>::clone(&rig.cloud), Box::new(rig))
}

impl Sky for Fake {
    fn calm(&self, habits: &[&'static Habit]) {
        self.clear_faults();
        self.set_traffic(None);
        self.set(fair);
        habits.iter().for_each(|habit| self.turn(&habit.1));
    }

    fn turn(&self, change: &Change) {
        if let Change::Pan123(change) = change {
            self.set(change);
        }
    }

    fn darken(&self, gloom: &Gloom) {
        gloom.1(self);
    }

    fn strike(&self, stroke: &Stroke) {
        if let Stroke::Pan123(fault) = stroke {
            self.fail(fault.clone());
        }
    }

    as_all_emulators!();

    fn tree(&self) -> BTreeMap<String, (u64, String)> {
        Self::tree(self)
    }

    fn sum(&self, bytes: &[u8]) -> String {
        hex(&Md5::digest(bytes))
    }
}

impl Machine for Rig {
    fn process(&self) -> &process::Process {
        self
    }

    fn beside(&self) -> Box<dyn Machine> {
        Box::new(Self::beside(self))
    }
}
