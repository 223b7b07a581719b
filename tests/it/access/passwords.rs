//! Who comes in: passwords that are right or wrong, how often they cost, and what guessing costs.

use super::{Guarded, authorization, cheap, dear};
use std::fs;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

/// Wrong passwords without any consequence, and guesses that are made after them.
const FREE: usize = 3;
const GUESSES: usize = 20;
/// Most of an address's attempts that are under way or kept back.
const KEPT: usize = 4;

#[test]
fn credentials_come_before_everything_else() {
    let users = [dear("anna", "secret"), cheap("ben")].concat();
    let server = Guarded::start(&users, |_, _| {});
    let right = [
        authorization("anna", "secret"),
        authorization("ben", "secret"),
    ];
    let wrong = [
        String::new(),
        "Authorization: Basic Og==\r\n".to_owned(),
        "Authorization: Basic nonsense\r\n".to_owned(),
        "Authorization: Bearer YW5uYTpzZWNyZXQ=\r\n".to_owned(),
        authorization("anna", "Secret"),
        authorization("nobody", "secret"),
        authorization("", "secret"),
    ];
    for (path, method, status) in [
        ("/none/config", "GET", 404),
        ("/UPPER/data/XY", "GET", 404),
        ("/none/data/", "DELETE", 405),
        ("/none/config", "DELETE", 200),
    ] {
        for headers in &right {
            let answer = server.open().ask(method, path, headers, b"");
            assert_eq!(answer.status, status, "{headers}{path}");
        }
    }
    for headers in &wrong {
        let answer = server.open().ask("GET", "/UPPER/data/XY", headers, b"");
        let asks = answer.header("www-authenticate");
        assert_eq!(
            (answer.status, asks),
            (401, Some("Basic realm=\"restic\"")),
            "{headers}"
        );
    }
}

/// Proxies speak HTTP/1.0 or end each connection, and the first request of a user may come so.
#[test]
fn the_last_request_of_a_connection_is_answered_once_proven() {
    let server = Guarded::start(
        &["anna", "ben", "carl", "dora"]
            .map(|user| dear(user, "secret"))
            .concat(),
        |_, _| {},
    );
    let content = vec![7; 3000];
    for (user, request, body, status) in [
        ("anna", "GET /config HTTP/1.0\r\n", &b""[..], 404),
        (
            "ben",
            "DELETE /config HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
            b"",
            200,
        ),
        ("carl", "POST /config HTTP/1.0\r\n", b"content", 200),
        (
            "dora",
            "POST /a/config HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
            &content,
            200,
        ),
    ] {
        let headers = authorization(user, "secret");
        let length = body.len();
        let mut wire = server.open();
        wire.send(format!(
            "{request}{headers}Content-Length: {length}\r\n\r\n"
        ));
        wire.send(body);
        assert_eq!(wire.answer(false).status, status, "{request}");
    }
}

/// What is refused is read away, so that the connection can be used again.
#[test]
fn bodies_of_strangers_are_read_away() {
    let server = Guarded::start(&dear("anna", "secret"), |_, _| {});
    let mut wire = server.open();
    let body = vec![0; 3 << 20];
    for headers in [String::new(), authorization("anna", "wrong")] {
        assert_eq!(wire.ask("POST", "/config", &headers, &body).status, 401);
    }
    let headers = authorization("anna", "secret");
    assert_eq!(
        wire.ask("POST", "/config", &headers, b"content").status,
        200
    );
}

#[test]
fn a_thousand_requests_cost_few_hashes() {
    let server = Guarded::start(&dear("anna", "secret"), |_, _| {});
    let headers = authorization("anna", "secret");
    thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                let mut wire = server.open();
                for _ in 0..200 {
                    assert_eq!(wire.ask("HEAD", "/config", &headers, b"").status, 404);
                }
            });
        }
    });
    let hashed = server.access.hashed();
    assert!((1..=3).contains(&hashed), "bcrypt ran {hashed} times");
}

#[test]
fn a_changed_file_counts_and_a_broken_one_does_not() {
    let server = Guarded::start(&dear("anna", "secret"), |_, _| {});
    let path = server.dir.path().join("htpasswd");
    let status = |user, password| {
        let headers = authorization(user, password);
        server.open().ask("GET", "/config", &headers, b"").status
    };
    assert_eq!(
        (status("anna", "secret"), status("ben", "secret")),
        (404, 401)
    );
    fs::write(&path, [dear("ben", "secret"), dear("anna", "new")].concat()).unwrap();
    // It is looked at once a second.
    server.wait();
    assert_eq!((status("ben", "secret"), status("anna", "new")), (404, 404));
    assert_eq!(status("anna", "secret"), 401, "although it was remembered");
    fs::write(&path, "nonsense").unwrap();
    server.access.reload().store(true, Ordering::Relaxed);
    assert_eq!((status("ben", "secret"), status("anna", "new")), (404, 404));
    fs::write(&path, dear("carl", "secret")).unwrap();
    server.access.reload().store(true, Ordering::Relaxed);
    assert_eq!(
        (status("carl", "secret"), status("ben", "secret")),
        (404, 401)
    );
}

#[test]
fn guessing_is_slow_and_hinders_nobody() {
    let server = Guarded::start(&dear("anna", "secret"), |rules, _| {
        // No answer that is kept back comes within this test.
        rules.pause = Duration::from_secs(3600);
    });
    let right = authorization("anna", "secret");
    assert_eq!(server.open().ask("GET", "/config", &right, b"").status, 404);
    let guess = |number: usize| {
        let headers = authorization("anna", &format!("guess {number}"));
        let mut wire = server.open();
        wire.send(format!(
            "GET /config HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
        ));
        wire
    };
    for number in 0..FREE {
        assert_eq!(guess(number).answer(false).status, 401);
    }
    let (sender, answers) = channel();
    let guess_on = |number| {
        let (mut wire, sender) = (guess(number), sender.clone());
        // Those that get no answer end with the server.
        thread::spawn(move || wire.try_answer(false).map(|a| sender.send(a.status)));
    };
    // One by one, until it is known that the address has failed too often.
    let first = (FREE..10 * GUESSES).find_map(|number| {
        guess_on(number);
        answers.recv_timeout(Duration::from_millis(50)).ok()
    });
    assert_eq!(first, Some(503), "kept back, or not tried");
    (0..GUESSES).for_each(guess_on);
    // Meanwhile somebody who is known works on, even from the same address, and isn't told that
    // there are too many.
    let mut wire = server.open();
    for _ in 0..50 {
        assert_eq!(wire.ask("GET", "/config", &right, b"").status, 404);
    }
    for _ in 0..GUESSES - KEPT {
        let status = answers.recv_timeout(Duration::from_secs(60));
        assert_eq!(status, Ok(503), "most aren't even tried");
    }
}

/// All at once, before any of them is known to be wrong.
#[test]
fn guesses_at_once_are_counted_at_once() {
    let server = Guarded::start(&dear("anna", "secret"), |rules, _| {
        rules.pause = Duration::from_secs(3600);
    });
    let mut wires: Vec<_> = (0..GUESSES).map(|_| server.open()).collect();
    for (number, wire) in wires.iter_mut().enumerate() {
        let headers = authorization(&format!("user {number}"), "guess");
        wire.send(format!(
            "GET /config HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
        ));
    }
    let (sender, answers) = channel();
    for mut wire in wires {
        let sender = sender.clone();
        thread::spawn(move || wire.try_answer(false).map(|a| sender.send(a.status)));
    }
    let answered = |_| answers.recv_timeout(Duration::from_secs(60)).unwrap();
    let statuses: Vec<u16> = (0..GUESSES - KEPT).map(answered).collect();
    let refused = statuses.iter().filter(|status| **status == 503).count();
    assert!(refused >= GUESSES - KEPT - FREE, "{statuses:?}");
    assert!(server.access.hashed() <= FREE + KEPT);
}

#[test]
fn what_was_remembered_goes_with_the_user() {
    let anna = dear("anna", "secret");
    let server = Guarded::start(&anna, |_, _| {});
    let path = server.dir.path().join("htpasswd");
    let status = || {
        let headers = authorization("anna", "secret");
        server.open().ask("GET", "/config", &headers, b"").status
    };
    assert_eq!((status(), status(), server.access.hashed()), (404, 404, 1));
    for (text, expected, hashed) in [(cheap("ben"), 401, 1), (anna, 404, 2)] {
        fs::write(&path, text).unwrap();
        server.access.reload().store(true, Ordering::Relaxed);
        assert_eq!((status(), server.access.hashed()), (expected, hashed));
    }
    // Where passwords are asked for, the server may be asked by any name.
    let request = "GET /config HTTP/1.1\r\nHost: nas.example\r\n\r\n";
    assert_eq!(server.open().send(request).answer(false).status, 401);
}

/// What is kept back comes when its time is over.
#[test]
fn a_guess_is_answered_after_its_pause() {
    const PAUSE: Duration = Duration::from_millis(50);
    let server = Guarded::start(&dear("anna", "secret"), |rules, _| rules.pause = PAUSE);
    let headers = authorization("anna", "guess");
    for number in 0..=FREE {
        let start = Instant::now();
        let answer = server.open().ask("GET", "/config", &headers, b"");
        assert_eq!(answer.status, 401);
        assert!(number < FREE || start.elapsed() >= PAUSE);
    }
}
