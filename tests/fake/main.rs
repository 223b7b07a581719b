//! The emulators as a program: for `make demo`, for benchmarks, for trying things without an
//! account. Reads its options, starts the emulator of one cloud, prints where it is, serves until SIGTERM.

#![allow(
    clippy::print_stdout, // it prints where it is
    clippy::print_stderr, // and what is wrong with its options
)]

#[allow(
    dead_code,
    reason = "what tests do to an emulator in their own process"
)]
#[path = "mod.rs"]
mod fake;

use fake::{Fake, Options, Tier, kdocs, smh};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const HELP: &str = "\
fake123pan: an emulator of 123pan's Open Platform, of Tencent SMH, or of WPS Kdocs

  --cloud CLOUD      123pan, smh or kdocs (123pan)
  --listen ADDR      API host (127.0.0.1:12380); the others take the next ports,
                     three of them, with smh two, with kdocs one;
                     port 0: any ports
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

of kdocs
  --app APP          budgets of off, test or formal (off)

Control: GET /__fake/calls, /__fake/switches, /__fake/tree;
POST /__fake/switches, /__fake/fault, /__fake/plant, /__fake/reset, /__fake/revoke,
/__fake/advance; of pan123 /__fake/account, /__fake/grant; of smh /__fake/quota;
of kdocs /__fake/grant, /__fake/authorize.";

/// What the options ask for.
struct Wanted {
    cloud: Cloud,
    pan123: Options,
    smh: smh::Options,
    kdocs: kdocs::Options,
}

/// Which cloud is emulated.
#[derive(Clone, Copy)]
enum Cloud {
    Pan123,
    Smh,
    Kdocs,
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
    let served = match wanted.cloud {
        Cloud::Pan123 => serve_pan123(wanted.pan123),
        Cloud::Smh => serve_smh(wanted.smh),
        Cloud::Kdocs => serve_kdocs(wanted.kdocs),
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

fn serve_kdocs(options: kdocs::Options) -> io::Result<()> {
    let fake = kdocs::Fake::with(options)?;
    let (url, id, key) = (fake.url(), fake.app_id(), fake.app_key());
    println!(
        "{url} app-id {id} app-key {key} refresh-token {}",
        fake.grant()
    );
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
    let mut kdocs = kdocs::Options::default();
    let mut cloud = Cloud::Pan123;
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
            "--cloud" => cloud = named(&value()?)?,
            "--app" => kdocs.switches.budget = budget(&value()?)?,
            "--uplink" => options.uplink = value()?.parse().map_err(|e| bad(&e))?,
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
    (kdocs.listen, kdocs.discard) = (options.listen, options.discard);
    kdocs.switches.latency = options.switches.latency;
    let pan123 = options;
    Ok(Some(Wanted {
        cloud,
        pan123,
        smh,
        kdocs,
    }))
}

/// The cloud of a name.
fn named(name: &str) -> Result<Cloud, String> {
    match name {
        "123pan" => Ok(Cloud::Pan123),
        "smh" => Ok(Cloud::Smh),
        "kdocs" => Ok(Cloud::Kdocs),
        _ => Err(format!("unknown cloud {name}")),
    }
}

/// What an app may do in a day.
fn budget(name: &str) -> Result<Option<kdocs::Budget>, String> {
    let (writes, lists) = match name {
        "off" => return Ok(None),
        "test" => (500, 10_000),
        "formal" => (100_000, 1_000_000),
        _ => return Err(format!("unknown app {name}")),
    };
    let shared = false;
    Ok(Some(kdocs::Budget {
        writes,
        lists,
        shared,
    }))
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
