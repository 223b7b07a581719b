//! What each role may do: one request for each cell of the table, and each must either be done or
//! leave everything as it was.

use super::{Guarded, cheap, id, with_roles};

const ROLES: [&str; 4] = ["read", "append", "write", "admin"];
const KINDS: [&str; 6] = ["config", "data", "keys", "locks", "snapshots", "index"];
/// The least role for each method on a file of each kind.
#[rustfmt::skip]
const FILES: [(&str, [&str; 6]); 4] = [
    ("HEAD", ["read"; 6]),
    ("GET", ["read"; 6]),
    ("POST", ["append"; 6]),
    ("DELETE", ["admin", "write", "admin", "append", "write", "write"]),
];

fn start(append_only: bool) -> Guarded {
    let users: String = ROLES.map(cheap).concat();
    let roles = ROLES.map(|role| format!("{role} / {role}\n")).concat();
    Guarded::start(&users, |rules, dir| {
        with_roles(&roles)(rules, dir);
        rules.append_only = append_only;
    })
}

fn rank(role: &str) -> usize {
    ROLES.iter().position(|name| *name == role).unwrap()
}

fn path(repo: &str, kind: &str, content: &[u8]) -> String {
    match kind {
        "config" => format!("{repo}config"),
        kind => format!("{repo}{kind}/{}", id(content)),
    }
}

/// Tries every cell of the table of files; `most` bounds every role.
fn check_files(server: &Guarded, most: &str) {
    for (method, row) in FILES {
        for (kind, least) in KINDS.into_iter().zip(row) {
            for role in ROLES {
                let allowed = rank(role).min(rank(most)) >= rank(least);
                check_file(server, method, kind, role, allowed);
            }
        }
    }
}

fn check_file(server: &Guarded, method: &str, kind: &str, role: &str, allowed: bool) {
    // A repository for each cell, made by whoever may under all rules.
    let repo = format!("/{method}-{kind}-{role}/");
    let content: &[u8] = b"what the file holds";
    let path = path(&repo, kind, content);
    let there = method != "POST";
    if there {
        assert_eq!(server.ask("append", "POST", &path, content).status, 200);
    }
    let body = if method == "POST" { content } else { b"" };
    let status = server.ask(role, method, &path, body).status;
    let cell = format!("{role} {method} {kind}");
    assert_eq!(status, if allowed { 200 } else { 403 }, "{cell}");
    let exists = server.ask("read", "HEAD", &path, b"").status == 200;
    let expected = match (method, allowed) {
        ("POST", allowed) => allowed,
        ("DELETE", allowed) => !allowed,
        _ => true,
    };
    assert_eq!(exists, expected, "{cell}, afterwards");
}

#[test]
fn every_role_on_every_file() {
    check_files(&start(false), "admin");
}

#[test]
fn append_only_bounds_every_role() {
    check_files(&start(true), "append");
}

#[test]
fn every_role_on_every_list_and_folder() {
    let server = start(false);
    for role in ROLES {
        let repo = format!("/of-{role}/");
        let create = format!("{repo}?create=true");
        let created = server.ask(role, "POST", &create, b"").status;
        assert_eq!(created, if role == "read" { 403 } else { 200 }, "{role}");
        server.ask("admin", "POST", &create, b"");
        for kind in &KINDS[1..] {
            let list = format!("{repo}{kind}/");
            assert_eq!(
                server.ask(role, "GET", &list, b"").status,
                200,
                "{role} {kind}"
            );
        }
    }
}

/// Without roles, append-only holds for everybody, also for somebody without a password.
#[test]
fn append_only_without_users() {
    let server = Guarded::start("", |rules, _| rules.append_only = true);
    let mut wire = server.open();
    for (kind, removed) in KINDS.into_iter().zip([403, 403, 403, 200, 403, 403]) {
        let path = path("/", kind, b"content");
        assert_eq!(wire.ask("POST", &path, "", b"content").status, 200);
        // The answer was lost: restic removes what it doesn't know to be there, and sends again.
        assert_eq!(wire.ask("DELETE", &path, "", b"").status, removed, "{kind}");
        assert_eq!(
            wire.ask("POST", &path, "", b"content").status,
            200,
            "{kind}"
        );
        if kind == "config" {
            assert_eq!(wire.ask("POST", &path, "", b"another").status, 403);
        }
    }
}

#[test]
fn users_keep_to_their_folders() {
    let users = [cheap("anna"), cheap("ben")].concat();
    let server = Guarded::start(&users, |rules, _| rules.private_repos = true);
    let table = [
        ("/anna/config", 200),
        ("/anna/laptop/config", 200),
        ("/annabel/config", 403),
        ("/ben/config", 403),
        ("/config", 403),
        ("/anna%2fx/config", 404),
        ("/../ben/config", 404),
        ("/%61nna/nas/config", 200),
    ];
    for (path, status) in table {
        assert_eq!(
            server.ask("anna", "POST", path, b"x").status,
            status,
            "{path}"
        );
    }
}

#[test]
fn the_longest_path_gives_the_role() {
    let users = [cheap("laptop"), cheap("nightly"), cheap("guest")].concat();
    let roles = "laptop /home append\nnightly / write\n* /home/shared read\n";
    let server = Guarded::start(&users, with_roles(roles));
    let pack = path("/home/x/", "data", b"pack");
    assert_eq!(server.ask("laptop", "POST", &pack, b"pack").status, 200);
    assert_eq!(server.ask("laptop", "DELETE", &pack, b"").status, 403);
    assert_eq!(server.ask("nightly", "DELETE", &pack, b"").status, 200);
    assert_eq!(server.ask("guest", "HEAD", &pack, b"").status, 403);
    let shared = path("/home/shared/", "data", b"pack");
    assert_eq!(server.ask("laptop", "POST", &shared, b"pack").status, 403);
    assert_eq!(server.ask("guest", "HEAD", &shared, b"").status, 404);
    assert_eq!(server.ask("laptop", "HEAD", "/config", b"").status, 403);
}
