//! Where packs lie below a repository's `data`, for every cloud: which folders there are, which of
//! them a pack may be in, and which one it is written to. How folders are listed, made and
//! remembered is each cloud's own.
//!
//! restic spreads packs over 256 folders, by the first two hex digits of their ids. Where a list
//! of a folder is a call, and calls are few a second, that is dear: a repository of 1,000 packs
//! costs 261 calls to list, with 16 folders 20; from 25,000 packs on both fill their pages and cost
//! the same. So each cloud says which layout new repositories get ([`Layout::Sixteen`] where calls
//! are dear, [`Layout::Restic`] where restic itself may open the folder), and reads both as one: a
//! repository is written on in the layout that it has.

use crate::restic::{Id, hex};
use std::collections::BTreeMap;

/// How packs are spread over folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layout {
    /// Over 16, by the first hex digit: `data/a/abcd…`.
    Sixteen,
    /// Over 256, by the first two, as restic itself does: `data/ab/abcd…`.
    Restic,
}

impl Layout {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sixteen, Self::Restic];

    /// Hex digits of a folder's name.
    fn digits(self) -> usize {
        match self {
            Self::Sixteen => 1,
            Self::Restic => 2,
        }
    }

    /// How many folders there are.
    pub fn folders(self) -> usize {
        1 << (4 * self.digits())
    }

    /// The folder of a pack.
    pub fn folder(self, id: &Id) -> String {
        let mut name = hex(&id.0[..1]);
        name.truncate(self.digits());
        name
    }

    /// The layout that a folder below `data` belongs to; None if it holds no packs.
    pub fn of(folder: &str) -> Option<Self> {
        let is_digit = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        let fits = |layout: &Self| folder.len() == layout.digits() && folder.bytes().all(is_digit);
        Self::ALL.into_iter().find(fits)
    }

    /// So many packs leave none of its folders without any, save once in a million repositories:
    /// 16 × (15/16)^260, 256 × (255/256)^5000.
    fn many(self) -> u64 {
        match self {
            Self::Sixteen => 260,
            Self::Restic => 5_000,
        }
    }
}

/// Whether a pack that lies in this folder below `data` is found there.
pub fn belongs(folder: &str, id: &Id) -> bool {
    Layout::of(folder).is_some_and(|layout| layout.folder(id) == folder)
}

/// The folders that a pack may lie in, one of each layout.
pub fn places(id: &Id) -> [String; 2] {
    Layout::ALL.map(|layout| layout.folder(id))
}

/// The layouts that the folders of a `data` show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layouts {
    sixteen: bool,
    restic: bool,
}

impl Layouts {
    /// Those of the folders with these names; others don't count.
    pub fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut layouts = Self::default();
        for layout in names.into_iter().filter_map(Layout::of) {
            layouts.add(layout);
        }
        layouts
    }

    /// A folder of this layout is there as well.
    pub fn add(&mut self, layout: Layout) {
        match layout {
            Layout::Sixteen => self.sixteen = true,
            Layout::Restic => self.restic = true,
        }
    }

    /// The layout that new packs are written in, where `new` is the cloud's for repositories that
    /// have no packs yet. Where both exist it is restic's own: somebody writes there who may know
    /// no other.
    pub fn written(self, new: Layout) -> Layout {
        match (self.sixteen, self.restic) {
            (_, true) => Layout::Restic,
            (true, false) => Layout::Sixteen,
            (false, false) => new,
        }
    }

    /// Whether both exist, so that a pack may be there twice.
    pub fn are_mixed(self) -> bool {
        self.sixteen && self.restic
    }

    /// Those that there are.
    pub fn all(self) -> impl Iterator<Item = Layout> {
        let there = [self.sixteen, self.restic];
        let all = Layout::ALL.into_iter().zip(there);
        all.filter_map(|(layout, is_there)| is_there.then_some(layout))
    }
}

/// Folders below `data` in groups that may hold the same packs, so that each group can be listed as
/// one: alone, unless both layouts exist.
pub fn groups(names: impl IntoIterator<Item = String>) -> Vec<Vec<String>> {
    let names: Vec<String> = names
        .into_iter()
        .filter(|name| Layout::of(name).is_some())
        .collect();
    let are_mixed = Layouts::of(names.iter().map(String::as_str)).are_mixed();
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in names {
        let shared = if are_mixed { &name[..1] } else { &name };
        groups.entry(shared.to_owned()).or_default().push(name);
    }
    groups.into_values().collect()
}

/// Folders that a repository should have and hasn't, by the packs in those that it has: folders are
/// made when they are first needed, so that with few packs one that isn't there says nothing.
pub fn missing(folders: &BTreeMap<String, u64>) -> Vec<String> {
    let mut missing = Vec::new();
    for layout in Layout::ALL {
        let its = folders
            .iter()
            .filter(|(name, _)| Layout::of(name) == Some(layout));
        if its.map(|(_, packs)| packs).sum::<u64>() >= layout.many() {
            let digits = layout.digits();
            let all = (0..layout.folders()).map(|n| format!("{n:0digits$x}"));
            missing.extend(all.filter(|name| !folders.contains_key(name)));
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Id = Id([0xab; 32]);

    fn layouts(names: &[&str]) -> Layouts {
        Layouts::of(names.iter().copied())
    }

    #[test]
    fn a_pack_has_a_folder_in_each_layout() {
        assert_eq!(places(&ID), ["a", "ab"]);
        for (folder, layout, holds) in [
            ("a", Some(Layout::Sixteen), true),
            ("b", Some(Layout::Sixteen), false),
            ("ab", Some(Layout::Restic), true),
            ("ba", Some(Layout::Restic), false),
            ("A", None, false),
            ("aB", None, false),
            ("g", None, false),
            ("abc", None, false),
            ("", None, false),
        ] {
            assert_eq!(Layout::of(folder), layout, "{folder}");
            assert_eq!(belongs(folder, &ID), holds, "{folder}");
        }
    }

    #[test]
    fn a_repository_is_written_on_as_it_is() {
        for (names, written, all) in [
            (&[][..], Layout::Sixteen, &[][..]),
            (&["notes"], Layout::Sixteen, &[]),
            (&["a"], Layout::Sixteen, &[Layout::Sixteen]),
            (&["ab", "notes"], Layout::Restic, &[Layout::Restic]),
            (&["a", "00"], Layout::Restic, &Layout::ALL),
        ] {
            let layouts = layouts(names);
            assert_eq!(layouts.written(Layout::Sixteen), written, "{names:?}");
            assert!(layouts.all().eq(all.iter().copied()), "{names:?}");
        }
        assert_eq!(layouts(&[]).written(Layout::Restic), Layout::Restic);
    }

    #[test]
    fn folders_that_share_packs_are_read_together() {
        let read = |names: &[&str]| groups(names.iter().map(|name| (*name).to_owned()));
        assert_eq!(read(&["00", "01", "x"]), [["00"], ["01"]]);
        assert_eq!(read(&["0", "1"]), [["0"], ["1"]]);
        let mixed = read(&["0", "00", "01", "1", "20"]);
        assert_eq!(mixed, [vec!["0", "00", "01"], vec!["1"], vec!["20"]]);
    }

    #[test]
    fn many_packs_fill_every_folder() {
        let folders = |layout: Layout, packs: u64| -> BTreeMap<String, u64> {
            let digits = layout.digits();
            let names = (0..layout.folders()).map(|n| format!("{n:0digits$x}"));
            names.skip(1).map(|name| (name, packs)).collect()
        };
        for (layout, packs, expected) in [
            (Layout::Sixteen, 10, &[][..]),
            (Layout::Sixteen, 20, &["0"]),
            (Layout::Restic, 10, &[]),
            (Layout::Restic, 20, &["00"]),
        ] {
            assert_eq!(
                missing(&folders(layout, packs)),
                expected,
                "{layout:?}, {packs}"
            );
        }
        // A few packs of the other layout say nothing about it.
        let mut mixed = folders(Layout::Sixteen, 20);
        mixed.insert("00".to_owned(), 3);
        assert_eq!(missing(&mixed), ["0"]);
    }
}
