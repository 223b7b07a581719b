//! Access tokens: what each one allows and when it ends. Every use puts that off. Pure; time comes
//! in as milliseconds.

use std::collections::HashMap;

/// The life of a token that asks for none that makes sense, in seconds.
const PERIOD: u64 = 86_400;

/// Everything a token can be granted.
const GRANTS: &[&str] = &[
    "admin",
    "space_admin",
    "create_space",
    "delete_space",
    "create_directory",
    "delete_directory",
    "delete_directory_permanent",
    "move_directory",
    "copy_directory",
    "upload_file",
    "upload_file_force",
    "begin_upload",
    "begin_upload_force",
    "confirm_upload",
    "delete_file",
    "delete_file_permanent",
    "move_file",
    "copy_file",
    "create_symlink",
    "delete_recycled",
    "restore_recycled",
];

/// A token's rights and its end.
#[derive(Clone, Debug)]
pub struct Token {
    period: u64,
    end: u64,
    grants: Vec<String>,
    spaces: Vec<String>,
}

impl Token {
    /// Whether it holds the library's highest right.
    pub fn is_admin(&self) -> bool {
        self.holds("admin")
    }

    /// Whether it administers its spaces.
    pub fn is_space_admin(&self) -> bool {
        self.is_admin() || self.holds("space_admin")
    }

    /// Whether a fine right, or a higher one, is held.
    pub fn may(&self, grant: &str) -> bool {
        self.is_space_admin() || self.holds(grant)
    }

    /// Whether it is good in a space.
    pub fn is_for(&self, space: &str) -> bool {
        match self.spaces.is_empty() {
            true => self.is_admin() || space == "-",
            false => self.spaces.iter().any(|own| own == space),
        }
    }

    fn holds(&self, grant: &str) -> bool {
        self.grants.iter().any(|held| held == grant)
    }
}

/// All tokens of the library.
#[derive(Default)]
pub struct Tokens {
    next: u64,
    living: HashMap<String, Token>,
}

impl Tokens {
    /// A new token and its life in seconds; `None` when there is no such grant.
    pub fn issue(
        &mut self,
        grants: Vec<String>,
        spaces: Vec<String>,
        period: Option<&str>,
        now: u64,
    ) -> Option<(String, u64)> {
        if grants.iter().any(|grant| !GRANTS.contains(&&**grant)) {
            return None;
        }
        let period = period.and_then(|text| text.parse().ok());
        let period = period.filter(|seconds| *seconds > 0).unwrap_or(PERIOD);
        self.next += 1;
        let mark = super::super::content::md5_hex(format!("{} {now}", self.next).as_bytes());
        let text = format!("acctk{:03}{}", self.next, mark.repeat(4));
        let token = Token {
            period,
            end: now + period * 1000,
            grants,
            spaces,
        };
        self.living.insert(text.clone(), token);
        Some((text, period))
    }

    /// The rights of a token that is used now.
    pub fn used(&mut self, text: &str, now: u64) -> Option<Token> {
        let token = self.living.get_mut(text).filter(|token| now < token.end)?;
        token.end = now + token.period * 1000;
        Some(token.clone())
    }

    /// The life of a token that is renewed now.
    pub fn renew(&mut self, text: &str, now: u64) -> Option<u64> {
        self.used(text, now).map(|token| token.period)
    }

    /// Ends one token.
    pub fn end(&mut self, text: &str) {
        self.living.remove(text);
    }

    /// Ends all.
    pub fn revoke_all(&mut self) {
        self.living.clear();
    }
}
