//! Tencent SMH's weather.

use super::super::chance::Chance;
use super::super::stage::{Machine, Sky};
use super::{Change, Climate, Gloom, Habit, LAG, Place, Stroke, as_all_emulators, fault};
use crate::fake::smh::{Call, End, Fake, Marker, NoTask, OverLimit, Switches, Unsaid};
use crate::process;
use crate::smh::process::Process;
use crate::smh::rig::BASE;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Tencent SMH.
pub(in crate::model) static SMH: Climate = Climate {
    base: BASE,
    habits: HABITS,
    copies: &[],
    moods: MOODS,
    gloom: &[],
    stroke,
    start,
};

const fn habit(name: &'static str, change: fn(&mut Switches)) -> Habit {
    Habit(name, Change::Smh(change))
}

/// What holds in every history.
fn fair(s: &mut Switches) {
    *s = Switches::default();
    // A server that was killed can't know what its forerunner was told.
    s.poll_pause = Duration::ZERO;
}

/// Variants of what is undocumented.
#[rustfmt::skip]
const HABITS: &[Habit] = &[
    habit("errors come as 200", |s| s.errors_as_200 = true),
    habit("writes conflict", |s| s.path_conflict = true),
    habit("a clock ahead", |s| s.date_skew = 600),
    habit("a clock behind", |s| s.date_skew = -600),
    habit("a bin", |s| s.bin = true),
    habit("large limits are clamped", |s| s.over_limit = OverLimit::Clamp),
    habit("pages of 3", |s| s.page_max = 3),
    habit("pages of 7", |s| s.page_max = 7),
    habit("the end is null", |s| s.end = End::Null),
    habit("the end is empty", |s| s.end = End::Empty),
    habit("markers by place", |s| s.marker = Marker::Offset),
    habit("markers are numbers", |s| (s.marker, s.marker_as_number) = (Marker::Offset, true)),
    habit("sizes are numbers", |s| s.size_as_number = true),
    habit("HEAD of a folder is 204", |s| s.head_folder = 204),
    habit("incomplete is 403", |s| s.incomplete_status = 403),
    habit("confirm needs a strategy", |s| s.unsaid = Unsaid::Rename),
    habit("an odd spelling", |s| s.overwritten_spelt_oddly = true),
    habit("refused early", |s| s.early_errors = true),
    habit("redirects tell", |s| s.redirect_tells = true),
    habit("the storage host redirects", |s| s.storage_redirects = true),
    habit("every batch is a task", |s| s.batch_task_from = Some(1)),
    habit("tasks are quick", |s| (s.batch_task_from, s.task_time) = (Some(2), Duration::ZERO)),
    habit("unknown tasks are empty", |s| s.no_task = NoTask::Empty),
    habit("an item's status is a text", |s| s.status_as_text = true),
    habit("20 calls a second", |s| s.rate = Some(20.0)),
];

/// Passing troubles.
#[rustfmt::skip]
const MOODS: &[Habit] = &[
    habit("lists lag", |s| s.lag_new = LAG),
    habit("deletes lag", |s| s.lag_deleted = LAG),
    habit("all lists lag", |s| (s.lag_new, s.lag_deleted) = (LAG, LAG)),
    habit("slow", |s| s.latency = Duration::from_millis(60)),
    habit("confirm is slow", |s| { s.latency_of.insert(Call::Confirm, 300); }),
    habit("deletes are slow", |s| { s.latency_of.insert(Call::Batch, 300); }),
    habit("incomplete for a while", |s| s.incomplete_times = 2),
    habit("markers stick", |s| (s.marker, s.marker_times) = (Marker::Stuck, 1)),
    habit("markers go back", |s| (s.marker, s.marker_times) = (Marker::Back, 1)),
    habit("downloads break off", |s| s.cuts_after = Some(300)),
];

/// Calls that faults hit, each as often as it stands here.
const CALLS: &[Call] = &[
    Call::Token,
    Call::Mkdir,
    Call::List,
    Call::List,
    Call::Info,
    Call::HeadFile,
    Call::FileInfo,
    Call::Download,
    Call::Start,
    Call::Start,
    Call::Put,
    Call::Put,
    Call::Confirm,
    Call::Confirm,
    Call::Session,
    Call::Abort,
    Call::DeleteFile,
    Call::Batch,
    Call::Batch,
    Call::Task,
    Call::Get,
];

fn stroke(chance: &mut Chance) -> Stroke {
    Stroke::Smh(fault(chance, CALLS))
}

fn start(options: &[&str]) -> Place {
    let process = Process::with(options, fair);
    (Arc::<Fake>::clone(&process.cloud), Box::new(process))
}

impl Sky for Fake {
    fn calm(&self, habits: &[&'static Habit]) {
        self.clear_faults();
        self.set(fair);
        habits.iter().for_each(|habit| self.turn(&habit.1));
    }

    fn turn(&self, change: &Change) {
        if let Change::Smh(change) = change {
            self.set(change);
        }
    }

    fn darken(&self, _: &Gloom) {}

    fn strike(&self, stroke: &Stroke) {
        if let Stroke::Smh(fault) = stroke {
            self.fail(fault.clone());
        }
    }

    as_all_emulators!();

    fn tree(&self) -> BTreeMap<String, (u64, String)> {
        let tree = Self::tree(self).into_iter();
        tree.map(|(path, (size, crc64))| (path, (size, crc64.to_string())))
            .collect()
    }

    fn sum(&self, bytes: &[u8]) -> String {
        let mut digest = crc64fast::Digest::new();
        digest.write(bytes);
        digest.sum64().to_string()
    }
}

impl Machine for Process {
    fn process(&self) -> &process::Process {
        self
    }

    fn beside(&self) -> Box<dyn Machine> {
        Box::new(Self::beside(self))
    }
}
