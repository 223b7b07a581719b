//! What the fuzz targets reach of this module. Built for them alone.

pub use super::api::{Endpoint, Row, read_as_each};
pub use super::call::answer::{describe, parse};
pub use super::download::addresses::lifetime;
pub use super::journal::{Line, parse as journal};
pub use super::judge::{Outcome, Why, why};
pub use super::ledger::{made, parse as promised, sealed};
pub use super::multipart::{Content, Form};
pub use super::token::{Kept, Stored, Token};
pub use super::waste::{Fate, List, Waste};
