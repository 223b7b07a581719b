//! What the cloud does with many ids in one call, also when some of them are impossible, and moves.

use super::cloud::{Cloud, Node, check_name};
use super::refusal::Refusal;
use super::switches::{BadIds, Taken};

impl Cloud {
    /// Puts rows into the bin.
    pub fn trash(&mut self, ids: &[u64], bad: BadIds, now: u64) -> Result<(), Refusal> {
        let good = |cloud: &Cloud, id| cloud.node(id).is_some_and(|n| !n.trashed);
        self.each(ids, bad, Refusal::BadIds, good, |cloud, id| {
            cloud.set_trashed(id, true, now);
        })
    }

    /// Destroys rows that are in the bin.
    pub fn delete(&mut self, ids: &[u64], bad: BadIds, now: u64) -> Result<(), Refusal> {
        let good = |cloud: &Cloud, id| cloud.node(id).is_some_and(|n| n.trashed);
        self.each(ids, bad, Refusal::NotInBin, good, |cloud, id| {
            cloud.destroy(id, now);
        })
    }

    /// Does something to each id that is good for it, as the switch for the others says.
    fn each(
        &mut self,
        ids: &[u64],
        bad: BadIds,
        refusal: Refusal,
        good: impl Fn(&Cloud, u64) -> bool,
        act: impl Fn(&mut Cloud, u64),
    ) -> Result<(), Refusal> {
        let all_good = ids.iter().all(|id| good(self, *id));
        if !all_good && bad == BadIds::Fail {
            return Err(refusal);
        }
        for id in ids {
            if good(self, *id) {
                act(self, *id);
            }
        }
        if all_good || bad == BadIds::Silent {
            Ok(())
        } else {
            Err(refusal)
        }
    }

    /// Takes rows out of the bin; answers those whose parent is gone.
    pub fn recover(&mut self, ids: &[u64], now: u64) -> Vec<u64> {
        let mut abnormal = Vec::new();
        for id in ids {
            match self.node(*id).map(|n| (n.parent, n.trashed)) {
                Some((parent, true)) if self.living_folder(parent) => {
                    self.set_trashed(*id, false, now);
                }
                Some((_, false)) => {}
                _ => abnormal.push(*id),
            }
        }
        abnormal
    }

    /// Gives a row another parent, another name, or both.
    pub fn relocate(&mut self, id: u64, parent: u64, name: &str) -> Result<(), Refusal> {
        check_name(name)?;
        if !self.living_folder(parent) {
            return Err(Refusal::NoParent);
        }
        let node = self.node(id).cloned().ok_or(Refusal::NoFile)?;
        if self.named(parent, name).iter().any(|other| *other != id) {
            return Err(Refusal::NameTaken(Taken::Repeat));
        }
        self.version += 1;
        self.unindex(&node);
        if let Some(ids) = self.children.get_mut(&node.parent) {
            ids.remove(&id);
        }
        let moved = Node {
            parent,
            name: name.to_owned(),
            ..node
        };
        self.children.entry(parent).or_default().insert(id);
        if !moved.trashed {
            self.index(&moved);
        }
        self.nodes.insert(id, moved);
        Ok(())
    }
}
