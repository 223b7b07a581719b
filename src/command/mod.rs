//! What the program does besides serving: one small module for each command.

mod ask;
pub mod bin;
mod check;
mod completions;
mod copy;
mod doctor;
mod grafana;
mod log;
mod login;
mod manual;
mod passwd;
mod pinned;
mod progress;
mod service;
mod transfer;
mod verify;

pub use ask::ask;
pub use check::{check, online};
pub use completions::completions;
pub use copy::{Copied, CopyOptions, End, Patience, copy};
pub use doctor::{doctor, probe};
pub use log::start_log;
pub use login::login;
pub use manual::manual;
pub use passwd::passwd;
pub use progress::Screen;
pub use service::service;
pub use transfer::transfer;
pub use verify::verify;

use std::process::ExitCode;

/// The exit code of what went well or not.
fn ended(good: bool) -> ExitCode {
    match good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
