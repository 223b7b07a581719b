//! The emulators as a program: for `make demo`, for benchmarks, for trying things without an
//! account. Reads its options, starts the emulator of one cloud, prints where it is, serves until SIGTERM.

#![allow(
    clippy::print_stdout, // it prints where it is
    clippy::print_stderr, // and what is wrong with its options
)]

#[path = "mod.rs"]
mod fake;

use fake::{Fake, Options, Tier, smh};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const HELP: &str = "\
fake123pan: an emulator of 123pan's Open Platform, or of Tencent SMH

  --cloud CLOUD      123pan or smh (123pan)
  --listen ADDR      API host (127.0.0.1:12380); the others take the next ports,
                     three of them, with smh two; port 0: any ports
  --disk DIR         keep everything in DIR, also after the end
  --discard          keep sizes and checksums only; reading gives made-up bytes
  --latency-ms N     wait so long before each call (0)
  --help

of pan123
  --tier TIER        rates of off, free, vip, b or oauth (off)
  --uplink N         bytes a second that all uploads take together (0: any)
  --client-id ID     the client id that is good (demo)
  --client-secret S  and its secret (demo)

of smh
  --rate N           calls a second (any number)
  --library ID       the library (smhdemo0123456789)
  --secret S         and its secret (demo)
  --space ID         its space (-)

Control: GET /__fake/calls, /__fake/switches, /__fake/tree;
POST /__fake/switches, /__fake/fault, /__fake/plant, /__fake/reset, /__fake/revoke,
/__fake/advance; of pan123 /__fake/account, /__fake/grant; of smh /__fake/quota.";

/// What the options ask for.
struct Wanted {
    /// Whether Tencent SMH is wanted, not 123pan.
    is_smh: bool,
    pan123: Options,
    smh: smh::Options,
}

fn main() {
    let wanted = match parse(std::env::args().skip(1)) {
        Ok(Some(wanted)) => wanted,
        Ok(None) => return println!("{HELP}"),
        Err(text) => {
            eprintln!("fake123pan: {text}; see --help");
            std::process::exit(2);
        }
    };
    let served = match wanted.is_smh {
        true => serve_smh(wanted.smh),
        false => serve_pan123(wanted.pan123),
    };
    if let Err(e) = served {
        eprintln!("fake123pan: can't start: {e}");
        std::process::exit(1);
    }
}

fn serve_pan123(options: Options) -> io::Result<()> {
    let fake = Fake::with(options)?;
    let (url, id, secret) = (fake.url(), fake.client_id(), fake.client_secret());
    println!("{url} client-id {id} client-secret {secret}");
    wait_for_the_end();
    Ok(())
}

fn serve_smh(options: smh::Options) -> io::Result<()> {
    let fake = smh::Fake::with(options)?;
    let (url, library) = (fake.url(), fake.library());
    let (secret, space) = (fake.secret(), fake.space());
    println!("{url} library {library} secret {secret} space {space}");
    wait_for_the_end();
    Ok(())
}

/// Waits for SIGINT or SIGTERM; a disk folder is then saved once more.
fn wait_for_the_end() {
    let over = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        if let Err(e) = signal_hook::flag::register(signal, over.clone()) {
            eprintln!("fake123pan: can't wait for signal {signal}: {e}");
        }
    }
    while !over.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The options; `None` when help is wanted.
fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Wanted>, String> {
    let mut options = Options::default();
    let mut smh = smh::Options::default();
    let mut is_smh = false;
    options.listen.set_port(12380);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} wants a value"));
        let bad = |e: &dyn std::fmt::Display| format!("{arg}: {e}");
        match arg.as_str() {
            "--help" => return Ok(None),
            "--discard" => options.discard = true,
            "--listen" => options.listen = value()?.parse().map_err(|e| bad(&e))?,
            "--disk" => options.disk = Some(value()?.into()),
            "--tier" => options.switches.tier = tier(&value()?)?,
            "--latency-ms" => {
                let ms = value()?.parse().map_err(|e| bad(&e))?;
                options.switches.latency = Duration::from_millis(ms);
            }
            "--uplink" => options.uplink = value()?.parse().map_err(|e| bad(&e))?,
            "--cloud" => is_smh = cloud(&value()?)?,
            "--rate" => smh.switches.rate = Some(value()?.parse().map_err(|e| bad(&e))?),
            "--library" => smh.library = value()?,
            "--secret" => smh.secret = value()?,
            "--space" => smh.space = value()?,
            "--client-id" => options.client_id = value()?,
            "--client-secret" => options.client_secret = value()?,
            _ => return Err(format!("unknown option {arg}")),
        }
    }
    (smh.listen, smh.discard) = (options.listen, options.discard);
    smh.disk.clone_from(&options.disk);
    smh.switches.latency = options.switches.latency;
    let pan123 = options;
    Ok(Some(Wanted {
        is_smh,
        pan123,
        smh,
    }))
}

/// Whether a cloud's name is Tencent SMH's.
fn cloud(name: &str) -> Result<bool, String> {
    match name {
        "123pan" => Ok(false),
        "smh" => Ok(true),
        _ => Err(format!("unknown cloud {name}")),
    }
}

fn tier(name: &str) -> Result<Tier, String> {
    Ok(match name {
        "off" => Tier::Off,
        "free" => Tier::Free,
        "vip" => Tier::Vip,
        "b" => Tier::B,
        "oauth" => Tier::Oauth,
        _ => return Err(format!("unknown tier {name}")),
    })
}
