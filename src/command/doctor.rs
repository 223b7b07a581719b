//! The doctor's walk on a terminal: a line for each step, and under a failed one what to do; and a
//! probe's findings, as lines or as JSON.

use super::ended;
use crate::cloud::Account;
use crate::speech::{padded, said};
use serde_json::json;
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
    ended(good)
}

/// Has a cloud tried out, on the account; None if it leaves nothing open.
pub fn probe(account: &dyn Account, as_json: bool) -> Option<ExitCode> {
    let mut out = io::stdout().lock();
    let mut findings = Vec::new();
    let end = account.probe(&mut |finding| {
        findings.push(finding.clone());
        if !as_json {
            let _ = writeln!(out, "{finding}");
        }
    })?;
    let (Ok(text) | Err(text)) = &end;
    let good = end.is_ok();
    let shown = match as_json {
        true => json!({
            "version": env!("CARGO_PKG_VERSION"),
            "usable": good,
            "end": text,
            "findings": findings,
        })
        .to_string(),
        false => format!("\n{}", said(&format!("{text}."))),
    };
    let _ = writeln!(out, "{shown}");
    Some(ended(good))
}
