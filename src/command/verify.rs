//! `verify`: what is wrong with repositories as far as lists tell, as text or as JSON. What counts
//! as wrong is the cloud's.

use super::ended;
use super::progress::Line;
use crate::args::{self, Exit};
use crate::cloud::Verify;
use crate::cloud::finding::{Contents, Event, Finding, Report};
use crate::cloud::layout::Layout;
use crate::lines::harmless;
use crate::restic::Kind;
use crate::speech::{Speaker, padded, said};
use crate::sync;
use crate::units::bytes as size;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The exit code when it can't be told whether something is wrong.
const FAILED: u8 = 3;

/// Looks repositories through and prints what is wrong; the exit code tells whether anything is.
pub fn verify(asked: &args::Verify, verify: &Verify<'_>) -> Result<ExitCode, Exit> {
    let found = look(asked, verify).map_err(|why| Exit::Failed(why, FAILED))?;
    Ok(ended(found == 0))
}

/// Answers how much was found that must be mended.
fn look(asked: &args::Verify, verify: &Verify<'_>) -> Result<usize, String> {
    let printer = Printer {
        json: asked.json,
        line: Line::new(),
        fault: Mutex::default(),
        found: AtomicUsize::new(0),
    };
    let report = verify(&asked.repo, &|event| printer.hear(&event));
    drop(printer.line);
    let fault = sync::into_inner(printer.fault);
    let found = printer.found.into_inner();
    let text = |error: io::Error| format!("writing what was found: {error}");
    if let Some(error) = fault {
        return Err(text(error));
    }
    let report = report.map_err(|error| error.to_string())?;
    let told = match printer.json {
        true => sum_as_json(&report, found),
        false => sum_as_text(&report, found),
    };
    told.map(|()| found).map_err(text)
}

/// Prints what is found as it is found.
struct Printer {
    json: bool,
    line: Line,
    fault: Mutex<Option<io::Error>>,
    found: AtomicUsize,
}

impl Printer {
    fn hear(&self, event: &Event<'_>) {
        match event {
            Event::Read(read, known, files) => {
                let found = self.found.load(Ordering::Relaxed);
                let text = format!("{read} of {known} folders read, {files} files, {found} found");
                self.line.say(&text);
            }
            Event::Found(finding) => {
                if !finding.flaw.is_note() {
                    self.found.fetch_add(1, Ordering::Relaxed);
                }
                self.line.clear();
                let text = match self.json {
                    true => format!("{}\n", finding_as_json(finding)),
                    false => finding_as_text(finding),
                };
                if let Err(error) = io::stdout().lock().write_all(text.as_bytes()) {
                    *sync::lock(&self.fault) = Some(error);
                }
            }
        }
    }
}

fn finding_as_text(finding: &Finding) -> String {
    let name = padded(&said(finding.flaw.name()), 15);
    let (path, advice) = (
        harmless(&finding.path),
        said(&format!("{}.", finding.advice)),
    );
    let sign = if finding.flaw.is_note() { '-' } else { '✗' };
    let number = (finding.number).map_or(String::new(), |number| format!(" (id {number})"));
    format!("{sign} {name} {path}{number}\n  → {advice}\n")
}

fn finding_as_json(finding: &Finding) -> Value {
    json!({
        "type": if finding.flaw.is_note() { "note" } else { "finding" },
        "kind": finding.flaw.name(),
        "repository": format!("/{}", finding.repo),
        "path": finding.path,
        "id": finding.number,
        "advice": finding.advice,
    })
}

fn sum_as_text(report: &Report, found: usize) -> io::Result<()> {
    let mut out = Speaker::new(io::stdout().lock());
    for (repo, contents) in &report.repositories {
        let repo = harmless(repo);
        let counts = Kind::ALL.map(|kind| format!("{} in {}", contents.count(kind), kind.name()));
        let (counts, bytes) = (counts.join(", "), size(contents.bytes));
        let layouts = contents.layouts().all();
        let layouts = layouts.map(|layout| format!(", packs in {} folders", layout.folders()));
        let layouts: String = layouts.collect();
        let deleted = contents.deleted;
        writeln!(
            out,
            "/{repo}: {counts}; {bytes}{layouts}; {deleted} deleted"
        )?;
    }
    let (repos, folders, calls) = (report.repositories.len(), report.folders, report.calls);
    let what = match found {
        0 => "nothing is wrong".to_owned(),
        found => format!("{found} found"),
    };
    writeln!(
        out,
        "{what}; repositories: {repos}, folders: {folders}, calls: {calls}"
    )
}

fn sum_as_json(report: &Report, found: usize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (repo, contents) in &report.repositories {
        writeln!(out, "{}", repository_as_json(repo, contents))?;
    }
    let end = json!({
        "type": "end",
        "repositories": report.repositories.len(),
        "folders": report.folders,
        "calls": report.calls,
        "findings": found,
    });
    writeln!(out, "{end}")
}

fn repository_as_json(repo: &str, contents: &Contents) -> Value {
    let files = Kind::ALL.map(|kind| (kind.name().to_owned(), contents.count(kind).into()));
    json!({
        "type": "repository",
        "repository": format!("/{repo}"),
        "files": Value::Object(files.into_iter().collect()),
        "bytes": contents.bytes,
        "layouts": contents.layouts().all().map(Layout::folders).collect::<Vec<_>>(),
        "deleted": contents.deleted,
    })
}
