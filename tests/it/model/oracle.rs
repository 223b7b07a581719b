//! What may be true: all writes of a history and when they can have taken effect. An acknowledged
//! write took effect between its request and its answer; one that was answered by an error, or
//! not at all, at any time until a while later, or never. A read is right if it shows a state that
//! no acknowledged write has certainly put an end to. The removal of a pack is certain for the
//! process that acknowledged it, and for all others once that has removed a lock (safety rule 25);
//! if it is killed before, nobody knows.

use super::weather::LAG;
use restic_123pan::restic::{File, Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long after its answer a write of unknown outcome may take effect: longer than any call hangs
/// and any list lags.
const LATE: Duration = Duration::from_secs(5);
/// How long a server believes what it saw of config and keys, by its own rules, and some more.
pub(super) const BELIEVED: Duration = Duration::from_secs(6);
/// How long another server may believe in a pack that was removed, and a server in what a cloud that
/// lies has said of a write.
const EVER: u64 = 1 << 50;
/// When a history begins, in microseconds; before it there was nothing.
const START: u64 = 1 << 40;

/// A process of a server, and when it was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    /// The number of the server's first process.
    pub(super) server: u32,
    pub(super) number: u32,
    pub(super) started: u64,
}

/// What is true or not: a file, or the folder of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    File(File),
    Folder(Kind),
}

/// The number of the content, or nothing there.
pub(super) type State = Option<usize>;

/// One write.
#[derive(Clone, Debug)]
struct Write {
    number: usize,
    effect: State,
    by: Process,
    begun: u64,
    /// When it can have taken effect at the latest; None while it is under way.
    latest: Option<u64>,
    /// Whether it did for certain.
    sure: bool,
    /// When it was acknowledged by a server that hasn't looked at the cloud for it yet.
    promised: Option<u64>,
    /// Whether it was only noted: the pack goes before the next lock does.
    noted: bool,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// By a cloud that may lie: it is certain once an index or a snapshot was stored after it.
    Promised,
    /// The removal of a pack: it is certain once a lock was removed after it.
    Noted,
    /// The same by a process that lives no more.
    Lost,
    NotDone,
    Unknown,
}

/// When somebody looked, and through which process.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) by: Process,
    pub(super) begun: u64,
    pub(super) ended: u64,
}

/// All that is known of a history.
pub(super) struct Oracle {
    start: Instant,
    /// How long after its answer a write of unknown outcome may show.
    late: u64,
    count: usize,
    pasts: BTreeMap<Place, Vec<Write>>,
    /// The servers that have refused a config, or may have.
    refusers: BTreeSet<u32>,
    /// The servers to which configs are on their way, of which they may have refused some already,
    /// once for each.
    sent_to: Vec<u32>,
    /// The servers that have seen no config, or may have.
    without: BTreeSet<u32>,
}

impl Oracle {
    /// Nothing has happened; in a gloomy history the cloud may lie.
    pub(super) fn new(gloomy: bool) -> Self {
        Self {
            start: Instant::now(),
            late: if gloomy { EVER } else { micros(LATE) },
            count: 0,
            pasts: BTreeMap::new(),
            refusers: BTreeSet::new(),
            sent_to: Vec::new(),
            without: BTreeSet::new(),
        }
    }

    /// Microseconds.
    pub(super) fn now(&self) -> u64 {
        START + micros(self.start.elapsed())
    }

    /// A write begins; its number.
    pub(super) fn begin(&mut self, place: Place, effect: State, by: Process) -> usize {
        self.count += 1;
        let write = Write {
            number: self.count,
            effect,
            by,
            begun: self.now(),
            latest: None,
            sure: false,
            promised: None,
            noted: false,
        };
        self.past(place).push(write);
        self.count
    }

    /// It has ended.
    pub(super) fn end(&mut self, place: Place, number: usize, outcome: Outcome, by: Process) {
        let (now, late) = (self.now(), self.late);
        let past = self.past(place);
        let at = past.iter().position(|write| write.number == number);
        let write = &mut past[at.unwrap()];
        match outcome {
            Outcome::Done => (write.latest, write.sure, write.by) = (Some(now), true, by),
            Outcome::Promised => {
                (write.latest, write.promised, write.by) = (Some(now + EVER), Some(now), by);
            }
            Outcome::Noted => {
                (write.latest, write.sure, write.by) = (Some(now), true, by);
                write.noted = true;
            }
            Outcome::Lost => write.latest = Some(EVER),
            Outcome::Unknown => write.latest = Some(now + late),
            Outcome::NotDone => {
                past.remove(at.unwrap());
            }
        }
    }

    /// A server has stored an index or a snapshot, for which it was asked at this time: what it
    /// had promised by then is there, whichever of its processes had (safety rule 5), but for this
    /// file itself.
    pub(super) fn confirm(&mut self, by: Process, begun: u64, but: Place) {
        let others = self.pasts.iter_mut().filter(|(place, _)| **place != but);
        for write in others.flat_map(|(_, past)| past) {
            if write.by.server == by.server
                && let Some(at) = write.promised.filter(|at| *at < begun)
            {
                (write.latest, write.sure, write.promised) = (Some(at), true, None);
            }
        }
    }

    /// A process has removed a lock, for which it was asked at this time: what it had noted by then
    /// has happened.
    pub(super) fn unlocked(&mut self, by: Process, begun: u64) {
        let now = self.now();
        for write in self
            .pasts
            .values_mut()
            .flatten()
            .filter(|write| write.noted)
        {
            if write.by == by && write.latest.is_some_and(|at| at < begun) {
                (write.latest, write.noted) = (Some(now), false);
            }
        }
    }

    /// These processes live no more; what they had noted happens by a call that was under way, or
    /// never.
    pub(super) fn bury(&mut self, lives: impl Fn(Process) -> bool) {
        let latest = self.now() + self.late;
        for write in self
            .pasts
            .values_mut()
            .flatten()
            .filter(|write| write.noted)
        {
            if !lives(write.by) {
                (write.latest, write.sure, write.noted) = (Some(latest), false, false);
            }
        }
    }

    /// A client sends a server a config.
    pub(super) fn sends_config(&mut self, by: Process) {
        self.sent_to.push(by.server);
    }

    /// It has an answer, or none. A server has refused the config, or may have: the keys that came
    /// through it lately, perhaps the loser's, may be taken back.
    pub(super) fn sent_config(&mut self, by: Process, refused: bool, begun: u64) {
        let under_way = self.sent_to.iter().position(|server| *server == by.server);
        under_way.map(|n| self.sent_to.swap_remove(n));
        if !refused {
            return;
        }
        self.refusers.insert(by.server);
        let (now, late) = (self.now(), self.late);
        for (place, past) in &mut self.pasts {
            let is_key = matches!(place, Place::File(File::Hashed(Kind::Keys, _)));
            let is_its = |w: &Write| w.effect.is_some() && w.by.server == by.server;
            if is_key && past.iter().any(is_its) {
                past.push(Write {
                    number: 0,
                    effect: None,
                    by,
                    begun,
                    latest: Some(now + late),
                    sure: false,
                    promised: None,
                    noted: false,
                });
            }
        }
    }

    /// Whether a server may keep the config that a client removes: its last one has lost to it.
    pub(super) fn may_keep_config(&self, by: Process) -> bool {
        self.refusers.contains(&by.server) || self.sent_to.contains(&by.server)
    }

    /// A server has been asked for the config, and may have seen none.
    pub(super) fn without_config(&mut self, by: Process) {
        self.without.insert(by.server);
    }

    /// Whether a server may refuse a key: it belongs to a second client that makes the repository.
    pub(super) fn may_refuse_key(&self, by: Process) -> bool {
        self.without.contains(&by.server)
    }

    /// What a look may have shown.
    pub(super) fn allowed(&mut self, place: Place, look: Look) -> BTreeSet<State> {
        let past = self.past(place);
        let over = |write: &Write| {
            past.iter().any(|later| {
                let knew = seen(place, write, later.by) < later.begun;
                later.sure && knew && seen(place, later, look.by) < look.begun
            })
        };
        let open = past.iter().filter(|w| w.begun <= look.ended && !over(w));
        open.map(|write| write.effect).collect()
    }

    /// A look showed this. An Err says what it could have shown.
    pub(super) fn check(&mut self, place: Place, state: State, look: Look) -> Result<(), String> {
        let allowed = self.allowed(place, look);
        if !allowed.contains(&state) {
            let past = self.past(place);
            return Err(format!("{state:?}, allowed {allowed:?}, past {past:#?}"));
        }
        let past = self.past(place);
        if past.iter().all(|w| seen(place, w, look.by) < look.begun) && allowed.len() > 1 {
            // From now on it must stay so.
            past.push(Write {
                number: 0,
                effect: state,
                by: look.by,
                begun: look.begun,
                latest: Some(look.ended),
                sure: true,
                promised: None,
                noted: false,
            });
        }
        Ok(())
    }

    /// Whether anything was being removed at this time or later, or perhaps before.
    pub(super) fn removing(&self, time: u64) -> bool {
        // A key that is taken back is named by no other file.
        let key = |place: &Place| matches!(place, Place::File(File::Hashed(Kind::Keys, _)));
        let others = self.pasts.iter().filter(|(place, _)| !key(place));
        let all = others.flat_map(|(_, past)| past);
        let mut removals = all.filter(|write| write.effect.is_none() && write.begun > 0);
        removals.any(|write| {
            write.noted || !write.sure || write.latest.is_none_or(|latest| latest >= time)
        })
    }

    fn past(&mut self, place: Place) -> &mut Vec<Write> {
        let by = Process {
            server: 0,
            number: 0,
            started: 0,
        };
        self.pasts.entry(place).or_insert_with(|| {
            vec![Write {
                number: 0,
                effect: None,
                by,
                begun: 0,
                latest: Some(0),
                sure: true,
                promised: None,
                noted: false,
            }]
        })
    }
}

/// Until when a process may not see a write.
fn seen(place: Place, write: &Write, by: Process) -> u64 {
    let Some(latest) = write.latest else {
        return u64::MAX;
    };
    if write.by.number == by.number {
        return latest;
    }
    if write.noted {
        return u64::MAX;
    }
    let believed = match place {
        _ if by.started > latest => 0,
        Place::File(File::Config | File::Hashed(Kind::Keys, _)) => micros(BELIEVED),
        Place::File(File::Hashed(Kind::Data, _)) if write.effect.is_none() => EVER,
        _ => 0,
    };
    latest + micros(LAG) + believed
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap()
}
