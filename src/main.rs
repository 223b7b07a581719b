//! What is asked for, wiring, run; an error becomes an exit code.

use log::{error, info, warn};
use restic_123pan::access::{Access, passwd};
use restic_123pan::args::{self, Command, Config, Exit, Task};
use restic_123pan::body::Budget;
use restic_123pan::command::{self, Call, start_log};
use restic_123pan::front::{self, Tls};
use restic_123pan::pan123::{self, Pan123};
use restic_123pan::server::{self, Bound, Stop};
use restic_123pan::service::Service;
use restic_123pan::watch::{Record, Watch};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::env;
use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// The exit code for a wrong command line.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let done = match command::parse(&words) {
        Ok(None) => configured(&words),
        Ok(Some(Call::Print(text))) => Err(Exit::Print(text)),
        Ok(Some(Call::Account(task))) => work(&task),
        Err(why) => Err(Exit::Wrong(why)),
    };
    done.unwrap_or_else(leave)
}

fn configured(words: &[String]) -> Result<ExitCode, Exit> {
    match args::task(words, &|name| env::var(name).ok())? {
        Task::Configured(config, Command::Serve) => serve(&config),
        Task::Configured(config, Command::Check) => {
            access(&config)?;
            tls(&config)?;
            Err(Exit::Print(command::check(&config, &granted(&config)?)))
        }
        Task::Configured(config, Command::Doctor) => {
            start_log("off", None);
            tls(&config)?;
            Ok(command::doctor(&granted(&config)?))
        }
        Task::Configured(config, Command::Bin(bin)) => {
            start_log("warn", None);
            Ok(command::bin::run(&bin, &granted(&config)?))
        }
        Task::Passwd { user, file } => {
            let line = passwd(&user, file.as_deref()).map_err(Exit::Wrong)?;
            Err(Exit::Print(line.map_or(String::new(), |line| line + "\n")))
        }
    }
}

/// A command that works on the account; its log is about trouble only.
fn work(task: &command::Task) -> Result<ExitCode, Exit> {
    let config = args::account(task.options(), &|name| env::var(name).ok())?;
    start_log("warn", None);
    Ok(ended(task.run(&config)))
}

fn serve(config: &Config) -> Result<ExitCode, Exit> {
    let access = access(config)?;
    let account = granted(config)?;
    if let Some(grant) = account.grant.as_ref().filter(|grant| !grant.is_ours()) {
        return Err(Exit::Wrong(format!(
            "{} is held by another process: one OAuth grant serves one server",
            grant.place()
        )));
    }
    let tls = tls(config)?;
    let watch = Arc::default();
    start_log("info", Some(Arc::clone(&watch)));
    let bound = server::bind(&settings(config, tls));
    if let Ok(bound) = &bound
        && !(bound.is_private() || config.no_auth || access.asks())
    {
        // Of what systemd hands over, the options tell nothing.
        return Err(Exit::Wrong(args::open_to_all(&bound.doors())));
    }
    let done = bound.map_err(Into::into);
    let done = done.and_then(|bound| run(config, &account, access, watch, bound));
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
    let folders = [&config.spool_dir, &config.state_dir];
    server::Config {
        front,
        workers: config.workers,
        folders: folders.into_iter().flatten().cloned().collect(),
        ..server::Config::default()
    }
}

/// The account with its OAuth grant, if it has one.
fn granted(config: &Config) -> Result<pan123::Config, Exit> {
    config.granted().map_err(Exit::Wrong)
}

/// The rules about who may do what, with the files that they need.
fn access(config: &Config) -> Result<Access, Exit> {
    Access::new(&config.rules, Box::new(Instant::now)).map_err(Exit::Wrong)
}

fn run(
    config: &Config,
    account: &pan123::Config,
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
    let problem = account.grant.as_ref().and_then(|grant| grant.problem());
    let warnings = config.warnings.iter().chain(&problem);
    warnings.for_each(|text| warn!("{text}"));
    if !bound.is_private() && !access.asks() {
        warn!("other machines can reach this server, which asks for no password");
    }
    if config.state_dir.is_none() {
        warn!(
            "there is no state directory, so that each start asks for a new access token; name \
             one with --state-dir"
        );
    }
    info!("listening on {}, {}", bound.doors(), config.summary());
    let _record = Record::start(&watch, account.state_file("repositories", "json"));
    let budget = Budget::new(config.memory, config.spool_dir.clone()).spooling(config.spool_size);
    let service = Service::new(Box::new(Pan123::new(account)), budget).watched(watch);
    let service = service
        .guarded(Arc::new(access))
        .named(config.hosts.clone());
    bound.run(service.reserving(config.reserve))?;
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

// What is wrong with the command line belongs on the terminal.
#[allow(clippy::print_stderr)]
fn leave(exit: Exit) -> ExitCode {
    match exit {
        Exit::Print(text) => {
            // Whoever reads it may have seen enough, such as `head`.
            let _ = io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Exit::Ask(asked) => command::ask(&asked),
        Exit::Wrong(text) => {
            eprintln!("restic-123pan: {text}");
            ExitCode::from(USAGE)
        }
    }
}
