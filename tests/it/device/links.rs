//! Links in a state folder that belongs to another user than whoever runs a command in it: they
//! lead nowhere, and what is made there belongs to the folder's owner. What needs root for that is
//! left out without it.

use super::{PROGRAM, said};
use crate::fake::Fake;
use crate::tree::TempDir;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The owner of the folder: nobody.
const OWNER: u32 = 65_534;
/// What stands in a file that is none of the folder's owner's business.
const TEXT: &str = "root's own\n";

/// A folder of somebody else's, a file that he can't read, and an account.
struct Trap {
    cloud: Fake,
    dir: TempDir,
}

impl Trap {
    fn new() -> Self {
        let (cloud, dir) = (Fake::start(), TempDir::new());
        cloud.plant("/restic-backup/config", b"a repository's");
        let trap = Self { cloud, dir };
        fs::set_permissions(trap.dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(trap.state()).unwrap();
        fs::set_permissions(trap.state(), fs::Permissions::from_mode(0o700)).unwrap();
        if is_root() {
            chown(trap.state(), Some(OWNER), Some(OWNER)).unwrap();
        }
        fs::write(trap.target(), TEXT).unwrap();
        fs::set_permissions(trap.target(), fs::Permissions::from_mode(0o640)).unwrap();
        trap
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn target(&self) -> PathBuf {
        self.dir.path().join("target")
    }

    fn link(&self, name: &str) {
        let _ = fs::remove_file(self.state().join(name));
        symlink(self.target(), self.state().join(name)).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command
            .args(words)
            .args(["--tier", "vip", "--api-url", &self.cloud.url()])
            .arg("--state-dir")
            .arg(self.state());
        command
    }

    /// Runs a command that needs a token.
    fn list_the_bin(&self) -> Output {
        let mut command = self.command(&["bin", "list"]);
        command
            .env("PAN123_CLIENT_ID", self.cloud.client_id())
            .env("PAN123_CLIENT_SECRET", self.cloud.client_secret());
        command.output().unwrap()
    }

    /// Has an OAuth app look at its grant, which it then writes as well.
    fn look_at_the_grant(&self) -> Output {
        let mut command = self.command(&["check-config"]);
        command.env("PAN123_OAUTH_CLIENT_ID", self.cloud.client_id());
        command.output().unwrap()
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.state()).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    /// The file elsewhere is as it was.
    fn check(&self, what: &str) {
        let about = fs::metadata(self.target()).unwrap();
        let own = fs::metadata(self.dir.path()).unwrap();
        assert_eq!(fs::read_to_string(self.target()).unwrap(), TEXT, "{what}");
        assert_eq!(
            (about.uid(), about.mode() & 0o777),
            (own.uid(), 0o640),
            "{what}"
        );
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn links_lead_nowhere() {
    let trap = Trap::new();
    let output = trap.list_the_bin();
    assert!(output.status.success(), "{}", said(&output));
    let files = trap.files();
    let token = files.iter().find(|path| name(path).starts_with("token-"));
    let token = token.unwrap().with_extension("json");
    let stem = name(&token.with_extension(""));
    // All that was or is opened there, as it is and as it was called once.
    let names = [
        ".probe",
        "oauth-token.lock",
        "oauth-token.new",
        "oauth-token.probe",
    ];
    let names = names.map(str::to_owned).into_iter();
    let ends = ["new", "json", "lock"].map(|end| format!("{stem}.{end}"));
    for link in names.chain(ends) {
        files
            .iter()
            .for_each(|file| fs::remove_file(file).unwrap_or_default());
        trap.link(&link);
        trap.list_the_bin();
        trap.look_at_the_grant();
        trap.check(&link);
        let text = fs::read_to_string(&token).unwrap_or_default();
        assert!(text.contains("expires"), "{link}: the token isn't there");
        fs::remove_file(trap.state().join(&link)).unwrap_or_default();
        fs::remove_file(&token).unwrap_or_default();
    }
}

#[test]
fn the_file_of_a_grant_is_no_link() {
    let trap = Trap::new();
    for link in ["oauth-token.json", "oauth-token.lock"] {
        trap.link(link);
        let output = trap.look_at_the_grant();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("it is a link"), "{}", said(&output));
        trap.check(link);
        fs::remove_file(trap.state().join(link)).unwrap();
    }
}

#[test]
fn what_root_makes_is_the_folders_owners() {
    if !is_root() {
        eprintln!("SKIPPED: this needs root");
        return;
    }
    let trap = Trap::new();
    let output = trap.list_the_bin();
    assert!(output.status.success(), "{}", said(&output));
    let output = trap.look_at_the_grant();
    assert!(output.status.success(), "{}", said(&output));
    let files = trap.files();
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        let about = fs::metadata(&file).unwrap();
        let owned = (about.uid(), about.gid(), about.mode() & 0o777);
        assert_eq!(owned, (OWNER, OWNER, 0o600), "{}", file.display());
    }
}

/// What the folder's owner may not read, root doesn't read for him.
#[test]
fn root_reads_as_the_folders_owner() {
    if !is_root() {
        eprintln!("SKIPPED: this needs root");
        return;
    }
    let trap = Trap::new();
    let grant = trap.state().join("oauth-token.json");
    fs::write(&grant, trap.cloud.grant()).unwrap();
    fs::set_permissions(&grant, fs::Permissions::from_mode(0o600)).unwrap();
    let output = trap.look_at_the_grant();
    assert!(
        said(&output).contains("Permission denied"),
        "{}",
        said(&output)
    );
    chown(&grant, Some(OWNER), Some(OWNER)).unwrap();
    let output = trap.look_at_the_grant();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn what_others_may_read_is_a_warning() {
    let trap = Trap::new();
    let secret = trap.dir.path().join("secret");
    fs::write(&secret, trap.cloud.client_secret()).unwrap();
    let said = |mode: u32| {
        fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
        fs::set_permissions(trap.state(), fs::Permissions::from_mode(mode | 0o100)).unwrap();
        let mut command = trap.command(&["check-config"]);
        command
            .env("PAN123_CLIENT_ID", trap.cloud.client_id())
            .env("PAN123_CLIENT_SECRET_FILE", &secret);
        said(&command.output().unwrap())
    };
    let open = said(0o644);
    let about = |what: &str, mode| format!("can look into {}; chmod {mode}", place(&trap, what));
    assert!(open.contains(&about("state", "700")), "{open}");
    assert!(open.contains(&about("secret", "600")), "{open}");
    for mode in [0o600, 0o640] {
        let closed = said(mode);
        assert!(!closed.contains("can look into"), "{mode:o}: {closed}");
    }
}

fn place(trap: &Trap, name: &str) -> String {
    let folder = fs::canonicalize(trap.dir.path()).unwrap();
    folder.join(name).display().to_string()
}

/// A file of passwords that is a link in somebody else's folder.
#[test]
fn passwords_are_put_where_the_folders_owner_may() {
    if !is_root() {
        eprintln!("SKIPPED: this needs root");
        return;
    }
    let trap = Trap::new();
    let file = trap.state().join("users");
    let passwd = || {
        let mut command = Command::new(PROGRAM);
        command
            .args(["passwd", "anna", "--htpasswd-file"])
            .arg(&file);
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(b"secret\n");
        child.wait_with_output().unwrap()
    };
    trap.link("users");
    let refused = said(&passwd());
    assert!(refused.contains("Permission denied"), "{refused}");
    trap.check("users");
    fs::remove_file(&file).unwrap();
    assert!(passwd().status.success());
    assert_eq!(fs::metadata(&file).unwrap().uid(), OWNER);
}
