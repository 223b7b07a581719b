//! The safety rules of Tencent SMH, a test each. What is a rule for every call, such as that a
//! deletion says whether it is for good, the emulator complains of in every other test as well.

mod removing;
mod saving;
mod serving;
mod showing;

use crate::fake::How;
use std::time::Duration;

/// An hour, which no test waits for.
const LONG: Duration = Duration::from_secs(3600);

fn code(status: i64, code: &str) -> How {
    How::Code(status, code.to_owned())
}
