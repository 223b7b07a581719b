//! Faults that a test orders: which call fails, whether it was applied before it failed, and how
//! it looks to the client. Carrying them out is left to `spoil` and `transfer`.

use super::endpoint::Endpoint;
use super::mix::{Fails, Mix};
use super::switches::millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// One order: of the calls to `endpoint`, let `skip` pass, then spoil `times`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault<E = Endpoint> {
    pub endpoint: E,
    #[serde(default)]
    pub skip: u32,
    pub times: u32,
    pub when: When,
    pub how: How,
}

/// Was the call applied before it failed?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// No: nothing changed in the cloud.
    Before,
    /// Yes: only the answer is spoilt.
    After,
}

/// What the client gets to see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The envelope with this code and message; of Tencent SMH the HTTP status with this code, on
    /// its storage host in XML.
    Code(i64, String),
    /// This HTTP status with an HTML page.
    Html(u16),
    /// HTTP 403 with the front door's page for addresses that are blocked.
    Block,
    /// HTTP 200 and no body.
    Empty,
    /// A body that isn't JSON.
    BadJson,
    /// JSON, but nothing that was promised: code 0 and a string where data should be.
    WrongShape,
    /// Code 0 and `data: null`.
    NullData,
    /// Code 0 and this data instead of the answer's.
    Data(Value),
    /// The connection is reset instead of an answer.
    Reset,
    /// The answer ends in its middle.
    Cut,
    /// Waits first; then all goes on as usual.
    Hang(#[serde(with = "millis")] Duration),
    /// The connection is closed as soon as the request's head is there.
    Refuse,
    /// The connection is reset once so many bytes of the request's body were read (`Before` only).
    ResetInBody(u64),
    /// The ids in the answer are those of no file (`After` only).
    WrongId,
    /// These fields of the answer's data are others (`After` only).
    Fields(Value),
    /// A list has one more row: its first one's twin but for these fields (`After` only).
    MoreRow(Value),
    /// The rows of files have these fields instead of their own (`After` only).
    OtherRows(Value),
    /// The hosts in the answer have names that nobody knows (`After` only).
    UnknownHost,
    /// The hosts in the answer refuse connections (`After` only).
    DeadHost,
    /// The CDN sends, and tells of, the bytes from the next one on, where there are as many.
    OtherRange,
    /// The CDN sends the bytes that were asked for, and tells of a file of another size.
    OtherSize,
    /// The CDN sends everything from the start, whatever was asked for.
    Whole,
    /// The CDN sends half of what it announces, and then nothing for so long.
    Stall(#[serde(with = "millis")] Duration),
    /// The CDN sends, and announces, a byte less than was asked for.
    Short,
    /// The CDN sends other bytes, as many as were asked for.
    OtherBytes,
}

impl How {
    /// Whether the call is only late.
    pub fn only_waits(&self) -> bool {
        matches!(self, How::Hang(_))
    }

    /// Whether the call is carried out and answered as ever, with other things in its answer.
    pub fn alters(&self) -> bool {
        use How::{DeadHost, Fields, MoreRow, OtherRows, UnknownHost, WrongId};
        use How::{OtherBytes, OtherRange, OtherSize, Short, Whole};
        let data = matches!(self, WrongId | Fields(_) | MoreRow(_) | OtherRows(_));
        let hosts = matches!(self, UnknownHost | DeadHost);
        data || hosts || matches!(self, OtherRange | OtherSize | Whole | Short | OtherBytes)
    }
}

/// One call that is stopped, so that a test can kill the client at that instant.
#[derive(Default)]
pub struct Hold {
    /// Calls to let pass first, and on which side of its effect the next one is stopped.
    order: Option<(u32, When)>,
    /// Whether that call has come, and stands there.
    stood: bool,
}

impl Hold {
    /// Orders it anew.
    pub fn order(&mut self, skip: u32, when: When) {
        (self.order, self.stood) = (Some((skip, when)), false);
    }

    /// Whether the call that comes now is the one.
    pub fn meet(&mut self) -> Option<When> {
        match &mut self.order {
            Some((0, when)) => {
                let when = *when;
                // Once: all others pass.
                self.order = Some((u32::MAX, when));
                Some(when)
            }
            Some((skip, _)) => {
                *skip -= 1;
                None
            }
            None => None,
        }
    }

    /// The call is where it was to be stopped.
    pub fn stands(&mut self) {
        self.stood = true;
    }

    /// Whether it is there.
    pub fn has_stood(&self) -> bool {
        self.stood
    }

    /// Whether it must stay.
    pub fn is_held(&self) -> bool {
        self.order.is_some()
    }

    /// Lets it go, and forgets the order.
    pub fn release(&mut self) {
        *self = Self::default();
    }
}

/// The orders that stand.
pub struct Faults<E = Endpoint> {
    orders: Vec<Fault<E>>,
    mix: Option<Mix>,
    fired: u64,
}

impl<E> Default for Faults<E> {
    fn default() -> Self {
        Faults {
            orders: Vec::new(),
            mix: None,
            fired: 0,
        }
    }
}

impl<E: Fails> Faults<E> {
    /// Adds an order behind the others.
    pub fn add(&mut self, fault: Fault<E>) {
        self.orders.push(fault);
    }

    /// Besides what is ordered, a share of all calls fails.
    pub fn mix(&mut self, mix: Mix) {
        self.mix = Some(mix);
    }

    /// Forgets the orders that stand; the count stays.
    pub fn clear(&mut self) {
        self.orders.clear();
        self.mix = None;
    }

    /// How many calls were spoilt.
    pub fn fired(&self) -> u64 {
        self.fired
    }

    /// How many calls are still to be spoilt.
    pub fn left(&self) -> u32 {
        self.orders.iter().map(|f| f.times).sum()
    }

    /// What happens to this call: the first order that matches and has times left decides, and
    /// every order before it counts the call as one that it let pass.
    pub fn strike(&mut self, endpoint: E) -> Option<(When, How)> {
        for fault in self.orders.iter_mut().filter(|f| f.endpoint == endpoint) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if fault.times > 0 {
                fault.times -= 1;
                self.fired += 1;
                return Some((fault.when, fault.how.clone()));
            }
        }
        let struck = self.mix.as_mut()?.strike(endpoint)?;
        self.fired += 1;
        Some(struck)
    }
}
