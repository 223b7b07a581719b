//! Small text files as people's editors leave them: with a byte order mark, in UTF-16, with blanks
//! and carriage returns at the ends of lines. What stands in them is others' business.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// What some editors put before a text.
const MARK: char = '\u{feff}';

/// Reads a file, without the byte order mark.
pub fn read(path: &Path) -> io::Result<String> {
    decoded(&fs::read(path)?)
}

fn decoded(bytes: &[u8]) -> io::Result<String> {
    let pairs = |pair: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks();
        let units: Vec<u16> = pairs.iter().map(|two| pair(*two)).collect();
        String::from_utf16(&units).ok().filter(|_| rest.is_empty())
    };
    let text = match bytes {
        // As Windows' PowerShell writes by `>`.
        [0xff, 0xfe, ..] => pairs(u16::from_le_bytes),
        [0xfe, 0xff, ..] => pairs(u16::from_be_bytes),
        _ => String::from_utf8(bytes.to_vec()).ok(),
    };
    let text = text.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "it isn't UTF-8"))?;
    let unmarked = text.strip_prefix(MARK).map(str::to_owned);
    Ok(unmarked.unwrap_or(text))
}

/// An id or a secret of the cloud's, without blanks and line ends around it; an Err says why it
/// can't be one, without telling it.
pub fn credential(text: &str) -> Result<&str, String> {
    let text = text.trim_start_matches(MARK).trim();
    match text.chars().position(|c| !c.is_ascii_graphic()) {
        None => Ok(text),
        Some(at) => Err(format!(
            "character {} can't be in an id or secret; it must be one word of ASCII letters, digits \
             and signs, and nothing else",
            at + 1
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_any_editor() {
        let wide =
            |units: &[u16]| -> Vec<u8> { units.iter().flat_map(|u| u.to_le_bytes()).collect() };
        let table: [(&[u8], Option<&str>); 6] = [
            (b"a\r\n", Some("a\r\n")),
            (b"\xef\xbb\xbfa", Some("a")),
            (&wide(&[0xfeff, 0x61, 0x7167]), Some("a照")),
            (b"\xfe\xff\0a", Some("a")),
            (b"\xff\xfea", None),
            (b"\xff", None),
        ];
        for (bytes, text) in table {
            assert_eq!(decoded(bytes).ok().as_deref(), text, "{bytes:?}");
        }
    }

    #[test]
    fn credentials_are_one_word() {
        for text in ["a1+/=", " a1+/=\t\r\n", "\u{feff}a1+/= \r"] {
            assert_eq!(credential(text), Ok("a1+/="));
        }
        for (text, at) in [
            ("a b", 2),
            ("a\u{200b}", 2),
            ("ａ", 1),
            ("ab\0", 3),
            ("id\nkey", 3),
        ] {
            let why = credential(text).expect_err(text);
            assert!(why.starts_with(&format!("character {at} ")), "{why}");
        }
    }
}
