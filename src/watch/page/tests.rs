//! The page of fixed snapshots.

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
        "42 files",
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
    ] {
        assert!(page.contains(part), "{part:?} is not in\n{page}");
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
