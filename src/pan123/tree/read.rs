//! Reading a folder's list to its end, page by page, so that no row is left out that is there all
//! the while.
//!
//! Nothing documents what a cursor means when rows go while a list is read: a service that counts
//! rows instead of comparing numbers skips as many as went. Those who remember the folder find
//! them by `infos`; for all others pages overlap. Each page is asked for after the last but one
//! row of the page before, not after the last one, so that it must begin with a row that is known;
//! if it doesn't, rows may have been skipped, and the page before is read again. That costs one
//! row in a hundred, and no call.

use crate::cloud::{Fault, Priority, Reason};
use crate::pan123::api::{Api, Page, Row};
use crate::warning::Kind;
use log::warn;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU8, Ordering};

/// Pages without any row after which a list is given up: nothing says that a list ends so.
const EMPTY_PAGES: usize = 10;
/// Fewest rows of a page that the next one overlaps: on shorter ones a row is worth too much.
const OVERLAPS: usize = 10;
/// How often a list is started.
const PASSES: usize = 2;
/// How often a list is started again because rows went faster than they could be read.
const RUSHES: usize = 4;

/// How often a page of a list is read again; then the whole list is.
const STEPS_BACK: usize = 100;

/// Whether cursors may be the numbers of other rows than the last; not known before the first
/// long list.
const UNTRIED: u8 = 0;
const WORKS: u8 = 1;
const REFUSED: u8 = 2;

/// How lists are read.
#[derive(Default)]
pub struct Lists {
    overlap: AtomicU8,
}

impl Lists {
    /// All rows of one folder, those in the bin among them. A cursor that repeats or goes back
    /// starts it again, once.
    pub fn read(&self, api: &Api, folder: u64, priority: Priority) -> Result<Vec<Row>, Fault> {
        let (mut circles, mut rushes) = (0, 0);
        while circles < PASSES && rushes < RUSHES {
            let mut chain = Chain {
                overlaps: self.overlap() != REFUSED,
                ..Chain::default()
            };
            match self.read_chain(api, folder, priority, &mut chain)? {
                Step::Done => return Ok(chain.rows),
                Step::Refused if self.overlap() == UNTRIED => self.refuse(),
                Step::Refused | Step::Skipped => rushes += 1,
                Step::Circle | Step::More => circles += 1,
            }
        }
        Err(Fault::new(
            Reason::Lost,
            "123pan's list repeats itself instead of ending",
        ))
    }

    /// Reads pages until something else than [`Step::More`] is to be done.
    fn read_chain(
        &self,
        api: &Api,
        folder: u64,
        priority: Priority,
        chain: &mut Chain,
    ) -> Result<Step, Fault> {
        loop {
            let untried = self.overlap() == UNTRIED;
            let step = match api.list(folder, chain.cursor, priority) {
                Ok(page) => chain.add(page),
                Err(fault) if fault.reason == Reason::Unknown && chain.overlapping() && untried => {
                    Step::Refused
                }
                Err(fault) => return Err(fault),
            };
            if chain.overlapped {
                self.overlap.store(WORKS, Ordering::Relaxed);
            }
            if step != Step::More {
                return Ok(step);
            }
        }
    }

    fn overlap(&self) -> u8 {
        self.overlap.load(Ordering::Relaxed)
    }

    fn refuse(&self) {
        self.overlap.store(REFUSED, Ordering::Relaxed);
        warn!(
            target: &Kind::Changed.about("list"),
            "123pan's lists can't be read with overlapping pages: a list that is read while \
             another server deletes for good may miss files"
        );
    }
}

/// What to do after a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Ask for the next page.
    More,
    /// That was all.
    Done,
    /// The cursor repeats or goes back, or a row has got another name.
    Circle,
    /// Rows go faster than they can be read.
    Skipped,
    /// A page doesn't begin where it should, although no row has gone.
    Refused,
}

/// The way in which numbers go in a list.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Order {
    Up,
    Down,
    #[default]
    None,
}

/// The rows from a list's start on, without a gap.
#[derive(Default)]
struct Chain {
    rows: Vec<Row>,
    places: HashMap<u64, usize>,
    /// The cursor to ask with; None at the start.
    cursor: Option<i64>,
    /// The one that the page before was asked with.
    before: Option<i64>,
    /// The rows of the page before.
    page: Vec<u64>,
    /// Whether that page is being read again, and how often one was.
    again: bool,
    steps_back: usize,
    /// Whether `cursor` is a row's before the last.
    own: bool,
    used: HashSet<i64>,
    order: Order,
    empty: usize,
    /// Whether pages may overlap.
    overlaps: bool,
    /// Whether pages have overlapped.
    overlapped: bool,
}

impl Chain {
    /// Whether the next page must hold a row that is known.
    fn overlapping(&self) -> bool {
        self.own && self.cursor.is_some()
    }

    fn add(&mut self, page: Page) -> Step {
        let is_known = |row: &Row| self.places.contains_key(&row.file_id);
        if self.overlapping() {
            if !page.rows.iter().any(is_known) {
                return self.step_back();
            }
            self.overlapped = true;
        }
        // Whatever makes a page begin too late, has taken rows from the one before.
        let page_before = std::mem::replace(&mut self.page, numbers(&page.rows));
        if std::mem::take(&mut self.again) && page_before == self.page {
            return Step::Refused;
        }
        if self.rows.is_empty() {
            self.order = order(&page.rows);
        }
        self.empty = match page.rows.is_empty() {
            true => self.empty + 1,
            false => 0,
        };
        let last = page.rows.last().map(|row| row.file_id);
        let last_but_one = page.rows.iter().rev().nth(1).map(|row| row.file_id);
        let many = page.rows.len() >= OVERLAPS;
        if !page.rows.into_iter().all(|row| self.take(row)) {
            return Step::Circle;
        }
        let Some(next) = page.next else {
            return Step::Done;
        };
        if self.empty > EMPTY_PAGES || self.goes_back(next) {
            return Step::Circle;
        }
        self.before = self.cursor;
        // Cursors that are no numbers of rows are left as they are.
        let own = last_but_one.filter(|_| many && self.overlaps && cursor(last) == Some(next));
        self.own = own.is_some();
        self.cursor = cursor(own).or(Some(next));
        match self.cursor.is_some_and(|cursor| self.used.insert(cursor)) {
            true => Step::More,
            false => Step::Circle,
        }
    }

    /// A row's newest state counts; rows may be doubled when files come and go. False if the
    /// number has stood for another name: one of both would be missing.
    fn take(&mut self, row: Row) -> bool {
        let Some(place) = self.places.get(&row.file_id) else {
            self.places.insert(row.file_id, self.rows.len());
            self.rows.push(row);
            return true;
        };
        let old = std::mem::replace(&mut self.rows[*place], row);
        old.filename == self.rows[*place].filename
    }

    /// Reads the page before again, of which more is known than one row.
    fn step_back(&mut self) -> Step {
        self.steps_back += 1;
        if self.again || self.steps_back > STEPS_BACK {
            return Step::Skipped;
        }
        self.again = true;
        if let Some(cursor) = self.cursor {
            self.used.remove(&cursor);
        }
        self.cursor = self.before;
        Step::More
    }

    fn goes_back(&self, next: i64) -> bool {
        let Some(asked) = self.cursor else {
            return false;
        };
        match self.order {
            Order::Up => next <= asked,
            Order::Down => next >= asked,
            Order::None => next == asked,
        }
    }
}

fn cursor(id: Option<u64>) -> Option<i64> {
    i64::try_from(id?).ok()
}

fn numbers(rows: &[Row]) -> Vec<u64> {
    rows.iter().map(|row| row.file_id).collect()
}

fn order(rows: &[Row]) -> Order {
    if rows.is_sorted_by(|one, other| one.file_id <= other.file_id) {
        Order::Up
    } else if rows.is_sorted_by(|one, other| one.file_id >= other.file_id) {
        Order::Down
    } else {
        Order::None
    }
}
