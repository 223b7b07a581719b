//! One name, one operation at a time, in order of arrival (safety rule 4): so a late POST of a
//! lock can't land after the DELETE that followed it. A place in the order is taken when a request
//! is admitted and given up when its job is dropped.

use crate::restic::{File, Repo};
use crate::sync::{lock, wait_while};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Longest wait for a turn; what waited longer is answered.
pub const LONGEST: Duration = Duration::from_secs(120);

type Name = (Repo, File);

/// The names with writing operations under way or waiting.
#[derive(Debug, Default)]
pub struct Turns {
    queues: Mutex<Queues>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Queues {
    next: u64,
    waiting: HashMap<Name, VecDeque<u64>>,
}

impl Turns {
    /// Takes the next place in the order of this name.
    pub fn arrive(self: &Arc<Self>, repo: &Repo, file: &File) -> Ticket {
        let name = (repo.clone(), *file);
        let mut queues = lock(&self.queues);
        queues.next += 1;
        let number = queues.next;
        queues
            .waiting
            .entry(name.clone())
            .or_default()
            .push_back(number);
        Ticket {
            turns: Arc::clone(self),
            name,
            number,
        }
    }
}

/// A place in the order of one name.
#[derive(Debug)]
pub struct Ticket {
    turns: Arc<Turns>,
    name: Name,
    number: u64,
}

impl Ticket {
    /// Whether everything that came before has ended.
    pub fn has_come(&self) -> bool {
        self.is_first(&lock(&self.turns.queues))
    }

    /// Waits until everything that came before has ended; false if that took longer than `most`.
    pub fn wait(&self, most: Duration) -> bool {
        let waits = |queues: &mut Queues| !self.is_first(queues);
        let queues = lock(&self.turns.queues);
        !wait_while(&self.turns.moved, queues, most, waits).1
    }

    fn is_first(&self, queues: &Queues) -> bool {
        queues.waiting.get(&self.name).and_then(VecDeque::front) == Some(&self.number)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut queues = lock(&self.turns.queues);
        if let Some(queue) = queues.waiting.get_mut(&self.name) {
            queue.retain(|number| *number != self.number);
            if queue.is_empty() {
                queues.waiting.remove(&self.name);
            }
        }
        self.turns.moved.notify_all();
    }
}
