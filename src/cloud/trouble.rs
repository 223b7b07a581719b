//! What is wrong with the cloud, said in the log so that its reader knows what to do, once a
//! minute at most and once more when it is over.

use super::judge::Why;
use super::token::now;
use crate::store::{Advice, Trouble};
use log::{error, info, warn};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Least time between two lines about the same trouble.
const QUIET: Duration = Duration::from_secs(60);

/// Characters of what happened that are remembered.
const REMEMBERED: usize = 320;

/// The troubles that there were, at most one of each kind.
#[derive(Default)]
pub struct Troubles(Mutex<HashMap<Why, State>>);

struct State {
    /// When the log was told; None once it was told that it is over.
    said: Option<Instant>,
    seen: Trouble,
}

/// What to do about a damaged file.
const DAMAGED: Advice = Advice {
    en: "run `restic check --read-data` and do what it says, as a rule `restic repair packs`, then \
         back up again; when the same file is sent again, it is replaced",
    zh: "请运行 `restic check --read-data` 并按其提示处理(通常为 `restic repair packs`)，\
         然后重新备份；再次上传同一文件时会替换它",
};

/// Troubles that keep everything from working, and are over as soon as 123pan answers.
const FATAL: [Why; 6] = [
    Why::Unreachable,
    Why::NoToken,
    Why::Grant,
    Why::TokenFile,
    Why::Held,
    Why::Blocked,
];

impl Troubles {
    /// Says a trouble with what to do about it, unless that was just said.
    pub fn tell(&self, why: Why, text: &str) {
        let Some(advice) = advice(why) else { return };
        let mut troubles = self.troubles();
        let state = troubles.entry(why).or_insert_with(|| State::new(advice));
        state.seen.last = now();
        state.seen.times += 1;
        state.seen.over = false;
        state.seen.text = text.chars().take(REMEMBERED).collect();
        if state.said.is_none_or(|at| at.elapsed() >= QUIET) {
            state.said = Some(Instant::now());
            warn!("{text}; {}", advice.en);
        }
    }

    /// Says that a file is damaged. Each of them is said: which one it is, is what matters.
    pub fn damaged(&self, text: &str) {
        error!("{text}; {}", DAMAGED.en);
        let mut troubles = self.troubles();
        let state = troubles.entry(Why::Corrupt);
        let seen = &mut state.or_insert_with(|| State::new(DAMAGED)).seen;
        seen.last = now();
        seen.times += 1;
        seen.text = text.chars().take(REMEMBERED).collect();
    }

    /// How many files were found damaged.
    pub fn damages(&self) -> u64 {
        let troubles = self.troubles();
        troubles
            .get(&Why::Corrupt)
            .map_or(0, |state| state.seen.times)
    }

    /// Says that 123pan answers, if it didn't before.
    pub fn over(&self) {
        let mut troubles = self.troubles();
        let mut is_over = false;
        for why in FATAL {
            if let Some(state) = troubles.get_mut(&why) {
                state.seen.over = true;
                is_over |= state.said.take().is_some();
            }
        }
        if is_over {
            info!("123pan answers again");
        }
    }

    /// Whether one of those stands that keep everything from working.
    pub fn unusable(&self) -> bool {
        let troubles = self.troubles();
        FATAL
            .iter()
            .any(|why| troubles.get(why).is_some_and(|state| !state.seen.over))
    }

    /// All of them, the last first.
    pub fn all(&self) -> Vec<Trouble> {
        let mut all: Vec<Trouble> = self.troubles().values().map(|s| s.seen.clone()).collect();
        all.sort_by_key(|trouble| std::cmp::Reverse(trouble.last));
        all
    }

    fn troubles(&self) -> MutexGuard<'_, HashMap<Why, State>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(advice: Advice) -> Self {
        let since = now();
        let seen = Trouble {
            since,
            advice,
            ..Trouble::default()
        };
        Self { said: None, seen }
    }
}

/// What the server's owner can do; None for what is no trouble of his.
pub fn advice(why: Why) -> Option<Advice> {
    let (en, zh) = match why {
        Why::Unreachable => (
            "check this machine's network, DNS and clock; requests get 503 until 123pan can be \
             reached",
            "请检查本机的网络、DNS 和时钟；在能连上 123 云盘之前，请求会得到 503",
        ),
        Why::NoToken => (
            "check PAN123_CLIENT_ID and PAN123_CLIENT_SECRET, or those of the OAuth app, and that \
             the developer benefit of the account hasn't ended; requests get 503 meanwhile",
            "请检查 PAN123_CLIENT_ID 和 PAN123_CLIENT_SECRET(或 OAuth 应用的相应设置)，并确认账户的\
             开发者权益没有到期；在此期间请求会得到 503",
        ),
        Why::Grant => (
            "log in again with `restic-123pan login`, which a running server notices by itself; \
             requests get 503 until then",
            "请用 `restic-123pan login` 重新登录，运行中的服务器会自动采用；在此之前请求会得到 503",
        ),
        Why::TokenFile => (
            "make the OAuth token file and its folder writable for the server's user, and make \
             room on its disk: until then no new token is asked for",
            "请让服务器的用户可以写入 OAuth 令牌文件及其目录，并腾出磁盘空间；在此之前不会换取新令牌",
        ),
        Why::Held => (
            "stop the server that holds it, or make any request to it, which renews the token",
            "请停止占用该文件的服务器，或向它发一个请求，它会更新令牌",
        ),
        Why::PushedOut => (
            "another program has logged in with the same client id; 123pan allows three at a time",
            "有其他程序用同一个 client id 登录；123 云盘最多允许三个同时在线",
        ),
        Why::Blocked => (
            "123pan refuses this address for some time; nothing but waiting helps",
            "123 云盘暂时拒绝本机的 IP 地址，只能等待",
        ),
        Why::Banned => (
            "123pan refuses to store anything for this account, often for hours after too many \
             uploads at once: lower --uploads, and stop other programs that upload",
            "123 云盘暂时拒绝该账户写入，同时上传过多后常持续数小时：请调低 --uploads，\
             并停止其他上传程序",
        ),
        Why::Traffic => (
            "the account's download traffic is used up: wait until it is renewed (for free \
             accounts, the next day) or buy more; reads get 503 until then",
            "账户的下载流量已用完：请等待恢复(免费账户为次日)或购买流量；在此之前读取会得到 503",
        ),
        Why::Full => (
            "free some space in the account or buy more, then run restic again",
            "请在账户中腾出空间或购买容量，然后重新运行 restic",
        ),
        Why::Throttled => (
            "other programs use this account too: lower --rate-share so that all of them fit",
            "有其他程序也在使用该账户：请调低 --rate-share，使总调用不超限",
        ),
        _ => return None,
    };
    Some(Advice { en, zh })
}
