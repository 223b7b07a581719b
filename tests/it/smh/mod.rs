//! The store over Tencent SMH, on an emulated library.
#![allow(
    clippy::print_stdout,
    reason = "a table's case says its name, and figures are printed"
)]

mod calls;
mod clients;
mod contract;
mod kills;
mod matrix;
mod probing;
pub(crate) mod process;
pub(crate) mod rig;
mod rules;
mod seeing;
