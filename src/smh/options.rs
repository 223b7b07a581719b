//! What Tencent SMH must be told: the library, its space, and its secret.

use super::Config;
use crate::cloud::{Credential, Shared};
use crate::settings::values::url;
use crate::settings::{Settings, variable};
use argh::{ArgsInfo, FromArgs};

/// What the command line doesn't take.
pub(super) const CREDENTIALS: [Credential; 1] = [Credential {
    name: "smh-library-secret",
    about: "the library's secret, from Tencent's console",
}];

/// Where a library's own host is, behind its id.
const HOST: &str = "api.tencentsmh.cn";

/// The options of Tencent SMH alone.
#[derive(FromArgs, ArgsInfo, Debug, Default)]
pub(super) struct Flags {
    /// the library's host, if it isn't its own at api.tencentsmh.cn
    #[argh(option, arg_name = "url")]
    smh_host: Option<String>,

    /// the library's id, smh and 13 characters
    #[argh(option, arg_name = "id")]
    smh_library: Option<String>,

    /// the id of its space, if the library has several; default -
    #[argh(option, arg_name = "id")]
    smh_space: Option<String>,

    /// send and fetch files without TLS if the library's host has none either; for tests
    #[argh(switch)]
    allow_http_upload: bool,
}

/// Reads the library.
pub(super) fn read(settings: &Settings<'_>, shared: &Shared) -> Result<Config, String> {
    let flags: Flags = settings.flags()?;
    let library = settings.value("smh-library", &flags.smh_library, id)?;
    let secret = settings.secret("smh-library-secret")?.ok_or_else(|| {
        format!(
            "{} is missing: it stands beside the library's id in Tencent's console",
            variable("smh-library-secret")
        )
    })?;
    let host = settings.optional("smh-host", &flags.smh_host, url)?;
    let space = settings.optional("smh-space", &flags.smh_space, id)?;
    Ok(Config {
        host: host.unwrap_or_else(|| format!("https://{library}.{HOST}")),
        library,
        space: space.unwrap_or_else(|| "-".to_owned()),
        secret,
        allow_http_upload: settings.switch("allow-http-upload", flags.allow_http_upload)?,
        shared: shared.clone(),
    })
}

/// An id, which may stand in an address.
fn id(text: &str) -> Result<String, String> {
    let fits = |c: u8| c.is_ascii_alphanumeric() || c == b'-';
    match !text.is_empty() && text.bytes().all(fits) {
        true => Ok(text.to_owned()),
        false => Err("write an id of letters, digits and hyphens".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::example;
    use crate::settings::Opt;

    /// The library that these words and variables name.
    fn found(words: &[&str], variables: &[(&str, &str)]) -> Result<Config, String> {
        example(Opt::of::<Flags>(), words, variables, read)
    }

    const SECRET: (&str, &str) = ("PAN123_SMH_LIBRARY_SECRET", "hush");
    const LIBRARY: (&str, &str) = ("PAN123_SMH_LIBRARY", "smh1");

    #[test]
    fn the_host_is_the_librarys_own_unless_it_is_named() {
        let config = found(&["--smh-library", "smh2"], &[SECRET]).expect("all that is needed");
        assert_eq!(config.host, "https://smh2.api.tencentsmh.cn");
        let path = config.shared.repo_path.path();
        assert_eq!((&*config.space, path), ("-", "a/b"));
        assert!(!config.is_clear());
        assert!(!format!("{config:?}").contains("hush"));
        let words = ["--smh-host", "http://127.0.0.1:9/", "--smh-space", "space1"];
        let config = found(&words, &[SECRET, LIBRARY]).expect("all that is needed");
        assert_eq!(config.host, "http://127.0.0.1:9");
        assert!(!config.is_clear(), "nobody has allowed it");
        let clear = ("PAN123_ALLOW_HTTP_UPLOAD", "yes");
        let config = found(&words, &[SECRET, LIBRARY, clear]).expect("all that is needed");
        assert!(config.is_clear() && config.space == "space1");
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let bad = ("PAN123_SMH_LIBRARY", "a/b");
        let host = ["--smh-host", "smh"];
        type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str);
        let table: [Case<'_>; 4] = [
            (&[], &[SECRET], "--smh-library"),
            (&[], &[LIBRARY], "PAN123_SMH_LIBRARY_SECRET is missing"),
            (&[], &[SECRET, bad], "letters, digits and hyphens"),
            (&host, &[SECRET, LIBRARY], "--smh-host"),
        ];
        for (words, variables, named) in table {
            let said = found(words, variables).expect_err(named);
            assert!(said.contains(named) && !said.contains('\n'), "{said}");
        }
    }
}
