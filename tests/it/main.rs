//! Tests of the whole: the server's binary and its parts from outside, over a 123pan of our own.
#![allow(
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it skipped"
)]

mod access;
mod account;
mod budget;
mod calls;
mod cases;
mod clients;
mod cloud;
mod device;
#[path = "../fake/mod.rs"]
mod fake;
mod faults;
mod field;
mod front;
mod hostile;
mod kdocs;
mod limits;
mod local;
mod matrix;
mod mixed;
mod model;
mod oauth;
mod power;
mod probing;
mod process;
mod reasons;
mod restic;
mod rig;
mod rigged;
mod seeing;
mod served;
mod server;
mod several;
mod smh;
mod tidy;
mod tools;
mod tree;
mod waiting;
mod wire;
