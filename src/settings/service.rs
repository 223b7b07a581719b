//! The settings of the service of this machine, for commands that somebody runs beside it: what
//! stands in `/etc/restic-123pan`, where systemd and OpenRC have it from, or in OpenWrt's UCI.
//! Whether they count is for others to say; whoever may not read them doesn't get half of them.

use super::file::unquoted;
use super::{Variables, is_on, variable};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where the service's files are.
const FOLDER: &str = "/etc/restic-123pan";
/// OpenWrt's file.
const UCI: &str = "/etc/config/restic-123pan";
/// Where systemd keeps copies for the server's user, of files that stand in the folder.
const COPIES: &str = "/run/restic-123pan/";
/// Where systemd puts credentials that stand nowhere else.
const CREDENTIALS: &str = "/run/credentials/restic-123pan.service";
/// The service's state, unless it is told otherwise.
const STATE: &str = "/var/lib/restic-123pan";
/// The same on OpenWrt.
const UCI_STATE: &str = "/etc/restic-123pan/state";
/// The files of credentials that have names of their own; others are called as the option would be.
const FILES: [(&str, &str); 3] = [
    ("client-id", "id"),
    ("client-secret", "secret"),
    ("oauth-client-secret", "secret"),
];
/// What of a section of OpenWrt's isn't the program's.
const FOREIGN: [&str; 2] = ["enabled", "log"];
/// The setting that makes of a developer's credentials an app's.
const APP: &str = "oauth-client-id";

/// Settings as variables, and where they stand, for people; None where no service has any. An Err
/// names what this user may not read.
pub type Found = Result<Option<(Variables, String)>, String>;

/// Looks for a service's settings; `credentials` are the names of what may stand in files, and
/// `root` is where the machine's files begin.
pub fn find(root: &Path, credentials: &[&str]) -> Found {
    match uci(root, credentials)? {
        None => folder(root, credentials),
        found => Ok(found),
    }
}

fn folder(root: &Path, credentials: &[&str]) -> Found {
    let mut variables = Variables::new();
    let text = read(root, &format!("{FOLDER}/options"))?;
    let lines = text.as_deref().unwrap_or_default().lines();
    for (name, value) in lines.filter_map(assignment) {
        let value = match value.strip_prefix(COPIES) {
            Some(name) => format!("{FOLDER}/{name}"),
            None => value,
        };
        variables.insert(name, value);
    }
    add_credentials(root, credentials, &mut variables, &[FOLDER, CREDENTIALS])?;
    if variables.is_empty() {
        return Ok(None);
    }
    add_state(root, STATE, &mut variables);
    Ok(Some((variables, format!("the service in {FOLDER}"))))
}

/// The first server of OpenWrt's that is switched on.
fn uci(root: &Path, credentials: &[&str]) -> Found {
    let text = read(root, UCI)?.unwrap_or_default();
    let section = sections(&text).into_iter().find(|(_, options)| {
        let enabled = options.iter().find(|(name, _)| name == "enabled");
        enabled.is_some_and(|(_, value)| is_on(value) == Some(true))
    });
    let Some((name, options)) = section else {
        return Ok(None);
    };
    let mut variables = Variables::new();
    for (name, value) in options {
        if !FOREIGN.contains(&name.as_str()) {
            // A list has several lines.
            let all = variables.entry(variable(&name)).or_default();
            *all = format!("{all} {value}").trim_start().to_owned();
        }
    }
    add_credentials(root, credentials, &mut variables, &[FOLDER])?;
    add_state(root, UCI_STATE, &mut variables);
    Ok(Some((variables, format!("the server {name} in {UCI}"))))
}

/// The sections of servers: their names, and what is set in them.
fn sections(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut all: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in text.lines() {
        let mut words = line.trim().splitn(3, char::is_whitespace);
        let kind = words.next().unwrap_or_default();
        let (name, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or(""));
        match (kind, all.last_mut()) {
            ("config", _) => all.push((unquoted(rest).to_owned(), Vec::new())),
            ("option" | "list", Some((_, options))) => {
                let name = unquoted(name).replace('_', "-");
                options.push((name, unquoted(rest).to_owned()));
            }
            _ => {}
        }
    }
    all
}

/// A line `NAME=value` of a variable of this program's.
fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let (name, value) = line
        .strip_prefix("export ")
        .unwrap_or(line)
        .split_once('=')?;
    let ours = name.starts_with(&variable(""));
    ours.then(|| (name.to_owned(), unquoted(value).to_owned()))
}

/// Names the files of credentials that are there and hold something.
fn add_credentials(
    root: &Path,
    names: &[&str],
    variables: &mut Variables,
    folders: &[&str],
) -> Result<(), String> {
    let is_app = variables.contains_key(&variable(APP));
    for name in names {
        let short = FILES.iter().find(|(long, _)| long == name);
        let own = name.replace('-', "_");
        let file = short.map_or(own.as_str(), |(_, file)| file);
        let (own, key) = (variable(name), variable(&format!("{name}-file")));
        let meant = short.is_none() || is_app == name.starts_with("oauth");
        if !meant || variables.contains_key(&own) || variables.contains_key(&key) {
            continue;
        }
        for folder in folders {
            let path = format!("{folder}/{file}");
            if read(root, &path)?.is_some_and(|text| !text.trim().is_empty()) {
                variables.insert(key.clone(), path_in(root, &path).display().to_string());
                break;
            }
        }
    }
    Ok(())
}

/// Names the folder of the service's state, if it is there. systemd puts a link in its place, which
/// is followed here: nothing in a state directory is opened through one.
fn add_state(root: &Path, usual: &str, variables: &mut Variables) {
    let folder = path_in(root, usual).canonicalize();
    if let Some(folder) = folder.ok().filter(|folder| folder.is_dir()) {
        let name = "STATE_DIRECTORY".to_owned();
        variables.insert(name, reachable(folder).display().to_string());
    }
}

/// A folder by a name that its owner can use, with whose rights root works there: where a folder
/// above is closed to others, as systemd's for users that it makes up, it is kept open.
#[cfg(target_os = "linux")]
fn reachable(folder: PathBuf) -> PathBuf {
    use rustix::fs::{Mode, OFlags, open};
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::os::unix::fs::PermissionsExt;
    use std::sync::OnceLock;
    static KEPT: OnceLock<OwnedFd> = OnceLock::new();
    let is_open = |above: &Path| fs::metadata(above).is_ok_and(|a| a.permissions().mode() & 1 == 1);
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    if folder.ancestors().skip(1).all(is_open) {
        return folder;
    }
    let Ok(kept) = open(&folder, flags, Mode::empty()) else {
        return folder;
    };
    let number = KEPT.get_or_init(|| kept).as_raw_fd();
    PathBuf::from(format!("/proc/self/fd/{number}"))
}

/// Elsewhere nobody makes users up.
#[cfg(not(target_os = "linux"))]
fn reachable(folder: PathBuf) -> PathBuf {
    folder
}

/// What stands in a file, if there is one; an Err names one that this user may not read.
fn read(root: &Path, path: &str) -> Result<Option<String>, String> {
    match fs::read_to_string(path_in(root, path)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(path.to_owned()),
        Err(_) => Ok(None),
    }
}

fn path_in(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A machine with these files.
    fn machine(name: &str, files: &[(&str, &str)]) -> PathBuf {
        let root = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        for (path, text) in files {
            let path = path_in(&root, path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn found(root: &Path, place: &str) -> Variables {
        let names = ["client-id", "client-secret", "oauth-client-secret", "x-key"];
        let found = find(root, &names);
        fs::remove_dir_all(root).unwrap();
        match found {
            Ok(Some((variables, its))) if its == place => variables,
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn a_unit() {
        let options = "# PAN123_TIER=vip\n PAN123_LISTEN=\":81\"\nexport PAN123_BIN='keep'\nTZ=x\n\
                       PAN123_HTPASSWD_FILE=/run/restic-123pan/users\n";
        let files = [
            ("/etc/restic-123pan/options", options),
            ("/etc/restic-123pan/id", "id\n"),
            ("/etc/restic-123pan/x_key", "\n"),
            ("/run/credentials/restic-123pan.service/secret", "s\n"),
            ("/var/lib/private/restic-123pan/x", ""),
        ];
        let root = machine("unit", &files);
        symlink("private/restic-123pan", path_in(&root, STATE)).unwrap();
        let at = |path: &str| path_in(&root, path).display().to_string();
        let expected: Variables = [
            ("PAN123_LISTEN", ":81".to_owned()),
            ("PAN123_BIN", "keep".to_owned()),
            (
                "PAN123_HTPASSWD_FILE",
                "/etc/restic-123pan/users".to_owned(),
            ),
            ("PAN123_CLIENT_ID_FILE", at("/etc/restic-123pan/id")),
            (
                "PAN123_CLIENT_SECRET_FILE",
                at("/run/credentials/restic-123pan.service/secret"),
            ),
            ("STATE_DIRECTORY", at("/var/lib/private/restic-123pan")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        assert_eq!(found(&root, "the service in /etc/restic-123pan"), expected);
        assert_eq!(find(&root, &[]), Ok(None));
    }

    #[test]
    fn an_app() {
        let files = [
            ("/etc/restic-123pan/options", "PAN123_OAUTH_CLIENT_ID=app\n"),
            ("/etc/restic-123pan/id", ""),
            ("/etc/restic-123pan/secret", "s\n"),
        ];
        let root = machine("app", &files);
        let names: Vec<String> = found(&root, "the service in /etc/restic-123pan")
            .into_keys()
            .collect();
        assert_eq!(
            names,
            ["PAN123_OAUTH_CLIENT_ID", "PAN123_OAUTH_CLIENT_SECRET_FILE"]
        );
    }

    #[test]
    fn a_router() {
        let text = "config server 'old'\n\toption enabled '0'\n\toption bin 'keep'\n\n\
                    config server main\n\toption enabled 'on'\n\toption repo_path '/a b'\n\
                    \toption log info\n\tlist listen ':1'\n\tlist listen ':2'\n\
                    \toption client_id 'x'\n\t#option tier 'vip'\n";
        let files = [
            (UCI, text),
            ("/etc/restic-123pan/secret", "s"),
            ("/etc/restic-123pan/id", "y"),
        ];
        let root = machine("router", &files);
        let secret = path_in(&root, "/etc/restic-123pan/secret");
        let expected: Variables = [
            ("PAN123_REPO_PATH", "/a b"),
            ("PAN123_LISTEN", ":1 :2"),
            ("PAN123_CLIENT_ID", "x"),
            ("PAN123_CLIENT_SECRET_FILE", secret.to_str().unwrap()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let place = "the server main in /etc/config/restic-123pan";
        assert_eq!(found(&root, place), expected);
    }
}
