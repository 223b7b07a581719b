//! Opening what was given as a whole address: the cloud's own signature is in it, so that no token
//! goes with it and nobody sees it.

use super::Client;
use super::agent::words;
use super::reach::REFUSED;
use crate::cloud::outcome::{Fault, Reason};
use crate::restic::Part;
use std::io::Read;
use ureq::ResponseExt;
use ureq::http::{Request, Response, Uri};

/// Most redirects that are followed.
const REDIRECTS: u32 = 5;

impl Client {
    /// Opens a download address at a part of its file. The caller checks what comes.
    pub fn fetch(&self, url: &str, part: Option<Part>) -> Result<Fetched, Fault> {
        if self.reach.forbids(url) {
            return Err(self.not_opened(REFUSED));
        }
        let request = Request::get(url).body(()).map_err(|_| {
            // The address itself is a secret. The next one may be better.
            let text = format!("{} gave an invalid download address", self.cloud());
            Fault::new(Reason::Lost, text)
        })?;
        let asked = request.uri().clone();
        let config = self.agent.configure_request(request);
        let mut request = config
            .max_redirects(REDIRECTS)
            .https_only(self.https)
            .build();
        if let Some(Part { start, len }) = part {
            let range = format!("bytes={start}-{}", (start + len).saturating_sub(1));
            if let Ok(range) = range.parse() {
                request.headers_mut().insert("Range", range);
            }
        }
        match self.agent.run(request) {
            Ok(response) => Ok(Fetched::new(response, &asked)),
            Err(error) => Err(self.not_opened(&words(&error))),
        }
    }

    fn not_opened(&self, why: &str) -> Fault {
        let text = format!("a download can't be opened ({why})");
        let fault = Fault::new(Reason::Unreachable, text);
        self.trouble(&fault);
        fault
    }
}

/// An opened download.
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Range`, if there is one.
    pub range: Option<String>,
    /// Bytes to come, if they are announced.
    pub len: Option<u64>,
    /// Whether it is a page for people, as no file is.
    pub is_page: bool,
    /// Whether it comes from another address, by a redirect.
    pub moved: bool,
    /// The bytes.
    pub reader: Box<dyn Read + Send>,
}

impl Fetched {
    fn new(response: Response<ureq::Body>, asked: &Uri) -> Self {
        let header = |name| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        Self {
            status: response.status().as_u16(),
            range: header("Content-Range").map(str::to_owned),
            is_page: header("Content-Type").is_some_and(|kind| kind.starts_with("text/html")),
            len: header("Content-Length").and_then(|len| len.parse().ok()),
            moved: response.get_uri() != asked,
            reader: Box::new(response.into_body().into_reader()),
        }
    }
}
