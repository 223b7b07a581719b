//! What clouds share, whatever they are called: nothing here names one, or knows how it addresses
//! its files.
//!
//! ```text
//!   a cloud's typed calls
//!        │ Call: a line of its table (Spec), query, body
//!   client      token ─► pace ─► sign ─► send ─► understand ─► reason ─► again?
//!        │         │        │      └── Dialect: what differs between clouds ──┘
//!        │       Tokens   pace                                         retry
//!        │ HTTPS
//! ```
//!
//! [`client`] is the only user of ureq. What a cloud brings is its [`call::Spec`]s, a
//! [`dialect::Dialect`], and a way to its tokens ([`token`]). For the rest there are forms
//! ([`form`]), downloads that resume ([`download`]) and their addresses ([`addresses`]), walks
//! through folders ([`walk`]), the room that there is ([`capacity`]), threads in the background
//! ([`daemon`]), troubles and their advice ([`trouble`]), what has been seen ([`health`]), where packs lie
//! ([`layout`]), the frame of a doctor ([`doctor`]), of a probe ([`probe`]) and of `verify`
//! ([`survey`]) with what it finds ([`finding`]) and its walk ([`inspect`]), calls that are
//! limited by the day ([`budget`]).
//!
//! [`Cloud`] is the other side: what a cloud is to `main`, `args` and `command`.
//!
//! An address may carry a secret in its query: no log, no error and no `Debug` shows one. What
//! they show is a call's name from the table.

pub mod addresses;
pub mod budget;
pub mod call;
pub mod capacity;
pub mod client;
pub mod daemon;
mod description;
pub mod dialect;
pub mod doctor;
pub mod download;
pub mod finding;
pub mod form;
pub mod health;
pub mod inspect;
pub mod layout;
pub mod outcome;
pub mod pace;
pub mod paths;
pub mod places;
pub mod probe;
pub mod proof;
pub mod retry;
pub mod survey;
pub mod time;
pub mod timing;
pub mod token;
pub mod trouble;
pub mod walk;

pub use description::*;
pub use outcome::{Fault, Outcome, Reason};
pub use pace::Priority;
pub use retry::{look, pause};
pub use timing::{Clock, Timing, now};
