//! The table of mishaps: what goes wrong, and which calls it can befall. A new mishap is one line.

use super::mishap::{
    CDN, Leave, Mishap, Place, ROWS, code, fault, more, resume, rows, state, token, uploads,
};
use crate::fake::{Endpoint, Host, How, Single, When};
use serde_json::json;
use std::time::Duration;

/// Longer than the server waits for an answer (`world`).
const TOO_LONG: Duration = Duration::from_millis(1000);

/// Longer than a case may take: whoever waits for it is told to hang.
const FOR_EVER: Duration = Duration::from_secs(3600);

const BODIES: &[Endpoint] = &[Endpoint::Single, Endpoint::Slice];
const HOSTS: &[Endpoint] = &[Endpoint::Domain, Endpoint::Create, Endpoint::DownloadInfo];
const IDS: &[Endpoint] = &[
    Endpoint::Mkdir,
    Endpoint::Single,
    Endpoint::Create,
    Endpoint::Complete,
];
const ADDRESS: &[Endpoint] = &[Endpoint::DownloadInfo];
const SLICES: &[Endpoint] = &[Endpoint::Complete];
const LIST: &[Endpoint] = &[Endpoint::List];

/// Every mishap.
pub(super) fn mishaps() -> Vec<Mishap> {
    let calls = [way(), proxies(), nonsense(), refusals(), troubles()];
    let answers = [strange_rows(), tokens(), cdn()];
    calls.into_iter().chain(answers).flatten().collect()
}

/// On the way there and back.
#[rustfmt::skip]
fn way() -> Vec<Mishap> {
    use Place::{Calls, Changes, First, Only};
    use When::{After, Before};
    vec![
        fault("closed without an answer", First, Before, How::Refuse),
        fault("reset before the effect", Calls, Before, How::Reset),
        fault("reset after the effect", Changes, After, How::Reset),
        fault("reset amid the body", Only(BODIES), Before, How::ResetInBody(9)),
        fault("answer cut", Calls, After, How::Cut),
        fault("hang before the effect", Calls, Before, How::Hang(TOO_LONG)),
        fault("hang after the effect", Changes, After, How::Hang(TOO_LONG)),
        fault("hosts of unknown names", Only(HOSTS), After, How::UnknownHost),
        fault("hosts that refuse connections", Only(HOSTS), After, How::DeadHost),
        state("the API refuses connections", Calls, |c| c.close(Host::Api)),
        state("the upload host refuses connections", Only(BODIES), |c| c.close(Host::Upload)),
        state("the CDN refuses connections", Only(CDN), |c| c.close(Host::Cdn)),
        state("idle connections end", Calls, |c| c.hang_up()),
    ]
}

/// What proxies say, who may or may not have asked the service.
#[rustfmt::skip]
fn proxies() -> Vec<Mishap> {
    use Place::{Calls, Changes, First};
    use When::{After, Before};
    vec![
        fault("HTTP 401", First, Before, How::Html(401)),
        fault("HTTP 403", First, Before, How::Html(403)),
        fault("block page", First, Before, How::Block),
        fault("HTTP 404", First, Before, How::Html(404)),
        fault("HTTP 429", Calls, Before, How::Html(429)),
        fault("HTTP 502", Calls, Before, How::Html(502)),
        fault("HTTP 502 after the effect", Changes, After, How::Html(502)),
        fault("HTTP 503", First, Before, How::Html(503)),
        fault("HTTP 507", First, Before, How::Html(507)).may(Leave::Full),
    ]
}

/// What can't be read, or isn't what was promised.
#[rustfmt::skip]
fn nonsense() -> Vec<Mishap> {
    use Place::{Calls, Changes, First, Only};
    use When::{After, Before};
    vec![
        fault("empty body", Calls, Before, How::Empty),
        fault("empty body after the effect", Changes, After, How::Empty),
        fault("bad JSON", Calls, After, How::BadJson),
        fault("a text for data", First, Before, How::WrongShape).may(Leave::Lies),
        fault("null for data", Calls, Before, How::NullData).may(Leave::Lies),
        fault("null for data after the effect", Changes, After, How::NullData),
        fault("no fields", First, Before, How::Data(json!({}))).may(Leave::Lies),
        fault("fields of other types", First, Before, How::Data(json!({
            "lastFileId": {}, "fileList": {}, "dirID": [], "fileID": [], "completed": "?",
            "downloadUrl": 5, "accessToken": 5, "preuploadID": 5,
        }))).may(Leave::Lies),
        fault("rows without names", Only(ROWS), Before, How::Data(json!({
            "lastFileId": -1, "fileList": [{"fileId": 5, "type": 0, "trashed": 0}],
        }))),
        fault("fileList null", Only(LIST), Before, How::Data(json!({"lastFileId": -1, "fileList": null}))),
        fault("no fileList", Only(LIST), Before, How::Data(json!({"lastFileId": -1}))),
        fault("no lastFileId", Only(LIST), Before, How::Data(json!({"fileList": []}))),
        fault("no rows of infos", Only(&[Endpoint::Infos]), Before, How::Data(json!({"fileList": null}))),
        fault("addresses that are none", Only(HOSTS), Before, How::Data(json!({
            "downloadUrl": "??", "preuploadID": "p", "sliceSize": 0, "servers": ["??"],
        }))),
        fault("hosts that are none", Only(&[Endpoint::Domain]), Before, How::Data(json!(["", "::"]))),
        fault("wrong ids", Only(IDS), After, How::WrongId).may(Leave::Lies),
    ]
}

/// What the service says.
#[rustfmt::skip]
fn refusals() -> Vec<Mishap> {
    vec![
        code("code 401", 401, "token is expired"),
        code("code 401, tokens number", 401, "tokens number has exceeded the limit"),
        code("code 429", 429, "请求太频繁"),
        code("code 403", 403, "forbidden"),
        code("code 404", 404, "not found"),
        code("code 5000", 5000, "内部错误"),
        code("code 5060, taken", 5060, "文件名冲突"),
        code("code 5066, no file", 5066, "文件不存在"),
        code("code 5113, no traffic", 5113, "自用下载流量不足"),
        code("code 20103, verifying", 20103, "文件正在校验中,请间隔1秒后再试"),
        code("code 1, nothing known", 1, "?"),
        code("code 1, no parent", 1, "parentFileID不存在"),
        code("code 1, repeated", 1, "文件名重复"),
        code("code 1, exists", 1, "该目录下文件已存在"),
        code("code 1, folder exists", 1, "该目录下已经有同名文件夹,无法进行创建"),
        code("code 1, bad name", 1, "文件名要小于256个字符且不能包含以下任何字符:\"\\/:*?|><"),
        code("code 1, queued", 1, "该任务已成功进入秒传队列,任务队列削峰中,未直接获取到文件ID,请慢一点"),
        code("code 1, upload failed", 1, "文件上传失败"),
        code("code 1, banned", 1, "操作被拒绝,请稍后再试"),
        code("code 1, bad ids", 1, "部分文件不存在或已被删除"),
        code("code 1, full", 1, "空间不足").may(Leave::Full),
    ]
}

/// How things are.
#[rustfmt::skip]
fn troubles() -> Vec<Mishap> {
    use Place::{Calls, Changes, Only};
    vec![
        state("no space", Changes, |c| c.set_space(10, 10)).may(Leave::Full),
        state("no traffic", Only(ADDRESS), |c| c.set_traffic(Some(0))),
        state("banned", Changes, |c| c.set(|s| s.banned = true)),
        state("blocked", Calls, |c| c.set(|s| s.blocked = true)),
        state("tokens ended", Calls, |c| c.revoke_tokens()),
        state("tokens pushed out", Calls, |c| c.push_out_tokens()),
        state("errors in statuses, and tokens ended", Calls, |c| {
            c.set(|s| s.http_status = true);
            c.revoke_tokens();
        }),
        state("lists are late", Calls, |c| {
            c.set(|s| (s.lag_files, s.lag_mkdir, s.lag_trash) = (TOO_LONG, TOO_LONG, TOO_LONG));
        }),
        state("lists and infos are late", Calls, |c| c.set(|s| {
            (s.lag_files, s.lag_mkdir, s.lag_trash) = (TOO_LONG, TOO_LONG, TOO_LONG);
            s.lag_infos = TOO_LONG;
        })).may(Leave::Lies),
        state("downloads say 20103 for a while", Only(ADDRESS), |c| c.set(|s| s.download_verifying = 2)),
        state("downloads say 5066 for a while", Only(ADDRESS), |c| c.set(|s| s.download_missing = 1)),
        state("downloads say 20103", Only(ADDRESS), |c| c.set(|s| s.download_verifying = u32::MAX)),
        state("slices are verified for a while", Only(SLICES), |c| c.set(|s| s.complete_verifying = 2)),
        state("slices are verified without end", Only(SLICES), |c| c.set(|s| s.complete_verifying = u32::MAX)),
        state("slices are unfinished without end", Only(SLICES), |c| c.set(|s| s.complete_unfinished = u32::MAX)),
        uploads("uploads are queued", Single::Queued),
        uploads("uploads are queued and never come", Single::QueuedNever),
        uploads("uploads are unfinished", Single::Unfinished),
        uploads("uploads have no id", Single::NoId),
        uploads("uploads are told done and never come", Single::Lost).may(Leave::Lies),
        uploads("uploads show a wrong size", Single::WrongSize).may(Leave::Lies),
        uploads("uploads show a wrong MD5", Single::WrongEtag).may(Leave::Lies),
    ]
}

/// Rows that say what can't be.
#[rustfmt::skip]
fn strange_rows() -> Vec<Mishap> {
    let stranger = "e".repeat(64);
    vec![
        more("a row comes twice", json!({})),
        more("a row of the id 0", json!({"fileId": 0, "type": 0, "filename": stranger})),
        more("a row of an id below 0", json!({"fileId": -7, "type": 0, "filename": stranger})),
        more("a row of an id that is a text", json!({"fileId": "seven"})),
        more("a folder of the id 0", json!({"fileId": 0, "type": 1, "filename": "keys"})),
        more("an id has two names", json!({"filename": "ab"})).may(Leave::Lies),
        more("a file of another folder", json!({
            "fileId": 999_999, "parentFileId": 888_888, "type": 0, "filename": stranger,
        })),
        more("a twin in another folder", json!({"fileId": 999_999, "parentFileId": 888_888})),
        more("a row without a name", json!({"fileId": 999_999, "filename": ""})),
        more("a row of a path", json!({"fileId": 999_999, "filename": "host/data", "type": 1})),
        more("a row of the path above", json!({"fileId": 999_999, "filename": "../keys"})),
        more("a row of odd bytes", json!({"fileId": 999_999, "filename": "\u{0}\u{fffd}\u{202e}\r\n%2f"})),
        more("a row of a long name", json!({"fileId": 999_999, "filename": "f".repeat(300)})),
        rows("files of no type", json!({"type": 7})),
        rows("files of the id 0", json!({"fileId": 0})).may(Leave::Lies),
        rows("files of another folder", json!({"parentFileId": 888_888})).may(Leave::Lies),
        fault("infos with other names", Place::Always(&[Endpoint::Infos]), When::After,
            How::OtherRows(json!({"filename": "ab"}))).may(Leave::Lies),
        rows("files of sizes below 0", json!({"size": -1})),
        rows("files of sizes beyond measure", json!({"size": u64::MAX})),
    ]
}

/// What comes instead of a token.
fn tokens() -> Vec<Mishap> {
    let code = |code, text: &str| How::Code(code, text.to_owned());
    let field = |name: &str, value: &str| How::Fields(json!({ name: value }));
    vec![
        token("token: reset", How::Reset),
        token("token: hang", How::Hang(TOO_LONG)),
        token("token: HTTP 429", How::Html(429)),
        token("token: block page", How::Block),
        token("token: empty body", How::Empty),
        token("token: null", How::NullData),
        token("token: code 401", code(401, "clientSecret error")),
        token(
            "token: tokens number",
            code(401, "tokens number has exceeded the limit"),
        ),
        token("token: an empty text", field("accessToken", "")),
        token("token: two lines", field("accessToken", "two\nlines")),
        token("token: nobody's", field("accessToken", "nobody's")),
        token(
            "token: ended before",
            field("expiredAt", "2001-01-01T00:00:00+08:00"),
        ),
        token(
            "token: ends in year 0",
            field("expiredAt", "0000-01-01T00:00:00+08:00"),
        ),
        token(
            "token: ends in year 9999",
            field("expiredAt", "9999-12-31T23:59:59+08:00"),
        ),
        token("token: ends at no time", field("expiredAt", "soon")),
    ]
}

/// At the CDN.
#[rustfmt::skip]
fn cdn() -> Vec<Mishap> {
    use Place::Only;
    use When::Before;
    vec![
        fault("CDN: closed without an answer", Only(CDN), Before, How::Refuse),
        fault("CDN: reset", Only(CDN), Before, How::Reset),
        fault("CDN: cut", Only(CDN), Before, How::Cut),
        fault("CDN: hang", Only(CDN), Before, How::Hang(TOO_LONG)),
        fault("CDN: HTTP 403", Only(CDN), Before, How::Html(403)),
        fault("CDN: HTTP 404", Only(CDN), Before, How::Html(404)),
        fault("CDN: HTTP 416", Only(CDN), Before, How::Html(416)),
        fault("CDN: HTTP 429", Only(CDN), Before, How::Html(429)),
        fault("CDN: HTTP 500", Only(CDN), Before, How::Html(500)),
        fault("CDN: HTTP 503", Only(CDN), Before, How::Html(503)),
        fault("CDN: HTTP 200 with a page", Only(CDN), Before, How::Html(200)),
        fault("CDN: HTTP 206 with a page", Only(CDN), Before, How::Html(206)),
        fault("CDN: empty", Only(CDN), Before, How::Empty),
        fault("CDN: JSON", Only(CDN), Before, How::Code(1010, "forbidden realc".to_owned())),
        fault("CDN: another Content-Range", Only(CDN), Before, How::OtherRange),
        fault("CDN: a byte short", Only(CDN), Before, How::Short),
        fault("CDN: other bytes", Only(CDN), Before, How::OtherBytes).may(Leave::OtherBytes),
        fault("CDN: stalls", Only(CDN), Before, How::Stall(FOR_EVER)),
        fault("CDN: another size", Only(CDN), Before, How::OtherSize),
        fault("CDN: everything", Only(CDN), Before, How::Whole),
        resume("CDN: cut, then closed", How::Refuse),
        resume("CDN: cut, then cut", How::Cut),
        resume("CDN: cut, then a stall", How::Stall(FOR_EVER)),
        resume("CDN: cut, then a hang", How::Hang(TOO_LONG)),
        resume("CDN: cut, then everything", How::Whole),
        resume("CDN: cut, then another Content-Range", How::OtherRange),
        resume("CDN: cut, then another size", How::OtherSize),
        resume("CDN: cut, then a byte short", How::Short),
        resume("CDN: cut, then HTTP 200 with a page", How::Html(200)),
        resume("CDN: cut, then HTTP 206 with a page", How::Html(206)),
        resume("CDN: cut, then HTTP 403", How::Html(403)),
        resume("CDN: cut, then HTTP 416", How::Html(416)),
        state("CDN: addresses have ended", Only(CDN), |c| c.advance(Duration::from_secs(24 * 3600))),
    ]
}
