//! Heads of requests: found, parsed and judged. What isn't clean HTTP/1.0 or 1.1 is refused here
//! with a short answer. All of it is pure; what a request means is the service's business.

use crate::body::Length;
use std::net::{IpAddr, SocketAddr};

/// Longest head in bytes. restic's have some 300, browsers' some 2,000.
pub(super) const LONGEST: usize = 16 << 10;
/// Most lines of a head.
const LINES: usize = 100;
/// Longest method.
const METHOD: usize = 16;
/// The first byte of a TLS greeting.
pub(super) const GREETING: u8 = 0x16;

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The method, a token.
    pub method: String,
    /// Path and query, in printable ASCII.
    pub target: String,
    /// Whether the client speaks HTTP/1.0.
    pub old: bool,
    /// Whether the client lets the connection go on.
    pub keeps: bool,
    /// What follows.
    pub length: Length,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects: bool,
    /// The host that is asked, maybe with a port: the target's, or else the header's.
    pub host: Option<String>,
    /// Names in lower case, and values.
    headers: Vec<(String, String)>,
}

/// Why a head is no request that can be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The status of the answer.
    pub status: u16,
    /// Its reason, for people.
    pub why: &'static str,
}

const fn bad(why: &'static str) -> Refused {
    Refused { status: 400, why }
}

const HTTPS: Refused = bad("this port speaks HTTP, not HTTPS");
pub(super) const HTTP: Refused =
    bad("this port speaks HTTPS, not HTTP: write https:// for http://");
pub(super) const LATE: Refused = Refused {
    status: 408,
    why: "the head of the request took too long",
};

/// The reason phrase, which with the number is all that restic shows its user.
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => "Unknown",
    }
}

/// What is to be done with the bytes that have come.
#[derive(Debug)]
pub(super) enum Look {
    /// More must come.
    More,
    /// A head, and how many bytes it has.
    Whole(Box<Head>, usize),
    /// No head.
    Refused(Refused),
}

/// How far the bytes of a head have been looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan {
    seen: usize,
    lines: usize,
}

impl Scan {
    /// Looks at what has come, of which it has seen some before. Blank lines before a head are
    /// passed over, as RFC 9112 asks for.
    pub(super) fn look(&mut self, bytes: &[u8]) -> Look {
        let pairs = bytes.chunks(2).take_while(|pair| pair == b"\r\n");
        let blank = pairs.count() * 2;
        while let Some(at) = bytes[self.seen..].iter().position(|byte| *byte == b'\n') {
            let at = self.seen + at;
            self.seen = at + 1;
            if at == 0 || bytes[at - 1] != b'\r' {
                return Look::Refused(bad("a line ends without a carriage return"));
            }
            if at < blank {
                continue;
            }
            self.lines += 1;
            if bytes[..at].ends_with(b"\r\n\r") {
                return match parse(&bytes[blank..=at]) {
                    Ok(head) => Look::Whole(Box::new(head), at + 1),
                    Err(refused) => Look::Refused(refused),
                };
            }
            if self.lines == 1
                && let Some(refused) = first_line(&bytes[blank..=at])
            {
                return Look::Refused(refused);
            }
        }
        self.seen = bytes.len();
        match bytes.get(blank) {
            Some(&GREETING) => Look::Refused(HTTPS),
            Some(byte) if !is_token(*byte) => Look::Refused(bad("this is no HTTP")),
            _ if self.lines > LINES + 1 || bytes.len() >= LONGEST => Look::Refused(TOO_LARGE),
            _ => Look::More,
        }
    }
}

const TOO_LARGE: Refused = Refused {
    status: 431,
    why: "the head is too large",
};

/// What is wrong with a first line, so that nobody waits for the rest of it.
fn first_line(line: &[u8]) -> Option<Refused> {
    let line = line.strip_suffix(b"\r\n").unwrap_or(line);
    match line.rsplit(|byte| *byte == b' ').next() {
        Some(b"HTTP/1.1" | b"HTTP/1.0") => None,
        Some(word) if word.starts_with(b"HTTP/") => Some(Refused {
            status: 505,
            why: "only HTTP/1.0 and HTTP/1.1 are spoken here",
        }),
        _ => Some(bad("the first line is no request")),
    }
}

/// Reads a whole head, which ends with a blank line.
pub(super) fn parse(bytes: &[u8]) -> Result<Head, Refused> {
    let mut lines = [httparse::EMPTY_HEADER; LINES];
    let mut request = httparse::Request::new(&mut lines);
    match request.parse(bytes) {
        Ok(status) if status.is_complete() => {}
        Err(httparse::Error::TooManyHeaders) => return Err(TOO_LARGE),
        Err(httparse::Error::HeaderName) => return Err(bad("the name of a header is wrong")),
        Err(httparse::Error::HeaderValue) => return Err(bad("the value of a header is wrong")),
        _ => return Err(bad("the first line is no request")),
    }
    let method = request.method.unwrap_or_default();
    if method.len() > METHOD {
        return Err(bad("the method is too long"));
    }
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = request.headers.iter();
    let headers = headers.map(|line| (line.name.to_ascii_lowercase(), text(line.value)));
    let old = request.version == Some(0);
    understand(
        method,
        request.path.unwrap_or_default(),
        old,
        headers.collect(),
    )
}

fn understand(
    method: &str,
    target: &str,
    old: bool,
    headers: Vec<(String, String)>,
) -> Result<Head, Refused> {
    let all = |name: &'static str| {
        let named = headers.iter().filter(move |(n, _)| n == name);
        named.map(|(_, value)| value.as_str())
    };
    let mut hosts = all("host");
    let (first, second) = (hosts.next(), hosts.next());
    if second.is_some() || (first.is_none() && !old) {
        return Err(bad("there must be one Host"));
    }
    if first.is_some_and(|host| {
        !host
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'/')
    }) {
        return Err(bad("the Host is wrong"));
    }
    let (authority, target) = split(target)?;
    let length = length(all("content-length"), all("transfer-encoding"))?;
    if old && length == Length::Chunked {
        return Err(bad("HTTP/1.0 knows no chunks"));
    }
    let expects = expects(all("expect"))? && !old;
    let wishes = |wish: &str| {
        let words = all("connection").flat_map(|value| value.split(','));
        words
            .map(str::trim)
            .any(|word| word.eq_ignore_ascii_case(wish))
    };
    Ok(Head {
        method: method.to_owned(),
        target: target.to_owned(),
        old,
        keeps: !wishes("close") && (!old || wishes("keep-alive")),
        expects: expects && !matches!(length, Length::None | Length::Known(0)),
        length,
        host: authority.or(first).map(str::to_owned),
        headers,
    })
}

/// The host of a target, if it names one, and the path that is asked for.
fn split(target: &str) -> Result<(Option<&str>, &str), Refused> {
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad("the path isn't in ASCII"));
    }
    if target.starts_with('/') || target == "*" {
        return Ok((None, target));
    }
    let scheme = |name: &str| {
        let start = target.get(..name.len())?;
        start
            .eq_ignore_ascii_case(name)
            .then(|| &target[name.len()..])
    };
    let rest = scheme("http://").or_else(|| scheme("https://"));
    let rest = rest.ok_or(bad("the path begins without a slash"))?;
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    match host.is_empty() || host.contains('@') || path.starts_with('?') {
        true => Err(bad("the address that is asked for is wrong")),
        false => Ok((Some(host), if path.is_empty() { "/" } else { path })),
    }
}

/// How long the body is, from the values of its headers. Whoever believes another of two lengths
/// would read what follows as another request.
fn length<'a>(
    mut lengths: impl Iterator<Item = &'a str>,
    mut encodings: impl Iterator<Item = &'a str>,
) -> Result<Length, Refused> {
    let wrong = bad("the length of the body can't be trusted");
    let found = (lengths.next(), lengths.next());
    match (found, encodings.next(), encodings.next()) {
        ((None, _), None, _) => Ok(Length::None),
        ((Some(text), None), None, _) => digits(text).map(Length::Known).ok_or(wrong),
        ((None, _), Some(name), None) if name.eq_ignore_ascii_case("chunked") => {
            Ok(Length::Chunked)
        }
        _ => Err(wrong),
    }
}

fn digits(text: &str) -> Option<u64> {
    // `parse` alone would take a sign.
    let plain = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

fn expects<'a>(mut values: impl Iterator<Item = &'a str>) -> Result<bool, Refused> {
    match (values.next(), values.next()) {
        (None, _) => Ok(false),
        (Some(value), None) if value.eq_ignore_ascii_case("100-continue") => Ok(true),
        _ => Err(Refused {
            status: 417,
            why: "only 100-continue can be expected",
        }),
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~\r\n".contains(&byte)
}

impl Head {
    /// The first value of a header, whose name is given in lower case.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// Every value of a header.
    pub fn values<'a>(&'a self, name: &str) -> impl DoubleEndedIterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(n, _)| n == name);
        named.map(|(_, value)| value.as_str())
    }

    /// For whom the last proxy has passed it on, as the last one says.
    pub(super) fn last_hop(&self) -> Option<IpAddr> {
        let hops = self.values("x-forwarded-for").next_back()?;
        let hop = hops.rsplit(',').next()?.trim();
        let bare = hop.trim_start_matches('[').trim_end_matches(']').parse();
        let with_port = || hop.parse().map(|address: SocketAddr| address.ip());
        let address: Option<IpAddr> = bare.or_else(|_| with_port()).ok();
        address.map(|address| address.to_canonical())
    }

    /// About how many bytes it takes.
    pub(super) fn cost(&self) -> usize {
        let lines = self.headers.iter();
        let lines = lines.map(|(name, value)| name.len() + value.len() + size_of::<[String; 2]>());
        self.target.len() + lines.sum::<usize>() + size_of::<Self>()
    }
}

#[cfg(test)]
mod tests;
