//! `make install` and the packages: exactly the files that they should put, the same bytes twice,
//! and for Debian a real installation.

use super::{PROGRAM, have, printed, run, said};
use crate::tree::{self, Entry, TempDir};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What `make install` puts below its prefix, and who may do what with it.
const INSTALLED: [(&str, u32); 6] = [
    ("bin/restic-123pan", 0o755),
    ("lib/systemd/system/restic-123pan.service", 0o644),
    ("share/bash-completion/completions/restic-123pan", 0o644),
    ("share/fish/vendor_completions.d/restic-123pan.fish", 0o644),
    ("share/man/man8/restic-123pan.8", 0o644),
    ("share/zsh/site-functions/_restic-123pan", 0o644),
];

/// The files of a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let all = tree::read(folder).into_iter();
    let files = all.filter_map(|(path, entry)| matches!(entry, Entry::File(_)).then_some(path));
    files.collect()
}

fn make(words: &[String]) -> String {
    make_in("C", words)
}

/// The same in a locale.
fn make_in(locale: &str, words: &[String]) -> String {
    let mut make = Command::new("make");
    make.current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("MAKEFLAGS")
        .env("LC_ALL", locale);
    run(make.arg("-s").args(words))
}

#[test]
fn make_install_puts_these_files_and_uninstall_takes_them() {
    if !have("make") {
        return;
    }
    let dir = TempDir::new();
    let words = |target: &str| {
        let words = [
            target.to_owned(),
            format!("DESTDIR={}", dir.path().display()),
            format!("BINARY={PROGRAM}"),
            "PREFIX=/opt/x".to_owned(),
        ];
        words.to_vec()
    };
    let told = make(&words("install"));
    for step in ["Next:", "1. ", "2. ", "3. ", "4. "] {
        assert!(told.lines().any(|line| line.starts_with(step)), "{told}");
    }
    let told = make_in("zh_CN.UTF-8", &words("install"));
    assert!(
        told.contains("下一步：") && !told.contains("Next"),
        "{told}"
    );
    let prefix = dir.path().join("opt/x");
    let wanted: Vec<PathBuf> = INSTALLED
        .iter()
        .map(|(path, _)| PathBuf::from(path))
        .collect();
    assert_eq!(files(&prefix), wanted);
    for (path, mode) in INSTALLED {
        let found = fs::metadata(prefix.join(path))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(found & 0o777, mode, "{path}");
    }
    let unit = fs::read_to_string(prefix.join(INSTALLED[1].0)).unwrap();
    assert!(
        unit.contains("ExecStart=/opt/x/bin/restic-123pan serve\n"),
        "{unit}"
    );
    fs::write(prefix.join("bin/another"), "").unwrap();
    make(&words("uninstall"));
    assert_eq!(files(dir.path()), [PathBuf::from("opt/x/bin/another")]);
}

/// Packages of stand-ins for the static binaries of these devices, by name.
pub(super) fn packages(dir: &Path, devices: &[&str]) -> BTreeMap<PathBuf, Entry> {
    for device in devices {
        let folder = dir.join("dist").join(device);
        fs::create_dir_all(&folder).unwrap();
        let program = folder.join("restic-123pan");
        let version = env!("CARGO_PKG_VERSION");
        let script = format!("#!/bin/sh\n# {device}\necho restic-123pan {version}\n");
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages/make.sh");
    run(Command::new(script)
        .env("FOLDER", dir)
        .env("PRINTER", PROGRAM));
    tree::read(&dir.join("packages"))
}

#[test]
fn packages_are_the_same_twice_and_hold_what_they_should() {
    if !["bash", "dpkg-deb", "tar", "gzip", "perl"]
        .into_iter()
        .all(have)
    {
        return;
    }
    let (one, two) = (TempDir::new(), TempDir::new());
    let devices = ["x86_64", "armv6", "mipsel"];
    let (first, second) = (
        packages(one.path(), &devices),
        packages(two.path(), &devices),
    );
    let names: Vec<_> = first.keys().collect();
    assert_eq!(names.len(), 17, "{names:?}");
    let differs = |name: &&&PathBuf| first.get(**name) != second.get(**name);
    let different: Vec<_> = names.iter().filter(differs).collect();
    assert!(different.is_empty(), "these differ: {different:?}");
    let out = one.path().join("packages");
    let version = env!("CARGO_PKG_VERSION");
    check_ipk(&out.join(format!("restic-123pan_{version}-1_mipsel_24kc.ipk")));
    check_apk(&out.join(format!("restic-123pan-{version}-r1.mipsel_24kc.apk")));
    let deb = out.join(format!("restic-123pan_{version}_amd64.deb"));
    lintian_accepts(&deb);
    try_deb(&deb);
}

/// What OpenWrt's packages put there.
const ROUTER: [&str; 4] = [
    "etc/config/restic-123pan",
    "etc/init.d/restic-123pan",
    "lib/upgrade/keep.d/restic-123pan",
    "usr/bin/restic-123pan",
];

pub(super) fn unpack(archive: &Path) -> TempDir {
    let dir = TempDir::new();
    run(Command::new("tar")
        .arg("-C")
        .arg(dir.path())
        .arg("-xf")
        .arg(archive));
    dir
}

pub(super) fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

fn check_ipk(package: &Path) {
    let outer = unpack(package);
    let names: Vec<PathBuf> = files(outer.path());
    assert_eq!(
        names,
        ["control.tar.gz", "data.tar.gz", "debian-binary"].map(PathBuf::from)
    );
    assert_eq!(text(&outer.path().join("debian-binary")), "2.0\n");
    let control = unpack(&outer.path().join("control.tar.gz"));
    let said = text(&control.path().join("control"));
    assert!(
        said.contains("\nArchitecture: mipsel_24kc\n") && !said.contains("Depends"),
        "{said}"
    );
    assert_eq!(
        text(&control.path().join("conffiles")),
        "/etc/config/restic-123pan\n"
    );
    let data = unpack(&outer.path().join("data.tar.gz"));
    assert_eq!(files(data.path()), ROUTER.map(PathBuf::from));
    let uci = text(&data.path().join(ROUTER[0]));
    assert_eq!(uci, printed(&["service", "openwrt-config"]));
    assert!(uci.contains("option enabled '0'"), "{uci}");
}

/// An .apk is two compressed streams after each other: what it is, and its files.
fn check_apk(package: &Path) {
    let dir = unpack(package);
    let info = text(&dir.path().join(".PKGINFO"));
    assert!(
        info.contains("\narch = mipsel_24kc\n") && !info.contains("depend"),
        "{info}"
    );
    let bytes = fs::read(package).unwrap();
    let magic = |at: &usize| bytes[*at..].starts_with(&[0x1f, 0x8b, 8, 0]);
    let data = (1..bytes.len() - 4).find(magic).unwrap();
    let part = dir.path().join("data");
    fs::write(&part, &bytes[data..]).unwrap();
    let hash = run(Command::new("sha256sum").arg(&part));
    let hash = hash.split(' ').next().unwrap();
    assert!(info.contains(&format!("datahash = {hash}\n")), "{info}");
    assert_eq!(files(unpack(&part).path()), ROUTER.map(PathBuf::from));
    let stream = run(Command::new("gzip").arg("-dc").arg(&part));
    let hashes = stream.matches("APK-TOOLS.checksum.SHA1=").count();
    assert_eq!(hashes, ROUTER.len(), "each file has its hash");
}

/// Debian's own checker finds no fault that the overrides don't give a reason for. That the stand-in
/// is no static program, it says as well.
fn lintian_accepts(package: &Path) {
    if !have("lintian") {
        return;
    }
    let mut lintian = Command::new("lintian");
    lintian.args(["--allow-root", "--fail-on", "error,warning"]);
    let output = lintian.arg(package).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

fn try_deb(package: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packages/try-deb.sh");
    let output = Command::new(script).arg(package).output().unwrap();
    match output.status.code() {
        Some(0) => assert!(said(&output).contains("purged"), "{}", said(&output)),
        Some(77) => eprintln!("{}", said(&output)),
        _ => panic!("{}", said(&output)),
    }
}
