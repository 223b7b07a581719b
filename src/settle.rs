//! What an idle server doesn't need is given back.

use rustix::mm::{Advice, madvise};
use std::fs;

/// Lets go of the program's code that is mapped, on Linux. The kernel maps 16 pages around each
/// that is touched, so a start or a call maps nearly all of the program, while an idle server runs
/// a tenth of it. What is used again is found in the page cache.
pub fn settle() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let code = maps.lines().find_map(code);
    let Some((start, end)) = code else { return };
    // SAFETY: these pages hold code that nobody writes, and the kernel reads them from the
    // program's file again when they are executed. If it won't, nothing is lost.
    #[allow(unsafe_code)]
    let _ = unsafe { madvise(start as *mut _, end - start, Advice::LinuxDontNeed) };
}

/// Where the code lies, if this line of the map is the program's: it is the first that may be
/// executed.
fn code(line: &str) -> Option<(usize, usize)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = rest.starts_with("r-xp").then(|| range.split_once('-'))??;
    let number = |text| usize::from_str_radix(text, 16).ok();
    Some((number(start)?, number(end)?))
}
