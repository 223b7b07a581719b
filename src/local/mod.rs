//! A folder of this machine as a cloud: what it is, and what can be done with it.

mod options;

pub use options::Description;
