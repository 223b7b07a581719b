//! What the program does besides serving: one small module for each command.

pub mod bin;
mod completions;
mod copy;
mod manual;
mod progress;
mod service;
mod table;
mod transfer;

pub use copy::{Copied, End, Manner, Patience, copy};
pub use progress::Screen;
pub use table::{COMMANDS, Call, Command, Task, parse};
