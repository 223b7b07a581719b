//! Where to listen and how, and whether that is wise.

use super::{Config, NAME, values};
use crate::front::Listen;
use crate::settings::Settings;
use crate::warning::{Kind, Warning};
use std::path::PathBuf;

/// The addresses to listen on, which other programs of this purpose take from variables of their own;
/// none for the usual one.
pub(super) fn listen(
    options: &[String],
    settings: &Settings<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Listen>, String> {
    let host = settings.foreign("LISTEN_ADDR");
    let port = settings.foreign("LISTEN_PORT");
    if !options.is_empty() || settings.find("listen").is_some() {
        return settings.list("listen", options, values::listen);
    }
    if host.is_none() && port.is_none() {
        return Ok(Vec::new());
    }
    let names = "LISTEN_ADDR and LISTEN_PORT";
    let text = values::host_and_port(host, port);
    let listen = values::listen(&text).map_err(|why| format!("{names} {text:?}: {why}"))?;
    let text = format!("{names} still count, but say PAN123_LISTEN={listen} instead");
    warnings.push(Warning::new(Kind::Setting, names, text));
    Ok(vec![listen])
}

/// The files of a certificate and its key: both or none.
pub(super) fn tls(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<(PathBuf, PathBuf)>, String> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (None, None) => Ok(None),
        _ => Err("--tls-cert and --tls-key belong together: name both".to_owned()),
    }
}

/// Whether the rules about access make sense together.
pub(super) fn check_access(config: &Config) -> Result<(), String> {
    let (rules, no_auth) = (&config.rules, config.no_auth);
    let public = config.listen.iter().find(|listen| !listen.is_private());
    match &rules.htpasswd {
        Some(_) if no_auth => Err("use either --htpasswd-file or --no-auth, not both".to_owned()),
        Some(_) => Ok(()),
        None if rules.roles.is_some() || rules.private_repos => Err(
            "--roles and --private-repos need users: name their passwords with --htpasswd-file"
                .to_owned(),
        ),
        None if no_auth => Ok(()),
        None => public.map_or(Ok(()), |listen| Err(open_to_all(&listen.to_string()))),
    }
}

/// What is wrong with listening there without passwords.
pub fn open_to_all(listen: &str) -> String {
    format!(
        "listening on {listen} lets other machines in, and nobody would be asked for a \
         password: name a file of passwords with --htpasswd-file ({NAME} passwd writes one), \
         or say --no-auth if everybody who reaches this port may read and delete backups"
    )
}
