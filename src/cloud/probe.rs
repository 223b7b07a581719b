//! The form in which a probe tells what it has found out about a cloud: what is documented, what was
//! assumed, what is so. It holds no secret and no account's name, so that it can be shown to others.
//! What is tried, and what depends on it, is the cloud's own business.

use crate::speech::{padded, said};
use serde::Serialize;
use std::fmt::{self, Display};

/// Something that a cloud's documents leave open, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The question, in a few words.
    pub about: &'static str,
    /// What the documents say.
    pub documented: &'static str,
    /// What the program goes by as long as nobody has tried.
    pub assumed: &'static str,
    /// What is so.
    pub found: String,
    /// Whether the store can do with it.
    pub good: bool,
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.good { '✓' } else { '✗' };
        let (about, found) = (padded(&said(self.about), 24), said(&self.found));
        writeln!(f, "{mark} {about} {found}")?;
        let (documented, assumed) = (self.documented, self.assumed);
        let compared = said(&format!("documented: {documented}; assumed: {assumed}"));
        write!(f, "  {:<24} {compared}", "")
    }
}
