//! The options of the program itself, by what takes them; each cloud's own stand in its directory.

use argh::{ArgsInfo, FromArgs};

/// How clients are served.
#[derive(FromArgs, ArgsInfo, Debug, Default)]
pub(super) struct Serving {
    /// address to listen on: host:port, :port or unix:/path; may be given more than
    /// once; default 127.0.0.1:8000
    #[argh(option, arg_name = "addr")]
    pub(super) listen: Vec<String>,

    /// certificate in PEM, with those that it depends on, to speak HTTPS
    #[argh(option, arg_name = "file")]
    pub(super) tls_cert: Option<String>,

    /// its private key in PEM
    #[argh(option, arg_name = "file")]
    pub(super) tls_key: Option<String>,

    /// name by which clients ask for this server, needed where no passwords are
    /// asked for; may be given more than once
    #[argh(option, arg_name = "name")]
    pub(super) host: Vec<String>,

    /// address of a reverse proxy, whose X-Forwarded-For says who asks
    #[argh(option, arg_name = "addr")]
    pub(super) trusted_proxy: Option<String>,

    /// file with users' passwords; the command passwd writes it
    #[argh(option, arg_name = "file")]
    pub(super) htpasswd_file: Option<String>,

    /// serve other machines without asking for passwords
    #[argh(switch)]
    pub(super) no_auth: bool,

    /// file that says what each user may do where
    #[argh(option, arg_name = "file")]
    pub(super) roles: Option<String>,

    /// let users enter only repositories below their own name
    #[argh(switch)]
    pub(super) private_repos: bool,

    /// let nobody remove or replace anything but locks
    #[argh(switch)]
    pub(super) append_only: bool,

    /// packs and index files served at the same time; default 8
    #[argh(option, arg_name = "n")]
    pub(super) workers: Option<String>,

    /// most bytes a second that clients send together: off, a size such as 2M, or times
    /// such as "08:00,512K 23:00,off"; default off
    #[argh(option, arg_name = "limit")]
    pub(super) limit_upload: Option<String>,

    /// the same for what they get; default off
    #[argh(option, arg_name = "limit")]
    pub(super) limit_download: Option<String>,

    /// age at which a repository's last snapshot is too old, such as 36h or 8d; default
    /// half as much again as the longest of its last pauses
    #[argh(option, arg_name = "age")]
    pub(super) max_age: Option<String>,

    /// URL that gets a POST of JSON when backups stop and go on, when the cloud can't be
    /// used or refuses the credentials, and when the account is nearly full
    #[argh(option, arg_name = "url")]
    pub(super) notify: Option<String>,
}

/// Where the repositories are, and how that is used, whatever the cloud.
#[derive(FromArgs, ArgsInfo, Debug, Default)]
pub(super) struct Using {
    /// the repositories' folder; default /restic-backup
    #[argh(option, arg_name = "path")]
    pub(super) repo_path: Option<String>,

    /// folder for the token and what is to be purged; default the first writable of
    /// $STATE_DIRECTORY, $XDG_STATE_HOME/restic-123pan,
    /// $HOME/.local/state/restic-123pan, /var/lib/restic-123pan
    #[argh(option, arg_name = "dir")]
    pub(super) state_dir: Option<String>,

    /// folder for what exceeds --memory; default one in memory with 256M free, or none
    #[argh(option, arg_name = "dir")]
    pub(super) spool_dir: Option<String>,

    /// memory for held uploads, such as 0, 500K, 1G; default 32M
    #[argh(option, arg_name = "size")]
    pub(super) memory: Option<String>,

    /// most that may lie in the spool at a time; default 1G
    #[argh(option, arg_name = "size")]
    pub(super) spool_size: Option<String>,

    /// uploads to the cloud at the same time, up to 20; default 8
    #[argh(option, arg_name = "n")]
    pub(super) uploads: Option<String>,

    /// share of the cloud's call rates to use, up to 1; default 0.8
    #[argh(option, arg_name = "x")]
    pub(super) rate_share: Option<String>,

    /// deleted files: purge, keep, or purge after days such as 30d; default 7d
    #[argh(option, arg_name = "what")]
    pub(super) bin: Option<String>,

    /// space kept free for pruning, see the manual; default 1G
    #[argh(option, arg_name = "size")]
    pub(super) reserve: Option<String>,

    /// reach the cloud by IPv4 only
    #[argh(switch)]
    pub(super) no_ipv6: bool,

    /// certificate authorities to trust instead, in PEM
    #[argh(option, arg_name = "file")]
    pub(super) ca_file: Option<String>,
}

/// What every command takes.
#[derive(FromArgs, ArgsInfo, Debug, Default)]
pub(super) struct General {
    /// what keeps the files
    #[argh(option, arg_name = "name")]
    pub(super) cloud: Option<String>,

    /// file with lines such as listen = :8000
    #[argh(option, arg_name = "file")]
    pub(super) config: Option<String>,
}
