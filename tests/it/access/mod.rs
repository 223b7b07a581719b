//! Who may do what, through real HTTP: passwords, roles, space, and the commands about them.

mod clients;
mod commands;
mod lines;
mod passwords;
mod space;
mod table;
mod terminal;

use crate::rigged::Rigged;
use crate::served::Served;
use crate::tree::TempDir;
use crate::wire::Answer;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use restic_123pan::access::{Access, Rules};
use restic_123pan::body::Budget;
use restic_123pan::restic::hex;
use restic_123pan::service::Service;
use restic_123pan::store::Store;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fs;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A server with rules; it stops with the test.
struct Guarded {
    access: Arc<Access>,
    served: Served,
    /// Seconds by which its clock is ahead.
    ahead: Arc<AtomicU64>,
    dir: TempDir,
}

impl Guarded {
    /// A server over a store in memory whose users' passwords are these lines.
    fn start(htpasswd: &str, change: impl FnOnce(&mut Rules, &Path)) -> Self {
        Self::over(Rigged::default(), 0, htpasswd, change)
    }

    /// One over another store, which keeps so much of it free.
    fn over(
        store: impl Store + 'static,
        reserve: u64,
        htpasswd: &str,
        change: impl FnOnce(&mut Rules, &Path),
    ) -> Self {
        let dir = TempDir::new();
        let mut rules = Rules::default();
        if !htpasswd.is_empty() {
            let path = dir.path().join("htpasswd");
            fs::write(&path, htpasswd).unwrap();
            rules.htpasswd = Some(path);
        }
        change(&mut rules, dir.path());
        let ahead = Arc::new(AtomicU64::new(0));
        let seconds = Arc::clone(&ahead);
        let clock = move || Instant::now() + Duration::from_secs(seconds.load(Ordering::SeqCst));
        let access = Arc::new(Access::new(&rules, Box::new(clock)).unwrap());
        let service = Service::new(Box::new(store), Budget::new(32 << 20, None));
        let service = service.guarded(Arc::clone(&access)).reserving(reserve);
        Self {
            access,
            served: Served::serving(service, |_| {}),
            ahead,
            dir,
        }
    }

    /// Lets a second go by.
    fn wait(&self) {
        self.ahead.fetch_add(1, Ordering::SeqCst);
    }

    /// A request of somebody's, whose password is "secret", on a connection of its own.
    fn ask(&self, user: &str, method: &str, path: &str, body: &[u8]) -> Answer {
        let headers = authorization(user, "secret");
        self.open().ask(method, path, &headers, body)
    }
}

impl Deref for Guarded {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.served
    }
}

/// The header for credentials.
fn authorization(user: &str, password: &str) -> String {
    let text = BASE64_STANDARD.encode(format!("{user}:{password}"));
    format!("Authorization: Basic {text}\r\n")
}

/// The line of a user whose password is "secret", by a hash that costs nothing.
fn cheap(user: &str) -> String {
    let hash = BASE64_STANDARD.encode(Sha1::digest("secret"));
    format!("{user}:{{SHA}}{hash}\n")
}

/// The same by bcrypt, at its lowest cost.
fn dear(user: &str, password: &str) -> String {
    let hash = bcrypt::hash_with_salt(password, 4, *b"0123456789abcdef").unwrap();
    format!("{user}:{hash}\n")
}

/// Rules whose roles are these lines.
fn with_roles(text: &str) -> impl FnOnce(&mut Rules, &Path) {
    move |rules, dir| {
        let path = dir.join("roles");
        fs::write(&path, text).unwrap();
        rules.roles = Some(path);
    }
}

fn id(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
