//! Where to listen, and whether that is wise.

use super::{Config, NAME, values};
use crate::settings::Settings;

/// The address to listen on, which other programs of this purpose take from variables of their own.
pub(super) fn listen(
    option: &Option<String>,
    settings: &Settings<'_>,
    warnings: &mut Vec<String>,
) -> Result<String, String> {
    let own = settings.value("listen", option, values::listen)?;
    let host = settings.foreign("LISTEN_ADDR");
    let port = settings.foreign("LISTEN_PORT");
    let silent = option.is_none() && settings.find("listen").is_none();
    if !silent || (host.is_none() && port.is_none()) {
        return Ok(own);
    }
    let names = "LISTEN_ADDR and LISTEN_PORT";
    let listen = values::host_and_port(host, port, &own);
    let listen = values::listen(&listen).map_err(|why| format!("{names} {listen:?}: {why}"))?;
    warnings.push(format!(
        "{names} still count, but say PAN123_LISTEN={listen} instead"
    ));
    Ok(listen)
}

/// Whether the rules about access make sense together.
pub(super) fn check_access(config: &Config) -> Result<(), String> {
    let (rules, listen, no_auth) = (&config.rules, &config.listen, config.no_auth);
    match &rules.htpasswd {
        Some(_) if no_auth => Err("use either --htpasswd-file or --no-auth, not both".to_owned()),
        Some(_) => Ok(()),
        None if rules.roles.is_some() || rules.private_repos => Err(
            "--roles and --private-repos need users: name their passwords with --htpasswd-file"
                .to_owned(),
        ),
        None if no_auth || values::is_loopback(listen) => Ok(()),
        None => Err(format!(
            "listening on {listen} lets other machines in, and nobody would be asked for a \
             password: name a file of passwords with --htpasswd-file ({NAME} passwd writes one), \
             or say --no-auth if everybody who reaches this port may read and delete backups"
        )),
    }
}
