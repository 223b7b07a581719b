//! What a cloud's own rules leave of the protocol, as values: the service asks for them and names
//! no cloud.

use crate::body;
use crate::restic::{MAX_SEGMENT, Repo};

/// What a store takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest name of a repository's folder, in bytes.
    pub longest_name: usize,
    /// Characters that no such name may have, besides those that [`crate::restic`] refuses.
    pub forbidden: &'static str,
    /// Largest file in bytes.
    pub largest: u64,
    /// Most files that go in one call that removes some.
    pub batch: usize,
}

impl Limits {
    /// Whether a repository may be there by its names.
    pub fn takes(&self, repo: &Repo) -> bool {
        let fits = |name: &str| {
            name.len() <= self.longest_name && !name.contains(|c| self.forbidden.contains(c))
        };
        repo.segments().all(fits)
    }
}

impl Default for Limits {
    /// Those of the protocol and of this program alone.
    fn default() -> Self {
        Self {
            longest_name: MAX_SEGMENT,
            forbidden: "",
            largest: body::LARGEST,
            batch: 100,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_one_by_one() {
        let limits = Limits {
            longest_name: 4,
            forbidden: "#%",
            ..Limits::default()
        };
        for (path, expected) in [
            ("", true),
            ("a/bcde", true),
            ("a/bcdef", false),
            ("a#", false),
            ("ok/a%b", false),
        ] {
            let repo = Repo::new(path).expect("a path of the protocol");
            assert_eq!(limits.takes(&repo), expected, "{path}");
        }
    }
}
