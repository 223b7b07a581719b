//! Flags, log, wiring, run; an error becomes an exit code.

use log::{LevelFilter, error, info, warn};
use restic_123pan::access::{Access, passwd};
use restic_123pan::args::{self, Command, Config, Exit, Secret, Task};
use restic_123pan::body::Budget;
use restic_123pan::civil;
use restic_123pan::command::{self, Call};
use restic_123pan::pan123::{self, Grant, Pan123};
use restic_123pan::server::{self, Stop};
use restic_123pan::service::Service;
use restic_123pan::watch::Watch;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The exit code for a wrong command line.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let done = match command::parse(&words) {
        Ok(None) => configured(&words),
        Ok(Some(Call::Print(text))) => Err(Exit::Print(text)),
        Ok(Some(Call::Account(task))) => work(&task),
        Ok(Some(Call::LogIn(task))) => log_in(&task),
        Err(why) => Err(Exit::Wrong(why)),
    };
    done.unwrap_or_else(leave)
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
        Exit::Ask(question, address) => command::ask(question, &address),
        Exit::Wrong(text) => {
            eprintln!("restic-123pan: {text}");
            ExitCode::from(USAGE)
        }
    }
}

fn configured(words: &[String]) -> Result<ExitCode, Exit> {
    match args::task(words, &|name| env::var(name).ok())? {
        Task::Configured(config, Command::Serve) => serve(&config),
        Task::Configured(config, Command::Check) => check(&config),
        Task::Configured(config, Command::Doctor) => {
            start_log("off", None);
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
    let (config, _) = args::parse(task.options(), &|name| env::var(name).ok())?;
    start_log("warn", None);
    let account = granted(&config)?;
    Ok(ended(task.run(&config, &Pan123::new(&account))))
}

fn log_in(task: &command::Task) -> Result<ExitCode, Exit> {
    let (config, _) = args::parse(task.options(), &|name| env::var(name).ok())?;
    start_log("warn", None);
    Ok(ended(task.log_in(&config, &account(&config))))
}

fn check(config: &Config) -> Result<ExitCode, Exit> {
    access(config)?;
    let grant = granted(config)?.grant;
    let problem = grant.and_then(|grant| grant.problem());
    let warnings = config.warnings.iter().chain(&problem);
    let warnings = warnings.map(|text| format!("warning: {text}\n"));
    let (warnings, listen) = (warnings.collect::<String>(), &config.listen);
    let summary = summary(config);
    let text = format!("{warnings}the configuration is right: listening on {listen}, {summary}\n");
    Err(Exit::Print(text))
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
    let watch = Arc::default();
    start_log("info", Some(Arc::clone(&watch)));
    Ok(ended(run(config, &account, access, watch)))
}

fn ended(done: Result<(), impl Display>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            error!("{problem}");
            ExitCode::FAILURE
        }
    }
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
) -> Result<(), Box<dyn std::error::Error>> {
    let bound = server::bind(&server::Config {
        listen: config.listen.clone(),
        workers: config.workers,
        ..server::Config::default()
    })?;
    stop_on_signals(&bound.stopper())?;
    flag::register(SIGHUP, access.reload())?;
    let problem = account.grant.as_ref().and_then(|grant| grant.problem());
    let warnings = config.warnings.iter().chain(&problem);
    warnings.for_each(|text| warn!("{text}"));
    if !bound.address().ip().is_loopback() && config.rules.htpasswd.is_none() {
        warn!("other machines can reach this server, which asks for no password");
    }
    if config.state_dir.is_none() {
        warn!("no state directory is writable; name one with --state-dir");
    }
    info!("listening on {}, {}", bound.address(), summary(config));
    let budget = Budget::new(config.memory, config.spool_dir.clone());
    let service = Service::new(Box::new(Pan123::new(account)), budget).watched(watch);
    bound.run(service.guarded(Arc::new(access)).reserving(config.reserve))?;
    info!("stopped");
    Ok(())
}

/// The account that the options name, with the grant by which it is used.
fn granted(config: &Config) -> Result<pan123::Config, Exit> {
    let grant = config.oauth_file.as_deref().map(Grant::open);
    let grant = grant.transpose().map_err(Exit::Wrong)?.map(Arc::new);
    Ok(pan123::Config {
        grant,
        ..account(config)
    })
}

/// The account that the options name.
fn account(config: &Config) -> pan123::Config {
    let Secret(client_secret) = config.client_secret.clone();
    pan123::Config {
        api_url: config.api_url.clone(),
        client_id: config.client_id.clone(),
        client_secret,
        grant: None,
        repo_path: config.repo_path.path().to_owned(),
        state_dir: config.state_dir.clone(),
        uploads: config.uploads,
        rate_share: config.rate_share,
        tier: config.tier,
        bin: config.bin,
        reserve: config.reserve,
        clock: pan123::Clock::default(),
        allow_http_upload: config.allow_http_upload,
        ipv4_only: !config.ipv6,
        ca: config.ca.clone(),
        timing: pan123::Timing::default(),
    }
}

/// The modes in force, in a line.
fn summary(config: &Config) -> String {
    let (path, url, bin) = (&config.repo_path, &config.api_url, config.bin);
    let (memory, workers, uploads) = (config.memory >> 20, config.workers, config.uploads);
    let (access, share) = (config.rules.summary(), config.rate_share);
    let tier = config
        .tier
        .map_or("auto".to_owned(), |tier| format!("{tier:?}"));
    let grant = config.oauth_file.as_ref().map_or(String::new(), |file| {
        format!(" by the OAuth grant in {}", file.display())
    });
    format!(
        "{access}, {path} at {url}{grant}, {memory} MiB, {workers} workers, {uploads} uploads, \
         bin {bin:?}, tier {tier}, rate share {share}, status at /-/"
    )
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

fn start_log(level: &str, watch: Option<Arc<Watch>>) {
    let default = env_logger::Env::default().default_filter_or(level);
    let mut builder = env_logger::Builder::from_env(default);
    // systemd puts the time before each line itself.
    let timed = env::var_os("JOURNAL_STREAM").is_none();
    builder.format(move |out, record| {
        if let Some(watch) = &watch {
            watch.log(record);
        }
        if timed {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            write!(out, "{} ", civil::rfc3339(since.map_or(0, |t| t.as_secs())))?;
        }
        writeln!(out, "{:<5} {}", record.level(), record.args())
    });
    builder.init();
    // At trace the HTTP library writes whole addresses, some of which hold secrets.
    log::set_max_level(log::max_level().min(LevelFilter::Debug));
}
