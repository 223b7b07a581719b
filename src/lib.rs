//! restic-123pan.
pub mod body;
pub mod restic;
pub mod service;
pub mod store;
pub mod turns;
