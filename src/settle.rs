//! What an idle server doesn't need is given back.

use rustix::mm::{Advice, madvise};
use std::fs;
use std::sync::OnceLock;

/// Lets go of the program's code and constants that are mapped, on Linux. The kernel maps 16 pages
/// and more around each that is touched, so a start or a call maps nearly all of the program, while
/// an idle server runs a tenth of it. What is used again is found in the page cache, which takes
/// some microseconds for each place.
pub fn settle() {
    static PROGRAM: OnceLock<Option<(usize, usize)>> = OnceLock::new();
    let find = || program(&fs::read_to_string("/proc/self/maps").ok()?);
    let Some((start, end)) = *PROGRAM.get_or_init(find) else {
        return;
    };
    // SAFETY: these pages hold code and constants that nobody writes, and the kernel reads them from
    // the program's file again when they are touched. If it won't, nothing is lost.
    #[allow(unsafe_code)]
    let _ = unsafe { madvise(start as *mut _, end - start, Advice::LinuxDontNeed) };
}

/// Where the program's code lies, which is the first that may be executed, with the start of its
/// file if that lies just below: there are the constants. What is relocated lies behind the code.
fn program(maps: &str) -> Option<(usize, usize)> {
    let mut below = None;
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let number = |text| usize::from_str_radix(text, 16).ok();
        let (start, end) = (number(start)?, number(end)?);
        if rest.starts_with("r-xp ") {
            let below = below.filter(|(_, end)| *end == start);
            return Some((below.map_or(start, |(start, _)| start), end));
        }
        below = rest.starts_with("r--p 00000000 ").then_some((start, end));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_constants_are_found() {
        let fixed = "01000000-010ae000 r--p 00000000 fe:00 99 /bin/program\n\
                     010ae000-01264000 r-xp 000ad000 fe:00 99 /bin/program\n\
                     01264000-01265000 rw-p 00262000 fe:00 99 /bin/program\n";
        assert_eq!(program(fixed), Some((0x100_0000, 0x126_4000)));
        let code_alone = "00400000-00500000 r-xp 00000000 fe:00 99 /bin/program\n";
        assert_eq!(program(code_alone), Some((0x40_0000, 0x50_0000)));
        let apart = "00300000-00400000 r--p 00000000 fe:00 99 /bin/program\n\
                     00500000-00600000 r-xp 00100000 fe:00 99 /bin/program\n";
        assert_eq!(program(apart), Some((0x50_0000, 0x60_0000)));
        let relocated = "00300000-00400000 r--p 00700000 fe:00 99 /bin/program\n\
                         00400000-00500000 r-xp 00100000 fe:00 99 /bin/program\n";
        assert_eq!(program(relocated), Some((0x40_0000, 0x50_0000)));
        assert_eq!(program(""), None);
    }
}
