//! A request's head, as text: what it asks for, which part of a file, who asks, and what the service
//! makes of it all. Whether the text is a head at all is the target `head`'s question.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use restic_123pan::access::fuzz::credentials;
use restic_123pan::body::{Budget, Length};
use restic_123pan::restic::{File, MAX_TARGET, Operation, Range, Repo, parse};
use restic_123pan::server::fuzz::logged;
use restic_123pan::service::{Admission, Head, Service};
use restic_123pan::store::memory::Memory;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::sync::LazyLock;

/// Sizes of files of which a part is asked for, besides what the head itself has for numbers.
const SIZES: [u64; 5] = [0, 1, 155, 16 << 20, u64::MAX];

static SERVICE: LazyLock<Service> =
    LazyLock::new(|| Service::new(Box::new(Memory::default()), Budget::new(0, None)));

fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let (method, target) = first.split_once(' ').unwrap_or((first, ""));
    let headers: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(": ")).collect();
    let all = |name: &str| -> Vec<&str> {
        let named = headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        named.map(|(_, value)| *value).collect()
    };
    let one = |name: &str| all(name).first().copied();
    let length = one("Content-Length").and_then(|text| text.parse().ok());

    if let Ok(operation) = parse(method, target) {
        is_printed_and_read(&operation);
    }
    one("Range").map(is_within_bounds);
    one("Authorization").map(is_written_and_read);
    let shown = logged(target);
    assert!(shown.len() < 10 * 403 && !shown.contains(|c: char| c.is_control()));
    admit(&Head {
        method,
        target,
        accept: one("Accept"),
        range: one("Range"),
        language: one("Accept-Language"),
        authorization: one("Authorization"),
        origin: one("Origin"),
        site: one("Sec-Fetch-Site"),
        host: one("Host"),
        peer: Ipv4Addr::LOCALHOST.into(),
        length: length.map_or(Length::None, Length::Known),
    });
});

/// An operation that is written as a client would write it is read as the same one.
fn is_printed_and_read(operation: &Operation) {
    let (method, rest) = match operation {
        Operation::Create(_) => ("POST", "?create=true".to_owned()),
        Operation::List(_, kind) => ("GET", format!("{}/", kind.name())),
        Operation::Stat(_, file) => ("HEAD", file.to_string()),
        Operation::Load(_, file) => ("GET", file.to_string()),
        Operation::Save(_, file) => ("POST", file.to_string()),
        Operation::Remove(_, file) => ("DELETE", file.to_string()),
    };
    let repo: String = operation
        .repo()
        .segments()
        .map(|name| escaped(name) + "/")
        .collect();
    let target = format!("/{repo}{rest}");
    if target.len() <= MAX_TARGET {
        assert_eq!(parse(method, &target).as_ref(), Ok(operation), "{target}");
    }
    assert!(Repo::new(operation.repo().path()).is_some());
    if let Operation::Stat(_, File::Hashed(kind, id)) = operation {
        assert_eq!(id.to_string(), file_name(&target), "{kind:?}");
    }
}

fn file_name(target: &str) -> &str {
    target.rsplit('/').next().unwrap_or_default()
}

/// Everything but what stands for itself, as percent signs and digits.
fn escaped(name: &str) -> String {
    name.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'.' | b'-' | b'_' | b'~' => text.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => text.push(byte.into()),
            byte => write!(text, "%{byte:02X}").expect("a text"),
        }
        text
    })
}

/// Whatever part is asked for lies within the file.
fn is_within_bounds(header: &str) {
    let Some(range) = Range::parse(header) else {
        return;
    };
    let near = header.split(|c: char| !c.is_ascii_digit());
    let near = near.filter_map(|digits| digits.parse::<u64>().ok());
    for size in near.chain(SIZES) {
        let Some(part) = range.of(size) else { continue };
        let end = part.start.checked_add(part.len);
        assert!(
            part.len > 0 && end.is_some_and(|end| end <= size),
            "{part:?} of {size}"
        );
        let last = part.start + part.len - 1;
        let answer = part.content_range(size);
        assert_eq!(answer, format!("bytes {}-{last}/{size}", part.start));
        // What is answered can be asked for again.
        let again = Range::parse(&format!("bytes={}-{last}", part.start));
        assert_eq!(again.and_then(|range| range.of(size)), Some(part));
    }
}

/// A name and a password that were read come out the same when they are written and read again.
fn is_written_and_read(header: &str) {
    let Some((user, password)) = credentials(header) else {
        return;
    };
    assert!(!user.contains(':'));
    let bytes = [user.as_bytes(), b":", &password].concat();
    let again = format!("Basic {}", STANDARD.encode(bytes));
    if again.len() <= 2048 {
        assert_eq!(credentials(&again), Some((user, password)));
    }
}

/// The service decides without failing, and what it refuses has one of the protocol's statuses.
fn admit(head: &Head<'_>) {
    match SERVICE.admit(head) {
        Admission::Job(_) => {}
        Admission::Refused(reply) => {
            const KNOWN: [u16; 8] = [200, 302, 400, 403, 404, 405, 411, 413];
            assert!(KNOWN.contains(&reply.status), "{}", reply.status);
        }
        Admission::PendingAuth(_) => unreachable!("nobody is asked for a password"),
    }
}
