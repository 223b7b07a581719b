//! `login`: has the user agree in a browser to what an app may do, and keeps what the cloud gives
//! for it.

use crate::cloud::Login;
use crate::restic::hex;
use crate::speech::{said, wrapped};
use std::io::{self, Write};

/// Bytes of the mark by which an answer is known to be ours.
const MARK: usize = 8;
/// Widest line in columns.
const WIDTH: usize = 80;

/// Asks for the code on the terminal, or reads it from a pipe.
pub fn login(account: &dyn Login, redirect: &str) -> Result<(), String> {
    let mut mark = [0; MARK];
    let got = rustix::rand::getrandom(&mut mark, rustix::rand::GetRandomFlags::empty());
    if got != Ok(mark.len()) {
        return Err("the system has no random numbers".to_owned());
    }
    let mark = hex(&mark);
    let invitation = account.invitation(redirect, &mark)?;
    let pasted = ask(&invitation).map_err(|error| format!("reading the code: {error}"))?;
    let code = code(pasted.trim(), &mark)?;
    let done = account.finish(&code, redirect)?;
    // The grant is there, whether anybody reads this or not.
    let _ = writeln!(io::stdout(), "{}", said(&done));
    Ok(())
}

fn ask(text: &str) -> io::Result<String> {
    // Not to stdout, which may be on its way into a file.
    let mut terminal = io::stderr();
    let lines: Vec<String> = (text.lines())
        .flat_map(|line| wrapped(&said(line), WIDTH))
        .collect();
    write!(terminal, "{} ", lines.join("\n"))?;
    terminal.flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line)
}

/// The code in what was pasted.
fn code(pasted: &str, mark: &str) -> Result<String, String> {
    let Some((_, query)) = pasted.split_once('?') else {
        return match pasted.is_empty() || pasted.contains(['/', '=', ' ']) {
            true => Err("what was pasted has no code in it".to_owned()),
            false => Ok(pasted.to_owned()),
        };
    };
    let query = query.split('#').next().unwrap_or(query);
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find_map(|(found, value)| (found == name).then_some(value))
    };
    match (value("code"), value("state")) {
        (_, Some(state)) if state != mark => Err(
            "that address answers another login; open the one above and paste what it leads to"
                .to_owned(),
        ),
        (Some(code), _) if !code.is_empty() => Ok(code.to_owned()),
        _ => Err("the address that was pasted has no code in it".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_in_what_people_paste() {
        for (said, found) in [
            ("NGE0", Some("NGE0")),
            ("http://x/cb?code=NGE0&state=m", Some("NGE0")),
            ("app://cb?state=m&code=NGE0#top", Some("NGE0")),
            ("http://x/cb?code=NGE0", Some("NGE0")),
            ("http://x/cb?code=NGE0&state=other", None),
            ("http://x/cb?error=denied&state=m", None),
            ("http://x/cb", None),
            ("", None),
        ] {
            assert_eq!(code(said, "m").ok().as_deref(), found, "{said}");
        }
    }
}
