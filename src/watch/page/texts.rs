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
        let mut best = (0, Self::English);
        for item in accept.unwrap_or("").split(',') {
            let (name, weight) = item.split_once(";q=").unwrap_or((item, "1"));
            // From 0 to 1 with at most three digits after the point.
            let weight: String = format!("{}000", weight.trim().replacen('.', "", 1));
            let weight = weight
                .get(..4)
                .and_then(|digits| digits.parse().ok())
                .unwrap_or(0);
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

/// The texts of a language.
#[allow(missing_docs, reason = "the texts say themselves what they are")]
#[derive(Debug)]
pub struct Texts {
    pub code: &'static str,
    pub language: &'static str,
    pub answers: &'static str,
    pub silent: &'static str,
    pub unasked: &'static str,
    pub running_for: &'static str,
    pub needs_you: &'static str,
    pub account: &'static str,
    pub used_of: &'static str,
    /// The same of an account without a bound.
    pub used: &'static str,
    pub free: &'static str,
    pub benefit_until: &'static str,
    pub token_until: &'static str,
    pub no_account: &'static str,
    pub repositories: &'static str,
    pub no_repositories: &'static str,
    pub others: &'static str,
    pub last_snapshot: &'static str,
    pub no_snapshot: &'static str,
    pub stale: &'static str,
    pub see_backup: &'static str,
    pub last_day: &'static str,
    pub transfers: &'static str,
    pub no_transfers: &'static str,
    pub more: &'static str,
    pub work: &'static str,
    pub uploads: &'static str,
    pub waiting: &'static str,
    pub rate_waiting: &'static str,
    pub memory: &'static str,
    pub limits: &'static str,
    pub unlimited: &'static str,
    pub removing: &'static str,
    pub unremoved: &'static str,
    pub bin: &'static str,
    pub call: &'static str,
    pub made: &'static str,
    pub refused: &'static str,
    pub failed: &'static str,
    pub rate: &'static str,
    pub of: &'static str,
    pub warnings: &'static str,
    pub no_warnings: &'static str,
    pub unknown: &'static str,
    pub in_log: &'static str,
    pub times: &'static str,
    pub refreshes: &'static str,
    pub just_now: &'static str,
    pub ago: &'static str,
    /// Tiers of accounts that have another name in this language.
    pub tiers: &'static [(&'static str, &'static str)],
    /// Seconds, minutes, hours, days; for one and for many.
    pub units: [[&'static str; 2]; 4],
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

/// English.
pub static ENGLISH: Texts = Texts {
    code: "en",
    language: "English",
    answers: "answers",
    silent: "can't be used",
    unasked: "not asked yet",
    running_for: "running for {}",
    needs_you: "Needs your attention",
    account: "Account",
    used_of: "{} of {} used",
    used: "{} used",
    free: "{} free",
    benefit_until: "Developer benefit until",
    token_until: "Access token until",
    no_account: "Nothing is known of the account.",
    repositories: "Repositories",
    no_repositories: "No repository has been used yet.",
    others: "Others",
    last_snapshot: "Last snapshot",
    no_snapshot: "No snapshot seen yet",
    stale: "no new one for more than {}",
    see_backup: "No new snapshot in {}: see on that machine whether its backup still runs.",
    last_day: "{} in 24 hours",
    transfers: "Under way",
    no_transfers: "Nothing is being transferred.",
    more: "and {} more",
    work: "Queues and rates",
    uploads: "Uploads",
    waiting: "Requests waiting",
    rate_waiting: "Calls waiting",
    memory: "Memory held",
    limits: "Traffic limits",
    unlimited: "none",
    removing: "Packs being removed",
    unremoved: "Packs that couldn't be removed",
    bin: "Files to purge from the bin",
    call: "Call",
    made: "Made",
    refused: "429",
    failed: "Failed",
    rate: "Per second",
    of: "{} of {}",
    warnings: "Recent warnings",
    no_warnings: "No warnings. All is well.",
    unknown: "A warning of the log",
    in_log: "the log has the details",
    times: "{} times",
    refreshes: "This page refreshes itself every 10 seconds.",
    just_now: "just now",
    ago: "{} ago",
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
    code: "zh-CN",
    language: "中文",
    answers: "连接正常",
    silent: "无法使用",
    unasked: "尚未连接",
    running_for: "已运行 {}",
    needs_you: "需要您处理",
    account: "账户",
    used_of: "已用 {}，共 {}",
    used: "已用 {}",
    free: "剩余 {}",
    benefit_until: "开发者权益有效期至",
    token_until: "访问令牌有效期至",
    no_account: "没有账户信息。",
    repositories: "备份仓库",
    no_repositories: "还没有使用过任何仓库。",
    others: "其他",
    last_snapshot: "最近快照",
    no_snapshot: "尚未见到快照",
    stale: "超过 {}没有新快照",
    see_backup: "{} 很久没有新快照：请检查那台机器的备份是否仍在运行。",
    last_day: "24 小时内 {}",
    transfers: "正在传输",
    no_transfers: "当前没有传输任务。",
    more: "另有 {} 项",
    work: "队列与速率",
    uploads: "上传",
    waiting: "排队请求",
    rate_waiting: "等待速率",
    memory: "占用内存",
    limits: "流量限速",
    unlimited: "不限",
    removing: "正在删除的数据包",
    unremoved: "未能删除的数据包",
    bin: "回收站待清除文件",
    call: "接口",
    made: "调用",
    refused: "429",
    failed: "失败",
    rate: "每秒上限",
    of: "{} / {}",
    warnings: "最近警告",
    no_warnings: "没有警告，一切正常。",
    unknown: "日志中有一条警告",
    in_log: "详情见日志",
    times: "{} 次",
    refreshes: "本页每 10 秒自动刷新。",
    just_now: "刚刚",
    ago: "{}前",
    tiers: &[
        ("disk", "磁盘"),
        ("free", "免费"),
        ("no quota", "无配额"),
        ("quota", "有配额"),
    ],
    units: [
        ["{} 秒", "{} 秒"],
        ["{} 分钟", "{} 分钟"],
        ["{} 小时", "{} 小时"],
        ["{} 天", "{} 天"],
    ],
};

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
            let expected = if chinese {
                Language::Chinese
            } else {
                Language::English
            };
            assert_eq!(Language::of(accept), expected, "{accept:?}");
        }
    }
}
