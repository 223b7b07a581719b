//! Tests of the emulator of Kdocs, with a raw client that shares no code with the server under test.

mod deletes;
mod lists;
mod tokens;
mod uploads;

use super::super::faults::{How, When};
use super::super::tests::{Reply, each_fault, noise, raw, send};
use super::*;
use serde_json::{Value, json};

/// Where calls about files are.
const PERSONAL: &str = "/api/v1/openapi/personal";

/// A client with a token.
struct Client<'a> {
    fake: &'a Fake,
    token: String,
}

impl<'a> Client<'a> {
    fn new(fake: &'a Fake) -> Client<'a> {
        let token = refreshed(fake, &fake.grant()).json()["data"]["access_token"].clone();
        let token = token.as_str().unwrap().to_owned();
        Client { fake, token }
    }

    /// Calls with a path below that of files, and a query without the token.
    fn call(&self, method: &str, path: &str, query: &str, body: &str) -> Reply {
        let (url, token) = (self.fake.url(), &self.token);
        let url = format!("{url}{PERSONAL}/{path}?{query}&access_token={token}");
        let kind = match body {
            "" => "",
            _ => "Content-Type: application/json\r\n",
        };
        send(method, &url, kind, body.as_bytes())
    }

    /// A page of a folder of the app's.
    fn page(&self, query: &str) -> Reply {
        self.call("GET", "apps/files", query, "")
    }

    /// Uploads a file with these fields of a form before it.
    fn upload(&self, fields: &[(&str, &str)], name: &str, bytes: &[u8]) -> Reply {
        let url = format!(
            "{}{PERSONAL}/files/upload?access_token={}",
            self.fake.url(),
            self.token
        );
        let kind = "Content-Type: multipart/form-data; boundary=xyz\r\n";
        send("POST", &url, kind, &form(fields, name, bytes))
    }

    /// The same into a folder below the app's.
    fn store(&self, folder: &str, name: &str, bytes: &[u8]) -> Reply {
        let names = folder.split('/').map(|name| ("parent_path[]", name));
        let fields: Vec<(&str, &str)> = names.collect();
        self.upload(&fields, name, bytes)
    }

    fn delete(&self, ids: &[String]) -> Reply {
        let body = json!({ "file_ids": ids }).to_string();
        self.call("POST", "tasks/files/delete", "", &body)
    }

    /// The address of a file.
    fn link(&self, id: &str) -> Reply {
        self.call("GET", &format!("files/{id}/download"), "", "")
    }
}

/// A form with a file at its end.
fn form(fields: &[(&str, &str)], name: &str, bytes: &[u8]) -> Vec<u8> {
    let head = "--xyz\r\nContent-Disposition: form-data; name=";
    let field = |(field, text): &(&str, &str)| format!("{head}\"{field}\"\r\n\r\n{text}\r\n");
    let fields: String = fields.iter().map(field).collect();
    let file = format!("{head}\"file\"; filename=\"{name}\"\r\n\r\n");
    [
        fields.as_bytes(),
        file.as_bytes(),
        bytes,
        b"\r\n--xyz--\r\n",
    ]
    .concat()
}

/// Exchanges a refresh token.
fn refreshed(fake: &Fake, token: &str) -> Reply {
    let url = format!(
        "{}/api/v1/oauth2/refresh_token?app_id={}",
        fake.url(),
        fake.app_id()
    );
    let body = json!({"app_key": fake.app_key(), "refresh_token": token}).to_string();
    send(
        "POST",
        &url,
        "Content-Type: application/json\r\n",
        body.as_bytes(),
    )
}

/// The status and the code.
fn said(reply: &Reply) -> (u16, i64) {
    (reply.status, reply.json()["code"].as_i64().unwrap_or(-1))
}

/// The names of a page's rows, in order.
fn names(page: &Reply) -> Vec<String> {
    let page = page.json();
    let rows = page["data"]["files"]
        .as_array()
        .unwrap_or_else(|| panic!("{page}"));
    let names = rows.iter().map(|row| row["fname"].as_str().unwrap());
    names.map(str::to_owned).collect()
}
