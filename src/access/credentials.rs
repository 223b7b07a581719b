//! The `Authorization` header.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::fmt;

/// Longest header in bytes that is looked at.
const LONGEST: usize = 2048;

/// Base64 as clients write it, with or without its padding.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A name and a password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: Vec<u8>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} with ***", self.user)
    }
}

/// Reads the header; None if it holds nothing that could be right. restic sends an empty name and
/// an empty password when it has none.
pub(super) fn read(header: &str) -> Option<Credentials> {
    let (scheme, text) = header.trim().split_once(' ')?;
    if header.len() > LONGEST || !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = BASE64.decode(text.trim()).ok()?;
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let user = std::str::from_utf8(&bytes[..colon]).ok()?;
    (bytes.len() > 1).then(|| Credentials {
        user: user.to_owned(),
        password: bytes[colon + 1..].to_vec(),
    })
}

/// The header's value for a name and a password.
pub fn authorization(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{user}:{password}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let table = [
            ("Basic YTpi", Some(("a", "b"))),
            ("basic  YTpiOmM= ", Some(("a", "b:c"))),
            ("Basic YTpiOmM", Some(("a", "b:c"))),
            ("BASIC YTo=", Some(("a", ""))),
            ("Basic Og==", None),
            ("Basic YQ==", None),
            ("Basic ***", None),
            ("Basic /zpi", None),
            ("Bearer YTpi", None),
            ("Basic", None),
            ("", None),
        ];
        for (header, expected) in table {
            let expected = expected.map(|(user, password)| Credentials {
                user: user.to_owned(),
                password: password.into(),
            });
            assert_eq!(read(header), expected, "{header:?}");
        }
    }

    #[test]
    fn no_password_is_shown() {
        let text = format!("{:?}", read("Basic YTpi"));
        assert!(text.contains("***") && !text.contains('b'), "{text}");
    }
}
