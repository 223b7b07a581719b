//! What an outcome of a call means, and whether it is tried again. Pure: outcomes, counts and
//! times come in as arguments.
//!
//! 123pan tells most failures apart only by the text of its message, so the texts stand here, in
//! one table, each with where it comes from (API reference 5).

use super::Timing;
use super::api::Endpoint;
use std::time::Duration;

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer in 123pan's envelope.
    Answer {
        /// Its code; 0 is success.
        code: i64,
        /// Its message, which is for humans but must be read.
        message: String,
    },
    /// An answer that isn't JSON in the envelope: a proxy's page, a block, nothing at all.
    Garbage {
        /// The HTTP status.
        status: u16,
        /// The start of the body.
        start: String,
    },
    /// The request was certainly not received.
    NotSent(String),
    /// It may have been received and done; the answer is lost.
    Lost(String),
}

/// Why a call failed, as far as anybody must act differently on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The name is taken.
    Taken,
    /// The parent folder doesn't exist.
    NoParent,
    /// 123pan refuses the name.
    BadName,
    /// There is no file with this id, or not yet.
    NoFile,
    /// The account's download traffic is used up.
    Traffic,
    /// The file is being verified.
    Verifying,
    /// The upload was put into a queue; the file may appear later.
    Queued,
    /// The account may not write for some hours.
    Banned,
    /// This address may not talk to 123pan for some time.
    Blocked,
    /// The access token isn't valid.
    Token,
    /// The same, because more programs than allowed use this client id.
    PushedOut,
    /// The client id and secret aren't accepted, or no token may be asked for yet.
    NoToken,
    /// There is no refresh token that 123pan accepts: the user must log in again.
    Grant,
    /// The file of the refresh token can't be written.
    TokenFile,
    /// The token is over, and another process renews it.
    Held,
    /// Too many calls.
    Throttled,
    /// The account has no space left.
    Full,
    /// The bytes don't match their announced hash or size.
    Corrupt,
    /// The endpoint doesn't exist (any more).
    NoEndpoint,
    /// 123pan has trouble of its own, and nothing was done.
    Server,
    /// 123pan can't be reached.
    Unreachable,
    /// The answer was lost, or can't be read; it may have been done.
    Lost,
    /// A failure that nobody has described.
    Unknown,
}

/// What to do after an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try again after this pause.
    Again(Duration),
    /// Get a new token and try again.
    Renew,
    /// Give up.
    Fail,
}

/// Codes whose meaning doesn't depend on the message.
const CODES: &[(i64, Why)] = &[
    (401, Why::Token),
    (429, Why::Throttled),
    (5000, Why::Server),
    (5060, Why::Taken),
    (5066, Why::NoFile),
    (5113, Why::Traffic),
    (5114, Why::Traffic),
    (20103, Why::Verifying),
];

/// Texts within messages, in the order in which they are looked for.
const TEXTS: &[(&str, Why)] = &[
    ("tokens number", Why::PushedOut),
    ("parentFileID不存在", Why::NoParent),
    ("秒传队列", Why::Queued),
    ("削峰", Why::Queued),
    ("请慢一点", Why::Queued),
    ("空间不足", Why::Full),
    ("容量不足", Why::Full),
    ("文件上传失败", Why::Corrupt),
    ("同名", Why::Taken),
    ("重复", Why::Taken),
    ("已存在", Why::Taken),
    ("256", Why::BadName),
    ("封禁", Why::Banned),
    ("禁止", Why::Banned),
    ("拒绝", Why::Banned),
    ("denied", Why::Banned),
];

/// Texts of refusals of a refresh token, in lower case. No document has any: these are OAuth's own
/// (RFC 6749) and what 123pan might say. Others are asked again, ever more rarely.
const FINAL: [&str; 9] = [
    "invalid", "expired", "refresh", "grant", "token", "无效", "失效", "过期", "授权",
];

/// Why a call failed; None if it didn't.
pub fn why(endpoint: Endpoint, outcome: &Outcome) -> Option<Why> {
    let why = match outcome {
        Outcome::Answer { code: 0, .. } => return None,
        Outcome::Answer { code, message } => why_code(endpoint, *code, message),
        Outcome::Garbage { status, start } => why_status(endpoint, *status, start),
        Outcome::NotSent(_) => Why::Unreachable,
        Outcome::Lost(_) => Why::Lost,
    };
    // A new token mends no request for a token; waiting for one would never end.
    Some(match why {
        Why::Token | Why::PushedOut if endpoint.gives_tokens() => Why::NoToken,
        why => why,
    })
}

fn why_code(endpoint: Endpoint, code: i64, message: &str) -> Why {
    let by_text = TEXTS
        .iter()
        .find(|(text, _)| message.contains(text))
        .map(|(_, why)| *why);
    let by_code = CODES
        .iter()
        .find(|(known, _)| *known == code)
        .map(|(_, why)| *why);
    match (endpoint, by_code, by_text) {
        (Endpoint::AccessToken | Endpoint::OauthToken, Some(Why::Throttled), _) => Why::Throttled,
        (Endpoint::OauthToken, Some(Why::Server), _) => Why::Server,
        (Endpoint::OauthToken, ..) => match code == 401 || is_final(message) {
            true => Why::Grant,
            false => Why::NoToken,
        },
        (Endpoint::AccessToken, ..) => Why::NoToken,
        (_, Some(Why::Token), Some(Why::PushedOut)) => Why::PushedOut,
        (_, Some(why), _) => why,
        // Words of refusal mean a ban only where something is written (API reference 2.4), and
        // being full, which is final for restic, only where something is stored.
        (_, None, Some(Why::Banned | Why::Full)) if !endpoint.writes() => Why::Unknown,
        (_, None, Some(why)) => why,
        (_, None, None) => Why::Unknown,
    }
}

fn is_final(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    FINAL.iter().any(|text| message.contains(text))
}

fn why_status(endpoint: Endpoint, status: u16, start: &str) -> Why {
    match status {
        401 => Why::Token,
        403 if start.contains("forbidden") => Why::Blocked,
        404 | 405 => Why::NoEndpoint,
        // Final for restic, so only where there is something to be stored.
        507 if endpoint.writes() => Why::Full,
        429 => Why::Throttled,
        // A proxy may say these after its backend has done the work.
        500..=599 => Why::Lost,
        _ => Why::Lost,
    }
}

/// Whether a call is made again, after `tries` of them and `spent` since the first. `repeatable`
/// says that its body, if any, can be sent again.
pub fn judge(
    endpoint: Endpoint,
    why: Why,
    tries: u32,
    spent: Duration,
    repeatable: bool,
    timing: &Timing,
) -> Verdict {
    let pause = pause(timing.pause, tries);
    let within = |most: Duration| match spent + pause <= most {
        true => Verdict::Again(pause),
        false => Verdict::Fail,
    };
    match why {
        _ if !repeatable => Verdict::Fail,
        Why::Token | Why::PushedOut if tries == 1 => Verdict::Renew, // one a call
        // How long to wait `pace` knows best.
        Why::Throttled => match spent < timing.rate_wait {
            true => Verdict::Again(Duration::ZERO),
            false => Verdict::Fail,
        },
        // The pause between polls is documented: at least a second.
        Why::Verifying if endpoint == Endpoint::DownloadInfo => match spent <= timing.retry {
            true => Verdict::Again(timing.poll),
            false => Verdict::Fail,
        },
        // `upload` tries another host first, and looks for what may be there (safety rule 7).
        Why::Unreachable if endpoint.goes_elsewhere() => Verdict::Fail,
        Why::Server if endpoint.makes() => Verdict::Fail,
        Why::Unreachable | Why::Server => within(timing.retry),
        Why::Lost if endpoint.idempotent() => within(timing.retry),
        _ => Verdict::Fail,
    }
}

/// What an upload does after a call of it has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// See what lies under the name: it may be there, by us or by somebody else.
    Look,
    /// Find the folder anew, and send again.
    NewPath,
    /// Send again, to another host.
    OtherHost,
    /// Tell the client.
    GiveUp,
}

/// What an upload does after a call of it has failed for this reason.
pub fn after_upload(why: Why) -> After {
    match why {
        Why::NoParent => After::NewPath,
        Why::Unreachable => After::OtherHost,
        // Whatever can't be told apart from success is looked up (safety rule 7).
        Why::Taken | Why::Queued | Why::Verifying | Why::Lost | Why::Server => After::Look,
        Why::Corrupt | Why::Unknown => After::Look,
        _ => After::GiveUp,
    }
}

/// The pause before try number `tries` + 1: doubling from `first`, at most sixteen times as long.
pub fn pause(first: Duration, tries: u32) -> Duration {
    first * (1 << tries.saturating_sub(1).min(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: i64, message: &str) -> Outcome {
        Outcome::Answer {
            code,
            message: message.to_owned(),
        }
    }

    #[test]
    fn messages_are_understood() {
        let single = Endpoint::Single;
        for (endpoint, outcome, expected) in [
            (Endpoint::List, answer(0, "ok"), None),
            (single, answer(1, "该文件重复"), Some(Why::Taken)),
            (single, answer(1, "文件已存在"), Some(Why::Taken)),
            (single, answer(5060, ""), Some(Why::Taken)),
            (
                Endpoint::Mkdir,
                answer(1, "该目录下已经有同名文件夹,无法进行创建"),
                Some(Why::Taken),
            ),
            (single, answer(1, "parentFileID不存在"), Some(Why::NoParent)),
            (
                single,
                answer(1, "该任务已成功进入秒传队列,任务队列削峰中,请慢一点"),
                Some(Why::Queued),
            ),
            (single, answer(1, "请求被拒绝"), Some(Why::Banned)),
            (Endpoint::List, answer(1, "请求被拒绝"), Some(Why::Unknown)),
            (
                Endpoint::List,
                answer(401, "tokens number has exceeded the limit"),
                Some(Why::PushedOut),
            ),
            (
                Endpoint::List,
                answer(401, "token is expired"),
                Some(Why::Token),
            ),
            (
                Endpoint::AccessToken,
                answer(401, "clientSecret error"),
                Some(Why::NoToken),
            ),
            (
                Endpoint::AccessToken,
                Outcome::Garbage {
                    status: 401,
                    start: String::new(),
                },
                Some(Why::NoToken),
            ),
            (
                Endpoint::DownloadInfo,
                answer(20103, "文件正在校验中,请间隔1秒后再试"),
                Some(Why::Verifying),
            ),
            (
                Endpoint::Complete,
                answer(1, "文件上传失败"),
                Some(Why::Corrupt),
            ),
            (single, answer(1, "空间不足"), Some(Why::Full)),
            (Endpoint::Trash, answer(1, "空间不足"), Some(Why::Unknown)),
            (single, answer(7, "?"), Some(Why::Unknown)),
            (
                Endpoint::Purge,
                Outcome::Garbage {
                    status: 404,
                    start: String::new(),
                },
                Some(Why::NoEndpoint),
            ),
            (
                Endpoint::List,
                Outcome::Garbage {
                    status: 403,
                    start: "123pan-global-slb forbidden client ip".to_owned(),
                },
                Some(Why::Blocked),
            ),
            (
                Endpoint::List,
                Outcome::Garbage {
                    status: 200,
                    start: "<html>".to_owned(),
                },
                Some(Why::Lost),
            ),
        ] {
            assert_eq!(
                why(endpoint, &outcome),
                expected,
                "{endpoint:?} {outcome:?}"
            );
        }
    }

    #[test]
    fn only_what_can_do_no_harm_is_repeated() {
        let timing = Timing::default();
        let judge = |endpoint, why, repeatable| {
            judge(endpoint, why, 1, Duration::ZERO, repeatable, &timing)
        };
        assert_eq!(
            judge(Endpoint::List, Why::Lost, true),
            Verdict::Again(timing.pause)
        );
        assert_eq!(judge(Endpoint::Single, Why::Lost, true), Verdict::Fail);
        assert_eq!(judge(Endpoint::Trash, Why::Lost, true), Verdict::Fail);
        assert_eq!(judge(Endpoint::Mkdir, Why::Lost, true), Verdict::Fail);
        assert_eq!(
            judge(Endpoint::Mkdir, Why::Unreachable, true),
            Verdict::Again(timing.pause)
        );
        assert_eq!(
            judge(Endpoint::Single, Why::Throttled, false),
            Verdict::Fail
        );
        assert_eq!(judge(Endpoint::List, Why::Token, true), Verdict::Renew);
    }

    #[test]
    fn patience_ends() {
        let timing = Timing::default();
        let judge = |why, tries, spent| judge(Endpoint::List, why, tries, spent, true, &timing);
        assert_eq!(judge(Why::Token, 2, Duration::ZERO), Verdict::Fail);
        assert_eq!(judge(Why::Unreachable, 9, timing.retry), Verdict::Fail);
        assert!(matches!(
            judge(Why::Throttled, 9, timing.retry),
            Verdict::Again(_)
        ));
        assert_eq!(judge(Why::Throttled, 9, timing.rate_wait), Verdict::Fail);
    }
}
