//! Why the cloud says no, and the codes and messages that stand for it on the wire: one table.

use super::switches::Taken;

/// A refusal of the cloud's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    NoParent,
    FolderExists,
    NameTaken(Taken),
    BadName,
    NoFile,
    NotInBin,
    BadIds,
    NoSpace,
    Banned,
    Queued,
    Verifying,
    UploadFailed,
    NoTraffic,
    ZeroBytes,
    TooLarge,
    Limit,
    TooMany,
    Field(&'static str),
    TokenMissing,
    TokenOver,
    TokenPushedOut,
    Credentials,
    /// A code or a refresh token isn't good; in these words, because no document has any.
    Grant(String),
    Platform,
    TooOften,
    NoSuchPath,
    Method,
}

impl Refusal {
    /// The code in the body, and its message.
    #[rustfmt::skip]
    pub fn wire(&self) -> (i64, String) {
        let (code, text) = match self {
            Refusal::NoParent => (1, "parentFileID不存在"),
            Refusal::FolderExists => (1, "该目录下已经有同名文件夹,无法进行创建"),
            Refusal::NameTaken(Taken::Exists) => (1, "该目录下文件已存在"),
            Refusal::NameTaken(Taken::Code5060) => (5060, "文件名冲突"),
            Refusal::NameTaken(_) => (1, "文件名重复"),
            Refusal::BadName => (1, "文件名要小于256个字符且不能包含以下任何字符:\"\\/:*?|><"),
            Refusal::NoFile => (5066, "文件不存在"),
            Refusal::NotInBin => (1, "文件不在回收站,无法彻底删除"),
            Refusal::BadIds => (1, "部分文件不存在或已被删除"),
            Refusal::NoSpace => (1, "空间不足"),
            Refusal::Banned => (1, "操作被拒绝,请稍后再试"),
            Refusal::Queued => (1, "该任务已成功进入秒传队列,任务队列削峰中,未直接获取到文件ID,请慢一点"),
            Refusal::Verifying => (20103, "文件正在校验中,请间隔1秒后再试"),
            Refusal::UploadFailed => (1, "文件上传失败"),
            Refusal::NoTraffic => (5113, "自用下载流量不足"),
            Refusal::ZeroBytes => (1, "文件大小不能为0"),
            Refusal::TooLarge => (1, "文件大小超出限制"),
            Refusal::Limit => (1, "limit不能大于100"),
            Refusal::TooMany => (1, "fileIDs数量超出限制"),
            Refusal::Field(name) => return (1, format!("参数错误: {name}")),
            Refusal::TokenMissing => (401, "access_token is required"),
            Refusal::TokenOver => (401, "token is expired"),
            Refusal::TokenPushedOut => (401, "tokens number has exceeded the limit"),
            Refusal::Credentials => (1, "clientID或clientSecret错误"),
            Refusal::Grant(said) => return (1, said.clone()),
            Refusal::Platform => (1, "Platform不正确"),
            Refusal::TooOften => (429, "请求太频繁"),
            Refusal::NoSuchPath => (404, "not found"),
            Refusal::Method => (405, "method not allowed"),
        };
        (code, text.to_owned())
    }

    /// The HTTP status that goes with a code when statuses are switched on.
    pub fn status(code: i64) -> u16 {
        match code {
            1 | 5060 => 400,
            401 => 401,
            404 | 5066 => 404,
            405 => 405,
            429 => 429,
            5113 => 403,
            _ => 200,
        }
    }
}
