//! `login`: has the user agree in a browser to what an OAuth app may do, and keeps what 123pan
//! gives for it.

use super::table::Words;
use crate::args;
use crate::pan123::{authorization, log_in};
use crate::restic::hex;
use std::io::{self, Write};

/// Bytes of the mark by which an answer is known to be ours.
const MARK: usize = 8;

/// Asks for the code on the terminal, or reads it from a pipe.
pub(super) fn login(words: &Words, config: &args::Config) -> Result<(), String> {
    let Some(file) = &config.oauth_file else {
        return Err("name the OAuth app with --oauth-client-id".to_owned());
    };
    let redirect = words.value("redirect-uri").unwrap_or_default();
    let mut mark = [0; MARK];
    let got = rustix::rand::getrandom(&mut mark, rustix::rand::GetRandomFlags::empty());
    if got != Ok(mark.len()) {
        return Err("the system has no random numbers".to_owned());
    }
    let mark = hex(&mark);
    let address = authorization(&config.client_id, redirect, &mark);
    let said = ask(&address).map_err(|error| format!("reading the code: {error}"))?;
    let code = code(said.trim(), &mark)?;
    log_in(&config.account(), file, &code, redirect)?;
    let done = format!("logged in; the refresh token is in {}\n", file.display());
    // The grant is there, whether anybody reads this or not.
    let _ = io::stdout().write_all(done.as_bytes());
    Ok(())
}

fn ask(address: &str) -> io::Result<String> {
    let text = format!(
        "Open this address in a browser, log in at 123pan and agree (if there is no such page, try\n\
         yun.123pan.com in place of www.123pan.com):\n\n  {address}\n\n\
         The browser is then sent to the app's own address, with `code=...` in it; it doesn't\n\
         matter if that page can't be shown. Paste that address, or the code alone, within a few\n\
         minutes: "
    );
    // Not to stdout, which may be on its way into a file.
    let mut terminal = io::stderr();
    terminal.write_all(text.as_bytes())?;
    terminal.flush()?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line)
}

/// The code in what was pasted.
fn code(said: &str, mark: &str) -> Result<String, String> {
    let Some((_, query)) = said.split_once('?') else {
        return match said.is_empty() || said.contains(['/', '=', ' ']) {
            true => Err("what was pasted has no code in it".to_owned()),
            false => Ok(said.to_owned()),
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
