//! The commands that ask the running server: `status` and `healthcheck`. They need no credentials
//! and nothing of the server's configuration but where it listens.

use super::{Env, Exit, LISTEN, NAME, from_args, values};
use argh::FromArgs;

/// What the running server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// How everything is.
    Status,
    /// Whether it works.
    Health,
}

/// Asks the running server how everything is, and prints it.
#[derive(FromArgs, Debug)]
struct Status {
    /// where the server listens; default 127.0.0.1:8000 [PAN123_LISTEN]
    #[argh(option, arg_name = "addr")]
    listen: Option<String>,
}

/// Asks the running server whether it works: exit code 0 if it does, 1 if not. For containers.
#[derive(FromArgs, Debug)]
struct Health {
    /// where the server listens; default 127.0.0.1:8000 [PAN123_LISTEN]
    #[argh(option, arg_name = "addr")]
    listen: Option<String>,
}

/// Reads such a command, if it is one.
pub(super) fn parse(words: &[&str], env: &Env<'_>) -> Option<Exit> {
    let (first, rest) = words.split_first()?;
    let command = format!("{NAME} {first}");
    let (question, listen) = match *first {
        "status" => (
            Question::Status,
            from_args(&command, rest).map(|a: Status| a.listen),
        ),
        "healthcheck" => (
            Question::Health,
            from_args(&command, rest).map(|a: Health| a.listen),
        ),
        _ => return None,
    };
    let listen = match listen {
        Ok(listen) => listen,
        Err(exit) => return Some(exit),
    };
    Some(
        match env.value("listen", listen.as_deref(), LISTEN, values::listen) {
            Ok(listen) => Exit::Ask(question, reachable(&listen)),
            Err(text) => Exit::Wrong(text),
        },
    )
}

/// Where a server can be reached that listens there: on this machine, when it listens everywhere.
fn reachable(listen: &str) -> String {
    let (host, port) = listen.rsplit_once(':').unwrap_or((listen, ""));
    match host {
        "" | "0.0.0.0" => format!("127.0.0.1:{port}"),
        "[::]" => format!("[::1]:{port}"),
        _ => listen.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_server_is_found() {
        let env = |name: &str| (name == "PAN123_LISTEN").then(|| ":81".to_owned());
        let parse = |words: &[&str]| parse(words, &Env::new(&env));
        let ask = |question, listen: &str| Some(Exit::Ask(question, listen.to_owned()));
        assert_eq!(parse(&["status"]), ask(Question::Status, "127.0.0.1:81"));
        let words = ["healthcheck", "--listen", "[::]:82"];
        assert_eq!(parse(&words), ask(Question::Health, "[::1]:82"));
        assert!(matches!(parse(&["status", "x"]), Some(Exit::Wrong(_))));
        assert_eq!(parse(&["bin"]), None);
    }
}
