//! Tests of the emulator itself, with a raw client that shares no code with the server under test.

mod calls;
mod faulty;
mod more;
mod transfers;

use super::content::md5_hex;
use super::*;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;

/// What came back. Status 0: the connection ended without an answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
    /// Did the body have its announced length?
    pub(super) whole: bool,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    fn code(&self) -> i64 {
        self.json()["code"].as_i64().unwrap_or(-1)
    }

    pub(super) fn header(&self, name: &str) -> Option<String> {
        let lines = self.head.lines();
        let mut found = lines.filter_map(|l| l.split_once(": "));
        found
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.to_owned())
    }
}

/// Sends bytes to a URL's host, closes the writing side if asked to, and reads to the end.
pub(super) fn raw(url: &str, bytes: &[u8], close: bool) -> Reply {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host.split('/').next().unwrap()).unwrap();
    let _ = stream.write_all(bytes);
    if close {
        let _ = stream.shutdown(std::net::Shutdown::Write);
    }
    let mut all = Vec::new();
    let mut buffer = [0; 8192];
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        all.extend_from_slice(&buffer[..n]);
    }
    let end = all.windows(4).position(|w| w == b"\r\n\r\n");
    let (head, body) = match end {
        Some(end) => (&all[..end], &all[end + 4..]),
        None => (&all[..0], &all[..0]),
    };
    let head = String::from_utf8_lossy(head).into_owned();
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
    let mut reply = Reply {
        status: status.unwrap_or(0),
        head,
        body: body.to_vec(),
        whole: true,
    };
    let length = reply.header("content-length").and_then(|l| l.parse().ok());
    reply.whole = length == Some(reply.body.len());
    reply
}

/// A request without a body.
fn get(url: &str, headers: &str) -> Reply {
    let path = format!("/{}", url.splitn(4, '/').nth(3).unwrap_or(""));
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    raw(url, request.as_bytes(), false)
}

/// A request with a body, to any URL.
pub(super) fn send(method: &str, url: &str, headers: &str, body: &[u8]) -> Reply {
    let mut parts = url.splitn(4, '/').skip(2);
    let (host, path) = (parts.next().unwrap(), parts.next().unwrap_or(""));
    let length = body.len();
    let head = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\
         Content-Length: {length}\r\n\r\n"
    );
    raw(url, &[head.as_bytes(), body].concat(), false)
}

/// Each fault that all emulators know, and some of a cloud's own, before and after the effect of a
/// call. `call` makes it, and tells whether it was carried out; what comes of the cloud's own
/// `is_right` judges.
pub(super) fn each_fault(
    own: Vec<How>,
    call: impl Fn(When, How) -> (Reply, bool),
    is_right: impl Fn(&How, &Reply) -> bool,
) {
    let all = [How::Html(502), How::Empty, How::BadJson];
    let cut = [How::Reset, How::Cut, How::Refuse];
    for how in all.into_iter().chain(cut).chain(own) {
        for when in [When::Before, When::After] {
            let (reply, carried_out) = call(when, how.clone());
            assert_eq!(carried_out, when == When::After, "{how:?} {when:?}");
            let good = match &how {
                How::Html(status) => reply.status == *status && reply.json().is_null(),
                How::Empty => reply.status == 200 && reply.body.is_empty(),
                How::BadJson => reply.status == 200 && reply.json().is_null() && reply.whole,
                How::Cut => reply.status > 0 && !reply.whole && !reply.body.is_empty(),
                How::Reset | How::Refuse => reply.status == 0,
                own => is_right(own, &reply),
            };
            let (status, json) = (reply.status, reply.json());
            assert!(good, "{how:?} {when:?}: {status} {json:?}");
        }
    }
}

/// A client with a token.
struct Client<'a> {
    fake: &'a Fake,
    token: String,
}

impl<'a> Client<'a> {
    fn new(fake: &'a Fake) -> Client<'a> {
        let token = String::new();
        let mut client = Client { fake, token };
        client.token = client.renew();
        client
    }

    /// A new token.
    fn renew(&self) -> String {
        let body = json!({"clientID": "demo", "clientSecret": "demo"});
        let token = String::new();
        let nobody = Client {
            fake: self.fake,
            token,
        };
        let reply = nobody.post("/api/v1/access_token", &body);
        reply.json()["data"]["accessToken"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    fn headers(&self) -> String {
        let token = match self.token.as_str() {
            "" => String::new(),
            token => format!("Authorization: Bearer {token}\r\n"),
        };
        format!("Platform: open_platform\r\n{token}")
    }

    fn get(&self, path: &str) -> Reply {
        get(&format!("{}{path}", self.fake.url()), &self.headers())
    }

    fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, body)
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        let (body, headers) = (body.to_string(), self.headers());
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        raw(&self.fake.url(), request.as_bytes(), false)
    }

    /// `data` of a call that must succeed.
    fn data(&self, path: &str, body: &Value) -> Value {
        let reply = self.post(path, body);
        assert_eq!(reply.code(), 0, "{path}: {}", reply.json());
        reply.json()["data"].clone()
    }

    fn mkdir(&self, parent: u64, name: &str) -> u64 {
        let body = json!({"parentID": parent, "name": name});
        let data = self.data("/upload/v1/file/mkdir", &body);
        data["dirID"].as_u64().unwrap()
    }

    /// All rows of a folder, page by page.
    fn list(&self, folder: u64) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        for _ in 0..2000 {
            let path = format!("/api/v2/file/list?parentFileId={folder}&limit=100{cursor}");
            let reply = self.get(&path);
            assert_eq!(reply.code(), 0, "{}", reply.json());
            let data = &reply.json()["data"];
            rows.extend(data["fileList"].as_array().unwrap().iter().cloned());
            if data["lastFileId"] == json!(-1) {
                return rows;
            }
            cursor = format!("&lastFileId={}", data["lastFileId"]);
        }
        panic!("the list doesn't end");
    }

    fn names(&self, folder: u64) -> Vec<String> {
        let living = self.list(folder).into_iter();
        let living = living.filter(|row| row["trashed"] == 0);
        living
            .map(|row| row["filename"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Sends parts of a form to the upload host, the first `cut` bytes only if that is given.
    fn form(&self, path: &str, parts: &[(&str, &[u8])], cut: Option<usize>) -> Reply {
        let body = form_body(parts);
        let (length, headers) = (body.len(), self.headers());
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Type: \
             multipart/form-data; boundary=b0undary\r\nContent-Length: {length}\r\n\r\n"
        );
        let mut all = head.into_bytes();
        all.extend_from_slice(&body[..cut.unwrap_or(length)]);
        raw(&self.fake.upload_url(), &all, cut.is_some())
    }

    /// A single upload; `late`: the etag comes after the file.
    fn single(&self, folder: u64, name: &str, bytes: &[u8], late: bool) -> Reply {
        let (folder, size) = (folder.to_string(), bytes.len().to_string());
        let etag = md5_hex(bytes);
        let mut parts: Vec<(&str, &[u8])> = vec![
            ("parentFileID", folder.as_bytes()),
            ("filename", name.as_bytes()),
            ("etag", etag.as_bytes()),
            ("size", size.as_bytes()),
            ("file", bytes),
        ];
        if late {
            let etag = parts.remove(2);
            parts.push(etag);
        }
        self.form("/upload/v2/file/single/create", &parts, None)
    }

    /// Stores a file; answers its id.
    fn store(&self, folder: u64, name: &str, bytes: &[u8]) -> u64 {
        let reply = self.single(folder, name, bytes, true);
        assert_eq!(reply.code(), 0, "{}", reply.json());
        reply.json()["data"]["fileID"].as_u64().unwrap()
    }

    fn download_url(&self, id: u64) -> String {
        let reply = self.get(&format!("/api/v1/file/download_info?fileId={id}"));
        let url = reply.json()["data"]["downloadUrl"]
            .as_str()
            .map(str::to_owned);
        url.unwrap_or_else(|| panic!("{}", reply.json()))
    }

    fn ids(&self, path: &str, ids: &[u64]) -> i64 {
        self.post(path, &json!({"fileIDs": ids})).code()
    }
}

/// The body of a form.
fn form_body(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in parts {
        let file = match *name {
            "file" | "slice" => "; filename=\"x\"\r\nContent-Type: application/octet-stream",
            _ => "",
        };
        let head =
            format!("--b0undary\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--b0undary--\r\n");
    body
}

/// Bytes that look like a pack's.
pub(super) fn noise(len: usize) -> Vec<u8> {
    let mut state = 12345_u32;
    let next = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12345);
        (state >> 16) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}
