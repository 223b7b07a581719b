//! What makes a library unfit for repositories, looked at before a server starts and by the doctor
//! (safety rule 11). Some of it only the library's secret may see.

use super::api::{Api, Scope, Strategy};
use super::config::Config;
use crate::cloud::doctor::{Problem, timing};
use crate::cloud::paths::join;
use crate::cloud::{Fault, Priority, Reason, now};

/// What is found: None if all is well; an Err if it can't be asked.
pub type Checked = Result<Option<Problem>, Fault>;

/// Looks at a library.
pub struct Checks {
    /// The space, as a server sees it.
    pub api: Api,
    library: Api,
    root: String,
}

impl Checks {
    /// Nothing has been looked at; somebody waits for it.
    pub fn new(config: &Config) -> Self {
        let mut config = config.clone();
        config.shared.timing = timing();
        Self {
            api: Api::new(&config, Scope::Space),
            library: Api::new(&config, Scope::Library),
            root: config.shared.repo_path.path().to_owned(),
        }
    }

    /// Whether earlier versions of files are kept.
    pub fn history(&self) -> Checked {
        Ok(self.library.keeps_history()?.then(|| {
            Problem::new(
                "the library keeps earlier versions of files, so that none can be replaced and \
                 none is ever gone",
                "switch its history off in Tencent's console",
            )
        }))
    }

    /// Whether the quota removes files by itself.
    pub fn quota(&self) -> Checked {
        Ok(self.api.quota_removes()?.then(|| {
            Problem::new(
                "the space's quota removes files when it is exceeded, the oldest first",
                "switch removeWhenExceed off in the quota's settings, or repositories lose their \
                 packs",
            )
        }))
    }

    /// Whether everybody can read the space.
    pub fn public(&self) -> Checked {
        Ok(self.api.is_public(&self.root)?.then(|| {
            Problem::new(
                "everybody who knows the library's id can read this space",
                "switch public reading off in Tencent's console; restic's files are encrypted, \
                 but their names and sizes tell something",
            )
        }))
    }

    /// Whether files can be stored in folders within each other: not in a library of media.
    pub fn folders(&self) -> Checked {
        let name = format!("restic-123pan-check-{}-{}", now(), std::process::id());
        let top = join(&self.root, &name);
        let (api, below) = (&self.api, join(&top, "data"));
        let tried = api.mkdir(&below, Priority::Small).and_then(|()| {
            let path = join(&below, "file");
            let ticket = api.start(&path, 1, Strategy::Ask, Priority::Small)?;
            api.abort(&ticket.key, Priority::Small)
        });
        // What wasn't made can't be removed either.
        let _ = api.delete_folder(&top);
        match tried {
            Err(fault) if matches!(fault.reason, Reason::Settings | Reason::BadName) => {
                Ok(Some(Problem::new(
                    format!("nothing can be stored in /{}: {fault}", self.root),
                    "use a library of files, not of media, and a folder that the space lets be \
                     written: see --smh-library, --smh-space and --repo-path",
                )))
            }
            tried => tried.map(|()| None),
        }
    }

    /// Why the library can't be used, as far as that is certain; and what to be warned of.
    pub fn verdict(&self) -> (Option<Problem>, Option<Problem>) {
        for check in [Self::folders, Self::history, Self::quota] {
            match check(self) {
                Ok(Some(problem)) => return (Some(problem), None),
                // It would be the same with all others; the server goes on trying.
                Err(fault) if fault.reason == Reason::Unreachable => return (None, None),
                Ok(None) | Err(_) => {}
            }
        }
        (None, self.public().unwrap_or(None))
    }
}
