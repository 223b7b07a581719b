//! What browsers are refused, and whom a proxy speaks for.

use crate::rig::Rig;
use crate::wire::Wire;

#[test]
fn pages_of_other_sites_are_refused() {
    let rig = Rig::start(&["--host", "nas.lan"]);
    let mut wire = Wire::open(rig.address());
    assert_eq!(wire.ask("POST", "/a/?create=true", "", b"").status, 200);
    let table = [
        ("GET", "/a/keys/", "Origin: https://evil.example\r\n", 403),
        ("GET", "/a/keys/", "Origin: null\r\n", 403),
        ("DELETE", "/a/config", "Sec-Fetch-Site: cross-site\r\n", 403),
        ("POST", "/a/config", "Sec-Fetch-Site: same-site\r\n", 403),
        ("GET", "/a/keys/", "Sec-Fetch-Site: none\r\n", 200),
        ("GET", "/a/keys/", "Sec-Fetch-Site: same-origin\r\n", 200),
        ("GET", "/-/status", "Sec-Fetch-Site: cross-site\r\n", 200),
    ];
    for (method, path, header, status) in table {
        let answer = wire.ask(method, path, header, b"");
        assert_eq!(answer.status, status, "{method} {path} {header}");
        if status == 403 {
            assert_eq!(answer.reason, "Web pages may not ask this server");
        }
    }
    for (host, status) in [
        ("127.0.0.1", 200),
        ("127.0.0.1:81", 200),
        ("[::1]", 200),
        ("[::1]:81", 200),
        ("LocalHost:1", 200),
        ("NAS.lan:8000", 200),
        ("nas.lan.", 200),
        ("", 403),
        ("rebound.example", 403),
        ("rebound.example:81", 403),
        ("127.0.0.1.rebound.example", 403),
        ("localhost.rebound.example", 403),
        ("nas.lan.evil", 403),
    ] {
        for path in ["/a/keys/", "/-/status"] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            let answer = wire.send(request).answer(false);
            assert_eq!(answer.status, status, "{host} {path}");
            assert!(status == 200 || answer.reason.contains("--host"));
        }
    }
    let nameless = "GET /-/status HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    assert_eq!(wire.send(nameless).answer(false).status, 200);
    // The target's own host counts.
    let absolute = "GET http://rebound.example/a/keys/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(wire.send(absolute).answer(false).status, 403);
    let absolute = "GET http://localhost/a/keys/ HTTP/1.1\r\nHost: rebound.example\r\n\r\n";
    assert_eq!(wire.send(absolute).answer(false).status, 200);
}

#[test]
fn packs_are_no_pages() {
    let rig = Rig::start(&[]);
    let mut wire = Wire::open(rig.address());
    assert_eq!(wire.ask("POST", "/a/?create=true", "", b"").status, 200);
    assert_eq!(wire.ask("POST", "/a/config", "", b"<html>").status, 200);
    let answer = wire.ask("GET", "/a/config", "", b"");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn a_trusted_proxy_says_who_asks() {
    let proxied = Rig::start(&["--trusted-proxy", "127.0.0.1"]);
    let alone = Rig::start(&["--trusted-proxy", "192.0.2.9"]);
    for (rig, hops, seen) in [
        (
            &proxied,
            "X-Forwarded-For: 198.51.100.1, 203.0.113.7\r\n",
            "203.0.113.7 GET /",
        ),
        (
            &proxied,
            "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: [2001:db8::5]:80\r\n",
            "2001:db8::5 GET /",
        ),
        (
            &proxied,
            "X-Forwarded-For: 203.0.113.7, unknown\r\n",
            "127.0.0.1 GET /none",
        ),
        (
            &alone,
            "X-Forwarded-For: 203.0.113.8\r\n",
            "127.0.0.1 GET /",
        ),
    ] {
        let mut wire = Wire::open(rig.address());
        assert_eq!(wire.ask("GET", "/none/config", hops, b"").status, 404);
        rig.wait_for(|line| line.contains(seen).then_some(()));
    }
    assert!(!alone.log().contains("203.0.113.8"));
}
