//! Bodies of unknown length: into memory as far as the budget goes, then into the spool.

use super::budget::{Budget, Lease, spool_error};
use super::check::{Check, client_gone};
use super::{Form, Held, SEGMENT, SMALL};
use crate::error::Error;
use crate::restic::Id;
use std::io::{self, ErrorKind, Read, Write};

/// Reads a body of unknown length into memory as far as the budget goes, then into the spool.
pub(super) fn gather<'a>(
    source: &mut dyn Read,
    id: Option<Id>,
    budget: &'a Budget,
    fits: &mut dyn FnMut(u64) -> Result<(), Error>,
) -> Result<(Form<'a>, u64), Error> {
    let mut check = Check::new(id, None);
    let mut held = Held {
        segments: Vec::new(),
        lease: Lease { budget, bytes: 0 },
    };
    let mut turn = None;
    let mut ended = false;
    while !ended {
        let small = check.seen + SEGMENT as u64 <= SMALL;
        if !small && turn.is_none() {
            turn = budget.try_turn();
        }
        if !(small || turn.is_some()) || !held.lease.grow(SEGMENT as u64, small) {
            break;
        }
        let mut segment = vec![0; SEGMENT];
        let filled = fill(source, &mut segment).map_err(|e| client_gone(&e))?;
        segment.truncate(filled);
        segment.shrink_to_fit();
        check.take(&segment)?;
        fits(check.seen)?;
        held.segments.push(segment);
        ended = filled < SEGMENT;
    }
    drop(turn);
    if ended {
        check.end()?;
        let len = check.seen;
        return Ok((Form::Held(held), len));
    }
    let mut file = budget.spool_file()?;
    for segment in held.segments.drain(..) {
        file.write_all(&segment).map_err(|e| spool_error(&e))?;
    }
    drop(held);
    let mut buffer = vec![0; 64 << 10];
    loop {
        let filled = fill(source, &mut buffer).map_err(|e| client_gone(&e))?;
        check.take(&buffer[..filled])?;
        fits(check.seen)?;
        file.write_all(&buffer[..filled])
            .map_err(|e| spool_error(&e))?;
        if filled < buffer.len() {
            check.end()?;
            let len = check.seen;
            return Ok((Form::Spooled(file), len));
        }
    }
}

/// Reads until the buffer is full or the source ends.
fn fill(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}
