//! The world of one case: an emulated account with a repository in it, and a server over it, which
//! is asked in process. Times that are seconds in earnest are milliseconds here.

use super::operations::{Act, Item, Operation, Start, old};
use crate::account;
use crate::fake::{Fake, Host, Options, Single, Switches};
use restic_123pan::body::{Budget, Length};
use restic_123pan::cloud::layout::Layout;
use restic_123pan::pan123::{Config, Pan123, Timing};
use restic_123pan::restic::Kind;
use restic_123pan::service::{Admission, Answer, Head, Reply, Service};
use restic_123pan::store::removals::{self, Removals};
use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// The folder of the repository in the account.
const FOLDER: &str = "restic/host";
/// Longest time for which a client repeats its request once nothing is wrong any more.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pause between two of these.
const PAUSE: Duration = Duration::from_millis(25);

impl Item {
    /// Its name.
    pub(super) fn name(&self) -> String {
        match self.kind {
            None => "config".to_owned(),
            Some(_) => self.id.to_string(),
        }
    }

    /// The folder in the account where it is.
    pub(super) fn folder(&self) -> String {
        match self.kind {
            None => FOLDER.to_owned(),
            Some(Kind::Data) => {
                format!("{FOLDER}/data/{}", Layout::Sixteen.folder(&self.id))
            }
            Some(kind) => format!("{FOLDER}/{}", kind.name()),
        }
    }

    /// Its path in the account.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.folder(), self.name())
    }

    /// Its path for clients.
    fn target(&self) -> String {
        match self.kind {
            None => "/host/config".to_owned(),
            Some(kind) => format!("/host/{}/{}", kind.name(), self.name()),
        }
    }
}

/// An answer as a client gets it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: u16,
    /// None if it broke off.
    pub(super) body: Option<Vec<u8>>,
}

/// An account and a server.
pub(super) struct World {
    service: Service,
    pub(super) cloud: Fake,
}

impl World {
    /// Everything is well, and the server has done what the operation wants.
    pub(super) fn of(operation: &Operation) -> Self {
        let options = Options {
            switches: well(),
            ..Options::default()
        };
        let cloud = Fake::with(options).unwrap();
        let olds = Kind::ALL.map(old);
        for item in [Item::config()].iter().chain(&olds) {
            let is_made = matches!(operation.act, Act::Create | Act::Save);
            if operation.act != Act::Create && !(is_made && *item == (operation.file)()) {
                cloud.plant(&item.path(), &item.bytes);
            }
        }
        let url = cloud.url();
        let world = Self::over(cloud, &url);
        if operation.start != Start::Cold {
            world.warm_up();
        }
        if operation.start == Start::Slicing {
            world.cloud.set(|s| s.single = Single::Only500);
            world.insist(Act::Save, &Item::new(Kind::Data, b"one"));
            world.cloud.set(|s| s.single = Single::Done);
        }
        // What is there already shows, however late lists are.
        world.cloud.advance(Duration::from_secs(60));
        world
    }

    /// A server that knows nothing yet, and looks for the cloud at `url`.
    pub(super) fn over(cloud: Fake, url: &str) -> Self {
        let store = Pan123::new(&config(&cloud, url));
        let store = Removals::start(Box::new(store), behind());
        // No memory for bodies: those over 1 MiB are streamed.
        let service = Service::new(Box::new(store), Budget::new(0, None));
        Self { service, cloud }
    }

    /// The server learns what there is, and writes what it will have to look after.
    fn warm_up(&self) {
        for kind in Kind::ALL {
            self.insist(Act::List, &Item::new(kind, b""));
        }
        for kind in [Kind::Data, Kind::Snapshots] {
            self.insist(Act::Save, &Item::new(kind, b"own"));
        }
    }

    /// What a client gets that asks once. A pack that it has removed is gone when a lock has been
    /// removed after it, even if there was none.
    pub(super) fn ask(&self, act: Act, item: &Item) -> Told {
        let told = self.ask_alone(act, item);
        match (act, item.kind, told.status) {
            (Act::Remove, Some(Kind::Data), 200) => {
                self.ask_alone(act, &Item::new(Kind::Locks, b"no lock"))
            }
            _ => told,
        }
    }

    /// Whether a removal that was acknowledged has failed for good, and its owner knows.
    pub(super) fn tells_of_a_failed_removal(&self) -> bool {
        let told = self.request("GET", "/-/metrics", None, b"");
        let text = String::from_utf8(told.body.unwrap()).unwrap();
        let mut lines = text.lines();
        let count =
            lines.find_map(|line| line.strip_prefix("restic_123pan_unremoved_packs_total "));
        count.unwrap() != "0"
    }

    fn ask_alone(&self, act: Act, item: &Item) -> Told {
        let file = item.target();
        let kind = item.kind.map_or("", Kind::name);
        let (method, target) = match act {
            Act::Create => ("POST", "/host/?create=true".to_owned()),
            Act::List => ("GET", format!("/host/{kind}/")),
            Act::Stat => ("HEAD", file),
            Act::Load(_) => ("GET", file),
            Act::Save => ("POST", file),
            Act::Remove => ("DELETE", file),
        };
        let body = match act {
            Act::Save => &item.bytes[..],
            _ => &[],
        };
        let range = match act {
            Act::Load(range) => range,
            _ => None,
        };
        self.request(method, &target, range, body)
    }

    fn request(&self, method: &str, target: &str, range: Option<&str>, mut body: &[u8]) -> Told {
        let head = Head {
            method,
            target,
            accept: None,
            range,
            language: None,
            authorization: None,
            origin: None,
            site: None,
            host: None,
            peer: Ipv4Addr::LOCALHOST.into(),
            length: Length::Known(body.len() as u64),
        };
        let mut answer = Collected(Told {
            status: 0,
            body: Some(Vec::new()),
        });
        match self.service.admit(&head) {
            Admission::Job(job) => {
                if self.service.serve(&job, &mut body, &mut answer).is_err() {
                    answer.0.body = None;
                }
            }
            Admission::Refused(reply) => answer.0.status = reply.status,
            Admission::PendingAuth(_) => panic!("nobody has a password here"),
        }
        answer.0
    }

    /// What restic gets that repeats its request: it withdraws before that what it wanted to store.
    pub(super) fn ask_again(&self, act: Act, item: &Item) -> Told {
        if act == Act::Save {
            self.ask(Act::Remove, item);
        }
        self.ask(act, item)
    }

    /// What a client gets that repeats its request: as rustic does, or as restic, which withdraws
    /// before that what it wanted to store.
    pub(super) fn insist(&self, act: Act, item: &Item) -> Told {
        let (end, mut withdraw) = (Instant::now() + PATIENCE, false);
        loop {
            let told = self.ask(act, item);
            if matches!(told.status, 200 | 206) && told.body.is_some() {
                return told;
            }
            let text = format!(
                "{} {} isn't done: {}",
                verb(act),
                item.target(),
                told.status
            );
            assert!(Instant::now() < end, "{text}");
            std::thread::sleep(PAUSE);
            withdraw = act == Act::Save && !withdraw;
            if withdraw {
                self.ask(Act::Remove, item);
            }
        }
    }

    /// Nothing is wrong any more.
    pub(super) fn mend(&self) {
        self.cloud.clear_faults();
        for host in [Host::Api, Host::Upload, Host::Cdn] {
            self.cloud.open(host);
        }
        self.cloud.set(|switches| *switches = well());
        self.cloud.set_space(1 << 40, 0);
        self.cloud.set_traffic(None);
    }

    /// All living files and folders of the account, each as often as it is there, with what they
    /// hold.
    pub(super) fn tree(&self) -> BTreeMap<String, Vec<Vec<u8>>> {
        let mut all = BTreeMap::new();
        self.walk("", &mut all);
        all
    }

    fn walk(&self, folder: &str, all: &mut BTreeMap<String, Vec<Vec<u8>>>) {
        for name in self.cloud.living(folder) {
            let path = format!("{folder}/{name}")
                .trim_start_matches('/')
                .to_owned();
            let Some(view) = self.cloud.file(&path) else {
                continue;
            };
            let bytes = view.bytes();
            let first = !all.contains_key(&path);
            all.entry(path.clone()).or_default().push(bytes);
            if view.folder && first {
                self.walk(&path, all);
            }
        }
    }
}

/// Whether a path is one of the folders of the repository.
pub(super) fn is_folder(path: &str) -> bool {
    let of_kind = |kind: &Kind| path.strip_prefix(FOLDER) == Some(&format!("/{}", kind.name()));
    path == FOLDER || Kind::ALL.iter().any(of_kind)
}

/// What an act is called in requests.
fn verb(act: Act) -> &'static str {
    match act {
        Act::Create | Act::Save => "POST",
        Act::List | Act::Load(_) => "GET",
        Act::Stat => "HEAD",
        Act::Remove => "DELETE",
    }
}

/// Keeps an answer.
struct Collected(Told);

impl Answer for Collected {
    fn start(&mut self, reply: Reply) -> io::Result<()> {
        self.0.status = reply.status;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let body = self.0.body.get_or_insert_default();
        body.extend_from_slice(bytes);
        Ok(())
    }
}

/// The service as documented.
fn well() -> Switches {
    Switches {
        poll_pause: Duration::ZERO,
        appears_after: Duration::from_millis(5),
        // Faults of tokens are ordered here again and again.
        tokens_allowed: usize::MAX,
        tokens_most: usize::MAX,
        // Content that is known already would need no slices.
        reuse: crate::fake::Reuse::Never,
        ..Switches::default()
    }
}

/// Packs are removed when a lock is, and fail for good after a while.
fn behind() -> removals::Timing {
    let (ms, never) = (Duration::from_millis, Duration::from_secs(3600));
    removals::Timing {
        quiet: never,
        oldest: never,
        young: Duration::ZERO,
        spared: never,
        pause: ms(2),
        give_up: ms(100),
        patience: PATIENCE,
        end: ms(100),
    }
}

/// A server over an account that it reaches at `url`.
fn config(cloud: &Fake, url: &str) -> Config {
    Config {
        api_url: url.to_owned(),
        shared: account::shared(fast()),
        ..account::config(cloud)
    }
}

/// Every time that is seconds in earnest, in milliseconds. A machine that is too busy for them
/// makes more faults, which must do no harm either.
fn fast() -> Timing {
    let ms = Duration::from_millis;
    Timing {
        agreed: Duration::ZERO,
        connect: ms(500),
        answer: ms(400),
        stall: ms(400),
        idle: ms(10_000),
        rate_wait: ms(1200),
        retry: ms(30),
        pause: ms(1),
        poll: ms(2),
        polls: 8,
        look: ms(1),
        lately: ms(0),
        visible: ms(100),
        overlay: ms(2000),
        token_pause: ms(0),
        token_again: ms(0),
        ban: ms(50),
        traffic: ms(50),
        address: ms(60_000),
        lost: ms(200),
        purge: ms(1000),
        tier: ms(1000),
        proof: ms(60_000),
        glance: ms(1000),
        space: ms(60_000),
        store: ms(1000),
        ..Timing::default()
    }
}
