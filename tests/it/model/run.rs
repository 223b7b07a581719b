//! Has a plan happen: each client in a thread of its own, the mishaps in another, which come when
//! everything that stands before them in the plan has begun. Then everything is looked at.

use super::check;
use super::client::Client;
use super::oracle::Oracle;
use super::plan::{Event, Plan};
use super::stage::{Stage, lock};
use super::weather;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Words of answers that tell nothing.
const UNKNOWN: [&str; 4] = ["502", "503", "no answer", "cut off"];

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) histories: usize,
    pub(super) requests: usize,
    /// Of these, those whose outcome the client wasn't told.
    pub(super) unknown: usize,
    pub(super) restarts: usize,
    /// Calls to the cloud that were spoilt.
    pub(super) faults: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        self.histories += other.histories;
        self.requests += other.requests;
        self.unknown += other.unknown;
        self.restarts += other.restarts;
        self.faults += other.faults;
    }
}

/// A history that went wrong.
pub(super) struct Violation {
    pub(super) plan: Plan,
    /// What is wrong.
    pub(super) what: String,
    /// What happened, line by line.
    pub(super) story: String,
    /// What the servers logged.
    pub(super) logs: String,
}

/// A history of a plan on a cloud of its own.
pub(super) fn run(plan: &Plan) -> Result<Tally, Box<Violation>> {
    let stage = Stage::start(plan.climate, &plan.options, plan.servers);
    run_on(&stage, plan, "/model/host/")
}

/// A history of a plan in a repository, which has slashes at both ends.
pub(super) fn run_on(stage: &Stage, plan: &Plan, repo: &str) -> Result<Tally, Box<Violation>> {
    let before = stage.cloud.fired();
    let show = Show {
        stage,
        plan,
        repo,
        oracle: Mutex::new(Oracle::new(plan.is_gloomy())),
        ended: AtomicBool::new(false),
        next: (0..plan.clients).map(|c| next(plan, c, 0)).collect(),
        story: Mutex::default(),
        wrong: Mutex::default(),
        unknown: AtomicUsize::new(0),
    };
    show.calm();
    thread::scope(|scope| {
        for client in 0..plan.clients {
            let show = &show;
            scope.spawn(move || show.ask(client));
        }
        show.mishaps();
    });
    show.calm();
    let failed = lock(&show.wrong).take();
    let checked = match failed {
        Some(wrong) => Err(wrong),
        None => check::all(stage, plan, &show.oracle, repo),
    };
    checked.map_err(|what| Violation {
        plan: plan.clone(),
        what,
        story: show.story(),
        logs: stage.logs(),
    })?;
    Ok(Tally {
        histories: 1,
        requests: plan.asks(),
        unknown: show.unknown.load(Ordering::Relaxed),
        restarts: plan.kills(),
        faults: stage.cloud.fired() - before,
    })
}

/// A history while it happens.
struct Show<'a> {
    stage: &'a Stage,
    plan: &'a Plan,
    repo: &'a str,
    oracle: Mutex<Oracle>,
    /// Somebody saw something wrong.
    ended: AtomicBool,
    /// The event that each client does next.
    next: Vec<AtomicUsize>,
    story: Mutex<Vec<(u64, String)>>,
    wrong: Mutex<Option<String>>,
    unknown: AtomicUsize,
}

/// Where the next request of a client stands.
fn next(plan: &Plan, client: usize, from: usize) -> AtomicUsize {
    AtomicUsize::new(after(plan, client, from))
}

fn after(plan: &Plan, client: usize, from: usize) -> usize {
    let own = |event: &Event| matches!(event, Event::Ask(who, _) if *who == client);
    let found = plan.events.iter().skip(from).position(own);
    found.map_or(usize::MAX, |at| from + at)
}

impl Show<'_> {
    /// Ends all faults and moods; the habits stay.
    fn calm(&self) {
        self.stage.cloud.calm(&self.plan.habits);
    }

    /// What one client does.
    fn ask(&self, number: usize) {
        let server = &self.stage.servers[number % self.plan.servers];
        let mut client = Client::new(self.plan, &self.oracle, server, self.repo);
        loop {
            let at = self.next[number].load(Ordering::SeqCst);
            let Some(event) = self.plan.events.get(at) else {
                return;
            };
            self.next[number].store(after(self.plan, number, at + 1), Ordering::SeqCst);
            let Event::Ask(_, act) = event else { return };
            if self.ended.load(Ordering::SeqCst) {
                return;
            }
            let begun = lock(&self.oracle).now();
            let told = client.perform(act);
            self.note(begun, event, told);
        }
    }

    fn note(&self, begun: u64, event: &Event, told: Result<String, String>) {
        let lasted = (lock(&self.oracle).now() - begun) / 1000;
        let what = self.plan.tell(event);
        let line = match &told {
            Ok(told) => format!("{what}: {told} ({lasted} ms)"),
            Err(_) => format!("{what}: WRONG ({lasted} ms)"),
        };
        lock(&self.story).push((begun, line));
        match told {
            Ok(told) if UNKNOWN.iter().any(|word| told.contains(word)) => {
                self.unknown.fetch_add(1, Ordering::Relaxed);
            }
            Ok(_) => {}
            Err(wrong) => {
                lock(&self.wrong).get_or_insert(format!("{what}: {wrong}"));
                self.ended.store(true, Ordering::SeqCst);
            }
        }
    }

    /// Has the mishaps happen, each in its place.
    fn mishaps(&self) {
        for (at, event) in self.plan.events.iter().enumerate() {
            if matches!(event, Event::Ask(..)) {
                continue;
            }
            let come = || self.next.iter().all(|n| n.load(Ordering::SeqCst) > at);
            while !come() && !self.ended.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(2));
            }
            self.befall(event);
        }
    }

    fn befall(&self, event: &Event) {
        let now = || lock(&self.oracle).now();
        let cloud = &self.stage.cloud;
        match event {
            Event::Ask(..) => {}
            Event::Kill {
                server,
                after,
                moves,
            } => {
                thread::sleep(Duration::from_millis(*after));
                self.stage.servers[*server].kill(*moves, now());
            }
            Event::Fault(fault) => cloud.strike(fault),
            Event::Mood(mood) => {
                // What lists have shown before doesn't vanish from them when they begin to lag.
                cloud.advance(weather::LAG);
                cloud.turn(&mood.1);
            }
            Event::Gloom(gloom) => cloud.darken(gloom),
            Event::Lift => self.calm(),
            Event::HangUp => cloud.hang_up(),
        }
        lock(&self.story).push((now(), self.plan.tell(event)));
    }

    /// What happened, in order.
    fn story(&self) -> String {
        let mut story = lock(&self.story).clone();
        story.sort();
        let first = story.first().map_or(0, |(at, _)| *at);
        let line = |(at, line): &(u64, String)| format!("{:>7} ms {line}\n", (at - first) / 1000);
        story.iter().map(line).collect()
    }
}
