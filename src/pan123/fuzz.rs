//! What the fuzz targets reach of this module and of `cloud`. Built for them alone.

pub use super::api::envelope::parse;
pub use super::api::meaning::reason;
pub use super::api::{Endpoint, Row, read_as_each};
pub use super::bin::earlier::{listed, noted};
pub use super::bin::list::List;
pub use super::bin::pending::PendingPurges;
pub use super::confirm::ledger::{made, parse as acknowledged};
pub use super::download::lifetime;
pub use crate::cloud::call::Way;
pub use crate::cloud::client::describe;
pub use crate::cloud::form::{Content, Form};
pub use crate::cloud::outcome::{Outcome, Reason};
pub use crate::cloud::token::secret::Stored;
pub use crate::cloud::token::{GrantFile, Token};
pub use crate::disk::log::sealed;
