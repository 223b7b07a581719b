//! restic-123pan.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

pub mod args;
pub mod body;
pub mod civil;
pub mod pan123;
pub mod restic;
pub mod server;
pub mod service;
pub mod store;
pub mod turns;
pub mod watch;
