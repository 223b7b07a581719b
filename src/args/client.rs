//! As whom the program goes to 123pan: with a developer's client id and secret, or as an OAuth app
//! with a user's grant.

use super::{Env, Secret};
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
    named: (&Option<String>, &Option<String>),
    env: &Env<'_>,
    state_dir: Option<&Path>,
) -> Result<Client, String> {
    let id = env.text("oauth-client-id", named.0.as_deref());
    let file = env
        .text("oauth-token-file", named.1.as_deref())
        .map(PathBuf::from);
    let Some(id) = id else {
        let secret = env.word("PAN123_OAUTH_CLIENT_SECRET")?;
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
    let secret = env.word("PAN123_OAUTH_CLIENT_SECRET")?.unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: &str, variables: &[(&str, &str)]) -> Result<(String, String, PathBuf), String> {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        let get = |name: &str| find(name).map(|(_, value)| (*value).to_owned());
        let id = Some(id.to_owned()).filter(|id| !id.is_empty());
        let state = Some(Path::new("/state"));
        let client = client((&id, &None), &Env::new(&get), state)?;
        let secret = client.secret.reveal().to_owned();
        Ok((client.id, secret, client.file.unwrap_or_default()))
    }

    #[test]
    fn an_oauth_app_takes_the_place_of_a_developer() {
        let (id, key) = (("PAN123_CLIENT_ID", "id"), ("PAN123_CLIENT_SECRET", "key"));
        let app = ("PAN123_OAUTH_CLIENT_ID", "app");
        let secret = ("PAN123_OAUTH_CLIENT_SECRET", "secret");
        let file = ("PAN123_OAUTH_TOKEN_FILE", "/x/token");
        let is = |id: &str, secret: &str, file: &str| Ok((id.into(), secret.into(), file.into()));
        assert_eq!(found("", &[id, key]), is("id", "key", ""));
        assert_eq!(
            found("", &[app, secret]),
            is("app", "secret", "/state/oauth-token.json")
        );
        assert_eq!(found("other", &[app, file]), is("other", "", "/x/token"));
        let refused: [(&[(&str, &str)], &str); 5] = [
            (&[app, id], "not both"),
            (&[app, ("PAN123_CLIENT_SECRET_FILE", "x")], "not both"),
            (&[id, key, file], "wants --oauth-client-id"),
            (&[secret], "wants --oauth-client-id"),
            (&[], "PAN123_CLIENT_ID is missing"),
        ];
        for (variables, words) in refused {
            let said = found("", variables).expect_err(words);
            assert!(said.contains(words), "{said}");
        }
    }
}
