//! What an outcome of a call means.
//!
//! 123pan tells most failures apart only by the text of its message, so the texts stand here, in
//! one table, each with where it comes from (API reference 5).

use super::Endpoint;
use crate::cloud::call::Way;
use crate::cloud::{Outcome, Reason};

/// Codes whose meaning doesn't depend on the message.
const CODES: &[(&str, Reason)] = &[
    ("401", Reason::Token),
    ("429", Reason::Throttled),
    ("5000", Reason::Server),
    ("5060", Reason::Taken),
    ("5066", Reason::NoFile),
    ("5113", Reason::Traffic),
    ("5114", Reason::Traffic),
    ("20103", Reason::Verifying),
];

/// Texts within messages, in the order in which they are looked for.
const TEXTS: &[(&str, Reason)] = &[
    ("tokens number", Reason::PushedOut),
    ("parentFileID不存在", Reason::NoParent),
    ("秒传队列", Reason::Queued),
    ("削峰", Reason::Queued),
    ("请慢一点", Reason::Queued),
    ("空间不足", Reason::Full),
    ("容量不足", Reason::Full),
    ("文件上传失败", Reason::Corrupt),
    ("同名", Reason::Taken),
    ("重复", Reason::Taken),
    ("已存在", Reason::Taken),
    ("256", Reason::BadName),
    ("封禁", Reason::Banned),
    ("禁止", Reason::Banned),
    ("拒绝", Reason::Banned),
    ("denied", Reason::Banned),
];

/// Texts of refusals of a refresh token, in lower case. No document has any: these are OAuth's own
/// (RFC 6749) and what 123pan might say. Others are asked again, ever more rarely.
const FINAL: [&str; 9] = [
    "invalid", "expired", "refresh", "grant", "token", "无效", "失效", "过期", "授权",
];

/// Why a call failed; None if it didn't.
pub fn reason(endpoint: Endpoint, outcome: &Outcome) -> Option<Reason> {
    let reason = match outcome {
        Outcome::Done => return None,
        Outcome::Refused { code, message, .. } => by_code(endpoint, code, message),
        Outcome::Garbage { status, start } => by_status(endpoint, *status, start),
        Outcome::NotSent(_) => Reason::Unreachable,
        Outcome::Lost(_) => Reason::Lost,
    };
    // A new token mends no request for a token; waiting for one would never end.
    Some(match reason {
        Reason::Token | Reason::PushedOut if endpoint.spec().is(Way::GivesTokens) => {
            Reason::NoToken
        }
        reason => reason,
    })
}

fn by_code(endpoint: Endpoint, code: &str, message: &str) -> Reason {
    let text = TEXTS.iter().find(|(text, _)| message.contains(text));
    let known = CODES.iter().find(|(known, _)| *known == code);
    let (known, text) = (known.map(|(_, is)| *is), text.map(|(_, is)| *is));
    match (endpoint, known, text) {
        (Endpoint::AccessToken | Endpoint::OauthToken, Some(Reason::Throttled), _) => {
            Reason::Throttled
        }
        (Endpoint::OauthToken, Some(Reason::Server), _) => Reason::Server,
        (Endpoint::OauthToken, ..) => match code == "401" || is_final(message) {
            true => Reason::Grant,
            false => Reason::NoToken,
        },
        (Endpoint::AccessToken, ..) => Reason::NoToken,
        (_, Some(Reason::Token), Some(Reason::PushedOut)) => Reason::PushedOut,
        (_, Some(reason), _) => reason,
        // Words of refusal mean a ban only where something is written (API reference 2.4), and
        // being full, which is final for restic, only where something is stored.
        (_, None, Some(Reason::Banned | Reason::Full)) if !endpoint.spec().is(Way::Writes) => {
            Reason::Unknown
        }
        (_, None, Some(reason)) => reason,
        (_, None, None) => Reason::Unknown,
    }
}

fn is_final(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    FINAL.iter().any(|text| message.contains(text))
}

fn by_status(endpoint: Endpoint, status: u16, start: &str) -> Reason {
    match status {
        401 => Reason::Token,
        403 if start.contains("forbidden") => Reason::Blocked,
        404 | 405 => Reason::NoEndpoint,
        // Final for restic, so only where there is something to be stored.
        507 if endpoint.spec().is(Way::Writes) => Reason::Full,
        429 => Reason::Throttled,
        // A proxy may say 500 and more after its backend has done the work.
        _ => Reason::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: i64, message: &str) -> Outcome {
        Outcome::Refused {
            status: 200,
            code: code.to_string(),
            message: message.to_owned(),
        }
    }

    fn garbage(status: u16, start: &str) -> Outcome {
        let start = start.to_owned();
        Outcome::Garbage { status, start }
    }

    #[test]
    fn messages_are_understood() {
        use Endpoint::{AccessToken, Complete, DownloadInfo, List, Mkdir, Purge, Single, Trash};
        let queued = "该任务已成功进入秒传队列,任务队列削峰中,请慢一点";
        let verifying = "文件正在校验中,请间隔1秒后再试";
        let crowded = "tokens number has exceeded the limit";
        let twin = "该目录下已经有同名文件夹,无法进行创建";
        let blocked = "123pan-global-slb forbidden client ip";
        for (endpoint, outcome, expected) in [
            (Single, refused(1, "该文件重复"), Reason::Taken),
            (Single, refused(1, "文件已存在"), Reason::Taken),
            (Single, refused(5060, ""), Reason::Taken),
            (Mkdir, refused(1, twin), Reason::Taken),
            (Single, refused(1, "parentFileID不存在"), Reason::NoParent),
            (Single, refused(1, queued), Reason::Queued),
            (Single, refused(1, "请求被拒绝"), Reason::Banned),
            (List, refused(1, "请求被拒绝"), Reason::Unknown),
            (List, refused(401, crowded), Reason::PushedOut),
            (List, refused(401, "token is expired"), Reason::Token),
            (
                AccessToken,
                refused(401, "clientSecret error"),
                Reason::NoToken,
            ),
            (AccessToken, garbage(401, ""), Reason::NoToken),
            (DownloadInfo, refused(20103, verifying), Reason::Verifying),
            (Complete, refused(1, "文件上传失败"), Reason::Corrupt),
            (Single, refused(1, "空间不足"), Reason::Full),
            (Trash, refused(1, "空间不足"), Reason::Unknown),
            (Single, refused(7, "?"), Reason::Unknown),
            (Purge, garbage(404, ""), Reason::NoEndpoint),
            (List, garbage(403, blocked), Reason::Blocked),
            (List, garbage(200, "<html>"), Reason::Lost),
        ] {
            let found = reason(endpoint, &outcome);
            assert_eq!(found, Some(expected), "{endpoint:?} {outcome:?}");
        }
        assert_eq!(reason(List, &Outcome::Done), None);
    }
}
