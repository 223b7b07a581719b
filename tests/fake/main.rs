//! The emulator as a program: for `make demo`, for benchmarks, for trying things without an
//! account. Reads its options, starts the emulator, prints where it is, serves until SIGTERM.

#![allow(
    clippy::print_stdout, // it prints where it is
    clippy::print_stderr, // and what is wrong with its options
)]

#[path = "mod.rs"]
mod fake;

use fake::{Fake, Options, Tier};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const HELP: &str = "\
fake123pan: an emulator of 123pan's Open Platform

  --listen ADDR      API host (127.0.0.1:12380); the upload host, the CDN and
                     its edge take the next three ports; port 0: any ports
  --disk DIR         keep everything in DIR, also after the end
  --discard          keep sizes and MD5s only; reading gives made-up bytes
  --tier TIER        rates of off, free, vip, b or oauth (off)
  --latency-ms N     wait so long before each call (0)
  --uplink N         bytes a second that all uploads take together (0: any)
  --client-id ID     the client id that is good (demo)
  --client-secret S  and its secret (demo)
  --help

Control: GET /__fake/calls, /__fake/switches, /__fake/tree;
POST /__fake/switches, /__fake/fault, /__fake/plant, /__fake/reset, /__fake/revoke,
/__fake/advance, /__fake/account, /__fake/grant.";

fn main() {
    let options = match parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => return println!("{HELP}"),
        Err(text) => {
            eprintln!("fake123pan: {text}; see --help");
            std::process::exit(2);
        }
    };
    let fake = match Fake::with(options) {
        Ok(fake) => fake,
        Err(e) => {
            eprintln!("fake123pan: can't start: {e}");
            std::process::exit(1);
        }
    };
    let (url, id, secret) = (fake.url(), fake.client_id(), fake.client_secret());
    println!("{url} client-id {id} client-secret {secret}");
    wait_for_the_end();
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
fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options::default();
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
            "--client-id" => options.client_id = value()?,
            "--client-secret" => options.client_secret = value()?,
            _ => return Err(format!("unknown option {arg}")),
        }
    }
    Ok(Some(options))
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
