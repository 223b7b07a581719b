//! What Kdocs' answers mean, and what its user can do. Codes are documented hardly anywhere, so that
//! the status counts, and then the words.

use super::table::Endpoint;
use crate::cloud::client::clip;
use crate::cloud::dialect::{Answer, Reading};
use crate::cloud::{Outcome, Reason};
use crate::store::Advice;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The envelope of all answers.
#[derive(Deserialize)]
struct Envelope<'a> {
    code: Option<i64>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    msg: Option<&'a RawValue>,
    message: Option<&'a RawValue>,
    result: Option<&'a RawValue>,
}

/// Reads an answer, and hands the data of a good one to `read`.
pub fn understand(answer: &Answer<'_>, read: &mut Reading<'_>) -> Outcome {
    let text = String::from_utf8_lossy(answer.text);
    let status = answer.status;
    let envelope = match serde_json::from_str::<Envelope<'_>>(&text) {
        Ok(envelope) if envelope.code.is_some() => envelope,
        _ => {
            let start = clip(&text);
            return Outcome::Garbage { status, start };
        }
    };
    if envelope.code != Some(0) || status >= 300 {
        let words = [envelope.msg, envelope.message, envelope.result];
        let words = words.into_iter().flatten().next();
        let message = words.map_or(String::new(), |text| {
            text.get().trim_matches('"').to_owned()
        });
        let code = envelope.code.unwrap_or(0).to_string();
        return Outcome::Refused {
            status,
            code,
            message,
        };
    }
    // Tokens may come without a shell of their own.
    let data = envelope.data.map_or(&*text, RawValue::get);
    match read(data) {
        Ok(()) => Outcome::Done,
        Err(error) => Outcome::Lost(format!("its data can't be read: {error}")),
    }
}

/// Words of refusals, in lower case, and what they mean; the first that is found counts.
const WORDS: [(&str, Reason); 21] = [
    ("over the limit", Reason::Budget),
    ("limit", Reason::Budget),
    ("频", Reason::Budget),
    ("次数", Reason::Budget),
    ("too many", Reason::Throttled),
    ("token", Reason::Token),
    ("未登录", Reason::Token),
    ("not exist", Reason::NoFile),
    ("notexist", Reason::NoFile),
    ("not found", Reason::NoFile),
    ("不存在", Reason::NoFile),
    ("exist", Reason::Taken),
    ("已存在", Reason::Taken),
    ("space", Reason::Full),
    ("空间", Reason::Full),
    ("容量", Reason::Full),
    ("type", Reason::BadName),
    ("类型", Reason::BadName),
    ("large", Reason::BadName),
    ("size", Reason::BadName),
    ("大小", Reason::BadName),
];

/// Why a call failed; None if it didn't.
pub fn reason(endpoint: Endpoint, outcome: &Outcome) -> Option<Reason> {
    let gives_tokens = matches!(endpoint, Endpoint::Token | Endpoint::Refresh);
    Some(match outcome {
        Outcome::Done => return None,
        Outcome::NotSent(_) => Reason::Unreachable,
        Outcome::Lost(_) => Reason::Lost,
        Outcome::Garbage { status, .. } | Outcome::Refused { status, .. } if *status >= 500 => {
            trouble(endpoint)
        }
        Outcome::Garbage { status: 429, .. } => Reason::Throttled,
        Outcome::Garbage { status: 403, .. } => Reason::Blocked,
        Outcome::Garbage { status: 404, .. } => Reason::NoEndpoint,
        Outcome::Garbage { status: 401, .. } if !gives_tokens => Reason::Token,
        Outcome::Garbage { .. } => Reason::Lost,
        Outcome::Refused { status: 429, .. } if gives_tokens => Reason::Throttled,
        Outcome::Refused { .. } if endpoint == Endpoint::Refresh => Reason::Grant,
        Outcome::Refused { .. } if endpoint == Endpoint::Token => Reason::NoToken,
        Outcome::Refused {
            status, message, ..
        } => refused(*status, message),
    })
}

/// The service has trouble: whether anything was done nobody knows of what isn't repeated.
fn trouble(endpoint: Endpoint) -> Reason {
    match endpoint {
        Endpoint::Upload | Endpoint::Delete | Endpoint::Refresh => Reason::Lost,
        _ => Reason::Server,
    }
}

fn refused(status: u16, message: &str) -> Reason {
    let message = message.to_lowercase();
    let found = WORDS.iter().find(|(words, _)| message.contains(words));
    match (status, found) {
        (401, _) => Reason::Token,
        (_, Some((_, reason))) => *reason,
        (429, None) => Reason::Throttled,
        (404, None) => Reason::NoFile,
        _ => Reason::Unknown,
    }
}

/// What to do about it.
pub fn advice(reason: Reason) -> Option<Advice> {
    let (en, zh) = match reason {
        Reason::Budget => (
            "wait for the next day, which begins at midnight in China, or have the app reviewed \
             and start with --kdocs-app formal",
            "请等待次日(北京时间零点)，或将应用提交审核后使用 --kdocs-app formal 启动",
        ),
        Reason::Grant | Reason::NoToken => (
            "log in with `restic-123pan login`, and look at the app's id and key",
            "请运行 `restic-123pan login` 重新登录，并检查应用的 id 和 key",
        ),
        Reason::TokenFile => ("make the state directory writable", "请确保状态目录可写"),
        Reason::Held => (
            "stop the other process that uses this state directory",
            "请停止使用同一状态目录的另一进程",
        ),
        Reason::Unreachable => (
            "look at this machine's network, and at https://developer.kdocs.cn",
            "请检查本机网络以及 https://developer.kdocs.cn",
        ),
        Reason::Blocked => (
            "Kdocs refuses this machine's address: wait, or use another one",
            "金山文档拒绝了本机地址：请稍候或更换地址",
        ),
        Reason::Full => (
            "free some space, and empty the recycle bin on kdocs.cn",
            "请释放空间，并在 kdocs.cn 清空回收站",
        ),
        Reason::Throttled => (
            "lower --rate-share; other programs may use the same app",
            "请降低 --rate-share；可能有其他程序使用同一应用",
        ),
        _ => return None,
    };
    Some(Advice { en, zh })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(status: u16, text: &str, endpoint: Endpoint) -> Option<Reason> {
        let header = |_: &str| None;
        let answer = Answer {
            status,
            header: &header,
            text: text.as_bytes(),
        };
        reason(endpoint, &understand(&answer, &mut |_| Ok(())))
    }

    #[test]
    fn refusals_are_known_by_status_and_words() {
        let list = Endpoint::List;
        for (status, text, endpoint, expected) in [
            (200, r#"{"code":0,"data":{}}"#, list, None),
            (200, r#"{"code":1,"msg":"x"}"#, list, Some(Reason::Unknown)),
            (
                200,
                r#"{"code":1,"message":"access_token expired"}"#,
                list,
                Some(Reason::Token),
            ),
            (401, r#"{"code":1}"#, list, Some(Reason::Token)),
            (
                403,
                r#"{"code":1,"result":"over the limit"}"#,
                list,
                Some(Reason::Budget),
            ),
            (
                404,
                r#"{"code":1,"msg":"file not exists"}"#,
                list,
                Some(Reason::NoFile),
            ),
            (
                400,
                r#"{"code":1,"msg":"file exists"}"#,
                Endpoint::Upload,
                Some(Reason::Taken),
            ),
            (
                400,
                r#"{"code":1,"msg":"expired"}"#,
                Endpoint::Refresh,
                Some(Reason::Grant),
            ),
            (502, "<html>", Endpoint::Upload, Some(Reason::Lost)),
            (502, "<html>", list, Some(Reason::Server)),
            (200, "", list, Some(Reason::Lost)),
            (200, "{}", list, Some(Reason::Lost)),
        ] {
            assert_eq!(meant(status, text, endpoint), expected, "{status} {text}");
        }
    }
}
