//! The frame of a walk through everything that a backup needs of a cloud, step by step, each with
//! its time and, where it fails, what to do; and the steps that are the same at every cloud. The
//! others are the cloud's.

use super::client::Client;
use super::outcome::{Fault, Reason};
use super::timing::{Timing, now};
use crate::disk::try_folder;
use crate::speech::{padded, said, speaks_chinese};
use crate::store::Error;
use crate::zone::moment;
use std::fmt::{self, Display};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

/// Seconds that our clock may be wrong by.
const SKEW: u64 = 120;
/// What to do about a failure that nobody has described.
const OTHER: &str = "try again in some minutes; if it stays so, look for what {cloud} says in \
                     the manual";

/// A step that has been made.
#[derive(Debug)]
pub struct Step {
    /// What it was about.
    pub name: &'static str,
    /// How long it took.
    pub took: Duration,
    /// What was found.
    pub found: Result<String, Problem>,
}

/// What is wrong.
#[derive(Debug)]
pub struct Problem {
    /// What happened.
    pub text: String,
    /// What to do, in one sentence.
    pub advice: String,
}

impl Problem {
    /// A problem with what to do about it.
    pub fn new(text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            advice: advice.into(),
        }
    }

    /// What is wrong after a call.
    pub fn of(fault: &Fault, client: &Client) -> Self {
        let advice = client.advice(fault.reason);
        let other = || OTHER.replace("{cloud}", client.cloud());
        let advice = advice.map_or_else(other, |advice| advice.said().to_owned());
        Self::new(fault.to_string(), advice)
    }

    /// The same where the client may have met the reason before the call failed.
    pub fn met(fault: &Fault, client: &Client) -> Self {
        match client.advice(fault.reason) {
            Some(_) => Self::of(fault, client),
            None => {
                Self::advised(fault.to_string(), client).unwrap_or_else(|_| Self::of(fault, client))
            }
        }
    }

    /// What is wrong, with the advice of the trouble that the client met last; the text again if
    /// it met none.
    pub fn advised(text: String, client: &Client) -> Result<Self, String> {
        match client.troubles.all().into_iter().next() {
            Some(trouble) => Ok(Self::new(text, trouble.advice.said())),
            None => Err(text),
        }
    }
}

/// What a step finds.
pub type StepResult = Result<String, Problem>;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::new(
            error.to_string(),
            "look at what was said before; then try again",
        )
    }
}

impl Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, millis) = (padded(&said(self.name), 18), self.took.as_millis());
        match &self.found {
            Ok(text) => write!(f, "✓ {name}{millis:>6} ms {}", said(text)),
            Err(Problem { text, advice }) => {
                let (text, advice) = (said(text), said(advice));
                let end = if speaks_chinese() { "。" } else { "." };
                write!(f, "✗ {name}{millis:>6} ms {text}\n  → {advice}{end}")
            }
        }
    }
}

/// Timeouts for somebody who waits at a terminal.
pub fn timing() -> Timing {
    let seconds = Duration::from_secs;
    Timing {
        answer: seconds(30),
        stall: seconds(20),
        rate_wait: seconds(6),
        retry: seconds(4),
        ..Timing::default()
    }
}

/// A walk of some doctor's.
pub struct Walk<'a, D> {
    doctor: D,
    tell: &'a mut dyn FnMut(&Step),
    /// Whether all was well.
    pub good: bool,
}

impl<'a, D> Walk<'a, D> {
    /// A walk by this doctor, of which no step is made; who is told of each.
    pub fn new(doctor: D, tell: &'a mut dyn FnMut(&Step)) -> Self {
        let good = true;
        Self { doctor, tell, good }
    }

    /// Makes a step and tells whether all was well.
    pub fn step(&mut self, name: &'static str, make: impl FnOnce(&mut D) -> StepResult) -> bool {
        let start = Instant::now();
        let found = make(&mut self.doctor);
        let took = start.elapsed();
        let is_good = found.is_ok();
        self.good &= is_good;
        (self.tell)(&Step { name, took, found });
        is_good
    }

    /// The steps to any cloud: whether it can be reached and takes the credentials.
    pub fn reach(&mut self, client: fn(&D) -> &Client) -> bool {
        let there = self.step("DNS", |d| dns(client(d)));
        if !there || !self.step("connection", |d| connection(client(d))) {
            return false;
        }
        self.step("clock", |d| clock(client(d)));
        self.step("credentials", |d| credentials(client(d)))
    }
}

/// Whether the state directory can be written; `advice` says what to do if not.
pub fn state(folder: Option<&Path>, advice: &str) -> StepResult {
    let Some(folder) = folder else {
        return Err(Problem::new("no state directory is writable", advice));
    };
    // It may be known by a handle alone.
    let named = folder.canonicalize();
    let place = named.as_deref().unwrap_or(folder).display();
    match try_folder(folder) {
        Ok(()) => Ok(format!("{place} can be written")),
        Err(error) => Err(Problem::new(format!("{place}: {error}"), advice)),
    }
}

/// Whether what was downloaded is what was stored; `well` says so.
pub fn same(read: io::Result<&[u8]>, stored: &[u8], well: String) -> StepResult {
    match read {
        Ok(found) if found == stored => Ok(well),
        Ok(_) => Err(Problem::new(
            "other bytes came than were stored",
            "see whether a proxy changes what is downloaded",
        )),
        Err(error) => Err(Problem::new(
            format!("it broke off: {error}"),
            "check this machine's network, and try again",
        )),
    }
}

/// Whether the name of the API's host has an address.
fn dns(client: &Client) -> StepResult {
    let host = host(client);
    if let Some(proxy) = client.proxy() {
        return Ok(format!("the proxy {proxy} finds {host}"));
    }
    let advice = "check this machine's DNS servers and --api-url";
    let problem = |text: &dyn Display| Problem::new(format!("{host}: {text}"), advice);
    match &*addresses(client).map_err(|error| problem(&error))? {
        [] => Err(problem(&"no address")),
        [one] => Ok(format!("{host} has the address {}", one.ip())),
        [first, more @ ..] => Ok(format!(
            "{host} has the address {} and {} more",
            first.ip(),
            more.len()
        )),
    }
}

/// The API's host, with a port of its own if it has one.
fn host(client: &Client) -> &str {
    let (_, rest) = client.base().split_once("://").unwrap_or(("", ""));
    rest.split('/').next().unwrap_or("")
}

/// What is found for its name.
fn addresses(client: &Client) -> io::Result<Vec<SocketAddr>> {
    let host = host(client);
    let is_plain = client.base().starts_with("http://");
    let port = if is_plain { 80 } else { 443 };
    // With a port of its own, or without.
    let found = match host
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
    {
        true => host.to_socket_addrs(),
        false => (host, port).to_socket_addrs(),
    };
    Ok(found?.collect())
}

/// What is to be said of a family of addresses that doesn't work.
fn route(dead: Option<&str>) -> String {
    match dead {
        None => String::new(),
        Some("IPv6") => "; not by IPv6, which --no-ipv6 leaves out: until then it is tried again \
                         now and then"
            .to_owned(),
        Some(dead) => format!("; not by {dead}, so that the other is used"),
    }
}

/// Whether the cloud answers this address, by TLS where there is TLS.
pub fn connection(client: &Client) -> StepResult {
    client.probe().map_err(|fault| match fault.reason {
        Reason::Blocked => Problem::of(&fault, client),
        _ if fault.to_string().contains("certificate") => {
            let date = moment(now());
            let advice =
                format!("set this machine's clock, which says {date}, or find who intercepts TLS");
            Problem::new(fault.to_string(), advice)
        }
        _ => Problem::new(
            fault.to_string(),
            "check this machine's network and firewall; if its IPv6 is broken, try --no-ipv6",
        ),
    })?;
    let url = client.base();
    let tls = url.starts_with("https://");
    let route = route(client.dead_family(|| addresses(client).unwrap_or_default()));
    Ok(format!(
        "{url} answers{}{route}",
        if tls { " by TLS" } else { "" }
    ))
}

/// Whether our clock agrees with the cloud's.
fn clock(client: &Client) -> StepResult {
    let cloud = client.cloud();
    let answer = client.probe().map_err(|fault| Problem::of(&fault, client));
    let Some(theirs) = answer? else {
        return Ok(format!("{cloud} doesn't tell its time"));
    };
    let ours = now();
    let off = ours.abs_diff(theirs);
    match off > SKEW {
        false => Ok(format!("within {} s of {cloud}'s", off + 1)),
        true => {
            let (ours, theirs) = (moment(ours), moment(theirs));
            Err(Problem::new(
                format!("this machine says {ours}, {cloud} {theirs}"),
                "set this machine's clock, best by NTP: TLS goes by it, and while it is wrong by an \
                 hour nothing is purged from the bin",
            ))
        }
    }
}

/// Whether there is a token for the credentials.
pub fn credentials(client: &Client) -> StepResult {
    let logged_in = client.log_in();
    logged_in.map_err(|fault| Problem::met(&fault, client))?;
    let until = client.token_expires().map(moment);
    Ok(until.map_or("accepted".to_owned(), |until| {
        format!("a token until {until}")
    }))
}
