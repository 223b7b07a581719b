//! The users at the door: who was proven a moment ago comes in at once, others are proven, and
//! wrong passwords are told in the log.

use super::credentials::{self, Credentials};
use super::htpasswd::{self, Stored, Users, same};
use super::slow::{Attempt, Guess, Mark, Slow, neighbourhood};
use super::watched::Watched;
use super::{Peer, Recognised, User};
use crate::lines::shown;
use crate::sync::lock;
use crate::warning::Kind;
use log::warn;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a proven password is remembered.
const MEMORY: Duration = Duration::from_secs(5 * 60);
/// Most users whose passwords are remembered.
const USERS: usize = 1024;
/// Addresses of a user's that are remembered: his machines', in one network after the other.
const ADDRESSES: usize = 8;

/// Credentials to be proven.
pub struct Unproven {
    credentials: Credentials,
    peer: Peer,
    attempt: Attempt,
}

impl fmt::Debug for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} from {}", self.credentials, self.peer)
    }
}

/// The guard.
pub(super) struct Authenticator {
    users: Watched<Users>,
    /// The users of whom something may be remembered.
    last: Mutex<Arc<Users>>,
    /// Random for each process, so that what is remembered means nothing outside it.
    key: [u8; 32],
    remembered: Mutex<HashMap<Arc<str>, Remembered>>,
    slow: Arc<Slow>,
    hashed: AtomicUsize,
}

/// A password that was right.
struct Remembered {
    proof: Mark,
    until: Instant,
    /// Where the user was let in, the last place last.
    places: Vec<Peer>,
}

impl Authenticator {
    /// A guard with the users of a file.
    pub(super) fn new(path: &Path, pause: Duration, now: Instant) -> Result<Self, String> {
        let mut key = [0; 32];
        let got = rustix::rand::getrandom(&mut key, rustix::rand::GetRandomFlags::empty());
        if got != Ok(key.len()) {
            return Err("the system has no random numbers".to_owned());
        }
        let users = Watched::open(path, htpasswd::parse, now)?;
        Ok(Self {
            last: Mutex::new(users.value(now)),
            users,
            key,
            remembered: Mutex::default(),
            slow: Slow::new(pause),
            hashed: AtomicUsize::new(0),
        })
    }

    /// Has the file read at the next opportunity.
    pub(super) fn reload(&self) {
        self.users.reload();
    }

    /// Whether there is a user of this name.
    pub(super) fn knows(&self, user: &str, now: Instant) -> bool {
        self.users.value(now).stored(user).is_some()
    }

    /// How often bcrypt has run.
    pub(super) fn hashed(&self) -> usize {
        self.hashed.load(Ordering::Relaxed)
    }

    /// Looks at a header without any expense.
    pub(super) fn recognise(&self, header: Option<&str>, peer: Peer, now: Instant) -> Recognised {
        let users = self.users(now);
        let Some(credentials) = header.and_then(credentials::read) else {
            return Recognised::Nobody;
        };
        if let Some(name) = self.remembers(&users, &credentials, now) {
            return Recognised::User(User(Some(name)));
        }
        match self.slow.begin(self.guess(&credentials, peer), now) {
            None => Recognised::TooManyAttempts,
            Some(attempt) => Recognised::Unproven(Unproven {
                credentials,
                peer,
                attempt,
            }),
        }
    }

    /// Proves credentials; the Err says how long to keep back the answer.
    pub(super) fn prove(
        &self,
        claim: Unproven,
        clock: &dyn Fn() -> Instant,
    ) -> Result<Arc<str>, Duration> {
        let Unproven {
            credentials,
            peer,
            attempt,
        } = claim;
        let users = self.users(clock());
        // Others with the same credentials may have been waiting in front.
        if let Some(name) = self.remembers(&users, &credentials, clock()) {
            attempt.succeeded(clock());
            return Ok(name);
        }
        if let Some(Err(pause)) = attempt.decided() {
            return Err(pause);
        }
        let stored = users.stored(&credentials.user);
        let right = self.try_password(&users, stored, &credentials.password);
        match stored.filter(|_| right) {
            Some(stored) => {
                attempt.succeeded(clock());
                Ok(self.remember(stored, &credentials, peer, clock()))
            }
            None => {
                // The address stands before whatever the client may write.
                let (address, user) = (peer.to_canonical(), shown(&credentials.user));
                let target = Kind::Login.about(address);
                warn!(target: &target, "login failed from {address}: user \"{user}\", wrong name or password");
                Err(attempt.failed(clock()))
            }
        }
    }

    /// Compares a password; a wrong one takes the same time whether or not there is such a user.
    fn try_password(&self, users: &Users, stored: Option<&Stored>, password: &[u8]) -> bool {
        let right = stored.is_some_and(|stored| {
            if stored.cost().is_some() {
                self.hashed.fetch_add(1, Ordering::Relaxed);
            }
            stored.is(password)
        });
        let rest = users.decoys(stored).into_iter().filter(|_| !right);
        for decoy in rest {
            self.hashed.fetch_add(1, Ordering::Relaxed);
            decoy.is(password);
        }
        right
    }

    /// What the file says. Of users that are gone from it nothing is remembered, nor of those that
    /// have got another password.
    fn users(&self, now: Instant) -> Arc<Users> {
        let users = self.users.value(now);
        let mut last = lock(&self.last);
        if !Arc::ptr_eq(&users, &last) {
            let same = |name: &str| users.stored(name) == last.stored(name);
            lock(&self.remembered).retain(|name, _| same(name));
            *last = Arc::clone(&users);
        }
        users
    }

    /// Whose guess the credentials are.
    fn guess(&self, credentials: &Credentials, peer: Peer) -> Guess {
        let user = self.mark(&[credentials.user.as_bytes()]);
        let (user, _) = user.split_first_chunk().unwrap_or((&[0; 8], &[]));
        let place = neighbourhood(peer);
        let remembered = lock(&self.remembered);
        let known = remembered.get(credentials.user.as_str());
        Guess {
            peer,
            user: u64::from_le_bytes(*user),
            mark: self.mark(&[credentials.user.as_bytes(), &credentials.password]),
            known: known.is_some_and(|known| known.places.contains(&place)),
        }
    }

    fn remembers(
        &self,
        users: &Users,
        credentials: &Credentials,
        now: Instant,
    ) -> Option<Arc<str>> {
        // What the file says now counts, also for those who were proven by what it said before.
        let stored = users.stored(&credentials.user)?;
        let remembered = lock(&self.remembered);
        let (name, known) = remembered.get_key_value(credentials.user.as_str())?;
        let fits = known.until > now && same(&known.proof, &self.proof(stored, credentials));
        fits.then(|| Arc::clone(name))
    }

    fn remember(
        &self,
        stored: &Stored,
        credentials: &Credentials,
        peer: Peer,
        now: Instant,
    ) -> Arc<str> {
        let proof = self.proof(stored, credentials);
        let name: Arc<str> = credentials.user.as_str().into();
        let mut remembered = lock(&self.remembered);
        if remembered.len() >= USERS {
            remembered.retain(|_, known| known.until > now);
        }
        if remembered.len() < USERS {
            let before = remembered.remove(&name);
            let mut places = before.map_or(Vec::new(), |known| known.places);
            places.retain(|place| *place != neighbourhood(peer));
            places.push(neighbourhood(peer));
            places.drain(..places.len().saturating_sub(ADDRESSES));
            let new = Remembered {
                proof,
                until: now + MEMORY,
                places,
            };
            remembered.insert(Arc::clone(&name), new);
        }
        name
    }

    /// What is remembered of credentials: a hash that nobody can make without this process's key.
    fn proof(&self, stored: &Stored, credentials: &Credentials) -> Mark {
        let user = credentials.user.as_bytes();
        self.mark(&[stored.bytes(), user, &credentials.password])
    }

    fn mark(&self, parts: &[&[u8]]) -> Mark {
        let mut hash = Sha256::new_with_prefix(self.key);
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}
