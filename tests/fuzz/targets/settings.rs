//! Files that people write: users with their passwords, roles, the configuration; and values of
//! options. The first line says which user asks for which repository.
#![no_main]

use libfuzzer_sys::fuzz_target;
use restic_123pan::access::fuzz::{roles, users};
use restic_123pan::args::fuzz::{moment, setting, size};
use restic_123pan::restic::Repo;

fuzz_target!(|text: &str| {
    let (first, file) = text.split_once('\n').unwrap_or((text, ""));
    let (user, path) = first.split_once(' ').unwrap_or((first, ""));
    let lines = file.lines().count().max(1);
    match users(file, user) {
        Ok(_) => {}
        Err((line, why)) => is_one_line(line, lines, &why),
    }
    let repo = Repo::new(path).or_else(|| Repo::new("")).expect("the root");
    match roles(file, user, &repo) {
        Ok(Some(grant)) => {
            let bounds = grant.limit.map(|limit| limit.folder.path().to_owned());
            let inside = |folder: String| folder.is_empty() || repo.path().starts_with(&folder);
            assert!(grant.assigned && bounds.is_none_or(inside));
        }
        Ok(None) => {}
        Err((line, why)) => is_one_line(line, lines, &why),
    }
    if let Err(why) = setting(file, "PAN123_LISTEN") {
        is_one_line(1, 1, &why);
    }
    if let Ok(bytes) = size(user) {
        assert_eq!(size(&bytes.to_string()), Ok(bytes));
    }
    if let Ok(when) = moment(user) {
        assert!(when.seconds(0) <= when.seconds(u64::MAX));
    }
});

/// What is wrong is said in one line, which names a line of the file.
fn is_one_line(line: usize, lines: usize, why: &str) {
    assert!((1..=lines).contains(&line), "line {line} of {lines}");
    assert!(!why.is_empty() && !why.contains('\n'), "{why:?}");
}
