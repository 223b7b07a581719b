//! Outcomes and what they mean, as tables.

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
    let judge =
        |endpoint, why, repeatable| judge(endpoint, why, 1, Duration::ZERO, repeatable, &timing);
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
