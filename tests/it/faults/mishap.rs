//! What a mishap is, which calls it can befall, and what it lets happen; the table of them is
//! `mishaps`.

use crate::fake::{Endpoint, Fake, How, Single, When};
use serde_json::Value;

/// Calls of an operation to one endpoint at which a mishap is tried: those of a list's many
/// folders are alike.
const MOST: u32 = 2;

/// Something that goes wrong.
pub(super) struct Mishap {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) what: What,
    /// What may happen besides.
    pub(super) leave: Leave,
}

/// Which calls it befalls, or which operations: those that make such calls.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// Any but the CDN's.
    Calls,
    /// The same, but of several to one endpoint only the first; and those that only read not
    /// once, which is a shorter way to the same end.
    First,
    /// Those that change something, where it matters whether they were carried out.
    Changes,
    /// These alone.
    Only(&'static [Endpoint]),
    /// These alone, and not once, which is a shorter way to the same end.
    Always(&'static [Endpoint]),
}

/// What goes wrong.
pub(super) enum What {
    /// A call is spoilt.
    Fault(When, How),
    /// A download ends in its middle, and where it goes on it is spoilt.
    Resume(How),
    /// The cloud is brought into a bad state.
    State(fn(&Fake)),
    /// Uploads come to this.
    Uploads(Single),
}

/// What a mishap lets happen besides 502, 503 and success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// Nothing.
    None,
    /// Where something is stored, 507: it ends a backup that can't succeed.
    Full,
    /// The cloud tells of a success that it doesn't show, or shows as something else. Packs, index
    /// files and snapshots are looked at by what is stored next (safety rule 5), which may be told
    /// 500: the backup must be repeated.
    Lies,
    /// Other bytes may be read: nobody but restic can tell, which hashes all that it reads.
    OtherBytes,
}

/// The calls that change something.
const CHANGES: &[Endpoint] = &[
    Endpoint::Token,
    Endpoint::Mkdir,
    Endpoint::Single,
    Endpoint::Create,
    Endpoint::Slice,
    Endpoint::Complete,
    Endpoint::Trash,
];
pub(super) const CDN: &[Endpoint] = &[Endpoint::Cdn];
const TOKEN: &[Endpoint] = &[Endpoint::Token];
pub(super) const ROWS: &[Endpoint] = &[Endpoint::List, Endpoint::Infos];

impl Place {
    /// Whether it befalls calls to this endpoint.
    pub(super) fn includes(self, endpoint: Endpoint) -> bool {
        match self {
            Self::Calls | Self::First => endpoint != Endpoint::Cdn,
            Self::Changes => CHANGES.contains(&endpoint),
            Self::Only(endpoints) | Self::Always(endpoints) => endpoints.contains(&endpoint),
        }
    }

    /// At how many of so many such calls it happens once.
    pub(super) fn once(self, endpoint: Endpoint, count: u32) -> u32 {
        match self {
            Self::First => u32::from(CHANGES.contains(&endpoint)),
            Self::Always(_) => 0,
            _ => count.min(MOST),
        }
    }
}

impl What {
    /// Whether nobody can know afterwards if the call was carried out. Of a `stream` nothing has
    /// been sent when the connection ends at once.
    pub(super) fn is_unknown(&self, stream: bool) -> bool {
        let Self::Fault(when, how) = self else {
            return false;
        };
        match how {
            How::Reset | How::Refuse | How::Hang(_) if stream && *when == When::Before => false,
            How::Html(status) => *status >= 500,
            How::Empty | How::BadJson | How::WrongShape | How::NullData | How::Data(_) => true,
            How::Reset | How::Refuse | How::Cut | How::Hang(_) | How::ResetInBody(_) => true,
            _ => false,
        }
    }
}

/// Nothing but passing refusals may come of it.
fn mishap(name: &'static str, place: Place, what: What) -> Mishap {
    let leave = Leave::None;
    Mishap {
        name,
        place,
        what,
        leave,
    }
}

/// A call is spoilt.
pub(super) fn fault(name: &'static str, place: Place, when: When, how: How) -> Mishap {
    mishap(name, place, What::Fault(when, how))
}

/// A download is spoilt where it goes on.
pub(super) fn resume(name: &'static str, how: How) -> Mishap {
    mishap(name, Place::Only(CDN), What::Resume(how))
}

/// A request for a token fails, where there is none or the old one has just been refused.
pub(super) fn token(name: &'static str, how: How) -> Mishap {
    let when = if how.alters() {
        When::After
    } else {
        When::Before
    };
    fault(name, Place::Always(TOKEN), when, how)
}

/// A list's or `infos`' first row comes again, with other fields.
pub(super) fn more(name: &'static str, fields: Value) -> Mishap {
    fault(name, Place::Always(ROWS), When::After, How::MoreRow(fields))
}

/// The rows of files have other fields there.
pub(super) fn rows(name: &'static str, fields: Value) -> Mishap {
    fault(
        name,
        Place::Always(ROWS),
        When::After,
        How::OtherRows(fields),
    )
}

/// The cloud refuses a call with a code and a message.
pub(super) fn code(name: &'static str, code: i64, message: &str) -> Mishap {
    let how = How::Code(code, message.to_owned());
    fault(name, Place::First, When::Before, how)
}

/// The cloud is in a bad state.
pub(super) fn state(name: &'static str, place: Place, change: fn(&Fake)) -> Mishap {
    mishap(name, place, What::State(change))
}

/// Uploads come to something else than to a file.
pub(super) fn uploads(name: &'static str, mode: Single) -> Mishap {
    let place = Place::Only(&[Endpoint::Single]);
    mishap(name, place, What::Uploads(mode))
}

impl Mishap {
    /// The same, but it may come to more.
    pub(super) fn may(self, leave: Leave) -> Self {
        Self { leave, ..self }
    }
}
