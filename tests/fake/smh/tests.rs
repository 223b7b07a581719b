//! Tests of the emulator of Tencent SMH, with a raw client that shares no code with the server
//! under test.

mod calls;
mod deletes;
mod faulty;
mod lists;
mod uploads;

use super::super::faults::{How, When};
use super::super::tests::{Reply, each_fault, noise, raw, send};
use super::*;
use serde_json::{Value, json};

/// A client with a token.
struct Client<'a> {
    fake: &'a Fake,
    token: String,
}

/// What start gave.
struct Ticket {
    key: String,
    url: String,
    headers: String,
}

impl<'a> Client<'a> {
    /// One that may do everything.
    fn new(fake: &'a Fake) -> Client<'a> {
        Client::granted(fake, "grant=admin")
    }

    fn granted(fake: &'a Fake, grants: &str) -> Client<'a> {
        let (library, secret) = (fake.library(), fake.secret());
        let query = format!("library_id={library}&library_secret={secret}&{grants}");
        let reply = send(
            "POST",
            &format!("{}/api/v1/token?{query}", fake.url()),
            "",
            b"",
        );
        let token = reply.json()["accessToken"].as_str().unwrap().to_owned();
        Client { fake, token }
    }

    /// Calls with a path in the space, and a query without the token.
    fn call(&self, method: &str, kind: &str, path: &str, query: &str, body: &str) -> Reply {
        let (url, token) = (self.fake.url(), &self.token);
        let (library, space) = (self.fake.library(), self.fake.space());
        let url =
            format!("{url}/api/v1/{kind}/{library}/{space}/{path}?{query}&access_token={token}");
        let kind = match body {
            "" => "",
            _ => "Content-Type: application/json\r\n",
        };
        send(method, &url, kind, body.as_bytes())
    }

    fn mkdir(&self, path: &str) -> u16 {
        self.call("PUT", "directory", path, "", "").status
    }

    fn start(&self, path: &str, strategy: &str, size: usize) -> Reply {
        let query = format!("conflict_resolution_strategy={strategy}&filesize={size}");
        self.call("PUT", "file", path, &query, "")
    }

    fn confirm(&self, key: &str, strategy: &str, crc64: u64) -> Reply {
        let query = format!("confirm&conflict_resolution_strategy={strategy}");
        let body = json!({"crc64": crc64.to_string()}).to_string();
        self.call("POST", "file", key, &query, &body)
    }

    /// An upload in its three steps.
    fn store(&self, path: &str, strategy: &str, bytes: &[u8]) -> Reply {
        let ticket = ticket(&self.start(path, strategy, bytes.len()));
        assert_eq!(put(&ticket, bytes).status, 200);
        self.confirm(&ticket.key, strategy, crc64(bytes))
    }

    /// The names of all pages, as they came.
    fn names(&self, path: &str, query: &str) -> Vec<String> {
        let mut names = Vec::new();
        let mut marker = String::new();
        for _ in 0..200 {
            let query = format!("by-marker=1&{query}{marker}");
            let page = self.call("GET", "directory", path, &query, "").json();
            let rows = page["contents"]
                .as_array()
                .unwrap_or_else(|| panic!("{page}"));
            names.extend(
                rows.iter()
                    .map(|row| row["name"].as_str().unwrap().to_owned()),
            );
            marker = match &page["nextMarker"] {
                Value::String(text) if !text.is_empty() => format!("&marker={text}"),
                Value::Number(number) => format!("&marker={number}"),
                _ => return names,
            };
        }
        panic!("the list doesn't end");
    }

    /// The signed address of a file.
    fn address(&self, path: &str, query: &str) -> String {
        let reply = self.call("GET", "file", path, &format!("info&{query}"), "");
        let url = reply.json()["cosUrl"].as_str().map(str::to_owned);
        url.unwrap_or_else(|| panic!("{}", reply.json()))
    }
}

fn ticket(reply: &Reply) -> Ticket {
    let json = reply.json();
    let text = |name: &str| {
        json[name]
            .as_str()
            .unwrap_or_else(|| panic!("{json}"))
            .to_owned()
    };
    let headers = json["headers"].as_object().unwrap().iter();
    let headers = headers.map(|(k, v)| format!("{k}: {}\r\n", v.as_str().unwrap()));
    Ticket {
        key: text("confirmKey"),
        url: format!("http://{}{}", text("domain"), text("path")),
        headers: headers.collect(),
    }
}

fn put(ticket: &Ticket, bytes: &[u8]) -> Reply {
    send("PUT", &ticket.url, &ticket.headers, bytes)
}

/// The status and the code, which stands in JSON or in XML.
fn said(reply: &Reply) -> (u16, String) {
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    let code = text
        .split("<Code>")
        .nth(1)
        .and_then(|rest| rest.split('<').next());
    let json = reply.json()["code"].as_str().map(str::to_owned);
    let code = code.map(str::to_owned).or(json);
    (reply.status, code.unwrap_or_default())
}

fn crc64(bytes: &[u8]) -> u64 {
    let mut digest = crc64fast::Digest::new();
    digest.write(bytes);
    digest.sum64()
}

/// What a refusal is to be.
fn no(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
