//! What an idle server doesn't need is given back.

use rustix::mm::{Advice, madvise};
use std::fs;

/// Lets go of the program's code and constants that are mapped, on Linux. The kernel maps 16 pages
/// around each that is touched, so a start or a call maps nearly all of the program, while an idle
/// server runs a tenth of it. What is used again is found in the page cache.
pub fn settle() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (start, end) in fixed(&maps) {
        // SAFETY: these pages hold what nobody writes, and the kernel reads them from the
        // program's file again when they are used. If it won't, nothing is lost.
        #[allow(unsafe_code)]
        let _ = unsafe { madvise(start as *mut _, end - start, Advice::LinuxDontNeed) };
    }
}

/// Where the program's file is mapped as it is: the first mappings, up to its code. Behind that
/// comes what was written once.
fn fixed(maps: &str) -> Vec<(usize, usize)> {
    let mut ranges = Vec::new();
    for line in maps.lines() {
        let Some((range, rest)) = line.split_once(' ') else {
            break;
        };
        let number = |text| usize::from_str_radix(text, 16).ok();
        let ends = range.split_once('-').map(|(a, b)| (number(a), number(b)));
        let (Some((Some(start), Some(end))), true) = (ends, rest.starts_with("r-")) else {
            break;
        };
        ranges.push((start, end));
        if rest.starts_with("r-xp") {
            break;
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_stays() {
        let maps = "01000000-010ab000 r--p 00000000 fe:00 1 /bin/x\n\
                    010ab000-01257000 r-xp 000aa000 fe:00 1 /bin/x\n\
                    01257000-01258000 r--p 00255000 fe:00 1 /bin/x\n\
                    01258000-01259000 rw-p 00255000 fe:00 1 /bin/x\n";
        let code = [(0x0100_0000, 0x010a_b000), (0x010a_b000, 0x0125_7000)];
        assert_eq!(fixed(maps), code);
        assert_eq!(
            fixed("00400000-00500000 rwxp 00000000 fe:00 1 /bin/x\n"),
            []
        );
        assert_eq!(fixed("nonsense"), []);
    }
}
