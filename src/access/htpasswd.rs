//! The file with the users' passwords, as Apache's `htpasswd` writes it: `user:hash` a line, with
//! bcrypt (`htpasswd -B`) or SHA-1 (`{SHA}`) as the hash.

use super::credentials::BASE64;
use super::watched::Wrong;
use base64::Engine as _;
use sha1::{Digest, Sha1};
use std::collections::HashMap;

/// Highest cost of bcrypt. Each step doubles the time; beyond this one a login takes minutes.
const COSTLIEST: u32 = 16;
/// Longest name in bytes.
const LONGEST: usize = 255;
/// Bytes of a bcrypt hash: the form, the cost, and 53 characters of salt and hash.
const BCRYPT: usize = 60;

/// The users and the hashes of their passwords.
#[derive(Debug)]
pub(super) struct Users {
    users: HashMap<String, Stored>,
    /// The cost of the dearest hash; None if none is by bcrypt.
    dearest: Option<u32>,
}

/// A password's hash.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Stored {
    /// The whole text, which bcrypt itself reads.
    Bcrypt(String),
    /// The hash itself.
    Sha1([u8; 20]),
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Users {
    /// A user's hash.
    pub(super) fn stored(&self, user: &str) -> Option<&Stored> {
        self.users.get(user)
    }

    /// Their names, in no order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.users.keys().map(String::as_str)
    }

    /// Hashes of nobody's that take, together with a user's own, as long as the dearest in the
    /// file: each cost takes twice as long as the one before it.
    pub(super) fn decoys(&self, own: Option<&Stored>) -> Vec<Stored> {
        let Some(dearest) = self.dearest else {
            return Vec::new();
        };
        // Valid, and the hash of no password that anybody knows.
        let decoy = |cost| Stored::Bcrypt(format!("$2b${cost:02}${}", ".".repeat(53)));
        match own.and_then(Stored::cost) {
            None => vec![decoy(dearest)],
            Some(cost) => (cost..dearest).map(decoy).collect(),
        }
    }
}

impl Stored {
    /// Whether a password is the right one; takes the same time if it isn't.
    pub(super) fn is(&self, password: &[u8]) -> bool {
        match self {
            Self::Bcrypt(text) => bcrypt::verify(password, text).unwrap_or(false),
            Self::Sha1(hash) => same(hash, &Sha1::digest(password)),
        }
    }

    /// What tells this hash from others.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Bcrypt(text) => text.as_bytes(),
            Self::Sha1(hash) => hash,
        }
    }

    /// The cost; None without bcrypt.
    pub(super) fn cost(&self) -> Option<u32> {
        match self {
            Self::Bcrypt(text) => text.get(4..6)?.parse().ok(),
            Self::Sha1(_) => None,
        }
    }
}

/// Compares in a time that doesn't tell where the difference is.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    let differs = a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b));
    a.len() == b.len() && std::hint::black_box(differs) == 0
}

/// Reads the file. One without users counts as wrong: `htpasswd` empties it before it writes.
pub(super) fn parse(text: &str) -> Result<Users, Wrong> {
    let mut users = HashMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |why: &str| (number, why.to_owned());
        let (user, hash) = line.split_once(':').ok_or(wrong("write user:hash"))?;
        check_name(user).map_err(|why| wrong(&why))?;
        let stored = parse_hash(hash).map_err(|why| wrong(&why))?;
        if users.insert(user.to_owned(), stored).is_some() {
            return Err(wrong("this user stands there already"));
        }
    }
    let dearest = users.values().filter_map(Stored::cost).max();
    match users.is_empty() {
        true => Err((1, "there is no user in it".to_owned())),
        false => Ok(Users { users, dearest }),
    }
}

/// Whether somebody can be called so.
pub(super) fn check_name(user: &str) -> Result<(), String> {
    let bad = |c: char| c.is_control() || c == ':';
    match user.is_empty() || user.len() > LONGEST || user.contains(bad) || user.trim() != user {
        true => Err(
            "a user's name has 1 to 255 bytes, and neither colons nor blanks at its \
                     ends"
                .to_owned(),
        ),
        false => Ok(()),
    }
}

/// Whether a new user can be called so: as the files of passwords and of roles read it back.
pub(super) fn check_new_name(user: &str) -> Result<(), String> {
    check_name(user)?;
    // A comment, everybody, and what some editors put before a text.
    match user.starts_with(['#', '*', '\u{feff}']) {
        true => Err("a user's name can't begin with # or *, or with an invisible mark".to_owned()),
        false => Ok(()),
    }
}

fn parse_hash(text: &str) -> Result<Stored, String> {
    if let Some(encoded) = text.strip_prefix("{SHA}") {
        let hash = BASE64.decode(encoded).ok();
        let hash = hash.and_then(|hash| hash.try_into().ok());
        return hash.map(Stored::Sha1).ok_or("this is no SHA-1".to_owned());
    }
    let forms = ["$2a$", "$2b$", "$2y$"];
    if !forms.iter().any(|form| text.starts_with(form)) {
        let why = "only bcrypt and {SHA} are understood: use `htpasswd -B`, or this program's \
                   `passwd`";
        return Err(why.to_owned());
    }
    let in_salt = |c: u8| c.is_ascii_alphanumeric() || c == b'.' || c == b'/';
    let stored = Stored::Bcrypt(text.to_owned());
    let whole = text.len() == BCRYPT && text.as_bytes()[7..].iter().all(|c| in_salt(*c));
    match stored.cost() {
        Some(4..=COSTLIEST) if whole && text.as_bytes()[6] == b'$' => Ok(stored),
        Some(17..) => Err(format!("a cost above {COSTLIEST} would take minutes")),
        _ => Err("this is no whole bcrypt hash".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "secret", by bcrypt at its lowest cost.
    fn bcrypt_line(form: &str) -> String {
        let hash = bcrypt::hash_with_salt("secret", 4, *b"0123456789abcdef").expect("a cost");
        format!("a:${form}{}", &hash.to_string()[3..])
    }

    #[test]
    fn forms_of_passwords() {
        for form in ["2a", "2b", "2y"] {
            let users = parse(&bcrypt_line(form)).expect(form);
            let stored = users.stored("a").expect("a user");
            assert!(stored.is(b"secret") && !stored.is(b"secreT") && !stored.is(b""));
            assert!(!stored.is(b"sec\0ret"));
            let decoys = users.decoys(None);
            assert_eq!(decoys.len(), 1);
            assert!(decoys[0].cost() == Some(4) && !decoys[0].is(b"secret"));
            assert!(users.decoys(Some(stored)).is_empty());
            // It isn't refused at a glance, which would take no time.
            let Stored::Bcrypt(text) = &decoys[0] else {
                unreachable!()
            };
            assert!(bcrypt::verify("secret", text).is_ok());
        }
        let sha = "# who\n\nb:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n";
        let users = parse(sha).expect("it is right");
        let stored = users.stored("b").expect("a user");
        assert!(stored.is(b"secret") && !stored.is(b"other"));
        assert!(users.stored("c").is_none() && users.decoys(None).is_empty());
    }

    /// A hash of cost n takes 2^n steps.
    #[test]
    fn a_wrong_password_costs_the_same_for_everybody() {
        let dear = bcrypt_line("2y")
            .replace("a:", "dear:")
            .replace("$04$", "$09$");
        let cheap = format!("{dear}\nsha:{{SHA}}5en6G6MezRroT3XKqkdPOmY/BfQ=");
        let users = parse(&format!("{}\n{cheap}", bcrypt_line("2y"))).expect("it is right");
        for user in ["a", "dear", "sha", "nobody"] {
            let own = users.stored(user);
            let all = own.into_iter().cloned().chain(users.decoys(own));
            let steps: u32 = all.filter_map(|one| one.cost()).map(|cost| 1 << cost).sum();
            assert_eq!(steps, 1 << 9, "{user}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let good = bcrypt_line("2y");
        let table = [
            (String::new(), 1, "no user"),
            ("# a\nb".to_owned(), 2, "user:hash"),
            (format!("{good}\n{good}"), 2, "already"),
            (format!(":{good}"), 1, "name"),
            ("a:$apr1$x$y".to_owned(), 1, "only bcrypt"),
            ("a:secret".to_owned(), 1, "only bcrypt"),
            (good[..50].to_owned(), 1, "no whole bcrypt"),
            (good.replacen("04", "03", 1), 1, "no whole bcrypt"),
            (good.replacen("04", "31", 1), 1, "minutes"),
            ("a:{SHA}c2hvcnQ=".to_owned(), 1, "no SHA-1"),
        ];
        for (text, line, why) in table {
            let (number, said) = parse(&text).expect_err(&text);
            assert!(number == line && said.contains(why), "{text:?}: {said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }
}
