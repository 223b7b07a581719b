//! The commands about the recycle bin: `bin list`, `bin purge` and `bin restore`. The options that
//! they share with the server are read as the server reads them.

use super::values::{MOST_AGO, moment};
use super::{Env, Exit, Flags, NAME, config, from_args};
use crate::args::Config;
use argh::FromArgs;

/// What to do with the recycle bin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bin {
    /// Tell what lies in it.
    List {
        /// Only what has been deleted since.
        since: Option<When>,
        /// As JSON.
        json: bool,
    },
    /// Free it.
    Purge {
        /// Only what has been deleted since.
        since: Option<When>,
        /// Only what was deleted before.
        before: Option<When>,
        /// Without asking.
        yes: bool,
        /// Configs too.
        config: bool,
    },
    /// Bring back what lies in it.
    Restore {
        /// Only what has been deleted since.
        since: Option<When>,
        /// Although some of it has been purged.
        partial: bool,
        /// Only tell what would be done.
        dry_run: bool,
        /// Which files: patterns of their paths, or the beginnings of their ids.
        which: Vec<String>,
    },
}

/// A time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So many seconds before now.
    Ago(u64),
    /// In seconds since 1970.
    At(u64),
}

impl When {
    /// In seconds since 1970, as seen from `now`.
    pub fn seconds(self, now: u64) -> u64 {
        match self {
            Self::Ago(seconds) => now.saturating_sub(seconds.min(MOST_AGO)),
            Self::At(at) => at,
        }
    }
}

/// The options of a command, with those that all of them have.
macro_rules! command {
    ($(#[$doc:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$doc])*
        struct $name {
            $($own)*

            /// folder in the account that holds the repositories [PAN123_REPO_PATH]
            #[argh(option, arg_name = "path")]
            repo_path: Option<String>,

            /// the server's state directory, which knows when things were deleted
            /// [PAN123_STATE_DIR]
            #[argh(option, arg_name = "dir")]
            state_dir: Option<String>,

            /// address of 123pan's interface [PAN123_API_URL]
            #[argh(option, arg_name = "url")]
            api_url: Option<String>,

            /// share of 123pan's call rates to use [PAN123_RATE_SHARE]
            #[argh(option, arg_name = "x")]
            rate_share: Option<String>,

            /// the account's call rates: auto (which means free here, or oauth for an OAuth app),
            /// free, vip or oauth [PAN123_TIER]
            #[argh(option, arg_name = "tier")]
            tier: Option<String>,

            /// the OAuth app that uses the account, if one does [PAN123_OAUTH_CLIENT_ID]
            #[argh(option, arg_name = "id")]
            oauth_client_id: Option<String>,

            /// file that holds its refresh token [PAN123_OAUTH_TOKEN_FILE]
            #[argh(option, arg_name = "file")]
            oauth_token_file: Option<String>,
        }

        impl $name {
            fn shared(&mut self) -> Flags {
                Flags {
                    repo_path: self.repo_path.take(),
                    state_dir: self.state_dir.take(),
                    api_url: self.api_url.take(),
                    rate_share: self.rate_share.take(),
                    tier: self.tier.take(),
                    oauth_client_id: self.oauth_client_id.take(),
                    oauth_token_file: self.oauth_token_file.take(),
                    ..Flags::default()
                }
            }
        }
    };
}

command! {
    /// Show what lies in 123pan's recycle bin below the folder of the repositories.
    #[derive(FromArgs)]
    #[argh(
        note = "A TIME is 2h or 3d before now, a date such as 2026-11-22 (UTC), or one with a time,\n2026-11-22T10:00:00+08:00. When something was deleted is known only of what the server\nwith this state directory has deleted; --since leaves the rest out.",
        note = "Credentials come from the environment, as the server's do."
    )]
    ListFlags {
        /// only what was deleted since this TIME
        #[argh(option, arg_name = "time")]
        since: Option<String>,

        /// print JSON, one object for each file
        #[argh(switch)]
        json: bool,
    }
}

command! {
    /// Destroy what lies in 123pan's recycle bin below the folder of the repositories, to free
    /// space. It can't be brought back then.
    #[derive(FromArgs)]
    #[argh(
        note = "A TIME is 2h or 3d before now, a date such as 2026-11-22 (UTC), or one with a time,\n2026-11-22T10:00:00+08:00. When something was deleted is known only of what the server\nwith this state directory has deleted; both options leave the rest out.",
        note = "Folders, and files that aren't restic's, are left alone. A server may run meanwhile."
    )]
    PurgeFlags {
        /// only what was deleted since this TIME
        #[argh(option, arg_name = "time")]
        since: Option<String>,

        /// only what was deleted before this TIME; 30d: more than 30 days ago
        #[argh(option, arg_name = "time")]
        older_than: Option<String>,

        /// don't ask
        #[argh(switch)]
        yes: bool,

        /// purge deleted configs too; without its config a repository is lost
        #[argh(switch)]
        config: bool,
    }
}

command! {
    /// Bring packs and snapshots back from 123pan's recycle bin. Run `restic repair index` then
    /// (`restic rebuild-index` before restic 0.16): index files are made anew, not brought back.
    #[derive(FromArgs)]
    #[argh(
        note = "A TIME is 2h or 3d before now, a date such as 2026-11-22 (UTC), or one with a time,\n2026-11-22T10:00:00+08:00. What was deleted by another server has no known time, and\n--since leaves it out.",
        note = "A server may run meanwhile. What was deleted less than a minute ago it shows only when\nthat minute is over. Make sure that no prune runs: it would delete the same files again."
    )]
    RestoreFlags {
        /// only what was deleted since this TIME
        #[argh(option, arg_name = "time")]
        since: Option<String>,

        /// also when some of what was deleted together has been purged already
        #[argh(switch)]
        partial: bool,

        /// only print what would be brought back
        #[argh(switch)]
        dry_run: bool,

        /// what to bring back: patterns such as laptop/snapshots/*, or the first digits of ids,
        /// at least 8; keys only by id; default all packs and snapshots
        #[argh(positional)]
        which: Vec<String>,
    }
}

const USAGE: &str = "\
Usage: restic-123pan bin <command> [options]

What to do with the files that were deleted from the repositories, which lie in 123pan's
recycle bin for a time:

  bin list      show them
  bin purge     destroy them, to free space
  bin restore   bring packs and snapshots back

Each command shows its options with --help.
";

/// Reads the words after `bin`.
pub(super) fn parse(words: &[&str], env: &Env<'_>) -> Result<(Config, Bin), Exit> {
    let (command, rest) = words.split_first().map_or(("", words), |(c, r)| (*c, r));
    let name = format!("{NAME} bin {command}");
    let time = |name: &str, text: Option<String>| {
        let read = |text: String| {
            let wrong = |why| Exit::Wrong(format!("--{name} {text:?}: {why}"));
            moment(&text).map_err(wrong)
        };
        text.map(read).transpose()
    };
    let (shared, bin) = match command {
        "list" => {
            let mut flags: ListFlags = from_args(&name, rest)?;
            let (since, json) = (time("since", flags.since.take())?, flags.json);
            (flags.shared(), Bin::List { since, json })
        }
        "purge" => {
            let mut flags: PurgeFlags = from_args(&name, rest)?;
            let bin = Bin::Purge {
                since: time("since", flags.since.take())?,
                before: time("older-than", flags.older_than.take())?,
                yes: flags.yes,
                config: flags.config,
            };
            (flags.shared(), bin)
        }
        "restore" => {
            let mut flags: RestoreFlags = from_args(&name, rest)?;
            let bin = Bin::Restore {
                since: time("since", flags.since.take())?,
                partial: flags.partial,
                dry_run: flags.dry_run,
                which: std::mem::take(&mut flags.which),
            };
            (flags.shared(), bin)
        }
        "" | "help" | "--help" => return Err(Exit::Print(USAGE.to_owned())),
        other => {
            let text = format!("bin {other:?}: write bin list, bin purge or bin restore");
            return Err(Exit::Wrong(text));
        }
    };
    Ok((config(&shared, env).map_err(Exit::Wrong)?, bin))
}
