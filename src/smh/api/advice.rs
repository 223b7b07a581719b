//! What the server's owner can do about a trouble with Tencent SMH, in the languages of the page.

use crate::cloud::Reason;
use crate::store::Advice;

/// What the server's owner can do; None for what is no trouble of his.
pub fn advice(reason: Reason) -> Option<Advice> {
    let (en, zh) = match reason {
        Reason::Unreachable => (
            "check --smh-host and this machine's network, DNS and clock; requests get 503 until \
             the library can be reached",
            "请检查 --smh-host 以及本机的网络、DNS 和时钟；在能连上媒体库之前，请求会得到 503",
        ),
        Reason::NoToken => (
            "check --smh-library and PAN123_SMH_LIBRARY_SECRET; requests get 503 meanwhile",
            "请检查 --smh-library 和 PAN123_SMH_LIBRARY_SECRET；在此期间请求会得到 503",
        ),
        Reason::Settings => (
            "look at the code: check --smh-space, and in Tencent's console that the library is one \
             of files, that its history is off and that its service hasn't ended",
            "请查看错误代码：检查 --smh-space，并在腾讯云控制台确认媒体库类型为文件、历史版本已关闭、\
             服务未到期",
        ),
        Reason::Traffic => (
            "the library's download traffic is used up: buy more, or wait until it is renewed; \
             reads get 503 until then",
            "媒体库的下载流量已用完：请购买流量或等待恢复；在此之前读取会得到 503",
        ),
        Reason::Full => (
            "free some space or raise the space's quota in Tencent's console, then run restic again",
            "请腾出空间或在腾讯云控制台提高空间配额，然后重新运行 restic",
        ),
        Reason::Throttled => (
            "other programs use this library too: lower --rate-share so that all of them fit",
            "有其他程序也在使用该媒体库：请调低 --rate-share，使总调用不超限",
        ),
        _ => return None,
    };
    Some(Advice { en, zh })
}
