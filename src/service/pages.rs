//! The server's own pages, below `/-/`, which is never a repository's name: health, metrics,
//! status. They answer from memory; only `readyz` may wait for the cloud, for a few seconds.

use super::{Answer, Head, Job, Reply, Service, Task};
use crate::access::{Grant, Peer, User};
use crate::body::Length;
use crate::restic::Repo;
use crate::watch::{self, Language};
use std::io;

/// The media type of a line of text.
const PLAIN: &str = "text/plain; charset=utf-8";

/// One of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// Whether the process works.
    Health,
    /// The same, for who asks for no page.
    Door,
    /// Whether the cloud answers.
    Ready,
    /// Prometheus' text.
    Metrics,
    /// JSON.
    Status,
    /// What the owner sees.
    Overview(Language),
}

/// The page that a request wants; None if it wants none, an Err if it is answered already.
pub(super) fn wanted(head: &Head<'_>) -> Option<Result<View, Reply>> {
    let (path, query) = head.target.split_once('?').unwrap_or((head.target, ""));
    let is_get = matches!(head.method, "GET" | "HEAD");
    let browses = head
        .accept
        .is_some_and(|accept| accept.contains("text/html"));
    // No client of restic's GETs the root; somebody who types the address does.
    if path == "/-" || (path == "/" && is_get && browses) {
        // Relative, as a proxy may have us below a path of its own.
        return Some(Err(Reply::empty(302).with("Location", "-/")));
    }
    if path == "/" && is_get {
        return Some(Ok(View::Door));
    }
    let page = match path.strip_prefix("/-/")? {
        "healthz" => View::Health,
        "readyz" => View::Ready,
        "metrics" => View::Metrics,
        "status" => View::Status,
        "" => View::Overview(Language::chosen(query).unwrap_or(Language::of(head.language))),
        _ => return Some(Err(Reply::empty(404))),
    };
    Some(match is_get {
        true => Ok(page),
        false => Err(Reply::empty(405).with("Allow", "GET, HEAD")),
    })
}

impl Job {
    /// A page for a user.
    pub(super) fn page(page: View, user: User, peer: Peer) -> Self {
        Self {
            task: Task::Page(page),
            range: None,
            v2: false,
            length: Length::None,
            grant: Grant::default(),
            turn: None,
            user,
            peer,
        }
    }
}

impl Service {
    /// Answers with a page.
    pub(super) fn show(&self, page: View, user: &User, answer: &mut dyn Answer) -> io::Result<()> {
        let (status, kind, text) = match page {
            View::Health => (200, PLAIN, "ok\n".to_owned()),
            View::Door => (200, PLAIN, "restic-123pan works; see /-/\n".to_owned()),
            View::Ready => self.ready(),
            View::Metrics => (200, watch::TYPE, watch::metrics(&self.snapshot(user))),
            View::Status => {
                let text = serde_json::to_string(&self.snapshot(user)).unwrap_or_default();
                (200, "application/json", text)
            }
            View::Overview(language) => {
                let text = watch::page(&self.snapshot(user), language);
                (200, "text/html; charset=utf-8", text)
            }
        };
        let reply = Reply {
            length: Some(text.len() as u64),
            ..Reply::empty(status)
        };
        let mut reply = reply
            .with("Content-Type", kind)
            .with("Cache-Control", "no-store")
            .with("X-Content-Type-Options", "nosniff");
        if let View::Overview(_) = page {
            reply = reply
                .with("Content-Security-Policy", watch::POLICY)
                .with("Referrer-Policy", "no-referrer")
                .with("Vary", "Accept-Language");
        }
        answer.start(reply)?;
        answer.write(text.as_bytes())
    }

    fn ready(&self) -> (u16, &'static str, String) {
        let (status, text) = match self.store.probe() {
            Ok(()) => (200, "ok\n".to_owned()),
            Err(error) => (503, format!("{error}\n")),
        };
        (status, PLAIN, text)
    }

    /// How things are.
    pub fn overview(&self) -> watch::Snapshot {
        let memory = (self.budget.used(), self.budget.limit());
        let mut seen = self.watch.snapshot(self.store.health(), memory);
        seen.limit_upload = self.limits.upload.rate();
        seen.limit_download = self.limits.download.rate();
        seen
    }

    /// The same, as far as a user may know: of repositories that aren't his nothing is told.
    fn snapshot(&self, user: &User) -> watch::Snapshot {
        let mut seen = self.overview();
        let reads = |path: &str| {
            let repo = Repo::new(path.trim_start_matches('/'));
            repo.is_some_and(|repo| self.access.reads(user, &repo))
        };
        // Whoever may read the root may read everything below it.
        if !reads("") {
            seen.keep(reads);
        }
        seen
    }
}
