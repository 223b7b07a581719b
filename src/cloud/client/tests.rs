//! Addresses that hold secrets, as some clouds' do: nobody is shown one, whatever goes wrong.

use super::*;
use crate::cloud::outcome::Fault;
use std::io::Write;
use std::net::TcpListener;
use std::thread;

/// A token in the query, and one in a header that the cloud gave.
const SECRET: &str = "acctk-5ecret";

static TABLE: [Spec; 2] = [
    Spec {
        number: 0,
        queue: 0,
        name: "list",
        method: "GET",
        ways: &[],
        rates: &[],
    },
    Spec {
        number: 1,
        queue: 0,
        name: "put",
        method: "PUT",
        ways: &[Way::Unsigned],
        rates: &[],
    },
];

/// A cloud that wants its token in the query, and answers with statuses alone.
static QUERY: Dialect = Dialect {
    cloud: "the cloud",
    table: &TABLE,
    probe: 0,
    sign: |request, token| {
        request.query += &format!("&access_token={}", token.unwrap_or_default());
    },
    understand: |_, answer, read| {
        let header = (answer.header)("X-Seen").unwrap_or_default();
        let outcome = match (answer.status, read(&format!("{header:?}"))) {
            (200, Ok(())) => Outcome::Done,
            (status, _) => Outcome::Garbage {
                status,
                start: String::from_utf8_lossy(answer.text).into_owned(),
            },
        };
        (outcome, String::new())
    },
    reason: |_, outcome| (*outcome != Outcome::Done).then_some(Reason::Unknown),
    advice: |_| None,
};

struct Fixed;

impl Tokens for Fixed {
    fn token(&self, _: &Client, _: Option<(&str, Reason)>) -> Result<Arc<str>, Fault> {
        Ok(SECRET.into())
    }

    fn stream<'s>(&self, _: &mut Option<Arc<str>>, streams: &'s Streams) -> Stream<'s> {
        streams.begin()
    }

    fn keep(&self) -> bool {
        false
    }

    fn expires(&self) -> Option<u64> {
        None
    }
}

fn client(api_url: &str) -> Client {
    let network = Network {
        api_url: api_url.to_owned(),
        allow_http: false,
        connections: 1,
        ipv4_only: true,
        ca: None,
        timing: Timing::default(),
    };
    Client::new(&network, &QUERY, Box::new(Fixed), &[1000.0])
}

#[test]
fn no_error_shows_an_address() {
    let signed = format!("/bucket/key?sign={SECRET}");
    for base in ["http://127.0.0.1:1", "http://not a host", "nonsense"] {
        let client = client(base);
        let call = Call::new(&TABLE[0], "/path").query("limit=1");
        let put = Call::new(&TABLE[1], &signed).to(base);
        let fetched = client.fetch(&format!("{base}{signed}"), None).err();
        let faults = [client.send(call).err(), client.send(put).err(), fetched];
        for fault in faults {
            let text = fault.expect("nobody is there").to_string();
            assert!(
                !text.contains(SECRET) && !text.contains("/bucket"),
                "{text}"
            );
        }
    }
}

/// Answers one request by what `answer` makes of its head.
fn serve(answer: fn(&str) -> String) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let thread = thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a request");
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") && socket.read(&mut byte).is_ok_and(|n| n > 0) {
            head.push(byte[0]);
        }
        let answer = answer(&String::from_utf8_lossy(&head));
        socket.write_all(answer.as_bytes()).expect("a reader");
    });
    (url, thread)
}

#[test]
fn a_dialect_signs_and_reads_what_it_likes() {
    let (url, thread) = serve(|head| {
        let line = head.lines().next().unwrap_or_default();
        let seen = line.split(' ').nth(1).unwrap_or_default();
        format!("HTTP/1.1 200 OK\r\nX-Seen: {seen}\r\nContent-Length: 0\r\n\r\n")
    });
    let client = client(&url);
    let seen: String = client
        .call(Call::new(&TABLE[0], "/a/b").query("limit=1"))
        .expect("an answer");
    assert_eq!(seen, format!("/a/b?limit=1&access_token={SECRET}"));
    thread.join().expect("it answered");
}

#[test]
fn what_goes_elsewhere_takes_its_own_headers_and_no_token() {
    let (url, thread) = serve(|head| {
        let wanted = head.starts_with("PUT /key HTTP/1.1\r\n")
            && head.to_lowercase().contains("x-cos-security-token: given")
            && !head.contains(SECRET);
        let seen = if wanted { "right" } else { "wrong" };
        format!("HTTP/1.1 200 OK\r\nX-Seen: {seen}\r\nContent-Length: 0\r\n\r\n")
    });
    let client = client("http://127.0.0.1:1");
    let headers = [("x-cos-security-token".to_owned(), "given".to_owned())];
    let call = Call::new(&TABLE[1], "/key").to(&url).headers(&headers);
    let seen: String = client.call(call).expect("an answer");
    assert_eq!(seen, "right");
    thread.join().expect("it answered");
}
