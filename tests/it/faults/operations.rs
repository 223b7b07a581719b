//! The table of operations: what a client asks, and what a good answer is. A new one is one line.

use crate::tree::random;
use restic_123pan::restic::{Id, Kind};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// Something that a client asks for.
pub(super) struct Operation {
    pub(super) name: &'static str,
    /// What the server has done before.
    pub(super) start: Start,
    pub(super) act: Act,
    /// What it asks about.
    pub(super) file: fn() -> Item,
}

/// What a server has done before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// Nothing at all: it has just been started.
    Cold,
    /// It has listed, read and written.
    Warm,
    /// The same, and sends files in slices, since whole ones were refused.
    Slicing,
}

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Create,
    List,
    Stat,
    /// A GET, with the `Range` that is asked for.
    Load(Option<&'static str>),
    Save,
    Remove,
}

/// A file, or a kind to list.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// None for the config.
    pub(super) kind: Option<Kind>,
    /// Its hash.
    pub(super) id: Id,
    pub(super) bytes: Vec<u8>,
}

impl Item {
    /// A file that is named by its hash.
    pub(super) fn new(kind: Kind, bytes: &[u8]) -> Self {
        Self {
            kind: Some(kind),
            id: Id(Sha256::digest(bytes).into()),
            bytes: bytes.to_vec(),
        }
    }

    /// The repository's config.
    pub(super) fn config() -> Self {
        Self {
            kind: None,
            ..Self::new(Kind::Keys, &[7; 155])
        }
    }
}

impl Operation {
    /// The status of its success.
    pub(super) fn good(&self) -> u16 {
        match self.act {
            Act::Load(Some(_)) => 206,
            _ => 200,
        }
    }

    /// Whether it stores something.
    pub(super) fn stores(&self) -> bool {
        matches!(self.act, Act::Save | Act::Create)
    }

    /// Whether it changes something.
    pub(super) fn changes(&self) -> bool {
        self.stores() || self.act == Act::Remove
    }

    /// Whether what it stores is sent on while it comes, and can't be sent again.
    pub(super) fn streams(&self) -> bool {
        self.act == Act::Save && (self.file)().bytes.len() as u64 > restic_123pan::body::SMALL
    }

    /// Whether what it stores is looked at when the next index or snapshot is stored, and not
    /// before (safety rule 5).
    pub(super) fn is_promised(&self) -> bool {
        let kind = (self.file)().kind;
        let promised = matches!(kind, Some(Kind::Data | Kind::Index | Kind::Snapshots));
        self.act == Act::Save && promised
    }
}

/// What is in the repository before; packs are long enough to be read in parts.
pub(super) fn old(kind: Kind) -> Item {
    match kind {
        Kind::Data => Item::new(kind, &random(1, 30_000)),
        _ => Item::new(kind, format!("old {}", kind.name()).as_bytes()),
    }
}

/// What isn't.
fn new(kind: Kind) -> Item {
    Item::new(kind, format!("new {}", kind.name()).as_bytes())
}

/// A pack that is larger than what is always held, and streamed where there is no memory.
fn large() -> Item {
    // Its hash takes time.
    static LARGE: LazyLock<Item> =
        LazyLock::new(|| Item::new(Kind::Data, &random(7, (1 << 20) + 1000)));
    LARGE.clone()
}

fn op(name: &'static str, start: Start, act: Act, file: fn() -> Item) -> Operation {
    Operation {
        name,
        start,
        act,
        file,
    }
}

/// Every operation.
#[rustfmt::skip]
pub(super) fn operations() -> Vec<Operation> {
    use Act::{Create, List, Load, Remove, Save, Stat};
    use Kind::{Data, Index, Keys, Locks, Snapshots};
    use Start::{Cold, Slicing, Warm};
    vec![
        op("list locks at first", Cold, List, || old(Locks)),
        op("create", Cold, Create, Item::config),
        op("list keys", Warm, List, || old(Keys)),
        op("list locks", Warm, List, || old(Locks)),
        op("list packs", Warm, List, || old(Data)),
        op("list packs at first", Cold, List, || old(Data)),
        op("stat config", Warm, Stat, Item::config),
        op("stat key", Warm, Stat, || old(Keys)),
        op("stat pack", Warm, Stat, || old(Data)),
        op("load config", Warm, Load(None), Item::config),
        op("load key", Warm, Load(Some("bytes=0-")), || old(Keys)),
        op("load pack", Warm, Load(None), || old(Data)),
        op("load part of pack", Warm, Load(Some("bytes=100-20099")), || old(Data)),
        op("load pack at first", Cold, Load(Some("bytes=0-")), || old(Data)),
        op("save config", Warm, Save, Item::config),
        op("save key", Warm, Save, || new(Keys)),
        op("save lock", Warm, Save, || new(Locks)),
        op("save snapshot", Warm, Save, || new(Snapshots)),
        op("save index", Warm, Save, || new(Index)),
        op("save pack", Warm, Save, || new(Data)),
        op("save pack at first", Cold, Save, || new(Data)),
        op("save pack as a stream", Warm, Save, large),
        op("save pack in slices", Slicing, Save, || new(Data)),
        op("remove config", Warm, Remove, Item::config),
        op("remove key", Warm, Remove, || old(Keys)),
        op("remove lock", Warm, Remove, || old(Locks)),
        op("remove index", Warm, Remove, || old(Index)),
        op("remove pack", Warm, Remove, || old(Data)),
    ]
}
