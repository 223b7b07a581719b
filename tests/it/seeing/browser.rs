//! The page in a real browser, after a real backup: what it shows is right, and the browser has
//! nothing to complain about.

use super::finish;
use crate::front::tls::{EC, Identity};
use crate::restic::{RESTIC, Restic, text};
use crate::rig::Rig;
use crate::tools::tool;
use crate::tree::{self, TempDir};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The account's space in bytes, of which a backup of some MiB is a visible part.
const SPACE: u64 = 64 << 20;

#[test]
fn the_page_after_a_backup() {
    let rig = Rig::start(&["--reserve", "0"]);
    rig.cloud().set_space(SPACE, 0);
    let dir = TempDir::new();
    let restic = Restic::find(RESTIC, rig.url("/laptop/"), dir.path());
    let (Some(chromium), Some(restic)) = (tool("chromium"), restic) else {
        return;
    };
    let files = dir.path().join("files");
    tree::grow(&files, 1, 12 << 20);
    restic.run(&["init"]);
    restic.run(&["backup", text(&files)]);
    let url = format!("http://{}/", rig.address());
    let page = until_counted(&chromium, &url, dir.path());
    assert!(
        page.contains("/laptop") && page.contains("Last snapshot"),
        "{page}"
    );
    assert!(page.contains("123pan answers"), "{page}");
    let share = number_after(&page, "aria-valuenow=\"");
    assert!(
        (15.0..35.0).contains(&share),
        "{share} % of 64 MiB:\n{page}"
    );
    let chinese = dump(&chromium, &url, dir.path(), "zh-CN");
    assert!(
        chinese.contains("最近快照") && chinese.contains("连接正常"),
        "{chinese}"
    );
}

#[test]
fn the_page_over_tls() {
    let (Some(chromium), Some(_)) = (tool("chromium"), tool("openssl")) else {
        return;
    };
    let identity = Identity::new(EC);
    let rig = identity.serve();
    let dir = TempDir::new();
    let url = format!("https://localhost:{}/", rig.port());
    let page = dump(&chromium, &url, dir.path(), "en-US");
    assert!(page.contains("<title>restic-123pan</title>"), "{page}");
    rig.assert_clean(&[]);
}

/// The page, once the space shows what the backup has taken: the account is looked at only while
/// somebody watches, every few seconds.
fn until_counted(chromium: &Path, url: &str, dir: &Path) -> String {
    let end = Instant::now() + Duration::from_secs(40);
    loop {
        let page = dump(chromium, url, dir, "en-US");
        if number_after(&page, "aria-valuenow=\"") > 1.0 || Instant::now() > end {
            return page;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// What the browser makes of a page; it must not complain about anything.
fn dump(chromium: &Path, url: &str, dir: &Path, language: &str) -> String {
    let profile = dir.join(format!("profile-{language}"));
    let mut command = Command::new(chromium);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--ignore-certificate-errors",
    ]);
    command.args([
        "--no-first-run",
        "--disable-background-networking",
        "--disable-sync",
    ]);
    command.args([
        "--disable-component-update",
        "--enable-logging=stderr",
        "--timeout=10000",
    ]);
    command.arg(format!("--user-data-dir={}", profile.display()));
    command
        .arg(format!("--accept-lang={language}"))
        .arg(format!("--lang={language}"));
    command.env("HOME", dir).env("LANGUAGE", language);
    let output = finish(command.args(["--dump-dom", url]));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let console: Vec<&str> = said
        .lines()
        // Pages of its own complain on a busy machine.
        .filter(|line| line.contains("CONSOLE") && !line.contains("source: chrome://"))
        .collect();
    assert!(console.is_empty(), "{console:#?}");
    String::from_utf8(output.stdout).unwrap()
}

fn number_after(text: &str, mark: &str) -> f64 {
    let number = text
        .split_once(mark)
        .and_then(|(_, rest)| rest.split('"').next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0.0)
}
