//! Histories, made from seeds: which files there are, who asks what, and what goes wrong between.
//! A plan goes by numbers of files, so that any part of it is a plan again.

use super::chance::Chance;
use super::weather::{Climate, Gloom, Habit, Stroke};
use crate::tree;
use restic_123pan::restic::{File, Id, Kind};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// A history before it happens.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) climate: &'static Climate,
    pub(super) seed: u64,
    /// One, or two on the same repository; client n asks server n % servers.
    pub(super) servers: usize,
    pub(super) clients: usize,
    /// Options of the servers.
    pub(super) options: Vec<&'static str>,
    pub(super) habits: Vec<&'static Habit>,
    pub(super) files: Arc<[Named]>,
    pub(super) events: Vec<Event>,
}

/// A file that may be stored.
pub(super) struct Named {
    pub(super) file: File,
    pub(super) bytes: Vec<u8>,
    /// Who alone writes it; None is everybody.
    owner: Option<usize>,
}

/// What happens.
#[derive(Clone)]
pub(super) enum Event {
    /// A client asks.
    Ask(usize, Act),
    /// A server is killed so many milliseconds later, and starts again, perhaps on another port.
    Kill {
        server: usize,
        after: u64,
        moves: bool,
    },
    /// Some calls to the cloud will fail.
    Fault(Stroke),
    /// The cloud changes its ways for a while.
    Mood(&'static Habit),
    /// It does worse.
    Gloom(&'static Gloom),
    /// It goes back to its habits.
    Lift,
    /// All connections to the cloud end.
    HangUp,
}

/// What a client asks; files by their numbers.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Create,
    /// A list, in version 1 or 2 of the protocol.
    List(Kind, u8),
    Stat(usize),
    /// The whole, or the `Range` of this header.
    Load(usize, Option<String>),
    Save(usize, Manner),
    Remove(usize),
}

/// How a file is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// As it should be.
    Plain,
    /// Twice, one after the other.
    Twice,
    /// Without a length.
    Chunked,
    /// With other bytes than its name says.
    WrongHash,
    /// Only half of what was announced.
    Short,
}

/// Files of each kind that one client alone writes.
const OWN: usize = 2;
/// Files of each kind that all clients write.
const SHARED: usize = 2;
/// Packs lie in as few folders, so that lists of them are short in calls.
const PREFIXES: u8 = 3;

impl Plan {
    /// The history of a seed.
    pub(super) fn new(climate: &'static Climate, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let servers = if chance.one_in(3) { 2 } else { 1 };
        let clients = 2 + chance.below(3);
        let files = files(&mut chance, clients, servers);
        let habits = (0..chance.below(5)).map(|_| chance.pick(climate.habits));
        let habits: Vec<&Habit> = habits.collect();
        let options = options(&mut chance);
        let mut events = events(climate, &mut chance, (clients, servers), &files);
        if chance.one_in(6) && !climate.gloom.is_empty() {
            darken(climate, &mut chance, &mut events);
        }
        Self {
            climate,
            seed,
            servers,
            clients,
            options,
            habits,
            files: files.into(),
            events,
        }
    }

    /// The same for one server that lives on, and mustn't suffer from what was before.
    pub(super) fn without_kills(mut self) -> Self {
        self.servers = 1;
        let leaves = |event: &Event| matches!(event, Event::Kill { .. } | Event::Gloom(_));
        self.events.retain(|event| !leaves(event));
        self
    }

    /// Whether the cloud lies, or refuses for good.
    pub(super) fn is_gloomy(&self) -> bool {
        let gloom = |event: &Event| matches!(event, Event::Gloom(_));
        self.events.iter().any(gloom)
    }

    /// How many requests there are.
    pub(super) fn asks(&self) -> usize {
        let ask = |event: &&Event| matches!(event, Event::Ask(..));
        self.events.iter().filter(ask).count()
    }

    /// How often a server is killed.
    pub(super) fn kills(&self) -> usize {
        let kill = |event: &&Event| matches!(event, Event::Kill { .. });
        self.events.iter().filter(kill).count()
    }

    /// Whether the cloud may keep a second copy beside a file. A server takes its own copy back
    /// before the next index counts, if it is told of it and isn't killed; it does no harm.
    pub(super) fn has_copies(&self) -> bool {
        self.habits
            .iter()
            .any(|habit| self.climate.copies.contains(&habit.0))
    }

    /// What a file is, for people.
    pub(super) fn tell_file(&self, n: usize) -> String {
        let named = &self.files[n];
        let (file, len) = (named.file.to_string(), named.bytes.len());
        format!("{} ({n}, {len} bytes)", file.get(..20).unwrap_or(&file))
    }

    /// What an event is, for people.
    pub(super) fn tell(&self, event: &Event) -> String {
        let name = |n: &usize| self.tell_file(*n);
        match event {
            Event::Ask(client, act) => {
                let act = match act {
                    Act::Create => "create".to_owned(),
                    Act::List(kind, version) => format!("list {} v{version}", kind.name()),
                    Act::Stat(n) => format!("stat {}", name(n)),
                    Act::Load(n, None) => format!("load {}", name(n)),
                    Act::Load(n, Some(range)) => format!("load {} {range}", name(n)),
                    Act::Save(n, manner) => format!("save {} {manner:?}", name(n)),
                    Act::Remove(n) => format!("remove {}", name(n)),
                };
                format!("client {client}: {act}")
            }
            Event::Kill {
                server,
                after,
                moves,
            } => format!("kill server {server} after {after} ms, moves: {moves}"),
            Event::Fault(fault) => format!("{fault:?}"),
            Event::Mood(mood) => format!("mood: {mood:?}"),
            Event::Gloom(gloom) => format!("gloom: {gloom:?}"),
            Event::Lift => "moods end".to_owned(),
            Event::HangUp => "all connections to the cloud end".to_owned(),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seed, servers, options) = (self.seed, self.servers, &self.options);
        writeln!(f, "seed {seed}, {servers} servers, options {options:?}")?;
        writeln!(f, "habits: {:?}", self.habits)?;
        let mut lines = self.events.iter().map(|event| self.tell(event));
        lines.try_for_each(|line| writeln!(f, "  {line}"))
    }
}

fn options(chance: &mut Chance) -> Vec<&'static str> {
    let bin = *chance.pick(&["purge", "keep", "7d"]);
    let memory = *chance.pick(&["0", "2M", "32M"]);
    let workers = *chance.pick(&["1", "2", "8"]);
    let words = ["--bin", bin, "--memory", memory, "--workers", workers];
    [&words[..], &["--rate-share", "1"]].concat()
}

fn files(chance: &mut Chance, clients: usize, servers: usize) -> Vec<Named> {
    let mut files = Vec::new();
    let owners = (0..clients * OWN).map(|n| Some(n % clients));
    for kind in Kind::ALL {
        // A server may know of another's packs from before; restic's never meet in one name.
        let shared = if kind == Kind::Data && servers > 1 {
            0
        } else {
            SHARED
        };
        for owner in owners.clone().chain((0..shared).map(|_| None)) {
            let bytes = content(chance, kind);
            let id = Id(Sha256::digest(&bytes).into());
            let file = File::Hashed(kind, id);
            files.push(Named { file, bytes, owner });
        }
    }
    for _ in 0..2 {
        files.push(Named {
            file: File::Config,
            bytes: tree::random(chance.next(), 155),
            owner: None,
        });
    }
    files
}

fn content(chance: &mut Chance, kind: Kind) -> Vec<u8> {
    let seed = chance.next();
    match kind {
        Kind::Data if chance.one_in(60) => {
            let most = chance.weighed(&[(3, 4 << 20), (1, 19 << 20)]);
            return tree::random(seed, (1 << 20) + chance.below(most));
        }
        Kind::Index if chance.one_in(30) => return tree::random(seed, chance.below(2 << 20) + 1),
        _ => {}
    }
    let len = 40 + chance.below(2000);
    let alike = |bytes: &Vec<u8>| kind != Kind::Data || Sha256::digest(bytes)[0] < PREFIXES;
    let many = (0..).map(|n| tree::random(seed.wrapping_add(n), len));
    many.into_iter().find(alike).unwrap()
}

/// Requests of a history: from so many, up to as many more.
const ASKS: (usize, usize) = (24, 30);

fn events(
    climate: &Climate,
    chance: &mut Chance,
    (clients, servers): (usize, usize),
    files: &[Named],
) -> Vec<Event> {
    let mut events = Vec::new();
    if !chance.one_in(6) {
        events.push(Event::Ask(0, Act::Create));
    }
    for _ in 0..ASKS.0 + chance.below(ASKS.1) {
        if chance.one_in(6) {
            events.push(mishap(climate, chance, servers));
        }
        let client = chance.below(clients);
        events.push(Event::Ask(client, act(chance, client, files)));
    }
    events
}

/// Puts gloom among the events, and its ends.
fn darken(climate: &Climate, chance: &mut Chance, events: &mut Vec<Event>) {
    for _ in 0..1 + chance.below(4) {
        let at = chance.below(events.len());
        events.insert(at, Event::Gloom(chance.pick(climate.gloom)));
        if chance.one_in(2) {
            let end = at + 1 + chance.below(events.len() - at);
            events.insert(end, Event::Lift);
        }
    }
}

fn mishap(climate: &Climate, chance: &mut Chance, servers: usize) -> Event {
    match chance.below(20) {
        0..=2 => Event::Kill {
            server: chance.below(servers),
            after: chance.below(60) as u64,
            moves: chance.one_in(2),
        },
        3..=10 => Event::Fault((climate.stroke)(chance)),
        11..=15 => Event::Mood(chance.pick(climate.moods)),
        16..=18 => Event::Lift,
        _ => Event::HangUp,
    }
}

fn act(chance: &mut Chance, client: usize, files: &[Named]) -> Act {
    let any = chance.below(files.len());
    let writable = loop {
        let n = chance.below(files.len());
        match files[n].owner {
            Some(owner) if owner != client => {}
            None if !chance.one_in(2) => {}
            _ => break n,
        }
    };
    let size = files[any].bytes.len() as u64;
    match chance.below(100) {
        0..=41 => Act::Save(writable, manner(chance, &files[writable].file)),
        42..=57 => Act::Remove(writable),
        58..=67 => Act::Load(any, None),
        68..=75 => Act::Load(any, Some(range(chance, size))),
        76..=83 => Act::Stat(any),
        84..=97 => {
            let version = 1 + u8::from(chance.one_in(2));
            Act::List(*chance.pick(&Kind::ALL), version)
        }
        _ => Act::Create,
    }
}

fn manner(chance: &mut Chance, file: &File) -> Manner {
    let wrong = if *file == File::Config { 0 } else { 4 };
    chance.weighed(&[
        (24, Manner::Plain),
        (4, Manner::Twice),
        (6, Manner::Chunked),
        (3, Manner::Short),
        (wrong, Manner::WrongHash),
    ])
}

fn range(chance: &mut Chance, size: u64) -> String {
    let (a, b) = (chance.next() % size, chance.next() % size);
    match chance.below(6) {
        0 => format!("bytes={a}-"),
        1 => format!("bytes=-{}", a + 1),
        2 => format!("bytes={size}-"),
        3 => format!("bytes={a}-{}", size + 5),
        _ => format!("bytes={}-{}", a.min(b), a.max(b)),
    }
}
