//! The steps of the doctor's walk: each looks at one thing, with the server's own ways, and finds
//! either that all is well or what to do.

use super::super::call::Fault;
use super::super::health::account;
use super::super::judge::{Why, pause};
use super::super::multipart::{Form, md5_of};
use super::super::pace::Priority;
use super::super::token::now;
use super::super::trouble::advice;
use super::{Doctor, Found, Problem, SIZE, timing};
use crate::body::{Body, Budget};
use crate::civil;
use crate::disk::try_folder;
use crate::restic::Part;
use std::fmt::Display;
use std::io::Read;
use std::net::ToSocketAddrs;
use std::time::Instant;

/// The part of the test file that is downloaded.
const PART: Part = Part {
    start: 100,
    len: 200,
};
/// Seconds that our clock may be wrong by.
const SKEW: u64 = 120;
/// Space in bytes below which a backup won't get far.
const LITTLE: u64 = 64 << 20;

impl Doctor {
    /// Whether the state directory can be written.
    pub(super) fn state(&mut self) -> Found {
        let advice = "name a folder that this user may write with --state-dir; without one, each \
                      start takes a new token, of which 123pan allows three";
        let Some(folder) = &self.config.state_dir else {
            return Err(Problem::new("no state directory is writable", advice));
        };
        match try_folder(folder) {
            Ok(()) => Ok(format!("{} can be written", folder.display())),
            Err(error) => Err(Problem::new(
                format!("{}: {error}", folder.display()),
                advice,
            )),
        }
    }

    /// Whether 123pan's name has an address.
    pub(super) fn dns(&mut self) -> Found {
        let (scheme, rest) = self.config.api_url.split_once("://").unwrap_or(("", ""));
        let host = rest.split('/').next().unwrap_or("");
        if let Some(proxy) = self.door.proxy() {
            return Ok(format!("the proxy {proxy} finds {host}"));
        }
        let port = if scheme == "http" { 80 } else { 443 };
        // With a port of its own, or without.
        let found = match host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok())
        {
            true => host.to_socket_addrs(),
            false => (host, port).to_socket_addrs(),
        };
        let advice = "check this machine's DNS servers and --api-url";
        let problem = |text: &dyn Display| Problem::new(format!("{host}: {text}"), advice);
        let found: Vec<String> = match found {
            Ok(found) => found.map(|address| address.ip().to_string()).collect(),
            Err(error) => return Err(problem(&error)),
        };
        match found.first() {
            None => Err(problem(&"no address")),
            Some(first) if found.len() == 1 => Ok(format!("{host} is {first}")),
            Some(first) => Ok(format!("{host} is {first} and {} more", found.len() - 1)),
        }
    }

    /// Whether 123pan answers this address, by TLS where there is TLS.
    pub(super) fn connection(&mut self) -> Found {
        let date = civil::rfc3339(now());
        self.door.knock().map_err(|fault| match fault.why {
            Why::Blocked => Problem::from(fault),
            _ if fault.to_string().contains("certificate") => Problem::new(
                fault.to_string(),
                format!("set this machine's clock, which says {date}, or find who intercepts TLS"),
            ),
            _ => Problem::new(
                fault.to_string(),
                "check this machine's network and firewall; if its IPv6 is broken, try --no-ipv6",
            ),
        })?;
        let tls = self.config.api_url.starts_with("https://");
        Ok(format!(
            "{} answers{}",
            self.config.api_url,
            if tls { " by TLS" } else { "" }
        ))
    }

    /// Whether our clock agrees with 123pan's.
    pub(super) fn clock(&mut self) -> Found {
        let Some(theirs) = self.door.knock()? else {
            return Ok("123pan doesn't tell its time".to_owned());
        };
        let ours = now();
        let off = ours.abs_diff(theirs);
        match off > SKEW {
            false => Ok(format!("within {} s of 123pan's", off + 1)),
            true => Err(Problem::new(
                format!(
                    "this machine says {}, 123pan {}",
                    civil::rfc3339(ours),
                    civil::rfc3339(theirs)
                ),
                "set this machine's clock, best by NTP: TLS, tokens and the bin's days go by it",
            )),
        }
    }

    /// Whether there is a token for the credentials.
    pub(super) fn credentials(&mut self) -> Found {
        self.door.log_in().map_err(|fault| self.problem(fault))?;
        let until = self.door.token_expires().map(civil::rfc3339);
        Ok(until.map_or("accepted".to_owned(), |until| {
            format!("a token until {until}")
        }))
    }

    /// What the account is.
    pub(super) fn account(&mut self) -> Found {
        self.user = self.door.user().map_err(|fault| self.problem(fault))?;
        Ok(format!("tier {}", account(&self.user).tier))
    }

    /// Whether the account may be used by programs.
    pub(super) fn benefit(&mut self) -> Found {
        match account(&self.user).paid_until {
            _ if self.config.grant.is_some() => Ok("an OAuth app needs none".to_owned()),
            None => Ok("123pan names none, but takes the credentials".to_owned()),
            Some(until) if until > now() => Ok(format!("until {}", civil::rfc3339(until))),
            Some(until) => Err(Problem::new(
                format!("it ended on {}", civil::rfc3339(until)),
                "renew the developer benefit on https://www.123pan.com/developer; without it \
                 123pan refuses the client id",
            )),
        }
    }

    /// Whether there is room.
    pub(super) fn space(&mut self) -> Found {
        let (free, total) = (size(self.user.free()), size(self.user.space()));
        match self.user.free() < LITTLE {
            false => Ok(format!("{free} of {total} are free")),
            true => Err(Problem::new(
                format!("only {free} of {total} are free"),
                "free some space in the account, its recycle bin included, or buy more",
            )),
        }
    }

    /// Makes the folder of the repositories.
    pub(super) fn folder(&mut self) -> Found {
        let path = &self.config.repo_path;
        self.folder = match path.as_str() {
            "" => 0,
            path => {
                let made = self.tree.ensure(path, Priority::Small);
                made.map_err(|error| self.advised(error.to_string(), Problem::from(error)))?
            }
        };
        Ok(format!("/{path} is there"))
    }

    /// What is wrong after a call: the door may have met the reason before the call failed.
    fn problem(&self, fault: Fault) -> Problem {
        match advice(fault.why) {
            Some(_) => fault.into(),
            None => self.advised(fault.to_string(), fault.into()),
        }
    }

    /// What is wrong, with the advice of the trouble that the door met last, if it met one.
    fn advised(&self, text: String, other: Problem) -> Problem {
        let last = self.door.troubles.all().into_iter().next();
        last.map_or(other, |trouble| Problem::new(text, trouble.advice.en))
    }

    /// Stores the test file.
    pub(super) fn upload(&mut self) -> Found {
        let budget = Budget::new(SIZE as u64, None);
        let mut source = self.content.as_slice();
        let mut body = Body::fixed(&mut source, SIZE as u64, None, &budget)?;
        let unreadable = |e: std::io::Error| Problem::new(e.to_string(), "try again");
        let md5 = md5_of(&mut body).map_err(unreadable)?;
        let host = self.hosts.pick(&self.door, Priority::Small)?;
        let (parent, size) = (self.folder.to_string(), SIZE.to_string());
        let fields: [(&str, &str); 4] = [
            ("parentFileID", &parent),
            ("filename", &self.name),
            ("size", &size),
            ("etag", &md5),
        ];
        let mut form = Form::new(&fields, "file", false, &mut body);
        let uploaded = self.door.single(&host, &mut form, Priority::Small)?;
        self.file = uploaded.file().unwrap_or(0);
        Ok(format!("{SIZE} bytes as {}", self.name))
    }

    /// Looks for it in the folder's list.
    pub(super) fn list(&mut self) -> Found {
        let start = Instant::now();
        let timing = timing();
        for tries in 1.. {
            let rows = self.tree.read(&[self.folder], Priority::Small)?;
            if let Some(row) = rows
                .iter()
                .find(|row| row.is_file() && row.filename == self.name)
            {
                self.file = row.file_id;
                return Ok("the list shows the file".to_owned());
            }
            let pause = pause(timing.look, tries);
            if start.elapsed() + pause > timing.visible {
                break;
            }
            std::thread::sleep(pause);
        }
        let text = format!(
            "the list doesn't show it after {} s",
            timing.visible.as_secs()
        );
        Err(Problem::new(
            text,
            "try again later: backups fail as long as 123pan's lists lag so",
        ))
    }

    /// Reads some of it.
    pub(super) fn download(&mut self) -> Found {
        let url = self.door.download_info(self.file, Priority::Small)?;
        let fetched = self.door.fetch(&url, Some(PART))?;
        let wanted = PART.content_range(SIZE as u64);
        if fetched.range.as_deref() != Some(&*wanted) {
            let range = fetched.range.as_deref().unwrap_or("none");
            let text = format!("asked for the range {wanted}, got {range}");
            return Err(Problem::new(
                text,
                "see whether a proxy changes what is downloaded",
            ));
        }
        let mut bytes = Vec::new();
        let read = fetched.reader.take(SIZE as u64).read_to_end(&mut bytes);
        let (from, len) = (100, 200);
        match read {
            Ok(_) if bytes == self.content[from..from + len] => {
                Ok(format!("{len} bytes from the middle are right"))
            }
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

    /// Moves it into the bin.
    pub(super) fn trash(&mut self) -> Found {
        self.door.trash(&[self.file], Priority::Small)?;
        Ok("the file lies in the bin".to_owned())
    }

    /// Destroys it.
    pub(super) fn purge(&mut self) -> Found {
        let purged = self.door.purge(&[self.file]);
        purged.map_err(|fault| {
            let text = format!("{fault}; {} stays in the bin", self.name);
            Problem::new(
                text,
                "empty the account's recycle bin by hand, now and then",
            )
        })?;
        Ok("the file is gone".to_owned())
    }
}

/// A number of bytes as people read it.
fn size(bytes: u64) -> String {
    match bytes >> 30 {
        0..10 => format!("{} MiB", bytes >> 20),
        gib => format!("{gib} GiB"),
    }
}
