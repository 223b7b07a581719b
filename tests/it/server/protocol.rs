//! What a well-behaved client sees: every status, every form of body, old clients too.

use super::{Running, chunked, id, post};

/// Requests and the answers that they get, one after the other on one connection, so that no
/// refusal may leave it unusable: request, header of it, body; status, header of the answer, body.
/// P is a pack's id, O another, L 3000 bytes.
const TABLE: &str = "
POST   /a/b/              |                           |       | 400 | content-length: 0 |
POST   /a/b/?create=false |                           |       | 400 | content-length: 0 |
POST   /a/b/?create=true  |                           |       | 200 | content-length: 0 |
POST   /a/b/?create=true  |                           |       | 200 | content-length: 0 |
POST   /?create=true      |                           |       | 200 | content-length: 0 |
DELETE /a/b/              |                           |       | 405 | allow: POST |
GET    /                  |                           |       | 200 | content-type: text/plain; charset=utf-8 | restic-123pan works; see /-/
HEAD   /a/b/config        |                           |       | 404 | content-type: text/plain; charset=utf-8 |
GET    /a/b/config        |                           |       | 404 | content-type: text/plain; charset=utf-8 | there is no repository in /a/b
POST   /a/b/config        |                           | hello | 200 | content-length: 0 |
POST   /a/b/config        |                           | hello | 200 | content-length: 0 |
POST   /a/b/config        |                           | other | 403 | content-type: text/plain; charset=utf-8 | the name is taken by other content
POST   /a/b/config        |                           | L     | 403 | content-type: text/plain; charset=utf-8 | the name is taken by other content
HEAD   /a/b/config        |                           |       | 200 | content-length: 5 |
GET    /a/b/config        |                           |       | 200 | content-length: 5 | hello
GET    /a/b/config        |                           |       | 200 | content-type: application/octet-stream | hello
PUT    /a/b/config        |                           | hello | 405 | allow: HEAD, GET, POST, DELETE |
PATCH  /a/b/config        |                           | L     | 405 | allow: HEAD, GET, POST, DELETE |
DELETE /a/b/config        |                           |       | 403 | content-type: text/plain; charset=utf-8 | another client's config was refused a moment ago, and this one stays
POST   /a/c/config        |                           | hello | 200 | content-length: 0 |
DELETE /a/c/config        |                           |       | 200 | content-length: 0 |
DELETE /a/c/config        |                           |       | 200 | content-length: 0 |
GET    /a/b/data/         |                           |       | 200 | content-type: V1 | []
GET    /none/data/        |                           |       | 404 | content-length: 0 |
POST   /a/b/data/         |                           | hello | 405 | allow: GET |
POST   /a/b/data/O        |                           | hello | 400 | content-type: text/plain; charset=utf-8 | the body isn't what its name or length says
HEAD   /a/b/data/O        |                           |       | 404 | content-length: 0 |
POST   /a/b/data/P        |                           |       | 400 | content-type: text/plain; charset=utf-8 | the body isn't what its name or length says
POST   /a/b/data/P        |                           | hello | 200 | content-length: 0 |
POST   /a/b/data/P        |                           | hello | 200 | content-length: 0 |
POST   /a/b/data/PP       |                           | hello | 404 | content-length: 0 |
DELETE /a/b/data/         |                           |       | 405 | allow: GET |
PATCH  /a/b/data/P        |                           | L     | 405 | allow: HEAD, GET, POST, DELETE |
GET    /a/b/data/         |                           |       | 200 | content-type: V1 | ['P']
GET    /a/b/data/         | Accept: V2                |       | 200 | content-type: V2 | [{'name':'P','size':5}]
GET    /a/b/data/         | Accept: V2                |       | 200 | transfer-encoding: chunked | [{'name':'P','size':5}]
GET    /a/b/data          | Accept: V2                |       | 200 | content-type: V2 | [{'name':'P','size':5}]
GET    /a/b/data/         | Accept: text/html, V2;q=0.9 |       | 200 | content-type: V2 | [{'name':'P','size':5}]
GET    /a/b/data/         | Accept: application/VND.x.restic.rest.v2 |       | 200 | content-type: V2 | [{'name':'P','size':5}]
GET    /a/b/data/         | Accept: V1                |       | 200 | content-type: V1 | ['P']
GET    /a/b/data/         | Accept: */*               |       | 200 | content-type: V1 | ['P']
HEAD   /a/b/data/P        |                           |       | 200 | content-length: 5 |
HEAD   /a/b/data/P        | Content-Length: 0         |       | 200 | content-length: 5 |
HEAD   /a/b/data/P        |                           | hello | 200 | content-length: 5 |
GET    /a/b/data/P        |                           | L     | 200 | content-length: 5 | hello
GET    /a/b/data/P        | TE: chunked               |       | 200 | content-length: 5 | hello
GET    /a/b/data/P        | Range: bytes=0-           |       | 206 | content-range: bytes 0-4/5 | hello
GET    /a/b/data/P        | Range: bytes=1-2          |       | 206 | content-range: bytes 1-2/5 | el
GET    /a/b/data/P        | Range: bytes=1-2          |       | 206 | content-length: 2 | el
GET    /a/b/data/P        | Range: bytes=-2           |       | 206 | content-range: bytes 3-4/5 | lo
GET    /a/b/data/P        | Range: bytes=3-99         |       | 206 | content-range: bytes 3-4/5 | lo
GET    /a/b/data/P        | Range: bytes=5-           |       | 416 | content-range: bytes */5 |
GET    /a/b/data/P        | Range: bytes=1-2,4-4      |       | 416 | content-range: bytes */5 |
GET    /a/b/data/P        | Range: lines=1-2          |       | 200 | content-length: 5 | hello
GET    /a/%2e%2e/config   |                           |       | 404 | content-length: 0 |
GET    /a/../config       |                           |       | 404 | content-length: 0 |
GET    //config           |                           |       | 404 | content-length: 28 | there is no repository in /
POST   /a/b/data/x        |                           | L     | 404 | content-length: 0 |
POST   /a/b/locks/P       |                           | hello | 200 | content-length: 0 |
DELETE /a/b/locks/P       |                           |       | 200 | content-length: 0 |
DELETE /a/b/locks/P       | Content-Length: 0         |       | 200 | content-length: 0 |
DELETE /a/b/locks/P       |                           | hello | 400 | content-type: text/plain; charset=utf-8 | a DELETE has no body
GET    /a/b/locks/        |                           |       | 200 | content-type: V1 | []
DELETE /a/b/data/P        |                           |       | 200 | content-length: 0 |
GET    /a/b/data/P        |                           |       | 404 | content-length: 0 |
POST   /busy/config       |                           | L     | 503 | content-type: text/plain; charset=utf-8 | the cloud can't be used for now; see the server's log
HEAD   /panic/config      |                           |       | 500 | content-length: 0 |
POST   /panic/config      |                           | L     | 500 | content-length: 0 |
DELETE /panic/config      |                           |       | 500 | content-length: 0 |
HEAD   /a/c/config        |                           |       | 404 | content-type: text/plain; charset=utf-8 |
";

#[test]
fn every_status_of_the_protocol() {
    let server = Running::start();
    let (pack, other, long) = (id(b"hello"), id(b"other"), "x".repeat(3000));
    let fill = |cell: &str| {
        let mut text = cell.trim().replace('\'', "\"");
        for (short, whole) in [
            ("V1", "application/vnd.x.restic.rest.v1"),
            ("V2", "application/vnd.x.restic.rest.v2"),
            ("/PP", &format!("/{}", pack.to_uppercase())),
            ("/P", &format!("/{pack}")),
            ("\"P\"", &format!("\"{pack}\"")),
            ("/O", &format!("/{other}")),
        ] {
            // Methods have none of these.
            text = text.replace(short, whole);
        }
        text
    };
    let mut wire = server.open();
    for row in TABLE.lines().filter(|row| !row.is_empty()) {
        let cells: Vec<String> = row.split('|').map(fill).collect();
        let [request, header, body, status, expected, text] = cells.try_into().unwrap();
        let (method, path) = request.split_once(' ').unwrap();
        let header = if header.is_empty() {
            header
        } else {
            header + "\r\n"
        };
        let body = if body == "L" { &long } else { &body };
        let answer = wire.ask(method, path.trim(), &header, body.as_bytes());
        let (name, value) = expected.split_once(": ").unwrap();
        assert_eq!(answer.status.to_string(), status, "{row}: {answer:?}");
        assert_eq!(answer.header(name), Some(value), "{row}: {answer:?}");
        // The table has one kind of quotes.
        let said = answer.text().trim_end().replace('\'', "\"");
        assert_eq!(said, text, "{row}");
        assert_eq!(answer.header("server"), Some("restic-123pan"), "{row}");
        assert!(
            answer.header("date").is_some() && !answer.reason.is_empty(),
            "{row}"
        );
    }
}

#[test]
fn bodies_of_every_form() {
    let server = Running::start();
    let mut wire = server.open();
    let large = vec![7; 3 << 20];
    let path = |bytes: &[u8]| format!("/a/data/{}", id(bytes));
    let te = "Transfer-Encoding: chunked\r\n";

    // restic 0.19's and rustic's ways to create.
    let create = post("/a/?create=true", "Transfer-Encoding: Chunked\r\n");
    wire.send(create).send(chunked(&[b""]));
    assert_eq!(wire.answer(false).status, 200);
    wire.send(post("/a/?create=true", ""));
    assert_eq!(wire.answer(false).status, 200);

    wire.send(post(&path(&large), te))
        .send(chunked(&[&large[..1], &large[1..], b""]));
    assert_eq!(wire.answer(false).status, 200);
    assert_eq!(wire.ask("GET", &path(&large), "", b"").body.unwrap(), large);

    // A body whose length nobody tells.
    wire.send(post(&path(b"x"), ""));
    assert_eq!(wire.answer(false).status, 411);

    for bytes in [&b"small"[..], &large[1..]] {
        let length = format!(
            "Content-Length: 00{}\r\nExpect: 100-continue\r\n",
            bytes.len()
        );
        wire.send(post(&path(bytes), &length));
        assert_eq!(wire.answer(false).status, 100);
        assert_eq!(wire.send(bytes).answer(false).status, 200);
    }
    assert_eq!(wire.ask("HEAD", &path(&large), "", b"").status, 200);
    // A refusal wants no bytes. Whether some come all the same nobody knows, so it is the last answer.
    wire.send(post(
        "/a/data/x",
        "Content-Length: 5\r\nExpect: 100-continue\r\n",
    ));
    let answer = wire.answer(false);
    assert_eq!(
        (answer.status, answer.header("connection")),
        (404, Some("close"))
    );
    assert!(wire.ended());
}

#[test]
fn old_clients() {
    let server = Running::start();
    server.open().ask("POST", "/a/config", "", b"hello");
    server
        .open()
        .ask("POST", &format!("/a/keys/{}", id(b"key")), "", b"key");
    let mut wire = server.open();
    for _ in 0..2 {
        let answer = wire
            .send("GET /a/config HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
            .answer(false);
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
        assert_eq!(answer.header("connection"), Some("keep-alive"));
    }
    for wish in ["", "Connection: Keep-Alive\r\n"] {
        let mut wire = server.open();
        let answer = wire
            .send(format!("GET /a/keys/ HTTP/1.0\r\n{wish}\r\n"))
            .answer(false);
        assert_eq!(answer.header("transfer-encoding"), None);
        assert_eq!(answer.text(), format!("[\"{}\"]", id(b"key")));
        assert!(wire.ended());
    }
    let mut wire = server.open();
    assert_eq!(
        wire.ask("GET", "/a/config", "Connection: close\r\n", b"")
            .text(),
        "hello"
    );
    assert!(wire.ended());
}

#[test]
fn answers_that_fail_midway_are_cut() {
    let server = Running::start();
    let bytes = vec![9; 1 << 20];
    let path = format!("/cut/data/{}", id(&bytes));
    server.open().ask("POST", &path, "", &bytes);
    for path in [path.as_str(), "/cut/data/"] {
        let answer = server.open().ask("GET", path, "", b"");
        assert_eq!((answer.status, answer.body), (200, None), "{path}");
    }
    assert!(server.lives());
}
