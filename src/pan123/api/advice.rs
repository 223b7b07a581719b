//! What the server's owner can do about a trouble with 123pan, in the languages of the page.

use crate::cloud::Reason;
use crate::store::Advice;

/// What the server's owner can do; None for what is no trouble of his.
pub fn advice(reason: Reason) -> Option<Advice> {
    let (en, zh) = of_the_way(reason).or_else(|| of_the_account(reason))?;
    Some(Advice { en, zh })
}

/// A sentence in English and in Chinese.
type Words = (&'static str, &'static str);

/// What keeps calls from being answered.
fn of_the_way(reason: Reason) -> Option<Words> {
    Some(match reason {
        Reason::Unreachable => (
            "check this machine's network, DNS and clock; requests get 503 until 123pan can be \
             reached",
            "请检查本机的网络、DNS 和时钟；在能连上 123 云盘之前，请求会得到 503",
        ),
        Reason::Intercepted => (
            "something else answers in 123pan's place: log in to this network with a browser if it \
             asks for that, and check proxy, DNS and --api-url; requests get 503 meanwhile",
            "有其他设备在代替 123 云盘应答：如果本网络要求登录，请先用浏览器登录，并检查代理、DNS 和 \
             --api-url；在此期间请求会得到 503",
        ),
        Reason::NoToken => (
            "check PAN123_CLIENT_ID and PAN123_CLIENT_SECRET, or those of the OAuth app, and that \
             the developer benefit of the account hasn't ended; requests get 503 meanwhile",
            "请检查 PAN123_CLIENT_ID 和 PAN123_CLIENT_SECRET(或 OAuth 应用的相应设置)，并确认账户的\
             开发者权益没有到期；在此期间请求会得到 503",
        ),
        Reason::Refused => (
            "123pan gives access tokens and refuses them: see what reason it gives, and whether the \
             developer benefit of the account has ended; requests get 503 meanwhile",
            "123 云盘发放访问令牌后又拒绝使用：请查看它给出的原因，并确认账户的开发者权益没有到期；在此期间请求\
             会得到 503",
        ),
        Reason::Grant => (
            "log in again with `restic-123pan login`, which a running server notices by itself; \
             requests get 503 until then",
            "请用 `restic-123pan login` 重新登录，运行中的服务器会自动采用；在此之前请求会得到 503",
        ),
        Reason::TokenFile => (
            "make the OAuth token file and its folder writable for the server's user, and make \
             room on its disk: until then no new token is asked for",
            "请让服务器的用户可以写入 OAuth 令牌文件及其目录，并腾出磁盘空间；在此之前不会换取新令牌",
        ),
        Reason::Held => (
            "stop the server that holds it, or make any request to it, which renews the token",
            "请停止占用该文件的服务器，或向它发一个请求，它会更新令牌",
        ),
        _ => return None,
    })
}

/// What the answers are.
fn of_the_account(reason: Reason) -> Option<Words> {
    Some(match reason {
        Reason::PushedOut => (
            "another program has logged in with the same client id; 123pan allows three at a time",
            "有其他程序用同一个 client id 登录；123 云盘最多允许三个同时在线",
        ),
        Reason::Blocked => (
            "123pan refuses this address for some time; nothing but waiting helps",
            "123 云盘暂时拒绝本机的 IP 地址，只能等待",
        ),
        Reason::Banned => (
            "123pan refuses to store anything for this account, often for hours after too many \
             uploads at once: lower --uploads, and stop other programs that upload",
            "123 云盘暂时拒绝该账户写入，同时上传过多后常持续数小时：请调低 --uploads，\
             并停止其他上传程序",
        ),
        Reason::Traffic => (
            "the account's download traffic is used up: wait until it is renewed (for free \
             accounts, the next day) or buy more; reads get 503 until then",
            "账户的下载流量已用完：请等待恢复(免费账户为次日)或购买流量；在此之前读取会得到 503",
        ),
        Reason::Full => (
            "free some space in the account or buy more, then run restic again",
            "请在账户中腾出空间或购买容量，然后重新运行 restic",
        ),
        Reason::Clock => (
            "set this machine's clock, best by NTP: until both have agreed for an hour, nothing is \
             purged from the bin",
            "请校准本机的时钟，最好使用 NTP；在两边时钟一致满一小时之前，不会清除回收站中的任何文件",
        ),
        Reason::Throttled => (
            "other programs use this account too: lower --rate-share so that all of them fit",
            "有其他程序也在使用该账户：请调低 --rate-share，使总调用不超限",
        ),
        _ => return None,
    })
}
