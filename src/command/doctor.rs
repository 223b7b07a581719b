//! The doctor's walk on a terminal: a line for each step, and under a failed one what to do.

use crate::cloud::Account;
use crate::speech::{padded, said};
use std::io::{self, Write};
use std::process::ExitCode;

/// Examines an account.
pub fn doctor(account: &dyn Account) -> ExitCode {
    let mut out = io::stdout().lock();
    // A terminal that is gone needs no lines.
    let (name, found) = (padded(&said("configuration"), 18), said("read"));
    let _ = writeln!(out, "✓ {name}        {found}");
    let good = account.examine(&mut |step| {
        let _ = writeln!(out, "{step}");
    });
    let last = match good {
        true => "\nAll is well: restic can use this server.\n",
        false => "\nSomething is wrong: see the lines with ✗.\n",
    };
    let _ = out.write_all(said(last).as_bytes());
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
