//! Bodies of unknown length: into memory as far as the budget goes, then into the spool.

use super::budget::{Budget, Spool, spool_error};
use super::check::{Check, client_gone};
use super::{Form, Held, SMALL};
use crate::error::Error;
use crate::restic::Id;
use std::io::{Read, Write};

/// Bytes taken at once.
const STEP: usize = 64 << 10;

/// Reads a body of unknown length into memory as far as the budget goes, then into the spool.
pub(super) fn gather<'a>(
    source: &mut dyn Read,
    id: Option<Id>,
    budget: &'a Budget,
    fits: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<(Form<'a>, u64), Error> {
    let (mut check, mut bytes) = (Check::new(id, None), Vec::with_capacity(STEP));
    let (mut held, mut spool, mut turn) = (Held::new(budget.lease()), None, None);
    loop {
        bytes.clear();
        let read = source.take(STEP as u64).read_to_end(&mut bytes);
        let n = read.map_err(|error| client_gone(&error))?;
        check.take(&bytes)?;
        fits(check.seen)?;
        let small = check.seen <= SMALL;
        if !small && spool.is_none() && turn.is_none() {
            turn = budget.try_turn();
        }
        let may_grow = spool.is_none() && (small || turn.is_some());
        if may_grow && held.lease.grow(n as u64, small) {
            held.push(&bytes, u64::MAX);
        } else {
            turn = None;
            let file = match &mut spool {
                Some(file) => file,
                None => spool.insert(spilled(held.take(), budget)?),
            };
            file.write_all(&bytes).map_err(|e| spool_error(&e))?;
        }
        if n < STEP {
            check.end()?;
            return Ok((spool.map_or(Form::Held(held), Form::Spooled), check.seen));
        }
    }
}

/// What was held, in the spool.
fn spilled<'a>(held: Held<'_>, budget: &'a Budget) -> Result<Spool<'a>, Error> {
    let mut file = budget.spool_file()?;
    for segment in held.segments {
        file.write_all(&segment).map_err(|e| spool_error(&e))?;
    }
    Ok(file)
}
