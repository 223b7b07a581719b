//! What 123pan must be told: its own options, and as whom the program goes there: with a
//! developer's client id and secret, or as an OAuth app with a user's grant.

use super::{Config, Tier};
use crate::cloud::{Credential, Shared};
use crate::settings::values::url;
use crate::settings::{Secret, Settings, variable};
use argh::{ArgsInfo, FromArgs};
use std::path::PathBuf;

/// The file of the grant in the state directory.
const FILE: &str = "oauth-token.json";

/// What the command line doesn't take.
pub(super) const CREDENTIALS: [Credential; 3] = [
    Credential {
        name: "client-id",
        about: "the client id from https://www.123pan.com/developer",
    },
    Credential {
        name: "client-secret",
        about: "the secret that goes with it",
    },
    Credential {
        name: "oauth-client-secret",
        about: "the secret of the OAuth app of --oauth-client-id",
    },
];

/// The options of 123pan alone.
#[derive(FromArgs, ArgsInfo, Debug, Default)]
#[allow(rustdoc::bare_urls, reason = "--help shows them as they are")]
pub(super) struct Flags {
    /// 123pan's interface; default https://open-api.123pan.com
    #[argh(option, arg_name = "url")]
    api_url: Option<String>,

    /// the account's call rates: auto, free, vip or oauth; default auto
    #[argh(option, arg_name = "tier")]
    tier: Option<String>,

    /// send files without TLS if an upload host has none; whoever listens can then
    /// take over the account
    #[argh(switch)]
    allow_http_upload: bool,

    /// use the account by this OAuth app, see the command login
    #[argh(option, arg_name = "id")]
    oauth_client_id: Option<String>,

    /// file of its refresh token; default oauth-token.json in the state directory
    #[argh(option, arg_name = "file")]
    oauth_token_file: Option<String>,
}

/// Reads the account, without its grant, and the file of the grant if an OAuth app uses it.
pub(super) fn read(
    settings: &Settings<'_>,
    shared: &Shared,
) -> Result<(Config, Option<PathBuf>), String> {
    let flags: Flags = settings.flags()?;
    let client = client(&flags, settings, shared)?;
    let oauth = client.file.is_some().then_some(Tier::Oauth);
    let config = Config {
        api_url: settings.value("api-url", &flags.api_url, url)?,
        client_id: client.id,
        client_secret: client.secret,
        grant: None,
        tier: settings.value("tier", &flags.tier, tier)?.or(oauth),
        allow_http_upload: settings.switch("allow-http-upload", flags.allow_http_upload)?,
        shared: shared.clone(),
    };
    Ok((config, client.file))
}

/// Which rates an account has.
fn tier(text: &str) -> Result<Option<Tier>, String> {
    match text {
        "auto" => Ok(None),
        "free" => Ok(Some(Tier::Free)),
        "vip" => Ok(Some(Tier::Vip)),
        "oauth" => Ok(Some(Tier::Oauth)),
        _ => Err("write auto, free, vip or oauth".to_owned()),
    }
}

/// A client of 123pan's.
struct Client {
    id: Secret,
    secret: Secret,
    /// Where the grant is, for an OAuth app.
    file: Option<PathBuf>,
}

/// The client that the options and the environment name.
fn client(flags: &Flags, settings: &Settings<'_>, shared: &Shared) -> Result<Client, String> {
    let id = settings.text("oauth-client-id", flags.oauth_client_id.as_deref());
    let file = settings.text("oauth-token-file", flags.oauth_token_file.as_deref());
    let secret = settings.word("oauth-client-secret")?;
    let Some(id) = id else {
        return match (file, secret) {
            (None, None) => developer(settings),
            _ => Err("an OAuth app's token file or secret wants --oauth-client-id too".to_owned()),
        };
    };
    let others = [
        "client-id",
        "client-id-file",
        "client-secret",
        "client-secret-file",
    ];
    if let Some(other) = others.iter().find(|name| settings.find(name).is_some()) {
        return Err(format!(
            "set either --oauth-client-id, for an OAuth app, or {}, for a developer's client id \
             and secret, not both",
            variable(other)
        ));
    }
    let usual = || shared.state_dir.as_ref().map(|folder| folder.join(FILE));
    let Some(file) = file.map(PathBuf::from).or_else(usual) else {
        return Err(
            "no state directory is writable; name a file with --oauth-token-file".to_owned(),
        );
    };
    Ok(Client {
        id: Secret::new(id),
        secret: secret.unwrap_or_default(),
        file: Some(file),
    })
}

fn developer(settings: &Settings<'_>) -> Result<Client, String> {
    let half = |name: &str| {
        settings.word(name)?.ok_or_else(|| {
            format!(
                "{} is missing: apply for a client id and secret at \
                 https://www.123pan.com/developer, then set PAN123_CLIENT_ID and \
                 PAN123_CLIENT_SECRET (or …_FILE) in the environment",
                variable(name)
            )
        })
    };
    Ok(Client {
        id: half("client-id")?,
        secret: half("client-secret")?,
        file: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::example;
    use crate::settings::Opt;
    use std::fs;

    const ID: (&str, &str) = ("PAN123_CLIENT_ID", "id");
    const KEY: (&str, &str) = ("PAN123_CLIENT_SECRET", "key");

    /// The account that these words and variables name.
    fn found(
        words: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<(Config, Option<PathBuf>), String> {
        example(Opt::of::<Flags>(), words, variables, read)
    }

    #[test]
    fn defaults_and_what_is_shared() {
        let (config, file) = found(&[], &[ID, KEY]).expect("all that is needed");
        assert_eq!(config.api_url, "https://open-api.123pan.com");
        let path = config.shared.repo_path.path();
        assert_eq!((path, config.tier, file), ("a/b", None, None));
        assert!(!config.allow_http_upload);
        let words = ["--api-url", "http://127.0.0.1:9/", "--tier", "vip"];
        let http = ("PAN123_ALLOW_HTTP_UPLOAD", "yes");
        let (config, _) = found(&words, &[ID, KEY, http]).expect("all that is needed");
        let url = config.api_url.as_str();
        assert_eq!((url, config.tier), ("http://127.0.0.1:9", Some(Tier::Vip)));
        assert!(config.allow_http_upload);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let url = ["--api-url", "open-api.123pan.com"];
        let table: [(&[&str], &str); 2] = [
            (&url, "--api-url"),
            (&["--tier", "gold"], "auto, free, vip or oauth"),
        ];
        for (words, named) in table {
            let said = found(words, &[ID, KEY]).expect_err(named);
            assert!(said.contains(named) && !said.contains('\n'), "{said}");
        }
        let said = found(&[], &[ID, KEY, ("PAN123_TIER", "gold")]).expect_err("a tier");
        assert!(said.starts_with("PAN123_TIER"), "{said}");
    }

    #[test]
    fn credentials_come_from_the_environment_or_from_files() {
        let path = std::env::temp_dir().join(format!("secret-{}", std::process::id()));
        fs::write(&path, "from-a-file\r\n").expect("a writable folder");
        let name = path.display().to_string();
        let file = ("PAN123_CLIENT_SECRET_FILE", name.as_str());
        let (config, _) = found(&[], &[ID, file]).expect("both");
        assert_eq!(config.client_secret.reveal(), "from-a-file");
        assert!(!format!("{config:?}").contains("from-a-file"));
        let said = |variables: &[(&str, &str)]| found(&[], variables).expect_err("wrong");
        assert!(said(&[ID, KEY, file]).contains("not both"));
        assert!(said(&[KEY]).contains("apply for"));
        fs::remove_file(&path).expect("it was written");
        assert!(said(&[ID, file]).contains(&name));
    }

    #[test]
    fn an_oauth_app_takes_the_place_of_a_developer() {
        let app = ("PAN123_OAUTH_CLIENT_ID", "app");
        let secret = ("PAN123_OAUTH_CLIENT_SECRET", "secret");
        let file = ("PAN123_OAUTH_TOKEN_FILE", "/x/token");
        let is = |words: &[&str], variables: &[(&str, &str)], expected: [&str; 3]| {
            let (config, file) = found(words, variables).expect("an account");
            let file = file.map_or(String::new(), |file| file.display().to_string());
            let (id, secret) = (config.client_id.reveal(), config.client_secret.reveal());
            assert_eq!([id, secret, &*file], expected);
            assert_eq!(config.tier, (expected[0] != "id").then_some(Tier::Oauth));
        };
        is(&[], &[ID, KEY], ["id", "key", ""]);
        is(
            &[],
            &[app, secret],
            ["app", "secret", "/state/oauth-token.json"],
        );
        let words = ["--oauth-client-id", "other"];
        is(&words, &[app, file], ["other", "", "/x/token"]);
        let refused: [(&[(&str, &str)], &str); 5] = [
            (&[app, ID], "not both"),
            (&[app, ("PAN123_CLIENT_SECRET_FILE", "x")], "not both"),
            (&[ID, KEY, file], "wants --oauth-client-id"),
            (&[secret], "wants --oauth-client-id"),
            (&[], "PAN123_CLIENT_ID is missing"),
        ];
        for (variables, words) in refused {
            let said = found(&[], variables).expect_err(words);
            assert!(said.contains(words), "{said}");
        }
    }
}
