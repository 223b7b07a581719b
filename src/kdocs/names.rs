//! By what names files lie at Kdocs, which may want an extension, and gives another name where one is
//! taken.

use crate::restic::{File, Id};

/// What a name ends in where Kdocs wants an extension.
pub const SUFFIX: &str = ".bin";

/// The id that a file's name stands for, with an extension or without.
pub fn id_of(name: &str) -> Option<Id> {
    Id::from_hex(name.strip_suffix(SUFFIX).unwrap_or(name))
}

/// Whether a row's name is this file's, with an extension or without.
pub fn is_named(row: &str, file: &File) -> bool {
    row.strip_suffix(SUFFIX).unwrap_or(row) == file.name()
}

/// Whether a row's name is what Kdocs makes of this file's when it is taken, such as `x(1).bin`.
pub fn is_renamed(row: &str, file: &File) -> bool {
    let rest = row.strip_prefix(&file.name());
    rest.is_some_and(|rest| rest != SUFFIX && rest.starts_with([' ', '(', '_', '-', '（']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restic::Kind;

    #[test]
    fn names_are_known_in_every_form() {
        let (id, other) = (Id([0xab; 32]), Id([0xac; 32]));
        let (file, bare) = (File::Hashed(Kind::Data, id), id.to_string());
        for (name, named, renamed) in [
            (bare.clone(), true, false),
            (format!("{bare}.bin"), true, false),
            (format!("{bare}(1).bin"), false, true),
            (format!("{bare} (2)"), false, true),
            (format!("{bare}.pdf"), false, false),
            (other.to_string(), false, false),
        ] {
            let found = (is_named(&name, &file), is_renamed(&name, &file));
            assert_eq!(found, (named, renamed), "{name}");
        }
        assert_eq!(id_of(&format!("{bare}.bin")), Some(id));
        assert_eq!(id_of("config.bin"), None);
    }
}
