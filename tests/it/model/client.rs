//! A client of the model: does one act after the other through a server, and holds every answer
//! against the oracle. A wrong answer is an Err that says what is wrong with it.

use super::oracle::{Look, Oracle, Outcome, Place};
use super::plan::{Act, Manner, Plan};
use super::stage::{Server, lock};
use crate::wire::{Answer, Wire};
use restic_123pan::restic::{File, Kind, Part, Range, hex};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Longest wait for an answer: the server gives up after less, by its own bounds.
const PATIENCE: Duration = Duration::from_secs(200);
/// Longest wait for a server that was killed and is being started.
const START: Duration = Duration::from_secs(60);
/// Bytes of a chunk.
const CHUNK: usize = 64 << 10;
/// The header that asks for lists with sizes.
pub(super) const VERSION_2: &str = "Accept: application/vnd.x.restic.rest.v2\r\n";

/// A client, and the repository that it works on.
pub(super) struct Client<'a> {
    pub(super) plan: &'a Plan,
    pub(super) oracle: &'a Mutex<Oracle>,
    pub(super) server: &'a Server,
    /// The repository's path, with slashes at both ends.
    pub(super) repo: &'a str,
    wire: Option<(SocketAddr, Wire)>,
}

impl<'a> Client<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        oracle: &'a Mutex<Oracle>,
        server: &'a Server,
        repo: &'a str,
    ) -> Self {
        Self {
            plan,
            oracle,
            server,
            repo,
            wire: None,
        }
    }

    /// Does it; tells the answers.
    pub(super) fn perform(&mut self, act: &Act) -> Result<String, String> {
        match act {
            Act::Create => self.create(),
            Act::List(kind, version) => self.list(*kind, *version),
            Act::Stat(n) => self.read(*n, "HEAD", None),
            Act::Load(n, range) => self.read(*n, "GET", range.as_deref()),
            Act::Save(n, Manner::Twice) => {
                let first = self.save(*n, Manner::Plain)?;
                Ok(first + ", " + &self.save(*n, Manner::Plain)?)
            }
            Act::Save(n, manner) => self.save(*n, *manner),
            Act::Remove(n) => self.remove(*n),
        }
    }

    fn create(&mut self) -> Result<String, String> {
        let writes = Kind::ALL.map(|kind| (Place::Folder(kind), Some(0)));
        self.write(&writes, |client| {
            let answer = client.ask("POST", "?create=true", "", b"");
            match status(&answer)? {
                None => Ok((Outcome::Unknown, "nothing".to_owned())),
                Some(200) => Ok((Outcome::Done, "200".to_owned())),
                Some(status) => Err(format!("answered {status}")),
            }
        })
    }

    fn save(&mut self, n: usize, manner: Manner) -> Result<String, String> {
        let named = &self.plan.files[n];
        let good = !matches!(manner, Manner::WrongHash | Manner::Short);
        // Also a body that is refused may have had its folder made before.
        let folder = named.file.kind().map(|kind| (Place::Folder(kind), Some(0)));
        let file = good.then_some((Place::File(named.file), Some(n)));
        let writes: Vec<_> = folder.into_iter().chain(file).collect();
        let begun = lock(self.oracle).now();
        let (by, gloomy) = (self.server.now().1, self.plan.is_gloomy());
        let is_key = named.file.kind() == Some(Kind::Keys);
        if named.file == File::Config {
            lock(self.oracle).sends_config(by);
        }
        let told = self.write(&writes, |client| {
            let answer = client.send(&path(&named.file), &named.bytes, manner);
            match (good, status(&answer)?) {
                (_, None) => Ok((Outcome::Unknown, tell(&answer))),
                (true, Some(200)) if gloomy && is_promised(&named.file) => {
                    Ok((Outcome::Promised, tell(&answer)))
                }
                (true, Some(200)) => Ok((Outcome::Done, tell(&answer))),
                (false, Some(400)) => Ok((Outcome::NotDone, tell(&answer))),
                (true, Some(500))
                    if is_fenced(&named.file) && (gloomy || client.may_miss(begun)) =>
                {
                    Ok((Outcome::NotDone, tell(&answer)))
                }
                (true, Some(403)) if named.file == File::Config => {
                    client.other_config(n, begun)?;
                    Ok((Outcome::NotDone, tell(&answer)))
                }
                (_, Some(403)) if is_key && lock(client.oracle).may_refuse_key(by) => {
                    Ok((Outcome::NotDone, tell(&answer)))
                }
                (_, Some(status)) => Err(format!("answered {status}")),
            }
        })?;
        if named.file == File::Config {
            lock(self.oracle).sent_config(by, told != "200", begun);
        }
        if told == "200" && is_fenced(&named.file) {
            // Sent again, a file makes up for its own loss.
            lock(self.oracle).confirm(by, begun, Place::File(named.file));
        }
        Ok(told)
    }

    fn remove(&mut self, n: usize) -> Result<String, String> {
        let file = self.plan.files[n].file;
        let may_miss = self.plan.is_gloomy() || self.plan.servers > 1;
        let (by, begun) = (self.server.now().1, lock(self.oracle).now());
        let told = self.write(&[(Place::File(file), None)], |client| {
            let answer = client.ask("DELETE", &path(&file), "", b"");
            match status(&answer)? {
                None => Ok((Outcome::Unknown, tell(&answer))),
                Some(200) if file.kind() == Some(Kind::Data) => Ok((Outcome::Noted, tell(&answer))),
                Some(200) => Ok((Outcome::Done, tell(&answer))),
                // An index file stays while one that may have replaced it is missing.
                Some(500) if may_miss && file.kind() == Some(Kind::Index) => {
                    Ok((Outcome::NotDone, tell(&answer)))
                }
                Some(403) if file == File::Config && lock(client.oracle).may_keep_config(by) => {
                    Ok((Outcome::NotDone, tell(&answer)))
                }
                Some(status) => Err(format!("answered {status}")),
            }
        })?;
        if told == "200" && file.kind() == Some(Kind::Locks) {
            lock(self.oracle).unlocked(by, begun);
        }
        Ok(told)
    }

    /// Stores a lock and removes it: what the server has noted is gone then.
    pub(super) fn unlock(&mut self) -> Result<(), String> {
        let (bytes, end) = (b"the last lock", Instant::now() + PATIENCE);
        let path = format!("locks/{}", hex(&Sha256::digest(bytes)));
        for method in ["POST", "DELETE"] {
            let (by, begun) = (self.server.now().1, lock(self.oracle).now());
            while self
                .ask(method, &path, "", bytes)
                .is_none_or(|a| a.status != 200)
            {
                if Instant::now() > end {
                    return Err(format!("{method} of the last lock isn't done"));
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            if method == "DELETE" {
                lock(self.oracle).unlocked(by, begun);
            }
        }
        Ok(())
    }

    /// Has writes noted around what makes them.
    fn write(
        &mut self,
        writes: &[(Place, Option<usize>)],
        make: impl FnOnce(&mut Self) -> Result<(Outcome, String), String>,
    ) -> Result<String, String> {
        let by = self.server.now().1;
        let begin = |(place, effect): &(Place, Option<usize>)| {
            let number = lock(self.oracle).begin(*place, *effect, by);
            (*place, number)
        };
        let begun: Vec<(Place, usize)> = writes.iter().map(begin).collect();
        let (outcome, told) = make(self)?;
        let (first, by) = (by, self.server.now().1);
        for (place, number) in begun {
            let outcome = match (place, outcome) {
                // Nobody knows which process has noted it.
                (_, Outcome::Noted) if by != first => Outcome::Lost,
                (Place::Folder(_), Outcome::NotDone) => Outcome::Unknown,
                (Place::Folder(_), Outcome::Promised) => Outcome::Done,
                _ => outcome,
            };
            lock(self.oracle).end(place, number, outcome, by);
        }
        Ok(told)
    }

    /// A config was refused because another stands there: is there one?
    fn other_config(&self, n: usize, begun: u64) -> Result<(), String> {
        let mut oracle = lock(self.oracle);
        let (by, ended) = (self.server.now().1, oracle.now());
        let allowed = oracle.allowed(Place::File(File::Config), Look { by, begun, ended });
        let other = |state: &Option<usize>| state.is_some_and(|other| other != n);
        match allowed.iter().any(other) {
            true => Ok(()),
            false => Err(format!("403, but there can only be {allowed:?}")),
        }
    }

    /// Whether the server may miss a file that it has acknowledged: one that goes meanwhile, or
    /// went without anybody being told, or was removed through another server.
    fn may_miss(&self, begun: u64) -> bool {
        self.plan.servers > 1 || lock(self.oracle).removing(begun)
    }

    fn read(&mut self, n: usize, method: &str, range: Option<&str>) -> Result<String, String> {
        let file = self.plan.files[n].file;
        let header = range.map_or(String::new(), |range| format!("Range: {range}\r\n"));
        let look = self.look();
        let answer = self.ask(method, &path(&file), &header, b"");
        if file == File::Config && !matches!(status(&answer)?, Some(200 | 206 | 416)) {
            lock(self.oracle).without_config(look.by);
        }
        if status(&answer)?.is_none() {
            return Ok(tell(&answer));
        }
        let answer = answer.unwrap();
        let states = match answer.status {
            404 => vec![None],
            _ => self.contents(&file, method, range, &answer)?,
        };
        self.check(Place::File(file), &states, look)?;
        Ok(answer.status.to_string())
    }

    /// Which contents of a file an answer can be about.
    fn contents(
        &self,
        file: &File,
        method: &str,
        range: Option<&str>,
        answer: &Answer,
    ) -> Result<Vec<Option<usize>>, String> {
        let of_file = |n: &usize| self.plan.files[*n].file == *file;
        let fits = |n: &usize| fits(&self.plan.files[*n].bytes, method, range, answer);
        let all = (0..self.plan.files.len()).filter(of_file).filter(fits);
        let states: Vec<Option<usize>> = all.map(Some).collect();
        if states.is_empty() {
            let (status, headers) = (answer.status, &answer.headers);
            let len = answer.body.as_ref().map(Vec::len);
            return Err(format!(
                "wrong content: {status}, {len:?} bytes, {headers:?}"
            ));
        }
        Ok(states)
    }

    fn list(&mut self, kind: Kind, version: u8) -> Result<String, String> {
        let accept = if version == 2 { VERSION_2 } else { "" };
        let look = self.look();
        let answer = self.ask("GET", &format!("{}/", kind.name()), accept, b"");
        let listed = match status(&answer)? {
            None => return Ok(tell(&answer)),
            Some(404) => None,
            Some(200) => match answer.as_ref().and_then(|answer| answer.body.as_ref()) {
                None => return Ok("cut off".to_owned()),
                Some(body) => Some(self.parse(kind, version, body)?),
            },
            Some(status) => return Err(format!("answered {status}")),
        };
        self.check(Place::Folder(kind), &[listed.as_ref().map(|_| 0)], look)?;
        let listed = listed.unwrap_or_default();
        for (n, named) in self.plan.files.iter().enumerate() {
            if named.file.kind() == Some(kind) {
                let state = listed.contains_key(&named.file.name()).then_some(n);
                self.check(Place::File(named.file), &[state], look)
                    .map_err(|wrong| format!("{}: {wrong}", self.plan.tell_file(n)))?;
            }
        }
        Ok(format!("{} names", listed.len()))
    }

    /// The names of a list, with their numbers; an Err if one has no business there.
    fn parse(
        &self,
        kind: Kind,
        version: u8,
        body: &[u8],
    ) -> Result<BTreeMap<String, usize>, String> {
        let rows: Vec<Value> = serde_json::from_slice(body).map_err(|e| e.to_string())?;
        let mut names = BTreeMap::new();
        for row in rows {
            let (name, size) = match version {
                2 => (row["name"].as_str(), row["size"].as_u64()),
                _ => (row.as_str(), None),
            };
            let files = self.plan.files.iter();
            let mut its = files.enumerate().filter(|(_, named)| {
                named.file.kind() == Some(kind) && Some(&*named.file.name()) == name
            });
            let (n, named) = its.next().ok_or(format!("{row} was never stored"))?;
            if version == 2 && size != Some(named.bytes.len() as u64) {
                return Err(format!("{row} has another size"));
            }
            if names.insert(named.file.name(), n).is_some() {
                return Err(format!("{row} is listed twice"));
            }
        }
        Ok(names)
    }

    fn look(&self) -> Look {
        let by = self.server.now().1;
        let mut oracle = lock(self.oracle);
        oracle.bury(|process| process.server != by.server || process == by);
        let begun = oracle.now();
        Look {
            by,
            begun,
            ended: u64::MAX,
        }
    }

    /// Fails if none of the states can have been.
    fn check(&self, place: Place, states: &[Option<usize>], look: Look) -> Result<(), String> {
        if self.server.now().1 != look.by {
            // Nobody knows which process answered.
            return Ok(());
        }
        let mut oracle = lock(self.oracle);
        let ended = oracle.now();
        let look = Look { ended, ..look };
        let mut checked = states.iter().map(|state| oracle.check(place, *state, look));
        let first = checked.next().unwrap_or(Ok(()));
        match first.is_ok() || checked.any(|other| other.is_ok()) {
            true => Ok(()),
            false => first,
        }
    }

    /// Asks until there is an answer that isn't an error of the server's.
    pub(super) fn insist(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
    ) -> Result<Answer, String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.ask(method, path, headers, b"");
            let status = status(&answer)?;
            if let Some(answer) = answer.filter(|answer| answer.body.is_some())
                && status.is_some()
            {
                return Ok(answer);
            }
            if Instant::now() > end {
                return Err(format!("{method} {path} is never answered"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn ask(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Option<Answer> {
        let target = format!("{}{path}", self.repo);
        let body = if method == "POST" { body } else { b"" };
        let length = if method == "POST" {
            format!("Content-Length: {}\r\n", body.len())
        } else {
            String::new()
        };
        let wire = self.wire()?;
        wire.send(format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}{length}\r\n"
        ));
        wire.send(body);
        self.answer(method == "HEAD")
    }

    fn send(&mut self, path: &str, bytes: &[u8], manner: Manner) -> Option<Answer> {
        let target = format!("{}{path}", self.repo);
        let head =
            |length: &str| format!("POST {target} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n\r\n");
        let known = head(&format!("Content-Length: {}", bytes.len()));
        let wire = self.wire()?;
        match manner {
            Manner::Plain | Manner::Twice => {
                wire.send(known).send(bytes);
            }
            Manner::WrongHash => {
                let mut wrong = bytes.to_vec();
                wrong[bytes.len() / 2] ^= 1;
                wire.send(known).send(wrong);
            }
            Manner::Short => {
                wire.send(known).send(&bytes[..bytes.len() / 2]).end();
            }
            Manner::Chunked => {
                wire.send(head("Transfer-Encoding: chunked"));
                for chunk in bytes.chunks(CHUNK) {
                    wire.send(format!("{:x}\r\n", chunk.len()));
                    wire.send(chunk).send("\r\n");
                }
                wire.send("0\r\n\r\n");
            }
        }
        let answer = self.answer(false);
        if manner == Manner::Short {
            self.wire = None;
        }
        answer
    }

    /// The connection, a new one if there is none or the server has moved.
    fn wire(&mut self) -> Option<&mut Wire> {
        let address = self.server.now().0;
        if self.wire.as_ref().is_none_or(|(to, _)| *to != address) {
            self.wire = self.connect();
        }
        self.wire.as_mut().map(|(_, wire)| wire)
    }

    /// A new connection, as soon as somebody listens.
    fn connect(&self) -> Option<(SocketAddr, Wire)> {
        let end = Instant::now() + START;
        loop {
            let address = self.server.now().0;
            match Wire::try_open(address, PATIENCE) {
                Ok(wire) => return Some((address, wire)),
                Err(_) if Instant::now() > end => return None,
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    fn answer(&mut self, bodiless: bool) -> Option<Answer> {
        let answer = self.wire.as_mut()?.1.try_answer(bodiless);
        let whole = answer.as_ref().is_some_and(|answer| answer.body.is_some());
        let closes = |a: &Answer| a.header("connection").is_some_and(|v| v.contains("close"));
        if !whole || answer.as_ref().is_some_and(closes) {
            self.wire = None;
        }
        answer
    }
}

/// Where a file is, from its repository on.
pub(super) fn path(file: &File) -> String {
    file.to_string()
}

/// The status of an answer; None if it tells nothing. An Err if it may not be.
fn status(answer: &Option<Answer>) -> Result<Option<u16>, String> {
    match answer.as_ref().map(|answer| answer.status) {
        None | Some(502 | 503) => Ok(None),
        Some(status @ (200 | 206 | 400 | 403 | 404 | 416 | 500)) => Ok(Some(status)),
        Some(status) => Err(format!("answered {status}")),
    }
}

/// Whether other files must be there before this one may count.
fn is_fenced(file: &File) -> bool {
    matches!(file.kind(), Some(Kind::Index | Kind::Snapshots))
}

/// Whether a file is acknowledged before it is looked for.
fn is_promised(file: &File) -> bool {
    is_fenced(file) || file.kind() == Some(Kind::Data)
}

fn tell(answer: &Option<Answer>) -> String {
    let status = answer.as_ref().map(|answer| answer.status.to_string());
    status.unwrap_or("no answer".to_owned())
}

/// Whether an answer is right for these bytes.
fn fits(bytes: &[u8], method: &str, range: Option<&str>, answer: &Answer) -> bool {
    let size = bytes.len() as u64;
    let part = match range.and_then(Range::parse) {
        None => Some(Part::whole(size)),
        Some(range) => range.of(size),
    };
    let Some(part) = part else {
        return answer.status == 416;
    };
    let wanted = if range.is_some() { 206 } else { 200 };
    let length = answer.header("content-length") == Some(&*part.len.to_string());
    let [from, len] = [part.start, part.len].map(|n| usize::try_from(n).unwrap());
    let same = |body: &Vec<u8>| **body == bytes[from..from + len];
    // What was cut off says nothing about its bytes.
    let content = method == "HEAD" || answer.body.as_ref().is_none_or(same);
    answer.status == wanted && length && content
}
