//! The integration tests, as one program; a boundary of the server's each.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test that can't go on fails"
)]

mod rigged;
mod server;
mod wire;
