//! What the program was told, as values that can't be wrong.

use crate::access::Rules;
use crate::front::Listen;
use crate::pan123::{self, Bin, Clock, Grant, Tier, Timing};
use crate::restic::Repo;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Everything that the program was told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; none for the usual place.
    pub listen: Vec<Listen>,
    /// The files of the certificate and its key; None speaks HTTP.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Names by which clients may ask where no passwords are asked for.
    pub hosts: Vec<String>,
    /// The proxy that says whose requests it passes on.
    pub proxy: Option<IpAddr>,
    /// Who may come in and do what.
    pub rules: Rules,
    /// Whether others than this machine may come in without passwords.
    pub no_auth: bool,
    /// The folder in the account below which repositories are kept.
    pub repo_path: Repo,
    /// Where 123pan's interface is.
    pub api_url: String,
    /// Folder for what should outlive a restart; none to do without.
    pub state_dir: Option<PathBuf>,
    /// Folder for bodies that don't fit the memory.
    pub spool_dir: Option<PathBuf>,
    /// Most bytes of them there.
    pub spool_size: u64,
    /// Bytes of memory for bodies that are held.
    pub memory: u64,
    /// Threads for packs and index files.
    pub workers: usize,
    /// Most uploads in flight.
    pub uploads: usize,
    /// Share of 123pan's rates that this program may use: above 0, at most 1.
    pub rate_share: f64,
    /// What becomes of deleted files.
    pub bin: Bin,
    /// Bytes of the account that are kept free for what makes room again; below it, the oldest
    /// deleted files are purged before their time.
    pub reserve: u64,
    /// Which rates the account has; none to find out.
    pub tier: Option<Tier>,
    /// Whether files, and the token with them, may be sent without TLS.
    pub allow_http_upload: bool,
    /// Whether 123pan is reached by IPv6 as well.
    pub ipv6: bool,
    /// Certificate authorities to trust instead of the usual ones, as PEM.
    pub ca: Option<Vec<u8>>,
    /// The account's client id, or the OAuth app's.
    pub client_id: String,
    /// The secret that goes with it.
    pub client_secret: Secret,
    /// The file of the OAuth app's grant; None for a developer's own account.
    pub oauth_file: Option<PathBuf>,
    /// What the log should say about the options.
    pub warnings: Vec<String>,
}

/// A text that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl Secret {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever must send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Config {
    /// The same account, with the grant by which the OAuth app uses it. An Err says why its file
    /// can't be used.
    pub fn granted(&self) -> Result<pan123::Config, String> {
        let grant = self.oauth_file.as_deref().map(Grant::open).transpose();
        Ok(pan123::Config {
            grant: grant?.map(Arc::new),
            ..self.account()
        })
    }

    /// The account that the options name, and how it is used.
    pub fn account(&self) -> pan123::Config {
        pan123::Config {
            api_url: self.api_url.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.reveal().to_owned(),
            grant: None,
            repo_path: self.repo_path.path().to_owned(),
            state_dir: self.state_dir.clone(),
            uploads: self.uploads,
            rate_share: self.rate_share,
            tier: self.tier,
            bin: self.bin,
            reserve: self.reserve,
            clock: Clock::default(),
            allow_http_upload: self.allow_http_upload,
            ipv4_only: !self.ipv6,
            ca: self.ca.clone(),
            timing: Timing::default(),
        }
    }

    /// Where to listen, for people.
    pub fn listening(&self) -> String {
        let all: Vec<String> = self.listen.iter().map(ToString::to_string).collect();
        match all.is_empty() {
            true => Listen::default().to_string(),
            false => all.join(", "),
        }
    }

    /// The modes in force, in a line.
    pub fn summary(&self) -> String {
        let (path, url, bin) = (&self.repo_path, &self.api_url, self.bin);
        let (memory, workers, uploads) = (self.memory >> 20, self.workers, self.uploads);
        let (access, share) = (self.rules.summary(), self.rate_share);
        let tier = self
            .tier
            .map_or("auto".to_owned(), |tier| format!("{tier:?}"));
        let grant = self.oauth_file.as_ref().map_or(String::new(), |file| {
            format!(" by the OAuth grant in {}", file.display())
        });
        let tls = if self.tls.is_some() { "TLS" } else { "no TLS" };
        format!(
            "{tls}, {access}, {path} at {url}{grant}, {memory} MiB, {workers} workers, {uploads} uploads, \
             bin {bin}, tier {tier}, rate share {share}, status at /-/"
        )
    }
}
