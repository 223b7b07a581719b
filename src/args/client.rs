//! As whom the program goes to 123pan: with a developer's client id and secret, or as an OAuth app
//! with a user's grant.

use super::Env;
use std::fmt;
use std::path::{Path, PathBuf};

/// The file of the grant in the state directory.
const FILE: &str = "oauth-token.json";

/// A client of 123pan's.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: Secret,
    /// Where the grant is, for an OAuth app.
    pub(super) file: Option<PathBuf>,
}

/// The client that the options and the environment name; `named` are the app's id and its file.
pub(super) fn client(
    named: (Option<String>, Option<String>),
    env: &Env<'_>,
    state_dir: Option<&Path>,
) -> Result<Client, String> {
    let id = env.text("oauth-client-id", named.0);
    let file = env.text("oauth-token-file", named.1).map(PathBuf::from);
    let Some(id) = id else {
        let secret = env.secret("PAN123_OAUTH_CLIENT_SECRET")?;
        return match (file, secret) {
            (None, None) => developer(env),
            _ => Err("an OAuth app's token file or secret wants --oauth-client-id too".to_owned()),
        };
    };
    let others =
        ["ID", "ID_FILE", "SECRET", "SECRET_FILE"].map(|end| format!("PAN123_CLIENT_{end}"));
    if let Some(other) = others.iter().find(|name| env.get(name).is_some()) {
        return Err(format!(
            "set either --oauth-client-id, for an OAuth app, or {other}, for a developer's client \
             id and secret, not both"
        ));
    }
    let usual = || state_dir.map(|folder| folder.join(FILE));
    let Some(file) = file.or_else(usual) else {
        return Err(
            "no state directory is writable; name a file with --oauth-token-file".to_owned(),
        );
    };
    let secret = env
        .secret("PAN123_OAUTH_CLIENT_SECRET")?
        .unwrap_or_default();
    Ok(Client {
        id,
        secret: Secret(secret),
        file: Some(file),
    })
}

fn developer(env: &Env<'_>) -> Result<Client, String> {
    Ok(Client {
        id: env.credential("PAN123_CLIENT_ID")?,
        secret: Secret(env.credential("PAN123_CLIENT_SECRET")?),
        file: None,
    })
}

/// A text that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl Secret {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever must send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
