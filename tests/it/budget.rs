//! What the static program may weigh, on disk and in memory. Measured are the programs that
//! `make dist` left in the target folder; without them the tests are skipped and say so. The
//! figures are printed: `cargo test --test it budget -- --nocapture`.

use crate::account::BASE;
use crate::calls::{pack, plant};
use crate::fake::{Fake, Options};
use crate::rig::Rig;
use crate::tree::random;
use crate::wire::Wire;
use restic_123pan::cloud::layout::Layout;
use restic_123pan::restic::hex;
use sha2::{Digest, Sha256};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The largest program for this machine's processor, with four clouds, TLS and two languages: routers
/// have 8 to 16 MB of flash, and keep it compressed to half.
const SIZE: u64 = 4_000_000;
/// Memory of the process's own before the first request (what is mapped of the program's file the
/// kernel takes back when it needs it), on average of so many samples, and how long it may take to
/// come down to it after the start. The pause between them isn't that of the server's rounds, 250 ms.
const IDLE: u64 = 3 << 19;
const SAMPLES: u32 = 30;
const APART: Duration = Duration::from_millis(110);
const PATIENCE: Duration = Duration::from_secs(60);
/// Memory for each pack that is remembered: its entry, and what the allocator leaves unused; and how
/// often that is measured at most.
const PACK: u64 = 64;
const ENTRY: u64 = 48;
const TRIES: u32 = 3;
/// Packs that fill a page of the list of each of the 256 folders, in which they lie by turns.
const PACKS: u64 = 25_600;
/// Of those folders, as many are filled for comparison.
const FEW: u64 = 64;
/// Memory besides `--memory`, with an upload on each connection.
const BUSY: u64 = 10 << 20;
/// What `--memory` allows in addition: two uploads are held, the others pass through.
const HELD: u64 = 128 << 20;
/// Uploads at once.
const CONNECTIONS: u64 = 8;
/// Bytes of each upload.
const UPLOAD: usize = 64 << 20;
/// Address space for stacks; it is mostly untouched, but 32-bit devices have little of it.
const STACKS: u64 = 32 << 20;

/// The static program for this machine; none, with the reason printed, if it isn't there.
fn program() -> Option<PathBuf> {
    // Test builds lie in a folder of the target folder.
    let debug = Path::new(env!("CARGO_BIN_EXE_restic-123pan")).parent()?;
    let name = format!("dist/{}/restic-123pan", std::env::consts::ARCH);
    let path = debug.parent()?.join(name);
    if !path.exists() {
        eprintln!("SKIPPED: there is no static program; `make dist` builds it");
        return None;
    }
    Some(path)
}

fn assert_within(what: &str, value: u64, limit: u64) {
    eprintln!("{what}: {value} bytes of {limit}");
    assert!(value <= limit, "{what}: {value} bytes, more than {limit}");
}

#[test]
fn the_static_program_is_small() {
    let Some(program) = program() else { return };
    assert_within("size", fs::metadata(program).unwrap().len(), SIZE);
}

#[test]
fn idle_it_takes_little_memory() {
    let Some(program) = program() else { return };
    let rig = over_tls(&program, "32M");
    let sample = |_| {
        std::thread::sleep(APART);
        status(rig.pid(), "RssAnon")
    };
    let average = || (0..SAMPLES).map(sample).sum::<u64>() / u64::from(SAMPLES);
    // The start may not be over, and a busy machine may stop the server while it looks.
    let end = Instant::now() + PATIENCE;
    let mut idle = average();
    while idle > IDLE && Instant::now() < end {
        idle = average();
    }
    assert_within("idle", idle, IDLE);
    assert_within("stacks", stacks(rig.pid()), STACKS);
}

/// What the list of many packs leaves in memory, compared with that of fewer folders, each of which
/// takes as much while it is read.
#[test]
fn packs_take_little_memory() {
    let Some(program) = program() else { return };
    let left = |folders| {
        let cloud = Fake::start();
        plant(&cloud, Layout::Restic, 0);
        let packs = (0..PACKS).filter(|number| number % 256 < folders);
        for number in packs.clone() {
            cloud.plant_sized(&pack(Layout::Restic, number), 1000);
        }
        let url = cloud.url();
        let options = ["--rate-share=1", "--repo-path", BASE];
        let rig = Rig::with(&program, cloud, &url, &options);
        let mut wire = Wire::open(rig.address());
        // As many calls for few folders as for many: the allocator keeps some of what they took.
        for _ in 0..256 / folders {
            let list = wire.ask("GET", "/data/", "", b"").text();
            assert_eq!(list.matches('"').count(), 2 * packs.clone().count());
        }
        status(rig.pid(), "RssAnon")
    };
    let packs = PACKS / 256 * (256 - FEW);
    let measure = || left(256).saturating_sub(left(FEW)) / packs;
    // On a busy machine one of both may read more folders at once; less than an entry is nonsense.
    let measures = (0..TRIES).map(|_| measure());
    let mut measures = measures.inspect(|pack| eprintln!("pack: {pack} bytes measured"));
    let pack = measures.find(|pack| (ENTRY..=PACK).contains(pack));
    assert_within("pack", pack.unwrap_or(u64::MAX), PACK);
}

#[test]
fn uploads_that_pass_through_take_little_memory() {
    busy("0", BUSY);
}

#[test]
fn uploads_that_are_held_stay_in_the_budget() {
    busy("128M", BUSY + HELD);
}

fn busy(memory: &str, limit: u64) {
    let Some(program) = program() else { return };
    let rig = over_tls(&program, memory);
    std::thread::scope(|scope| {
        for number in 0..CONNECTIONS {
            let address = rig.address();
            scope.spawn(move || upload(address, number));
        }
    });
    let name = format!("{CONNECTIONS} uploads over TLS, --memory {memory}");
    assert_within(&name, status(rig.pid(), "VmHWM"), limit);
    rig.assert_clean(&[]);
}

/// A server that speaks TLS to an emulator, which forgets contents.
fn over_tls(program: &Path, memory: &str) -> Rig {
    let options = Options {
        discard: true,
        ..Options::default()
    };
    let cloud = Fake::with(options).unwrap();
    let url = cloud.url().replace("http://", "https://");
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fake/tls.pem");
    let options = ["--ca-file", authority, "--memory", memory];
    Rig::with(program, cloud, &url, &options)
}

fn upload(address: SocketAddr, number: u64) {
    let data = random(number, UPLOAD);
    let path = format!("/data/{}", hex(&Sha256::digest(&data)));
    let answer = Wire::open(address).ask("POST", &path, "Connection: close\r\n", &data);
    assert_eq!(answer.status, 200);
}

/// A line of the process's status, which counts kilobytes, in bytes.
fn status(pid: u32, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .unwrap();
    let number = line.trim().strip_suffix(" kB").unwrap();
    number.parse::<u64>().unwrap() << 10
}

/// Address space of the threads' stacks and everything else that may be written and has no file.
fn stacks(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let private = text.lines().filter(|line| {
        let mut words = line.split_whitespace();
        words.nth(1) == Some("rw-p") && words.nth(3).is_none()
    });
    private
        .map(|line| {
            let range = line.split(' ').next().unwrap();
            let (from, to) = range.split_once('-').unwrap();
            u64::from_str_radix(to, 16).unwrap() - u64::from_str_radix(from, 16).unwrap()
        })
        .sum()
}
