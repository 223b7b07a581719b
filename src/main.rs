//! What is asked for, wiring, run; an error becomes an exit code.

use log::{error, info, warn};
use restic_123pan::access::Access;
use restic_123pan::args::{self, Config, Exit, Read, Table, Task};
use restic_123pan::body::Budget;
use restic_123pan::cloud::Account;
use restic_123pan::cloud::client::{Network, Post};
use restic_123pan::command::{self, start_log};
use restic_123pan::disk;
use restic_123pan::front::{self, Tls};
use restic_123pan::limit::{Limit, Limits};
use restic_123pan::lines::harmless;
use restic_123pan::manager::Manager;
use restic_123pan::server::{self, Bound, Stop};
use restic_123pan::service::Service;
use restic_123pan::settings::Variables;
use restic_123pan::speech;
use restic_123pan::store::removals::{self, Removals};
use restic_123pan::warning::{Kind, Warning};
use restic_123pan::watch::{Alarm, Notify, Record, Watch};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest time between two looks for backups that have stopped.
const ALARM: Duration = Duration::from_secs(60);
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
    speech::choose(|name| variables.get(name).map(String::as_str));
    let done = args::read(&words, &variables, Path::new("/")).and_then(run);
    done.unwrap_or_else(leave)
}

fn run(read: Read) -> Result<ExitCode, Exit> {
    let Read {
        task,
        warnings,
        whose,
    } = read;
    whose.iter().for_each(|text| say(text));
    if !matches!(task, Task::Serve(_) | Task::Check(..)) {
        warnings
            .iter()
            .for_each(|text| say(&format!("warning: {text}")));
    }
    match task {
        Task::Serve(config) => serve(&config, &warnings),
        Task::Check(config, online) => check(&config, warnings, online),
        Task::Ask(asked) => command::ask(&asked),
        Task::Passwd(asked) => {
            let (told, text) = command::passwd(&asked)?;
            told.iter().for_each(|text| say(text));
            print(text)
        }
        Task::Service(asked) => print(command::service(&Table::new(), &asked)?),
        Task::Completions(asked) => print(command::completions(&Table::new(), &asked)),
        Task::Manual => print(command::manual(&Table::new())),
        Task::Login(config, asked) => {
            let login = config.setup.login();
            let login = login.ok_or_else(|| absent(&config, "login"))?;
            start_log("warn", None);
            done(command::login(login, &asked.redirect_uri))
        }
        Task::Doctor(config, asked) => {
            let account = opened(&config, "off")?;
            match asked.probe {
                false => Ok(command::doctor(&*account)),
                true => command::probe(&*account, asked.json)
                    .ok_or_else(|| absent(&config, "probe").into()),
            }
        }
        Task::Bin(config, asked) => {
            let account = opened(&config, "warn")?;
            let bin = account.trash();
            let bin = bin.ok_or_else(|| absent(&config, "recycle bin"))?;
            command::bin::run(&asked, &*bin)
        }
        Task::Verify(config, asked) => {
            let account = opened(&config, "warn")?;
            let verify = account.verify();
            let verify = verify.ok_or_else(|| absent(&config, "verify; run restic check"))?;
            command::verify(&asked, &*verify)
        }
        Task::Copy(config, asked) => {
            let store = opened(&config, "warn")?.store();
            done(store.and_then(|store| command::transfer(&asked, &config, &*store)))
        }
    }
}

/// The account, for a command whose log begins at a level.
fn opened(config: &Config, level: &str) -> Result<Box<dyn Account>, String> {
    let account = config.setup.open()?;
    start_log(level, None);
    Ok(account)
}

/// That a cloud can't do what was asked for.
fn absent(config: &Config, what: &str) -> String {
    format!("the {} cloud has no {what}", config.cloud)
}

/// How a command ended that prints for itself.
fn done(done: Result<(), String>) -> Result<ExitCode, Exit> {
    done.map(|()| ExitCode::SUCCESS).map_err(Exit::failed)
}

/// Says whether the configuration is right, and whether the cloud takes it if that is asked.
fn check(config: &Config, mut warnings: Vec<String>, online: bool) -> Result<ExitCode, Exit> {
    let access = access(config)?;
    tls(config)?;
    let account = config.setup.open()?;
    warnings.extend(access.strangers());
    let text = command::check(config, &*account, &warnings);
    if !online {
        return print(speech::said(&text));
    }
    start_log("off", None);
    command::online(config, &*account)
        .map_err(Exit::Wrong)
        .and_then(|found| print(speech::said(&format!("{text}{found}"))))
}

fn print(text: String) -> Result<ExitCode, Exit> {
    Err(Exit::Print(text))
}

fn serve(config: &Config, warnings: &[String]) -> Result<ExitCode, Exit> {
    let access = access(config)?;
    let account = config.setup.open()?;
    account.claim()?;
    let tls = tls(config)?;
    let watch = Arc::new(Watch::expecting(config.max_age));
    start_log("info", Some(Arc::clone(&watch)));
    for text in warnings {
        Warning::new(Kind::Setting, text, text).log();
    }
    let bound = server::bind(&settings(config, tls));
    if let Ok(bound) = &bound
        && !(bound.is_private() || config.no_auth || access.asks())
    {
        // Of what systemd hands over, the options tell nothing.
        return Err(Exit::Wrong(args::open_to_all(&bound.doors())));
    }
    let done = bound.map_err(Into::into);
    let done = done.and_then(|bound| answer(config, &*account, access, watch, bound));
    Ok(done.map_or_else(
        |problem| {
            error!("{problem}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    ))
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
    warnings.for_each(Warning::log);
    if !bound.is_private() && !access.asks() {
        let target = Kind::OpenToAll.about("");
        warn!(target: &target, "other machines can reach this server, which asks for no password");
    }
    info!("listening on {}, {}", bound.doors(), config.summary());
    let _record = Record::start(&watch, account.state_file("repositories", "json"));
    let budget = Budget::new(config.memory, config.spool_dir.clone()).spooling(config.spool_size);
    // Earlier versions kept a log of removals, and would carry it out if they came back.
    for extension in ["log", "lock"] {
        let left = account.state_file("removals", extension);
        let _ = left.map(|path| disk::remove(&path));
    }
    let store = Removals::start(account.store()?, removals::Timing::default());
    let limits = Limits {
        upload: Limit::new(config.limit_upload.clone()),
        download: Limit::new(config.limit_download.clone()),
    };
    let service = Service::new(Box::new(store), budget)
        .watched(watch)
        .limited(limits)
        .guarded(Arc::new(access))
        .named(config.hosts.clone());
    let bound = bound.telling(Manager::from_env());
    let service = Arc::new(service.reserving(config.shared.reserve));
    let weak = Arc::downgrade(&service);
    let look = move || Some(weak.upgrade()?.overview());
    let told = account.state_file("told", "json");
    let _alarm = Alarm::start(look, notify(config), alarm_pause(config), told);
    bound.run(service)?;
    info!("stopped");
    Ok(())
}

/// How often backups that have stopped are looked for: twice within the age that was named, but
/// once a minute at least.
fn alarm_pause(config: &Config) -> Duration {
    let age = config.max_age.map(|age| Duration::from_secs(age) / 2);
    age.map_or(ALARM, |age| age.min(ALARM))
}

/// The way of notifications, if there is one.
fn notify(config: &Config) -> Option<Notify> {
    let url = config.notify.as_ref()?;
    let network = Network {
        connections: 1,
        ..config.shared.network("")
    };
    let post = Post::new(url, network);
    Some(Box::new(move |text| post.send(text)))
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
        Exit::Failed(text, code) => {
            say(&harmless(&text));
            ExitCode::from(code)
        }
    }
}

// What is wrong with the command line belongs on the terminal.
#[allow(clippy::print_stderr)]
fn say(text: &str) {
    eprintln!("restic-123pan: {}", speech::said(text));
}
