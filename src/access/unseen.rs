//! Passwords typed at a terminal that doesn't show them.

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::{emulate_default_handler, pipe};
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;

/// Reads a password: unseen from a terminal, as often as there are prompts and always the same;
/// once from anything else.
pub fn ask(prompts: &[&str]) -> io::Result<String> {
    if !io::stdin().is_terminal() {
        return read_line();
    }
    let _mute = Mute::new()?;
    let mut typed = prompts.iter().map(|text| prompt(text));
    let first = typed.next().unwrap_or_else(read_line)?;
    for again in typed {
        if again? != first {
            return Err(io::Error::other("they differ"));
        }
    }
    Ok(first)
}

fn prompt(text: &str) -> io::Result<String> {
    // Not to stdout, which may be on its way into a file.
    let mut terminal = io::stderr();
    write!(terminal, "{text}")?;
    terminal.flush()?;
    let line = read_line();
    writeln!(terminal)?;
    line
}

fn read_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A terminal that doesn't show what is typed, until it is dropped or a signal ends the process.
struct Mute(Termios);

impl Mute {
    fn new() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            let (mut told, teller) = UnixStream::pair()?;
            pipe::register(signal, teller)?;
            let before = before.clone();
            thread::spawn(move || {
                let _ = told.read(&mut [0]);
                restore(&before);
                let _ = emulate_default_handler(signal);
            });
        }
        let mut mute = before.clone();
        mute.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &mute)?;
        Ok(Self(before))
    }
}

impl Drop for Mute {
    fn drop(&mut self) {
        restore(&self.0);
    }
}

fn restore(before: &Termios) {
    let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
}
