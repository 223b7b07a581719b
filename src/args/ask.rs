//! The commands that ask the running server: `status` and `healthcheck`. They need nothing of the
//! server's configuration but where it listens, and a user's password where passwords are asked for.

use super::{Env, Exit, NAME, Secret, from_args, values};
use crate::front::Listen;
use argh::FromArgs;
use std::path::PathBuf;

/// What the running server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// How everything is.
    Status,
    /// Whether it works.
    Health,
}

/// A question to the running server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What it is asked.
    pub question: Question,
    /// Where it is.
    pub address: Listen,
    /// The certificate by which it proves itself there; None where it speaks HTTP.
    pub certificate: Option<PathBuf>,
    /// Who asks, where passwords are asked for.
    pub user: Option<String>,
    /// The password, if it needn't be asked for.
    pub password: Option<Secret>,
}

/// Asks the running server how everything is, and prints it.
#[derive(FromArgs, Debug)]
#[argh(
    note = "Where the server asks for passwords, name a user. The password comes from PAN123_PASSWORD,\nfrom the file that PAN123_PASSWORD_FILE names, or is asked for."
)]
struct Status {
    /// where the server listens; default 127.0.0.1:8000 [PAN123_LISTEN]
    #[argh(option, arg_name = "addr")]
    listen: Option<String>,

    /// the server's certificate, where it speaks HTTPS [PAN123_TLS_CERT]
    #[argh(option, arg_name = "file")]
    tls_cert: Option<String>,

    /// a user of the server's, who sees the repositories that they may read [PAN123_USER]
    #[argh(option, arg_name = "name")]
    user: Option<String>,
}

/// Asks the running server whether it works: exit code 0 if it does, 1 if not. For containers.
#[derive(FromArgs, Debug)]
struct Health {
    /// where the server listens; default 127.0.0.1:8000 [PAN123_LISTEN]
    #[argh(option, arg_name = "addr")]
    listen: Option<String>,

    /// the server's certificate, where it speaks HTTPS [PAN123_TLS_CERT]
    #[argh(option, arg_name = "file")]
    tls_cert: Option<String>,
}

/// Reads such a command, if it is one.
pub(super) fn parse(words: &[&str], env: &Env<'_>) -> Option<Exit> {
    let (first, rest) = words.split_first()?;
    let asked = match *first {
        "status" => status(rest, env),
        "healthcheck" => health(rest, env),
        _ => return None,
    };
    Some(asked.map_or_else(|exit| exit, Exit::Ask))
}

fn status(words: &[&str], env: &Env<'_>) -> Result<Ask, Exit> {
    let Status {
        listen,
        tls_cert,
        user,
    } = from_args(&format!("{NAME} status"), words)?;
    let user = env.text("user", user.as_deref());
    // What nobody asks for needn't be right.
    let password = match user {
        Some(_) => env.secret("PAN123_PASSWORD").map_err(Exit::Wrong)?,
        None => None,
    };
    Ok(Ask {
        question: Question::Status,
        address: address(listen.as_deref(), env)?,
        certificate: env.text("tls-cert", tls_cert.as_deref()).map(PathBuf::from),
        user,
        password: password.map(Secret),
    })
}

fn health(words: &[&str], env: &Env<'_>) -> Result<Ask, Exit> {
    let Health { listen, tls_cert } = from_args(&format!("{NAME} healthcheck"), words)?;
    Ok(Ask {
        question: Question::Health,
        address: address(listen.as_deref(), env)?,
        certificate: env.text("tls-cert", tls_cert.as_deref()).map(PathBuf::from),
        user: None,
        password: None,
    })
}

fn address(listen: Option<&str>, env: &Env<'_>) -> Result<Listen, Exit> {
    let named: Vec<String> = listen.iter().map(|text| (*text).to_owned()).collect();
    let (wanted, place) = env.list("listen", &named);
    let first = wanted.first().map(|text| {
        let parsed = values::listen(text);
        parsed.map_err(|why| Exit::Wrong(format!("{place} {text:?}: {why}")))
    });
    Ok(first.transpose()?.unwrap_or_default().reachable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_server_is_found() {
        let env = |name: &str| match name {
            "PAN123_LISTEN" => Some(":81".to_owned()),
            "PAN123_PASSWORD" => Some("hidden".to_owned()),
            _ => None,
        };
        let parse = |words: &[&str]| parse(words, &Env::new(&env));
        let ask = |question, address: &str, user: Option<&str>| {
            Some(Exit::Ask(Ask {
                question,
                address: address.parse().unwrap(),
                certificate: None,
                user: user.map(str::to_owned),
                password: user.map(|_| Secret::new("hidden")),
            }))
        };
        let (status, health) = (Question::Status, Question::Health);
        assert_eq!(parse(&["status"]), ask(status, "127.0.0.1:81", None));
        let words = ["status", "--user", "anna"];
        assert_eq!(parse(&words), ask(status, "127.0.0.1:81", Some("anna")));
        assert!(!format!("{:?}", parse(&words)).contains("hidden"));
        let words = ["healthcheck", "--listen", "[::]:82"];
        assert_eq!(parse(&words), ask(health, "[::1]:82", None));
        assert!(matches!(parse(&["status", "x"]), Some(Exit::Wrong(_))));
        assert_eq!(parse(&["bin"]), None);
    }
}
