//! Roles: what each of them may do, in one table, and the file that gives them to users.

use super::watched::Wrong;
use crate::restic::{File, Kind, Operation, Repo};
use crate::units::size;
use std::fmt;

/// How much somebody may do; each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Only read. Locks can't be made either: restic needs `--no-lock`.
    Read,
    /// Add files, and remove locks.
    Append,
    /// Remove what `prune` and `forget` remove.
    Write,
    /// Remove keys and the config too.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Read, Self::Append, Self::Write, Self::Admin];

    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Append => "append",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The least role for an operation. This is the whole table. What exists is never replaced by other
/// content, whoever asks; so saving is also what repeats a POST whose answer was lost.
pub(super) fn needed(operation: &Operation) -> Role {
    match operation {
        Operation::List(..) | Operation::Stat(..) | Operation::Load(..) => Role::Read,
        Operation::Create(_) | Operation::Save(..) => Role::Append,
        Operation::Remove(_, file) => match file.kind() {
            // Without this no backup could end, nor clean up after one that was killed.
            Some(Kind::Locks) => Role::Append,
            Some(Kind::Data | Kind::Index | Kind::Snapshots) => Role::Write,
            // Without its config or its last key a repository is lost, whatever else is there.
            Some(Kind::Keys) | None => Role::Admin,
        },
    }
}

/// What somebody may do in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// How much.
    pub role: Role,
    /// Whether the file of roles says so, and not just nothing.
    pub assigned: bool,
    /// Within which bound of space.
    pub limit: Option<Limit>,
}

impl Default for Grant {
    /// Everything: what holds without a file of roles.
    fn default() -> Self {
        Self {
            role: Role::Admin,
            assigned: false,
            limit: None,
        }
    }
}

impl Grant {
    /// Bytes of the account's free space that a file of this user's must leave free.
    pub fn keeps(&self, file: &File, reserve: u64) -> u64 {
        let bound = match (self.assigned, file.kind()) {
            // A lock is what even a restore begins with.
            (_, Some(Kind::Locks)) => false,
            (true, _) => self.role <= Role::Append,
            (false, kind) => kind == Some(Kind::Data),
        };
        if bound { reserve } else { 0 }
    }
}

/// A bound for all that lies in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The folder, as a repository at this path would be.
    pub folder: Repo,
    /// Most bytes in it, whoever stored them.
    pub bytes: u64,
}

/// The file's lines.
#[derive(Debug)]
pub(super) struct Roles(Vec<Line>);

#[derive(Debug)]
struct Line {
    /// None means every user.
    user: Option<String>,
    prefix: Repo,
    role: Role,
    limit: Option<u64>,
}

impl Roles {
    /// The users who are named.
    pub(super) fn users(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|line| line.user.as_deref())
    }

    /// What a user may do in a repository, by the line with the longest path; of two with the
    /// same path, by the one that names the user.
    pub(super) fn of(&self, user: &str, repo: &Repo) -> Option<Grant> {
        let fits = |line: &&Line| {
            line.user.as_deref().is_none_or(|name| name == user) && repo.is_within(&line.prefix)
        };
        let depth = |line: &&Line| (line.prefix.segments().count(), line.user.is_some());
        let line = self.0.iter().filter(fits).max_by_key(depth)?;
        Some(Grant {
            role: line.role,
            assigned: true,
            limit: line.limit.map(|bytes| Limit {
                folder: line.prefix.clone(),
                bytes,
            }),
        })
    }
}

/// Reads lines `user path role [limit=SIZE]`.
pub(super) fn parse(text: &str) -> Result<Roles, Wrong> {
    let mut lines: Vec<Line> = Vec::new();
    for (number, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let line = parse_line(text).map_err(|why| (number, why))?;
        let same = |other: &Line| (&other.user, &other.prefix) == (&line.user, &line.prefix);
        if lines.iter().any(same) {
            return Err((number, "this user and path stand there already".to_owned()));
        }
        lines.push(line);
    }
    match lines.is_empty() {
        true => Err((1, "there is no line that gives a role".to_owned())),
        false => Ok(Roles(lines)),
    }
}

fn parse_line(text: &str) -> Result<Line, String> {
    let mut words = text.split_whitespace();
    let (Some(user), Some(path), Some(role)) = (words.next(), words.next(), words.next()) else {
        return Err("write `user path role [limit=SIZE]`".to_owned());
    };
    if !path.starts_with('/') {
        return Err(format!("{path:?}: a path begins with /"));
    }
    let named = |candidate: &Role| candidate.name() == role;
    let role = Role::ALL.into_iter().find(named);
    let mut limit = None;
    for word in words {
        let size_of = |text| size(text).map_err(|why| format!("{word:?}: {why}"));
        match word.strip_prefix("limit=") {
            Some(text) if limit.is_none() => limit = Some(size_of(text)?),
            _ => return Err(format!("{word:?} isn't understood; write limit=SIZE")),
        }
    }
    Ok(Line {
        user: (user != "*").then(|| user.to_owned()),
        prefix: Repo::new(path.trim_matches('/'))
            .ok_or_else(|| format!("{path:?} can't be the path of a repository"))?,
        role: role.ok_or("a role is read, append, write or admin")?,
        limit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(roles: &Roles, user: &str, path: &str) -> Option<(Role, Option<u64>)> {
        let grant = roles.of(user, &Repo::new(path)?)?;
        Some((grant.role, grant.limit.map(|limit| limit.bytes)))
    }

    #[test]
    fn the_longest_path_wins() {
        let text = "# who where what\n\nlaptop / read\nlaptop /a append limit=2G\n\
                    laptop\t/a/b/ write\n* /a/b admin\n* /shared read\n";
        let roles = parse(text).expect("it is right");
        let table = [
            ("laptop", "", Some((Role::Read, None))),
            ("laptop", "a", Some((Role::Append, Some(2 << 30)))),
            ("laptop", "ab", Some((Role::Read, None))),
            ("laptop", "a/b", Some((Role::Write, None))),
            ("laptop", "a/b/c", Some((Role::Write, None))),
            ("laptop", "shared/x", Some((Role::Read, None))),
            ("other", "a/b", Some((Role::Admin, None))),
            ("other", "a", None),
            ("other", "", None),
        ];
        for (user, path, expected) in table {
            assert_eq!(role(&roles, user, path), expected, "{user} /{path}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let table = [
            ("", 1, "no line"),
            ("a / read\na /x", 2, "user path role"),
            ("a x read", 1, "begins with /"),
            ("#\na /x owner", 2, "read, append, write or admin"),
            ("a /x//y read", 1, "path of a repository"),
            ("a /data read", 1, "path of a repository"),
            ("a /x read limit=much", 1, "limit=much"),
            ("a /x read 5G", 1, "limit=SIZE"),
            ("a /x read\na /x/ write", 2, "already"),
        ];
        for (text, line, why) in table {
            let (number, said) = parse(text).expect_err(text);
            assert!(number == line && said.contains(why), "{text:?}: {said}");
        }
    }

    #[test]
    fn the_reserve() {
        let grant = |role, assigned| Grant {
            role,
            assigned,
            limit: None,
        };
        let id = crate::restic::Id([0; 32]);
        let file = |kind| File::Hashed(kind, id);
        let table = [
            (grant(Role::Append, true), Kind::Index, true),
            (grant(Role::Append, true), Kind::Locks, false),
            (grant(Role::Write, true), Kind::Data, false),
            (grant(Role::Admin, false), Kind::Data, true),
            (grant(Role::Append, false), Kind::Index, false),
        ];
        for (grant, kind, keeps) in table {
            assert_eq!(
                grant.keeps(&file(kind), 7) == 7,
                keeps,
                "{grant:?} {kind:?}"
            );
        }
    }
}
