//! The page of fixed snapshots.

use super::super::Warning;
use super::super::tests::full;
use super::*;
use crate::store::Health;

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
        "data/0123abcd",
        "4.00 MiB of 16.0 MiB",
        "Wait &amp; see.",
        "it &lt;broke&gt;",
        "&lt;script&gt;",
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
        "请等待。",
        "<dt>正在删除的数据包</dt><dd>17</dd>",
        "<dd>↑ 2.00 MiB/s, ↓ 不限</dd>",
    ] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
    }
}

/// The raw line stays; what to do stands below it in the reader's language.
#[test]
fn known_warnings_say_what_to_do() {
    let mut seen = full();
    let texts = [
        "login failed from 10.0.0.7: user \"x\"",
        "/a/b is damaged at 123pan: it has",
    ];
    seen.warnings = texts
        .map(|text| Warning {
            last: seen.now,
            times: 1,
            text: text.to_owned(),
        })
        .into();
    for (language, advice) in [
        (
            Language::English,
            "<p class=\"advice\">Run restic check.</p>",
        ),
        (Language::Chinese, "请运行 restic check。</p>"),
        (Language::Chinese, "请查明该地址属于谁"),
    ] {
        let page = page(&seen, language);
        assert!(page.contains(advice), "{advice} is not in\n{page}");
        assert!(page.contains("login failed from 10.0.0.7: user &quot;x&quot;"));
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
