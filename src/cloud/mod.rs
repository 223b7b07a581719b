//! What clouds share. It names none of them.

mod description;

pub use description::*;
