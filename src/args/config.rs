//! What the program was told, as values that can't be wrong.

use super::options::{Serving, Using};
use super::{folders, listen, values};
use crate::access::Rules;
use crate::cloud::{Cloud, Setup, Shared, Timing};
use crate::disk::exposed;
use crate::front::Listen;
use crate::limit::Timetable;
use crate::restic::Repo;
use crate::settings::values::{bin, certificates, count, repo_path, share, url};
use crate::settings::{Secret, Settings};
use crate::units::size;
use crate::warning::Warning;
use std::net::IpAddr;
use std::path::PathBuf;

/// Most uploads in flight; clouds ban accounts that flood them.
const MOST_UPLOADS: usize = 20;
/// Most worker threads.
const MOST_WORKERS: usize = 256;
/// Least share of the rates that is used by who lets a server go first.
const LEAST_SHARE: f64 = 0.1;

/// Everything that the program was told.
#[derive(Debug)]
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
    /// Threads for packs and index files.
    pub workers: usize,
    /// Bytes a second that clients may send together.
    pub limit_upload: Timetable,
    /// Bytes a second that they may get.
    pub limit_download: Timetable,
    /// Seconds after which a repository's last snapshot is too old; None for what is usual there.
    pub max_age: Option<u64>,
    /// Where notifications go.
    pub notify: Option<Secret>,
    /// Folder for bodies that don't fit the memory.
    pub spool_dir: Option<PathBuf>,
    /// Most bytes of them there.
    pub spool_size: u64,
    /// Bytes of memory for bodies that are held.
    pub memory: u64,
    /// What every cloud is told.
    pub shared: Shared,
    /// The cloud's name, for messages.
    pub cloud: &'static str,
    /// The account.
    pub setup: Box<dyn Setup>,
    /// What the log should say about the options.
    pub warnings: Vec<Warning>,
}

impl Config {
    /// Reads everything; `going_second` leaves to a server that may run meanwhile the share of
    /// the rates that is its.
    pub(super) fn read(
        flags: (&Serving, &Using),
        settings: &Settings<'_>,
        cloud: &'static Cloud,
        going_second: bool,
    ) -> Result<Self, String> {
        let (serving, using) = flags;
        let mut warnings = Vec::new();
        let listen = listen::listen(&serving.listen, settings, &mut warnings)?;
        let mut shared = shared(using, settings, &mut warnings)?;
        if going_second && using.rate_share.is_none() {
            shared.rate_share = rest(shared.rate_share);
        }
        let spool_dir = match settings.text("spool-dir", using.spool_dir.as_deref()) {
            None => folders::roomy(settings),
            Some(path) => Some(folders::named("spool-dir", &path)?),
        };
        let (rules, setup) = (rules(serving, settings)?, (cloud.read)(settings, &shared)?);
        let credentials = cloud.credentials.iter().map(|credential| credential.name);
        let named = settings.secret_files(credentials).into_iter();
        let own = named.chain(setup.secret_files());
        let places = [&rules.htpasswd, &shared.state_dir].into_iter().flatten();
        let places = own.chain(places.cloned());
        warnings.extend(places.filter_map(|path| exposed(&path)));
        let limit = |name, option| settings.value(name, option, Timetable::parse);
        let workers = |text: &str| count(text, MOST_WORKERS);
        let notify = settings.optional("notify", &serving.notify, url)?;
        Ok(Self {
            listen,
            tls: listen::tls(
                settings.path("tls-cert", &serving.tls_cert),
                settings.path("tls-key", &serving.tls_key),
            )?,
            hosts: settings.list("host", &serving.host, |name| Ok(name.to_owned()))?,
            proxy: settings.optional("trusted-proxy", &serving.trusted_proxy, values::address)?,
            rules,
            no_auth: settings.switch("no-auth", serving.no_auth)?,
            workers: settings.value("workers", &serving.workers, workers)?,
            limit_upload: limit("limit-upload", &serving.limit_upload)?,
            limit_download: limit("limit-download", &serving.limit_download)?,
            max_age: settings.optional("max-age", &serving.max_age, values::age)?,
            notify: notify.map(Secret::new),
            spool_dir,
            spool_size: settings.value("spool-size", &using.spool_size, size)?,
            memory: settings.value("memory", &using.memory, size)?,
            setup,
            shared,
            cloud: cloud.name,
            warnings,
        })
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
        let (access, account) = (self.rules.summary(), self.setup.summary());
        let (memory, workers, uploads) = (self.memory >> 20, self.workers, self.shared.uploads);
        let tls = if self.tls.is_some() { "TLS" } else { "no TLS" };
        format!(
            "{tls}, {access}, {account}, {memory} MiB, {workers} workers, {uploads} uploads, status at /-/"
        )
    }
}

fn rules(flags: &Serving, settings: &Settings<'_>) -> Result<Rules, String> {
    Ok(Rules {
        htpasswd: settings.path("htpasswd-file", &flags.htpasswd_file),
        roles: settings.path("roles", &flags.roles),
        private_repos: settings.switch("private-repos", flags.private_repos)?,
        append_only: settings.switch("append-only", flags.append_only)?,
        ..Rules::default()
    })
}

fn shared(
    flags: &Using,
    settings: &Settings<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Shared, String> {
    let state = settings.text("state-dir", flags.state_dir.as_deref());
    Ok(Shared {
        repo_path: settings.value("repo-path", &flags.repo_path, base)?,
        state_dir: folders::state(state.as_deref(), settings, warnings),
        uploads: settings.value("uploads", &flags.uploads, |text| count(text, MOST_UPLOADS))?,
        rate_share: settings.value("rate-share", &flags.rate_share, share)?,
        bin: settings.value("bin", &flags.bin, bin)?,
        reserve: settings.value("reserve", &flags.reserve, size)?,
        ipv6: !settings.switch("no-ipv6", flags.no_ipv6)?,
        ca: settings.optional("ca-file", &flags.ca_file, certificates)?,
        timing: Timing::default(),
    })
}

/// The folder of the repositories, of which nothing is no name.
fn base(text: &str) -> Result<Repo, String> {
    match text.is_empty() {
        true => Err("nothing stands there; write / for the account's root".to_owned()),
        false => repo_path(text),
    }
}

/// The share of the rates that a server leaves, whose share is given.
fn rest(share: f64) -> f64 {
    (1.0 - share).max(LEAST_SHARE)
}

/// Where a server can be reached that listens there: on this machine, when it listens everywhere.
pub(super) fn reachable(
    listen: &Option<String>,
    settings: &Settings<'_>,
) -> Result<Listen, String> {
    let named: Vec<String> = listen.iter().cloned().collect();
    let all = settings.list("listen", &named, values::listen)?;
    Ok(all.into_iter().next().unwrap_or_default().reachable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_goes_first() {
        for (server, own) in [(0.8, 0.2), (1.0, 0.1), (0.25, 0.75)] {
            assert!((rest(server) - own).abs() < 1e-9, "{server}");
        }
    }
}
