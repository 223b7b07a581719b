//! The page of fixed snapshots.

use super::super::Warning;
use super::super::tests::full;
use super::*;
use crate::store::Health;
use crate::warning::Kind;

#[test]
fn everything_shows_and_nothing_foreign_is_markup() {
    let page = page(&full(), Language::English);
    for part in [
        "123pan answers",
        "VIP",
        "500 GiB of 2.00 TiB used",
        "width:24.4%",
        "/&lt;b&gt;&quot;x&quot;",
        "2 hours ago",
        "no new one for more than 1 hour",
        "No new snapshot in <b>/&lt;b&gt;&quot;x&quot;",
        "data/0123abcd",
        "4.00 MiB of 16.0 MiB",
        "Wait &amp; see.",
        "it &lt;broke&gt;",
        "&lt;script&gt;",
        "?lang=zh-CN",
        "<dd>42</dd>",
        "<dt>Packs being removed</dt><dd>17</dd>",
        "<dt>Packs that couldn't be removed</dt><dd>5</dd>",
        "<dd>↑ 2.00 MiB/s, ↓ none</dd>",
    ] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
    assert!(!page.contains("<script") && !page.contains("http://localhost"));
    for open in ["section", "div", "p", "dl", "main", "table"] {
        let count = |tag: &str| page.matches(tag).count();
        let opened = count(&format!("<{open}>")) + count(&format!("<{open} "));
        assert_eq!(opened, count(&format!("</{open}>")), "{open}");
    }
}

#[test]
fn the_page_speaks_chinese() {
    let page = page(&full(), Language::Chinese);
    for part in [
        "lang=\"zh-CN\"",
        "连接正常",
        "已用 500 GiB，共 2.00 TiB",
        "2 小时前",
        "超过 1 小时没有新快照",
        "请等待。",
        "<dt>正在删除的数据包</dt><dd>17</dd>",
        "<dd>↑ 2.00 MiB/s, ↓ 不限</dd>",
    ] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
}

/// In English the log's line stays; in Chinese its kind says what it means.
#[test]
fn warnings_say_what_to_do_in_the_readers_language() {
    let mut seen = full();
    let warning = |kind, subject: &str, text: &str| Warning {
        last: seen.now,
        times: 3,
        kind,
        subject: subject.to_owned(),
        text: text.to_owned(),
    };
    seen.warnings = vec![
        warning(Some(Kind::Login), "10.0.0.7", "login failed: user \"x\""),
        warning(Some(Kind::Damaged), "/a/b", "/a/b is damaged at some cloud"),
        warning(None, "", "an odd line"),
    ];
    for (language, parts) in [
        (
            Language::English,
            [
                "<p class=\"advice\">Run restic check.</p>",
                "login failed: user &quot;x&quot;",
                "an odd line",
                "3 times",
            ],
        ),
        (
            Language::Chinese,
            [
                "文件已损坏：/a/b",
                "登录失败，来自 10.0.0.7",
                "日志中有一条警告",
                "3 次",
            ],
        ),
    ] {
        let page = page(&seen, language);
        for part in parts {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
    }
}

/// Whatever is wrong, the Chinese page has no sentence in English.
#[test]
fn the_chinese_page_is_chinese() {
    let mut seen = full();
    seen.cloud.troubles[0].last = 1;
    for kind in Kind::ALL {
        seen.warnings = vec![Warning {
            kind: Some(*kind),
            ..Warning::default()
        }];
        let page = page(&seen, Language::Chinese);
        let text = page.split("<main>").nth(1).unwrap_or_default();
        let parts = text.split(['<', '>']).step_by(2);
        let words = |part: &str| {
            let words = part.split(|c: char| !c.is_ascii_alphabetic());
            words.filter(|word| word.len() > 1).count()
        };
        // A path is a name, in whatever language.
        let is_sentence = |part: &str| !part.starts_with('/') && words(part) > 2;
        let is_english = |part: &&str| part.is_ascii() && is_sentence(part);
        let english: Vec<&str> = parts.filter(is_english).collect();
        assert_eq!(english, [""; 0], "{kind:?}");
    }
}

#[test]
fn all_is_well_only_where_nothing_is_wrong() {
    let well = |change: fn(&mut Snapshot)| {
        let mut seen = full();
        (seen.warnings, seen.cloud.troubles) = (Vec::new(), Vec::new());
        seen.repositories[0].stale = false;
        change(&mut seen);
        let page = page(&seen, Language::English);
        let alarm = page.contains("Needs your attention");
        (
            alarm,
            page.contains("All is well"),
            page.contains("Recent warnings"),
        )
    };
    assert_eq!(well(|_| ()), (false, true, true));
    let stale = |seen: &mut Snapshot| seen.repositories[0].stale = true;
    assert_eq!(well(stale), (true, false, false));
    let broken = |seen: &mut Snapshot| seen.cloud.troubles = full().cloud.troubles;
    assert_eq!(well(broken), (true, false, false));
    let mended = |seen: &mut Snapshot| {
        seen.cloud.troubles = full().cloud.troubles;
        seen.cloud.troubles[0].over = true;
    };
    assert_eq!(
        well(mended),
        (false, true, true),
        "what is over is gone at once"
    );
    let silent = |seen: &mut Snapshot| seen.cloud.reachable = Some(false);
    assert_eq!(well(silent), (false, false, false));
}

#[test]
fn the_language_can_be_chosen() {
    let page = page(&full(), Language::Chinese);
    assert!(page.contains("<a href=\"?lang=en\""), "{page}");
    for (query, language) in [
        ("lang=en", Some(Language::English)),
        ("lang=zh-CN", Some(Language::Chinese)),
        ("lang=de", None),
        ("", None),
    ] {
        assert_eq!(Language::chosen(query), language, "{query}");
    }
}

#[test]
fn a_young_server_has_a_page_too() {
    for reachable in [None, Some(false)] {
        let cloud = Health {
            cloud: "123pan",
            reachable,
            ..Health::default()
        };
        let page = page(
            &Snapshot {
                cloud,
                ..Snapshot::default()
            },
            Language::English,
        );
        assert!(page.contains("No repository has been used"), "{page}");
    }
}
