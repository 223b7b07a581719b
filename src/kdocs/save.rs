//! Saving a file: one form, streamed, then found again by a list, because no document says what the
//! answer holds, or what becomes of a name that is taken. What came under another name, or twice, goes
//! into the bin.

use super::api::{Api, Place, Row};
use super::load::Downloads;
use super::names::{is_named, is_renamed};
use super::remove::Removals;
use super::tree::Tree;
use crate::body::Body;
use crate::cloud::paths::priority_of;
use crate::cloud::places::Places;
use crate::cloud::{Fault, Priority, Reason, look};
use crate::restic::{File, Kind, Part};
use crate::store::{Cause, Error};
use log::warn;
use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::Arc;

/// Bytes of the largest config that is compared with another one.
const CONFIG: u64 = 64 << 10;

/// Saves files.
pub struct Uploads {
    api: Arc<Api>,
    tree: Arc<Tree>,
    removals: Arc<Removals>,
    downloads: Arc<Downloads>,
    /// Uploads at a time.
    pub places: Places,
    /// Uploads that make folders go one by one, or there would be two of a name.
    making: Places,
}

/// A file to be stored, and where.
pub struct Target<'a> {
    /// The folder's path.
    pub folder: &'a str,
    /// The file.
    pub file: &'a File,
    /// The name that it gets.
    pub name: String,
}

impl Target<'_> {
    fn priority(&self) -> Priority {
        priority_of(self.file.kind())
    }

    /// Whether a row is the file's.
    fn is(&self, row: &Row) -> bool {
        is_named(&row.name, self.file)
    }
}

impl Uploads {
    /// So many at a time.
    pub fn new(
        api: &Arc<Api>,
        tree: &Arc<Tree>,
        removals: &Arc<Removals>,
        downloads: &Arc<Downloads>,
        most: usize,
    ) -> Self {
        Self {
            api: Arc::clone(api),
            tree: Arc::clone(tree),
            removals: Arc::clone(removals),
            downloads: Arc::clone(downloads),
            places: Places::new(most),
            making: Places::new(1),
        }
    }

    /// Stores a file whose name is free, or identical.
    pub fn save(&self, target: &Target<'_>, body: &mut Body<'_>) -> Result<(), Error> {
        let longest = self.api.timing().rate_wait;
        let _place = self.places.take_for(body, target.priority(), longest)?;
        let before = self.rows(target)?;
        let here: Vec<&Row> = before.iter().filter(|row| target.is(row)).collect();
        if !here.is_empty() && self.is_there(target, &here, body)? {
            return Ok(());
        }
        let before = before.iter().map(|row| row.id().to_owned()).collect();
        if *target.file == File::Config {
            // It is compared afterwards.
            body.buffer()?;
        }
        let sent = self.send(target, body);
        if let Some(fault) = body.fault() {
            return Err(fault.clone());
        }
        match sent {
            Err(fault) if !is_open(&fault) => Err(self.refused(target, fault)),
            sent => self.settle(target, &before, sent, body),
        }
    }

    /// The rows of the folder; none if there isn't one yet.
    fn rows(&self, target: &Target<'_>) -> Result<Vec<Row>, Error> {
        self.tree.rows_or_none(target.folder, target.priority())
    }

    /// Whether what is under the name is this very file. What is damaged there is binned.
    fn is_there(
        &self,
        target: &Target<'_>,
        here: &[&Row],
        body: &mut Body<'_>,
    ) -> Result<bool, Error> {
        let same = here.iter().find(|row| row.size == Some(body.len()));
        if *target.file == File::Config {
            body.buffer()?;
            return match same {
                Some(row) if self.holds(row, body)? => Ok(true),
                _ => Err(Error::new(Cause::Exists, "there is another config")),
            };
        }
        if same.is_none() {
            warn!("{} is damaged, and replaced", target.file);
            let bad = here.iter().map(|row| (*row).clone());
            return self.bin(target, bad.collect()).map(|()| false);
        }
        // The end of the body proves that it is what its name says.
        body.rewind()?;
        let read = io::copy(body, &mut io::sink());
        read.map_err(|error| body.unread(&error))?;
        Ok(true)
    }

    /// Whether a config at Kdocs has this content.
    fn holds(&self, row: &Row, body: &mut Body<'_>) -> Result<bool, Error> {
        let loaded = self
            .downloads
            .load(row, &File::Config, Part::whole(body.len()))?;
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        let read = loaded.reader.take(CONFIG).read_to_end(&mut theirs);
        read.map_err(|error| Error::new(Cause::Cloud, format!("reading the config: {error}")))?;
        body.rewind()?;
        let read = body.read_to_end(&mut ours);
        read.map_err(|error| body.unread(&error))?;
        Ok(theirs == ours)
    }

    /// Sends it.
    fn send(&self, target: &Target<'_>, body: &mut Body<'_>) -> Result<(), Fault> {
        let (name, priority) = (&*target.name, target.priority());
        if let Some(id) = self.tree.known(target.folder) {
            let place = Place::Folder(&id);
            return self.api.upload(&place, name, body, priority);
        }
        let making = self
            .making
            .take(Priority::Small, self.api.timing().rate_wait);
        let late = || Fault::new(Reason::Throttled, "another upload makes folders");
        let _making = making.ok_or_else(late)?;
        // Somebody may have made it meanwhile.
        let _ = self.rows(target);
        let known = self.tree.known(target.folder);
        let place = known
            .as_deref()
            .map_or(Place::Path(target.folder), Place::Folder);
        let sent = self.api.upload(&place, name, body, priority);
        // Whoever comes next finds the folder.
        let _ = self.rows(target);
        sent
    }

    /// Why it certainly wasn't stored.
    fn refused(&self, target: &Target<'_>, fault: Fault) -> Error {
        if fault.reason == Reason::NoFile {
            self.tree.forget(target.folder);
            return Error::new(Cause::Busy, format!("the folder is gone: {fault}"));
        }
        Error::from(fault).during(format!("storing {}", target.file))
    }

    /// Looks for what has come: exactly one row of the name and size, else it is withdrawn.
    fn settle(
        &self,
        target: &Target<'_>,
        before: &HashSet<String>,
        sent: Result<(), Fault>,
        body: &mut Body<'_>,
    ) -> Result<(), Error> {
        let see = || -> Result<_, Error> {
            let rows = self.rows(target)?.into_iter();
            let (old, new): (Vec<_>, Vec<_>) = rows.partition(|row| before.contains(row.id()));
            let (named, others): (Vec<_>, Vec<_>) = new.into_iter().partition(|row| target.is(row));
            let renamed = others.into_iter();
            let renamed = renamed.filter(|row| is_renamed(&row.name, target.file));
            self.withdraw(target, renamed.collect())?;
            Ok((named, old.iter().any(|row| target.is(row))))
        };
        let will_do = |(named, is_taken): &(Vec<Row>, bool)| !named.is_empty() || *is_taken;
        let (mut named, _) = look(self.api.timing(), see, will_do)?;
        if named.is_empty() {
            let unseen = || Error::new(Cause::Busy, "no list shows what was stored");
            let error = sent.map_or_else(Error::from, |()| unseen());
            return Err(error.during(target.file));
        }
        named.sort_by(|one, other| one.id().cmp(other.id()));
        match target.file {
            File::Config => self.keep_config(target, &named, body),
            File::Hashed(..) => self.keep_one(target, named, body.len()),
        }
    }

    /// Of what has come under the name, one of the right size stays.
    fn keep_one(&self, target: &Target<'_>, mut named: Vec<Row>, size: u64) -> Result<(), Error> {
        let at = named.iter().position(|row| row.size == Some(size));
        let kept = at.map(|at| named.remove(at));
        self.withdraw(target, named)?;
        let Some(row) = kept else {
            let text = format!("{} has come with another size", target.file);
            return Err(Error::new(Cause::Cloud, text));
        };
        if let File::Hashed(Kind::Data, id) = target.file {
            self.tree.learn(*id, &row);
        }
        Ok(())
    }

    /// A config stays only if no other one has come with it: whoever sees two withdraws their own.
    fn keep_config(
        &self,
        target: &Target<'_>,
        named: &[Row],
        body: &mut Body<'_>,
    ) -> Result<(), Error> {
        let mut own = Vec::new();
        for row in named {
            if row.size == Some(body.len()) && self.holds(row, body)? {
                own.push(row.clone());
            }
        }
        let are_all = own.len() == named.len();
        if are_all {
            own.pop();
        }
        self.withdraw(target, own)?;
        let other = || Error::new(Cause::Exists, "another config has come meanwhile");
        are_all.then_some(()).ok_or_else(other)
    }

    /// Puts copies of ours into the bin.
    fn withdraw(&self, target: &Target<'_>, rows: Vec<Row>) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        warn!(
            "{} was stored twice or renamed; the copy goes into the bin",
            target.file
        );
        self.bin(target, rows)
    }

    fn bin(&self, target: &Target<'_>, rows: Vec<Row>) -> Result<(), Error> {
        let place = |row| (target.folder.to_owned(), row);
        let rows: Vec<_> = rows.into_iter().map(place).collect();
        let binned = self.removals.bin(&rows, target.priority());
        binned.into_iter().collect()
    }
}

/// Whether a failed upload may have stored its file all the same.
fn is_open(fault: &Fault) -> bool {
    use Reason::{Lost, Server, Taken, Unknown};
    matches!(fault.reason, Lost | Server | Taken | Unknown)
}
