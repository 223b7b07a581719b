//! What is or was wrong with the disk, for the status page: at most one trouble of each kind, and
//! what its owner can do.

use crate::civil::now;
use crate::error::{Cause, Error};
use crate::store::{Account, Advice, Health, Trouble};
use crate::sync::lock;
use crate::warning::TROUBLE;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// The cloud's name.
const NAME: &str = "local";

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    /// The root can't be opened or listed.
    Gone,
    /// The disk is full.
    Full,
    /// It can't be written.
    ReadOnly,
    /// A file was damaged.
    Damaged,
}

/// What has been seen of the disk.
#[derive(Debug, Default)]
pub(super) struct Troubles(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    answered: Option<u64>,
    troubles: BTreeMap<Wrong, Trouble>,
}

impl Troubles {
    /// Notes that something was written.
    pub(super) fn wrote(&self) {
        lock(&self.0).over(&[Wrong::Full, Wrong::ReadOnly]);
    }

    /// Notes why something couldn't be.
    pub(super) fn met(&self, error: &Error) {
        let wrong = match error.cause {
            Cause::Full => Wrong::Full,
            Cause::Busy => Wrong::ReadOnly,
            _ => return,
        };
        lock(&self.0).met(wrong, error.to_string());
    }

    /// Notes a damaged file and says it.
    pub(super) fn damaged(&self, text: String) {
        log::warn!(target: TROUBLE, "{text}; {}", Wrong::Damaged.advice().en);
        lock(&self.0).met(Wrong::Damaged, text);
    }

    /// How the disk does, of which `room` says whether it is there, and its bytes in all and free.
    pub(super) fn health(&self, room: Result<(u64, u64), Error>) -> Health {
        let mut seen = lock(&self.0);
        let mut account = None;
        let is_there = room.is_ok();
        match room {
            Ok((total, free)) => {
                seen.over(&[Wrong::Gone]);
                seen.answered = Some(now());
                account = (total > 0).then(|| Account {
                    tier: "disk",
                    used: total.saturating_sub(free),
                    total,
                    paid_until: None,
                    as_of: now(),
                });
            }
            Err(error) => seen.met(Wrong::Gone, error.to_string()),
        }
        let damaged = seen.troubles.get(&Wrong::Damaged);
        Health {
            cloud: NAME,
            reachable: Some(is_there),
            answered: seen.answered,
            account,
            damaged: damaged.map_or(0, |trouble| trouble.times),
            troubles: seen.troubles.values().cloned().collect(),
            ..Health::default()
        }
    }
}

impl Seen {
    fn met(&mut self, wrong: Wrong, text: String) {
        let trouble = self.troubles.entry(wrong).or_insert_with(|| Trouble {
            since: now(),
            advice: wrong.advice(),
            ..Trouble::default()
        });
        trouble.last = now();
        trouble.times += 1;
        trouble.over = false;
        trouble.text = text;
    }

    fn over(&mut self, wrongs: &[Wrong]) {
        let those = |(wrong, _): &(&Wrong, &mut Trouble)| wrongs.contains(wrong);
        let troubles = self.troubles.iter_mut().filter(those);
        troubles.for_each(|(_, trouble)| trouble.over = true);
    }
}

impl Wrong {
    /// What to do about it.
    fn advice(self) -> Advice {
        let (en, zh) = match self {
            Self::Gone => (
                "mount the disk again, or look at the folder's permissions; requests get 503 until \
                 then, and nothing is written elsewhere",
                "请重新挂载磁盘，或检查文件夹权限；在此之前请求会得到 503，数据不会写到别处",
            ),
            Self::Full => (
                "make room: `restic forget --prune`, or remove other files from the disk",
                "请腾出空间：运行 `restic forget --prune`，或删除磁盘上的其他文件",
            ),
            Self::ReadOnly => (
                "look at the folder's permissions, and at the system's log: a disk that fails is \
                 often mounted read-only",
                "请检查文件夹权限和系统日志：出现故障的磁盘往往会被挂载为只读",
            ),
            Self::Damaged => (
                "check the disk, and run `restic check --read-data`: other files may be damaged too",
                "请检查磁盘，并运行 `restic check --read-data`：其他文件也可能已损坏",
            ),
        };
        Advice { en, zh }
    }
}
