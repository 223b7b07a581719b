//! Numbers and times as people read them, and foreign text made harmless.

use super::texts::Texts;

/// A part in percent of a whole, with one digit after the point.
pub fn percent(part: u64, whole: u64) -> String {
    let tenths = u128::from(part) * 1000 / u128::from(whole.max(1));
    let tenths = tenths.min(1000);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// How long ago something was.
pub fn age(texts: &Texts, then: u64, now: u64) -> String {
    let span = span(texts, now.saturating_sub(then));
    match now.saturating_sub(then) {
        0..5 => texts.just_now.to_owned(),
        _ => texts.ago.replace("{}", &span),
    }
}

/// How long something takes.
pub fn span(texts: &Texts, seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..60 => (seconds, 0),
        60..3600 => (seconds / 60, 1),
        3600..172_800 => (seconds / 3600, 2),
        _ => (seconds / 86_400, 3),
    };
    let [one, many] = texts.units[unit];
    let text = if count == 1 { one } else { many };
    text.replace("{}", &count.to_string())
}

/// A text with two gaps, and what is put into them.
pub fn filled(text: &str, one: &str, other: &str) -> String {
    text.replacen("{}", one, 1).replacen("{}", other, 1)
}

/// Text that can stand in HTML, in attributes as well.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::texts::{CHINESE, ENGLISH};
    use super::*;

    #[test]
    fn shares() {
        assert_eq!(percent(1, 3), "33.3");
        assert_eq!(percent(5, 0), "100.0");
        assert_eq!(percent(u64::MAX, u64::MAX), "100.0");
    }

    #[test]
    fn ages() {
        for (seconds, english, chinese) in [
            (3, "just now", "刚刚"),
            (59, "59 seconds ago", "59 秒前"),
            (60, "1 minute ago", "1 分钟前"),
            (7200, "2 hours ago", "2 小时前"),
            (200_000, "2 days ago", "2 天前"),
        ] {
            assert_eq!(age(&ENGLISH, 1000, 1000 + seconds), english);
            assert_eq!(age(&CHINESE, 1000, 1000 + seconds), chinese);
        }
        assert_eq!(age(&ENGLISH, 1000, 10), "just now", "a clock set back");
    }

    #[test]
    fn nothing_foreign_is_markup() {
        assert_eq!(
            escaped("<a href='x' b=\"y\">&\n"),
            "&lt;a href=&#39;x&#39; b=&quot;y&quot;&gt;&amp; "
        );
    }
}
