//! What somebody meant who mistyped a word.

/// The known word that is nearest to one, if it is near enough to have been meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known
        .into_iter()
        .map(|known| (distance(word, known), known));
    let nearest = near.min_by_key(|(distance, _)| *distance);
    // One wrong letter of three, which leaves most of the word.
    let enough = |(distance, _): &(usize, &str)| *distance <= word.chars().count().div_ceil(3);
    nearest.filter(enough).map(|(_, known)| known)
}

/// What a message about a mistyped word says besides; nothing if nothing is near. The prefix is what
/// all these words begin with besides.
pub fn did_you_mean<'a>(
    prefix: &str,
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    nearest(word, known).map_or(String::new(), |known| {
        format!(" (did you mean {prefix}{known}?)")
    })
}

/// Letters that must be put in, left out or changed to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, its) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *its);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_found() {
        let known = ["listen", "tier", "bin", "repo-path", "no-auth"];
        for (word, meant) in [
            ("listn", Some("listen")),
            ("lsiten", Some("listen")),
            ("repopath", Some("repo-path")),
            ("teir", Some("tier")),
            ("noauth", Some("no-auth")),
            ("colour", None),
            ("é", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
