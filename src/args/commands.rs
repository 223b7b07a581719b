//! The commands, as argh reads them and as they describe themselves: the first sentence of each is
//! what lists of commands say. Options that say where the account is aren't theirs: see `options`.

use super::values::{When, moment, repository};
use crate::restic::Repo;
use argh::{ArgsInfo, FromArgs};

/// A restic REST server that keeps repositories in a cloud.
///
/// Use it with: restic -r rest:http://127.0.0.1:8000/my-repo/ init
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    note = "Each option can also be a variable, such as PAN123_REPO_PATH=/backup or PAN123_NO_IPV6=1, or stand in the file that --config names; the option wins, then the variable."
)]
pub(super) struct Program {
    #[argh(subcommand)]
    pub(super) command: Command,
}

/// What to do.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand)]
pub(super) enum Command {
    Serve(Serve),
    Check(Check),
    Passwd(Passwd),
    Login(Login),
    Doctor(Doctor),
    Status(Status),
    Health(Health),
    Bin(Bin),
    Import(Import),
    Export(Export),
    Verify(Verify),
    Service(Service),
    Completions(Completions),
    Manual(Manual),
    Version(Version),
}

/// Run the server; the same as no command.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "serve")]
pub(super) struct Serve {}

/// Say whether the configuration is right.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "check-config")]
pub(super) struct Check {
    /// ask the cloud too whether it takes the credentials; nothing is changed there
    #[argh(switch)]
    pub(super) online: bool,
}

/// Ask for a user's password and write its line for --htpasswd-file. Without a file the line is
/// printed. The password isn't shown; when standard input is no terminal, it is read from there.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "passwd")]
pub(super) struct Passwd {
    /// the user's name
    #[argh(positional)]
    pub(super) user: Option<String>,

    /// remove the user
    #[argh(switch)]
    pub(super) delete: bool,

    /// list the users
    #[argh(switch)]
    pub(super) list: bool,

    /// file with users' passwords, into which the line is put
    #[argh(option, arg_name = "file")]
    pub(super) htpasswd_file: Option<String>,
}

/// Let an app use the account, by way of a browser. What the app is, the cloud's options say.
#[derive(FromArgs, ArgsInfo, Clone, Debug, PartialEq, Eq)]
#[argh(subcommand, name = "login")]
pub struct Login {
    /// the address that is registered for the app
    #[argh(option, arg_name = "uri")]
    pub redirect_uri: String,
}

/// Examine the setup, step by step, and say what to do.
#[derive(FromArgs, ArgsInfo, Clone, Debug, PartialEq, Eq)]
#[argh(subcommand, name = "doctor")]
pub struct Doctor {
    /// try out on the account, with files that it deletes again, what the cloud doesn't document
    #[argh(switch)]
    pub probe: bool,

    /// print what the probe finds as JSON
    #[argh(switch)]
    pub json: bool,
}

/// Ask the running server how everything is.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(
    subcommand,
    name = "status",
    note = "Where the server asks for passwords, name a user. The password comes from PAN123_PASSWORD, from the file that PAN123_PASSWORD_FILE names, or is asked for."
)]
pub(super) struct Status {
    /// where the server listens; default 127.0.0.1:8000
    #[argh(option, arg_name = "addr")]
    pub(super) listen: Option<String>,

    /// the server's certificate, where it speaks HTTPS
    #[argh(option, arg_name = "file")]
    pub(super) tls_cert: Option<String>,

    /// a user of the server's, who sees the repositories that they may read
    #[argh(option, arg_name = "name")]
    pub(super) user: Option<String>,

    /// print the server's JSON as it is
    #[argh(switch)]
    pub(super) json: bool,

    /// end with 1 if a repository's last snapshot is older than that, such as 36h
    #[argh(option, arg_name = "age")]
    pub(super) max_age: Option<String>,
}

/// Ask the running server whether it works: exit code 0 if it does, 1 if not. For containers.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "healthcheck")]
pub(super) struct Health {
    /// where the server listens; default 127.0.0.1:8000
    #[argh(option, arg_name = "addr")]
    pub(super) listen: Option<String>,

    /// the server's certificate, where it speaks HTTPS
    #[argh(option, arg_name = "file")]
    pub(super) tls_cert: Option<String>,
}

/// Show, free or bring back what was deleted. Files that were deleted from the repositories lie in
/// the cloud's recycle bin for a time.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "bin")]
pub(super) struct Bin {
    #[argh(subcommand)]
    pub(super) command: BinCommand,
}

/// What to do with the recycle bin.
#[derive(FromArgs, ArgsInfo, Clone, Debug, PartialEq, Eq)]
#[argh(subcommand)]
pub enum BinCommand {
    /// Tell what lies in it.
    List(BinList),
    /// Free it.
    Purge(BinPurge),
    /// Bring back what lies in it.
    Restore(BinRestore),
}

/// Show what lies in the recycle bin below the folder of the repositories.
#[derive(FromArgs, ArgsInfo, Clone, Debug, PartialEq, Eq)]
#[argh(
    subcommand,
    name = "list",
    note = "A TIME is 2h or 3d before now, a date such as 2026-11-22 (UTC), or one with a time, 2026-11-22T10:00:00+08:00. When something was deleted is known only of what the server with this state directory has deleted; --since leaves the rest out."
)]
pub struct BinList {
    /// only what was deleted since this TIME
    #[argh(option, arg_name = "time", from_str_fn(moment))]
    pub since: Option<When>,

    /// print JSON, one object for each file
    #[argh(switch)]
    pub json: bool,
}

/// Destroy what lies in the recycle bin below the folder of the repositories, to free space. It
/// can't be brought back then.
#[derive(FromArgs, ArgsInfo, Clone, Debug, PartialEq, Eq)]
#[argh(
    subcommand,
    name = "purge",
    note = "A TIME is 2h or 3d before now, a date such as 2026-11-22 (UTC), or one with a time, 2026-11-22T10:00:00+08:00. When something was deleted is known only of what the server with this state directory has deleted; both options leave the rest out.",
    note = "Folders, and files that aren't restic's, are left alone. A server may run meanwhile."
)]
pub struct BinPurge {
    /// only what was deleted since this TIME
    #[argh(option, arg_name = "time", from_str_fn(moment))]
    pub since: Option<When>,

    /// only what was deleted before this TIME; 30d is more than 30 days ago
    #[argh(option, arg_name = "time", from_str_fn(moment))]
    pub older_than: Option<When>,

    /// don't ask
    #[argh(switch)]
    pub yes: bool,

    /// purge deleted configs too; without its config a repository is lost
    #[argh(switch)]
    pub with_configs: bool,
}

/// Bring packs and snapshots back from the recycle bin. Run `restic repair index` then
/// (`restic rebuild-index` before restic 0.16): index files are made anew, not brought back.
#[derive(FromArgs, ArgsInfo, Clone, Debug, PartialEq, Eq)]
#[argh(
    subcommand,
    name = "restore",
    note = "A TIME is 2h or 3d before now, a date such as 2026-11-22 (UTC), or one with a time, 2026-11-22T10:00:00+08:00. What was deleted by another server has no known time, and --since leaves it out.",
    note = "A server may run meanwhile. What was deleted less than a minute ago it shows only when that minute is over. Make sure that no prune runs: it would delete the same files again."
)]
pub struct BinRestore {
    /// only what was deleted since this TIME
    #[argh(option, arg_name = "time", from_str_fn(moment))]
    pub since: Option<When>,

    /// also when some of what was deleted together has been purged already
    #[argh(switch)]
    pub partial: bool,

    /// only print what would be brought back
    #[argh(switch)]
    pub dry_run: bool,

    /// what to bring back, as patterns such as laptop/snapshots/*, or the first digits of ids, at
    /// least 8; keys only by id; default all packs and snapshots
    #[argh(positional)]
    pub which: Vec<String>,
}

/// Copy a local repository to the account. What is missing is copied, so that the same command
/// goes on where one was interrupted.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "import")]
pub(super) struct Import {
    /// say what would be copied, and copy nothing
    #[argh(switch)]
    pub(super) dry_run: bool,

    /// the local repository's folder
    #[argh(positional)]
    pub(super) dir: String,

    /// where in the account; the root if it isn't said
    #[argh(positional, from_str_fn(repository))]
    pub(super) repo: Option<Repo>,
}

/// Copy a repository from the account to a local folder. What is missing is copied, so that the
/// same command goes on where one was interrupted.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "export")]
pub(super) struct Export {
    /// say what would be copied, and copy nothing
    #[argh(switch)]
    pub(super) dry_run: bool,

    /// where in the account, the root if it isn't said, and the local folder
    #[argh(positional, arg_name = "[repo] dir")]
    pub(super) places: Vec<String>,
}

/// Look for missing, empty, doubled and deleted files by lists alone; ends with 1 if there are any.
/// Nothing is downloaded and nothing changed; what files hold, `restic check --read-data` tells.
#[derive(FromArgs, ArgsInfo, Clone, Debug, PartialEq, Eq)]
#[argh(subcommand, name = "verify")]
pub struct Verify {
    /// print JSON, one object a line
    #[argh(switch)]
    pub json: bool,

    /// the repositories; all if none is named
    #[argh(positional, from_str_fn(repository))]
    pub repo: Vec<Repo>,
}

/// Print the file with which a service manager runs the server, or a dashboard that shows it.
#[derive(FromArgs, ArgsInfo, Clone, Debug, PartialEq, Eq)]
#[argh(subcommand, name = "service")]
pub struct Service {
    /// the file: systemd, systemd-socket, openwrt, openwrt-config, openrc, launchd, container,
    /// compose, options or grafana
    #[argh(positional)]
    pub kind: String,

    /// path of the program that the file names
    #[argh(option, arg_name = "path")]
    pub program: Option<String>,
}

/// Print the completions for a shell.
#[derive(FromArgs, ArgsInfo, Clone, Debug, PartialEq, Eq)]
#[argh(subcommand, name = "completions")]
pub struct Completions {
    /// the shell: bash, zsh or fish
    #[argh(positional)]
    pub shell: String,
}

/// Print the manual page, for man.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "manual")]
pub(super) struct Manual {}

/// Show the version.
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "version")]
pub(super) struct Version {}
