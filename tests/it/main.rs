//! The integration tests, as one program; a boundary of the server's each.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod rigged;
mod server;
mod wire;
