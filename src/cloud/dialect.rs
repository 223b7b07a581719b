//! What differs between clouds when a call is made: how a request is signed, how an answer is
//! read, what it means. Pure: nothing here waits or sends.

use super::call::Spec;
use super::outcome::{Outcome, Reason};
use crate::store::Advice;

/// How a cloud is spoken to.
pub struct Dialect {
    /// The cloud's name in sentences.
    pub cloud: &'static str,
    /// Its calls, each at the place of its number.
    pub table: &'static [Spec],
    /// The place of the call whose meanings serve when the cloud is probed without a token.
    pub probe: usize,
    /// Puts on a request what belongs to every one of them: its token, a signature.
    pub sign: fn(&mut Request<'_>, token: Option<&str>),
    /// Reads an answer, and hands its data to `read` if it is a good one; answers what the cloud
    /// calls the request, for its support, as well.
    pub understand: fn(&'static Spec, &Answer<'_>, read: &mut Reading<'_>) -> (Outcome, String),
    /// Why a call failed; None if it didn't.
    pub reason: fn(&'static Spec, &Outcome) -> Option<Reason>,
    /// What the server's owner can do; None for what is no trouble of his.
    pub advice: fn(Reason) -> Option<Advice>,
}

/// A request before it is sent. It has no `Debug`: its query and headers may hold secrets.
pub struct Request<'a> {
    /// The HTTP method.
    pub method: &'static str,
    /// The path on its host.
    pub path: &'a str,
    /// The query, without its question mark.
    pub query: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// The text that it sends; None if there is none, or if it is read while it is sent.
    pub body: Option<&'a str>,
}

impl Request<'_> {
    /// Adds a header.
    pub fn header(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }

    /// Adds a token to the query, as it must stand there.
    pub fn query_token(&mut self, token: Option<String>) {
        let Some(token) = token else { return };
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query += "access_token=";
        self.query += &token;
    }
}

/// An answer, whatever it may be.
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// Its headers, by name.
    pub header: &'a dyn Fn(&str) -> Option<String>,
    /// Its body.
    pub text: &'a [u8],
}

/// Reads the data of an answer; an Err says what isn't as it should be.
pub type Reading<'r> = dyn FnMut(&str) -> Result<(), serde_json::Error> + 'r;
