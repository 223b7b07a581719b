//! Memory is given back that an idle server doesn't need.

#[cfg(target_os = "linux")]
use rustix::mm::{Advice, madvise};

/// Lets go of the program's code and constants that are mapped. Linux maps 16 pages around each
/// that is touched, so after the start, or after a call to the cloud, nearly all of them are,
/// while an idle server needs few. What is used again is found in the page cache.
#[cfg(target_os = "linux")]
pub fn settle() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (start, end) in parts(&maps) {
        // SAFETY: nobody writes to these pages, and the kernel reads them from the program's file
        // again when they are used. If it won't let go of them, nothing is lost.
        #[allow(unsafe_code)]
        let _ = unsafe { madvise(start as *mut _, end - start, Advice::LinuxDontNeed) };
    }
}

/// Elsewhere nothing is known to be worth it.
#[cfg(not(target_os = "linux"))]
pub fn settle() {}

/// The parts of the program that are never written: what it maps up to its code. Behind it comes
/// what was written before it was protected.
#[cfg(target_os = "linux")]
fn parts(maps: &str) -> Vec<(usize, usize)> {
    let code = |line: &str| line.contains(" r-xp ");
    let path = |line: &str| Some(line[line.find('/')?..].to_owned());
    let Some(program) = maps.lines().find(|line| code(line)).and_then(path) else {
        return Vec::new();
    };
    let of_it = maps.lines().filter(|line| line.ends_with(&program));
    let before = of_it.clone().take_while(|line| !code(line));
    let lines = before.filter(|line| line.contains(" r--p "));
    lines
        .chain(of_it.filter(|line| code(line)).take(1))
        .filter_map(bounds)
        .collect()
}

/// Where a part begins and ends.
#[cfg(target_os = "linux")]
fn bounds(line: &str) -> Option<(usize, usize)> {
    let (start, end) = line.split(' ').next()?.split_once('-')?;
    let number = |text| usize::from_str_radix(text, 16).ok();
    Some((number(start)?, number(end)?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::parts;

    #[test]
    fn only_what_is_never_written_is_let_go() {
        let maps = "\
            01000000-010c5000 r--p 00000000 fe:00 7 /usr/bin/some thing\n\
            010c5000-01262000 r-xp 000c4000 fe:00 7 /usr/bin/some thing\n\
            01262000-01264000 r--p 00260000 fe:00 7 /usr/bin/some thing\n\
            01264000-01265000 rw-p 00261000 fe:00 7 /usr/bin/some thing\n\
            7f000000-7f010000 r--p 00000000 fe:00 9 /lib/libc.so\n\
            7f010000-7f020000 r-xp 00010000 fe:00 9 /lib/libc.so\n";
        assert_eq!(
            parts(maps),
            [(0x0100_0000, 0x010c_5000), (0x010c_5000, 0x0126_2000)]
        );
        assert_eq!(parts("7f000000-7f001000 r-xp 00000000 00:00 0\n"), []);
    }
}
