//! Faults that chance orders: how calls to an endpoint may fail without the cloud claiming a success
//! that isn't one, and a share of all calls that does.

use super::endpoint::Endpoint;
use super::faults::{How, When};
use std::time::Duration;

/// Longest that a call hangs.
pub const HANG: Duration = Duration::from_millis(700);

/// What can fail: a call of a cloud's.
pub trait Fails: Copy + Ord {
    /// In which ways it may fail without the cloud claiming a success that isn't one.
    fn hows(self) -> Vec<How>;
}

impl Fails for Endpoint {
    fn hows(self) -> Vec<How> {
        hows(self)
    }
}

/// In which ways calls to an endpoint may fail.
pub fn hows(endpoint: Endpoint) -> Vec<How> {
    let code = |code: i64, text: &str| How::Code(code, text.to_owned());
    if endpoint == Endpoint::Cdn {
        return vec![How::Html(503), How::Reset, How::Cut, How::Refuse];
    }
    let mut hows = vec![
        code(429, "请求太频繁"),
        code(5000, "系统繁忙"),
        code(1, "内部错误"),
        How::Html(500),
        How::Html(502),
        How::Html(429),
        How::Empty,
        How::BadJson,
        How::Reset,
        How::Reset,
        How::Cut,
        How::Refuse,
        How::Hang(HANG),
    ];
    match endpoint {
        Endpoint::Single | Endpoint::Slice => hows.push(How::ResetInBody(100)),
        Endpoint::Complete | Endpoint::DownloadInfo => hows.push(code(20103, "文件正在校验中")),
        _ => {}
    }
    // For these it would be a success that isn't one.
    if ![Endpoint::Trash, Endpoint::Delete].contains(&endpoint) {
        hows.extend([How::NullData, How::WrongShape]);
    }
    hows
}

/// One of so many calls fails; a seed says how.
pub struct Mix {
    seed: u64,
    every: u64,
    calls: u64,
}

impl Mix {
    /// One of so many calls fails.
    pub fn new(seed: u64, every: u64) -> Mix {
        Mix {
            seed,
            every,
            calls: 0,
        }
    }

    /// What happens to the next call.
    pub fn strike(&mut self, endpoint: impl Fails) -> Option<(When, How)> {
        self.calls += 1;
        if !self.calls.is_multiple_of(self.every) {
            return None;
        }
        let chance = scatter(self.seed.wrapping_add(self.calls));
        let hows = endpoint.hows();
        let how = hows[(chance >> 32) as usize % hows.len()].clone();
        let when = match how {
            How::ResetInBody(_) => When::Before,
            _ if chance >> 20 & 1 == 0 => When::Before,
            _ => When::After,
        };
        Some((when, how))
    }
}

/// Spreads numbers (the last step of splitmix64).
fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
