//! Every text of the page, in each of its languages: one table. Names that others give are said as everywhere.

use crate::speech::chinese;

/// A language of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// 简体中文.
    Chinese,
}

impl Language {
    /// The language that an `Accept-Language` header likes best, of those that there are.
    pub fn of(accept: Option<&str>) -> Self {
        let mut best = (0.0, Self::English);
        for item in accept.unwrap_or("").split(',') {
            let (name, weight) = item.split_once(";q=").unwrap_or((item, "1"));
            let weight: f32 = weight.trim().parse().unwrap_or(0.0);
            let language = match name.trim().get(..2).map(str::to_ascii_lowercase).as_deref() {
                Some("zh") => Self::Chinese,
                Some("en") => Self::English,
                _ => continue,
            };
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    /// The language that a query names, as the switch of the page does.
    pub fn chosen(query: &str) -> Option<Self> {
        let all = [Self::English, Self::Chinese];
        let name = query.strip_prefix("lang=")?;
        all.into_iter().find(|one| one.texts().code == name)
    }

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::English => Self::Chinese,
            Self::Chinese => Self::English,
        }
    }

    /// Its texts.
    pub fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::Chinese => &CHINESE,
        }
    }
}

/// Makes the texts of a language from lines that hold them in each: what a text is called, English,
/// Chinese.
macro_rules! texts {
    ($($(#[$about:meta])* $name:ident $en:literal, $zh:literal;)*) => {
        /// The texts of a language.
        #[allow(missing_docs, reason = "the texts say themselves what they are")]
        #[derive(Debug)]
        pub struct Texts {
            $($(#[$about])* pub $name: &'static str,)*
            /// Tiers of accounts that have another name in this language.
            pub tiers: &'static [(&'static str, &'static str)],
            /// Seconds, minutes, hours, days; for one and for many.
            pub units: [[&'static str; 2]; 4],
        }

        /// English.
        pub static ENGLISH: Texts = Texts {
            $($name: $en,)*
            tiers: &[],
            units: [
                ["{} second", "{} seconds"],
                ["{} minute", "{} minutes"],
                ["{} hour", "{} hours"],
                ["{} day", "{} days"],
            ],
        };

        /// 简体中文.
        pub static CHINESE: Texts = Texts {
            $($name: $zh,)*
            tiers: &[
                ("disk", "磁盘"),
                ("free", "免费"),
                ("no quota", "无配额"),
                ("quota", "有配额"),
            ],
            units: [["{} 秒"; 2], ["{} 分钟"; 2], ["{} 小时"; 2], ["{} 天"; 2]],
        };
    };
}

texts! {
    code "en", "zh-CN";
    language "English", "中文";
    answers "answers", "连接正常";
    silent "can't be used", "无法使用";
    unasked "not asked yet", "尚未连接";
    running_for "running for {}", "已运行 {}";
    needs_you "Needs your attention", "需要您处理";
    account "Account", "账户";
    used_of "{} of {} used", "已用 {}，共 {}";
    /// The same of an account without a bound.
    used "{} used", "已用 {}";
    free "{} free", "剩余 {}";
    benefit_until "Developer benefit until", "开发者权益有效期至";
    token_until "Access token until", "访问令牌有效期至";
    no_account "Nothing is known of the account.", "没有账户信息。";
    repositories "Repositories", "备份仓库";
    no_repositories "No repository has been used yet.", "还没有使用过任何仓库。";
    others "Others", "其他";
    last_snapshot "Last snapshot", "最近快照";
    no_snapshot "No snapshot seen yet", "尚未见到快照";
    stale "no new one for more than {}", "超过 {}没有新快照";
    see_backup "No new snapshot in {}: see on that machine whether its backup still runs.", "{} 很久没有新快照：请检查那台机器的备份是否仍在运行。";
    last_day "{} in 24 hours", "24 小时内 {}";
    transfers "Under way", "正在传输";
    no_transfers "Nothing is being transferred.", "当前没有传输任务。";
    more "and {} more", "另有 {} 项";
    work "Queues and rates", "队列与速率";
    uploads "Uploads", "上传";
    waiting "Requests waiting", "排队请求";
    rate_waiting "Calls waiting", "等待速率";
    memory "Memory held", "占用内存";
    limits "Traffic limits", "流量限速";
    unlimited "none", "不限";
    removing "Packs being removed", "正在删除的数据包";
    unremoved "Packs that couldn't be removed", "未能删除的数据包";
    bin "Files to purge from the bin", "回收站待清除文件";
    call "Call", "接口";
    made "Made", "调用";
    refused "429", "429";
    failed "Failed", "失败";
    rate "Per second", "每秒上限";
    of "{} of {}", "{} / {}";
    warnings "Recent warnings", "最近警告";
    no_warnings "No warnings. All is well.", "没有警告，一切正常。";
    unknown "A warning of the log", "日志中有一条警告";
    in_log "the log has the details", "详情见日志";
    times "{} times", "{} 次";
    refreshes "This page refreshes itself every 10 seconds.", "本页每 10 秒自动刷新。";
    just_now "just now", "刚刚";
    ago "{} ago", "{}前";
}

impl Texts {
    /// A tier's name.
    pub fn tier<'n>(&self, name: &'n str) -> &'n str {
        let own = self.tiers.iter().find(|(tier, _)| *tier == name);
        own.map_or(name, |(_, own)| own)
    }

    /// What else has an English name.
    pub fn said(&self, name: &str) -> String {
        match self.code {
            "en" => name.to_owned(),
            _ => chinese(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_language_is_spoken() {
        for (accept, chinese) in [
            (None, false),
            (Some(""), false),
            (Some("de"), false),
            (Some("zh-CN,zh;q=0.9,en;q=0.8"), true),
            (Some("en-US,en;q=0.9,zh;q=0.8"), false),
            (Some("en;q=0.5, zh-Hans;q=0.75"), true),
            (Some("de, zh;q=0.3"), true),
            (Some("zh;q=0, en;q=0"), false),
            (Some("é,;q=,zh;q=é"), false),
        ] {
            let spoken = Language::of(accept) == Language::Chinese;
            assert_eq!(spoken, chinese, "{accept:?}");
        }
    }
}
