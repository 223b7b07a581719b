//! restic-123pan.
pub mod body;
pub mod pan123;
pub mod restic;
pub mod service;
pub mod store;
pub mod turns;
