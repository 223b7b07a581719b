//! What is asked for, wiring, run; an error becomes an exit code.

use log::{error, info, warn};
use restic_123pan::access::{Access, passwd};
use restic_123pan::args::{self, Config, Exit, Table, Task};
use restic_123pan::body::Budget;
use restic_123pan::cloud::Account;
use restic_123pan::command::{self, start_log};
use restic_123pan::front::{self, Tls};
use restic_123pan::limit::{Limit, Limits};
use restic_123pan::notify::Notify;
use restic_123pan::server::{self, Bound, Stop};
use restic_123pan::service::Service;
use restic_123pan::settings::Variables;
use restic_123pan::store::Store;
use restic_123pan::store::removals::{self, Removals};
use restic_123pan::watch::{Record, Watch};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// The exit code for a wrong command line.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let words = env::args_os().skip(1);
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into()).collect();
    // What isn't text is no variable of this program's.
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let variables: Variables = env::vars_os().filter_map(text).collect();
    let done = args::read(&words, &variables).and_then(|(task, warnings)| run(task, &warnings));
    done.unwrap_or_else(leave)
}

fn run(task: Task, warnings: &[String]) -> Result<ExitCode, Exit> {
    if !matches!(task, Task::Serve(_) | Task::Check(_)) {
        warnings
            .iter()
            .for_each(|text| say(&format!("warning: {text}")));
    }
    match task {
        Task::Serve(config) => serve(&config, warnings),
        Task::Check(config) => {
            access(&config)?;
            tls(&config)?;
            let account = config.setup.open()?;
            print(command::check(&config, &*account, warnings))
        }
        Task::Ask(asked) => Ok(command::ask(&asked)),
        Task::Passwd { user, file } => {
            let line = passwd(&user, file.as_deref())?;
            print(line.map_or(String::new(), |line| line + "\n"))
        }
        Task::Service(asked) => print(command::service(&Table::new(), &asked)?),
        Task::Completions(asked) => print(command::completions(&Table::new(), &asked)?),
        Task::Manual => print(command::manual(&Table::new())),
        Task::Login(config, asked) => login(&config, &asked.redirect_uri),
        Task::Doctor(config, asked) => {
            let account = config.setup.open()?;
            start_log("off", None);
            let probed = asked.probe.then(|| command::probe(&*account, asked.json));
            match probed {
                None => Ok(command::doctor(&*account)),
                Some(code) => Ok(code.ok_or_else(|| absent(&config, "probe"))?),
            }
        }
        Task::Bin(config, asked) => {
            let account = config.setup.open()?;
            start_log("warn", None);
            let bin = account.trash();
            let bin = bin.ok_or_else(|| absent(&config, "recycle bin"))?;
            Ok(command::bin::run(&asked, &*bin))
        }
        Task::Verify(config, asked) => {
            let account = config.setup.open()?;
            let verify = account.verify();
            let verify = verify.ok_or_else(|| absent(&config, "verify; run restic check"))?;
            start_log("warn", None);
            Ok(command::verify(&asked, verify))
        }
        Task::Import(config, asked) => {
            copy(&config, |store| command::import(&asked, &config, store))
        }
        Task::Export(config, asked) => {
            copy(&config, |store| command::export(&asked, &config, store))
        }
    }
}

/// That a cloud can't do what was asked for.
fn absent(config: &Config, what: &str) -> String {
    format!("the {} cloud has no {what}", config.cloud)
}

fn login(config: &Config, redirect: &str) -> Result<ExitCode, Exit> {
    let login = config.setup.login();
    let login = login.ok_or_else(|| absent(config, "login"))?;
    start_log("warn", None);
    let done = command::login(login, redirect);
    Ok(ended(done.map(|()| ExitCode::SUCCESS)))
}

/// Copies to or from the account; the log is about trouble only.
fn copy(
    config: &Config,
    act: impl FnOnce(&dyn Store) -> Result<(), String>,
) -> Result<ExitCode, Exit> {
    let account = config.setup.open()?;
    start_log("warn", None);
    let done = account.store().and_then(|store| act(&*store));
    Ok(ended(done.map(|()| ExitCode::SUCCESS)))
}

fn print(text: String) -> Result<ExitCode, Exit> {
    Err(Exit::Print(text))
}

fn serve(config: &Config, warnings: &[String]) -> Result<ExitCode, Exit> {
    let access = access(config)?;
    let account = config.setup.open()?;
    account.claim()?;
    let tls = tls(config)?;
    let watch = Arc::default();
    start_log("info", Some(Arc::clone(&watch)));
    warnings.iter().for_each(|text| warn!("{text}"));
    let bound = server::bind(&settings(config, tls));
    if let Ok(bound) = &bound
        && !(bound.is_private() || config.no_auth || access.asks())
    {
        // Of what systemd hands over, the options tell nothing.
        return Err(Exit::Wrong(args::open_to_all(&bound.doors())));
    }
    let done = bound.map_err(Into::into);
    let done = done.and_then(|bound| answer(config, &*account, access, watch, bound));
    Ok(ended(done.map(|()| ExitCode::SUCCESS)))
}

/// The certificate and its key, if there is one.
fn tls(config: &Config) -> Result<Option<Arc<Tls>>, Exit> {
    let files = config.tls.clone();
    let opened = files.map(|(certificate, key)| Tls::open(certificate, key).map(Arc::new));
    opened.transpose().map_err(Exit::Wrong)
}

/// How the server runs.
fn settings(config: &Config, tls: Option<Arc<Tls>>) -> server::Config {
    let front = front::Config {
        listen: config.listen.clone(),
        tls,
        proxy: config.proxy,
        ..front::Config::default()
    };
    let folders = [&config.spool_dir, &config.shared.state_dir];
    server::Config {
        front,
        workers: config.workers,
        folders: folders.into_iter().flatten().cloned().collect(),
        ..server::Config::default()
    }
}

/// The rules about who may do what, with the files that they need.
fn access(config: &Config) -> Result<Access, Exit> {
    Access::new(&config.rules, Box::new(Instant::now)).map_err(Exit::Wrong)
}

fn answer(
    config: &Config,
    account: &dyn Account,
    access: Access,
    watch: Arc<Watch>,
    bound: Bound,
) -> Result<(), Box<dyn Error>> {
    stop_on_signals(&bound.stopper())?;
    for flag in [Some(access.reload()), bound.reload()]
        .into_iter()
        .flatten()
    {
        flag::register(SIGHUP, flag)?;
    }
    let problems = account.problems();
    let warnings = config.warnings.iter().chain(&problems);
    warnings.for_each(|text| warn!("{text}"));
    if !bound.is_private() && !access.asks() {
        warn!("other machines can reach this server, which asks for no password");
    }
    info!("listening on {}, {}", bound.doors(), config.summary());
    let _record = Record::start(&watch, account.state_file("repositories", "json"));
    let budget = Budget::new(config.memory, config.spool_dir.clone()).spooling(config.spool_size);
    let removals = removals::Config {
        log: account.state_file("removals", "log"),
        timing: removals::Timing::default(),
    };
    let store = Removals::start(account.store()?, removals);
    let limits = Limits {
        upload: Limit::new(config.limit_upload.clone()),
        download: Limit::new(config.limit_download.clone()),
    };
    let service = Service::new(Box::new(store), budget)
        .watched(watch)
        .limited(limits)
        .guarded(Arc::new(access))
        .named(config.hosts.clone());
    let bound = bound.telling(Notify::from_env());
    bound.run(service.reserving(config.shared.reserve))?;
    info!("stopped");
    Ok(())
}

/// The first signal lets running requests end, the second doesn't.
fn stop_on_signals(stop: &Stop) -> io::Result<()> {
    for signal in [SIGTERM, SIGINT] {
        // In this order, so that the first one doesn't meet its own flag.
        flag::register_conditional_shutdown(signal, 1, stop.flag())?;
        flag::register(signal, stop.flag())?;
    }
    Ok(())
}

fn ended(done: Result<ExitCode, impl Display>) -> ExitCode {
    done.unwrap_or_else(|problem| {
        error!("{problem}");
        ExitCode::FAILURE
    })
}

fn leave(exit: Exit) -> ExitCode {
    match exit {
        Exit::Print(text) => {
            // Whoever reads it may have seen enough, such as `head`.
            let _ = io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Exit::Wrong(text) => {
            say(&text);
            ExitCode::from(USAGE)
        }
    }
}

// What is wrong with the command line belongs on the terminal.
#[allow(clippy::print_stderr)]
fn say(text: &str) {
    eprintln!("restic-123pan: {text}");
}
