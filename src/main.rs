//! Flags, log, wiring, run; an error becomes an exit code.

use log::{error, info, warn};
use restic_123pan::args::{self, Command, Config, Exit, Secret};
use restic_123pan::body::Budget;
use restic_123pan::civil;
use restic_123pan::command;
use restic_123pan::pan123::{self, Pan123};
use restic_123pan::server::{self, Stop};
use restic_123pan::service::Service;
use restic_123pan::watch::Watch;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::env;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The exit code for a wrong command line.
const USAGE: u8 = 2;

// A program's answer to --help and to a wrong option belongs on the terminal.
#[allow(clippy::print_stdout, clippy::print_stderr)]
fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    match args::parse(&words, &|name| env::var(name).ok()) {
        Ok((config, Command::Bin(bin))) => {
            start_log("warn", &Arc::default());
            command::run(&bin, &account(&config))
        }
        Ok((config, Command::Doctor)) => {
            start_log("off", &Arc::default());
            command::doctor(&account(&config))
        }
        Ok((config, Command::Serve)) => {
            let watch = Arc::default();
            start_log("info", &watch);
            match run(&config, watch) {
                Ok(()) => ExitCode::SUCCESS,
                Err(problem) => {
                    error!("{problem}");
                    ExitCode::FAILURE
                }
            }
        }
        Err(Exit::Ask(question, address)) => command::ask(question, &address),
        Err(Exit::Print(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(Exit::Wrong(text)) => {
            eprintln!("restic-123pan: {text}");
            ExitCode::from(USAGE)
        }
    }
}

fn run(config: &Config, watch: Arc<Watch>) -> Result<(), Box<dyn std::error::Error>> {
    let bound = server::bind(&server::Config {
        listen: config.listen.clone(),
        workers: config.workers,
        ..server::Config::default()
    })?;
    stop_on_signals(&bound.stopper())?;
    if !bound.address().ip().is_loopback() {
        warn!("other machines can reach this server, which asks for no password");
    }
    if config.state_dir.is_none() {
        warn!("no state directory is writable; name one with --state-dir");
    }
    info!("listening on {}, {}", bound.address(), summary(config));
    let budget = Budget::new(config.memory, config.spool_dir.clone());
    let store = Pan123::new(&account(config));
    bound.run(Service::new(Box::new(store), budget).watched(watch))?;
    info!("stopped");
    Ok(())
}

/// The account that the options name.
fn account(config: &Config) -> pan123::Config {
    let Secret(client_secret) = config.client_secret.clone();
    pan123::Config {
        api_url: config.api_url.clone(),
        client_id: config.client_id.clone(),
        client_secret,
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
        timing: pan123::Timing::default(),
    }
}

fn summary(config: &Config) -> String {
    let (path, url) = (&config.repo_path, &config.api_url);
    let (memory, workers) = (config.memory >> 20, config.workers);
    let (bin, tier) = (config.bin, config.tier);
    format!("{path} at {url}, {memory} MiB, {workers} workers, bin {bin:?}, tier {tier:?}")
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

fn start_log(level: &str, watch: &Arc<Watch>) {
    let default = env_logger::Env::default().default_filter_or(level);
    let mut builder = env_logger::Builder::from_env(default);
    // systemd puts the time before each line itself.
    let timed = env::var_os("JOURNAL_STREAM").is_none();
    let watch = Arc::clone(watch);
    builder.format(move |out, record| {
        watch.log(record);
        if timed {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            write!(out, "{} ", civil::rfc3339(since.map_or(0, |t| t.as_secs())))?;
        }
        writeln!(out, "{:<5} {}", record.level(), record.args())
    });
    builder.init();
}
