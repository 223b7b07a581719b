//! What the program does besides serving: one small module for each command.

mod ask;
pub mod bin;
mod check;
mod completions;
mod copy;
mod doctor;
mod log;
mod login;
mod manual;
mod pinned;
mod progress;
mod service;
mod table;
mod transfer;
mod verify;

pub use ask::ask;
pub use check::check;
pub use copy::{Copied, End, Manner, Patience, copy};
pub use doctor::doctor;
pub use log::start_log;
pub use progress::Screen;
pub use table::{COMMANDS, Call, Command, Task, parse};
