//! The files that are known in one folder. There may be hundreds of thousands in a repository, so
//! this decides what they take in memory.
//!
//! They lie sorted in small blocks that never change: a write copies one block and not the list,
//! and who reads the list goes on with the blocks that it has. Blocks are all of about one size,
//! because allocators round up, the one in static programs to powers of two: one allocation for
//! each folder would leave up to half of it unused.

use crate::restic::{File, Id};
use std::sync::Arc;

/// Most files in a block: 960 bytes, which with the counters beside them and the allocator's own
/// mark just fit into 1 KiB.
const BLOCK: usize = 20;

/// A file that is known: its name, its number, its size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// The name; [`CONFIG`] for a config.
    pub name: Id,
    /// The number.
    pub file: u64,
    /// The size.
    pub size: u64,
}

/// Stands for the name `config`, which is in no folder where ids are.
pub const CONFIG: Id = Id([0xff; 32]);

/// The name under which a file is known.
pub fn name_of(file: &File) -> Id {
    file.id().unwrap_or(CONFIG)
}

/// What a file that is known by a name is called in its folder.
pub fn filename(name: Id) -> String {
    match name {
        CONFIG => "config".to_owned(),
        name => name.to_string(),
    }
}

/// Files, sorted; a copy shares what it holds. No block is empty.
#[derive(Clone, Debug, Default)]
pub struct Files(Vec<Arc<[Known]>>);

impl Files {
    /// These, in whatever order and however often each.
    pub fn new(mut files: Vec<Known>) -> Self {
        files.sort_unstable();
        files.dedup();
        Self(files.chunks(BLOCK).map(Arc::from).collect())
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Known> {
        self.0.iter().flat_map(|block| block.iter())
    }

    /// Those of a name.
    pub fn named(&self, name: Id) -> Vec<Known> {
        let first = self.first_block(|last| last.name < name);
        let behind = self.0[first..].iter().flat_map(|block| block.iter());
        behind
            .skip_while(|known| known.name < name)
            .take_while(|known| known.name == name)
            .copied()
            .collect()
    }

    /// Adds one, unless it is there.
    pub fn insert(&mut self, known: Known) {
        // What comes after all others goes into the last block.
        let last_block = self.0.len().saturating_sub(1);
        let number = self.first_block(|last| *last < known).min(last_block);
        let mut block = self
            .0
            .get(number)
            .map_or_else(Vec::new, |block| block.to_vec());
        let Err(place) = block.binary_search(&known) else {
            return;
        };
        block.insert(place, known);
        if block.len() > BLOCK {
            let half = block.split_off(BLOCK / 2);
            self.0.insert(number + 1, half.into());
        }
        match self.0.get_mut(number) {
            Some(old) => *old = block.into(),
            None => self.0.push(block.into()),
        }
    }

    /// Takes out those with these numbers.
    pub fn remove(&mut self, numbers: &[u64]) {
        let stays = |known: &&Known| !numbers.contains(&known.file);
        for block in &mut self.0 {
            if !block.iter().all(|known| stays(&known)) {
                *block = block.iter().filter(stays).copied().collect();
            }
        }
        self.0.retain(|block| !block.is_empty());
    }

    /// The first block whose last file isn't `before` what is looked for.
    fn first_block(&self, before: impl Fn(&Known) -> bool) -> usize {
        self.0
            .partition_point(|block| block.last().is_some_and(&before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Of every three numbers in a row two have one name.
    fn known(number: u64) -> Known {
        let mut name = [0; 32];
        name[24..].copy_from_slice(&(number * 2 / 3).to_be_bytes());
        Known {
            name: Id(name),
            file: number,
            size: 7,
        }
    }

    fn check(files: &Files, expected: &BTreeSet<Known>) {
        assert!(files.iter().eq(expected));
        assert!(
            files
                .0
                .iter()
                .all(|block| (1..=BLOCK).contains(&block.len()))
        );
        for number in 0..400 {
            let name = known(number).name;
            let named = expected.iter().filter(|known| known.name == name);
            assert!(files.named(name).iter().eq(named));
        }
    }

    #[test]
    fn it_is_a_sorted_set() {
        let (mut files, mut expected) = (Files::default(), BTreeSet::new());
        check(&files, &expected);
        // Every number below 257 once, in an order without order; then some of them again.
        for number in (0..300).map(|n| n * 101 % 257) {
            files.insert(known(number));
            expected.insert(known(number));
        }
        check(&files, &expected);
        let all: Vec<Known> = expected.iter().rev().chain(&expected).copied().collect();
        check(&Files::new(all), &expected);
        // Whole blocks go, and single files.
        let gone: Vec<u64> = (0..100).chain([150, 256, 1000]).collect();
        let before = files.clone();
        files.remove(&gone);
        check(&before, &expected);
        expected.retain(|known| !gone.contains(&known.file));
        check(&files, &expected);
        files.remove(&(0..257).collect::<Vec<_>>());
        check(&files, &BTreeSet::new());
    }

    #[test]
    fn what_was_read_at_once_fills_its_blocks() {
        let files = Files::new((0..100).map(known).collect());
        assert_eq!(files.0.len(), 5);
    }
}
