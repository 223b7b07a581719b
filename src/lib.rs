//! restic-123pan.
pub mod args;
pub mod body;
pub mod pan123;
pub mod restic;
pub mod server;
pub mod service;
pub mod store;
pub mod turns;
