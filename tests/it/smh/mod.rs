//! The store over Tencent SMH, on an emulated library.
#![allow(
    clippy::print_stdout,
    reason = "a table's case says its name, and figures are printed"
)]

mod clients;
mod contract;
mod process;
pub(crate) mod rig;
