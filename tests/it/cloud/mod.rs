//! The store over 123pan, held against its contract and against each safety rule, on an emulator
//! in this process.
#![allow(
    clippy::print_stdout,
    clippy::type_complexity,
    reason = "a table's case says its name, and tables are typed where they stand"
)]

mod confirming;
pub(crate) mod contract;
mod damage;
mod deleting;
mod downloads;
mod folders;
mod grants;
mod layouts;
mod lists;
mod locks;
mod missing;
mod moved;
mod portal;
mod probing;
mod restarts;
pub(crate) mod rig;
mod serving;
mod several;
mod statuses;
mod tokens;
mod undo;
mod uploads;
mod verifying;
mod waste;
mod writing;
