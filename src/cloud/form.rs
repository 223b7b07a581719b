//! The multipart body of an upload: fields and one file, streamed, of a length known beforehand.
//!
//! What is here as a whole is sent with its `etag` before the file, as most clients do. What is
//! still coming is sent as it arrives, with its `etag` after the file, where the MD5 is known, if
//! the cloud takes that. The closing part is sent only when the file has ended well; before that
//! the cloud can't store anything.

use crate::body::Body;
use crate::restic::hex;
use crate::store::Error;
use md5::{Digest, Md5};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::sync::LazyLock;

/// Length of an MD5 in hex digits, by which the length of a late `etag` is known beforehand.
const MD5_DIGITS: usize = 32;

/// What separates the parts: nothing that a client could guess and put into a file.
static BOUNDARY: LazyLock<String> = LazyLock::new(|| {
    let random = || RandomState::new().hash_one(0);
    format!("restic-123pan-{:016x}{:016x}", random(), random())
});

/// What is sent while it is read: a file, or a form with one. It may be empty.
#[allow(clippy::len_without_is_empty, reason = "nobody asks whether one is")]
pub trait Content: Read {
    /// Bytes in all.
    fn len(&self) -> u64;
    /// Whether it can be read from its start, now.
    fn ready(&self) -> bool;
    /// Whether nothing of it has been read since its start.
    fn untouched(&self) -> bool;
    /// Goes back to its start.
    fn rewind(&mut self) -> Result<(), Error>;
    /// Takes a little ahead from whoever sends it, if somebody does and that is possible.
    fn show_life(&mut self) {}
}

impl Content for Body<'_> {
    fn len(&self) -> u64 {
        Body::len(self)
    }

    fn ready(&self) -> bool {
        Body::ready(self)
    }

    fn untouched(&self) -> bool {
        Body::untouched(self)
    }

    fn rewind(&mut self) -> Result<(), Error> {
        Body::rewind(self)
    }

    fn show_life(&mut self) {
        // What is wrong with it is seen when it is sent.
        let _ = self.read_ahead();
    }
}

/// Bytes that can be read from anywhere, as often as it takes.
pub trait ReadAt {
    /// Reads from a place; nothing comes only where there is nothing.
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl ReadAt for Body<'_> {
    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        Body::read_at(self, at, buffer)
    }
}

/// A part of what can be read from anywhere.
pub struct Slice<'a> {
    source: &'a dyn ReadAt,
    start: u64,
    len: u64,
    at: u64,
}

impl<'a> Slice<'a> {
    /// `len` bytes from `start`.
    pub fn new(source: &'a dyn ReadAt, start: u64, len: u64) -> Self {
        Self {
            source,
            start,
            len,
            at: 0,
        }
    }
}

impl Read for Slice<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.len - self.at).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        let n = self
            .source
            .read_at(self.start + self.at, &mut buffer[..most])?;
        self.at += n as u64;
        match n == 0 && most > 0 {
            true => Err(io::ErrorKind::UnexpectedEof.into()),
            false => Ok(n),
        }
    }
}

impl Content for Slice<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn ready(&self) -> bool {
        true
    }

    fn untouched(&self) -> bool {
        self.at == 0
    }

    fn rewind(&mut self) -> Result<(), Error> {
        self.at = 0;
        Ok(())
    }
}

/// The MD5 of all of a content, in lower-case hex.
pub fn md5_of(content: &mut dyn Content) -> Result<String, io::Error> {
    content.rewind().map_err(io::Error::other)?;
    let mut hash = Md5::new();
    read_all(content, &mut hash)?;
    Ok(hex(&hash.finalize()))
}

fn read_all(content: &mut dyn Content, hash: &mut Md5) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match content.read(&mut buffer)? {
            0 => return Ok(()),
            n => hash.update(&buffer[..n]),
        }
    }
}

/// A form with a file. Read it as the body of a request; it ends well or fails.
pub struct Form<'a> {
    content: &'a mut (dyn Content + 'a),
    head: String,
    /// The MD5 as far as the file has been read, if it goes after it.
    late: Option<Md5>,
    tail: String,
    stage: Stage,
    at: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Head,
    File,
    Tail,
}

impl<'a> Form<'a> {
    /// A form with the name of the file's part and that of the file. Without an `etag` among the
    /// fields one is put after the file if `late` is set.
    pub fn new(
        fields: &[(&str, &str)],
        (part, file): (&str, &str),
        late: bool,
        content: &'a mut (dyn Content + 'a),
    ) -> Self {
        let mut head = String::new();
        for (name, value) in fields {
            head += &field(name, value);
        }
        let boundary = &*BOUNDARY;
        head += &format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{part}\"; \
             filename=\"{file}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        let late = late.then(Md5::new);
        Self {
            content,
            head,
            late,
            tail: String::new(),
            stage: Stage::Head,
            at: 0,
        }
    }

    /// The `Content-Type` of the request.
    pub fn content_type() -> String {
        format!("multipart/form-data; boundary={}", *BOUNDARY)
    }

    /// The file's MD5, for which what hasn't been sent is read now; None if the `etag` went
    /// first, and so is known.
    pub fn finish(mut self) -> io::Result<Option<String>> {
        let Some(mut hash) = self.late.take() else {
            return Ok(None);
        };
        read_all(self.content, &mut hash)?;
        Ok(Some(hex(&hash.finalize())))
    }

    fn file(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.content.read(buffer)?;
        if let Some(hash) = &mut self.late {
            hash.update(&buffer[..n]);
        }
        if n == 0 {
            let etag = self.late.as_ref().map(|hash| hex(&hash.clone().finalize()));
            self.tail = tail(etag.as_ref());
            (self.stage, self.at) = (Stage::Tail, 0);
        }
        Ok(n)
    }
}

impl Content for Form<'_> {
    fn len(&self) -> u64 {
        let tail = tail(self.late.is_some().then_some(&"0".repeat(MD5_DIGITS)));
        self.head.len() as u64 + self.content.len() + tail.len() as u64
    }

    fn ready(&self) -> bool {
        self.content.ready()
    }

    fn untouched(&self) -> bool {
        self.content.untouched()
    }

    fn rewind(&mut self) -> Result<(), Error> {
        self.content.rewind()?;
        self.late = self.late.is_some().then(Md5::new);
        (self.stage, self.at) = (Stage::Head, 0);
        Ok(())
    }

    fn show_life(&mut self) {
        self.content.show_life();
    }
}

impl Read for Form<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.stage == Stage::Head {
            let n = copy(&self.head, &mut self.at, buffer);
            if n > 0 {
                return Ok(n);
            }
            self.stage = Stage::File;
        }
        if self.stage == Stage::File {
            let n = self.file(buffer)?;
            if n > 0 {
                return Ok(n);
            }
        }
        Ok(copy(&self.tail, &mut self.at, buffer))
    }
}

fn copy(text: &str, at: &mut usize, buffer: &mut [u8]) -> usize {
    let rest = &text.as_bytes()[*at..];
    let n = rest.len().min(buffer.len());
    buffer[..n].copy_from_slice(&rest[..n]);
    *at += n;
    n
}

fn field(name: &str, value: &str) -> String {
    let boundary = &*BOUNDARY;
    format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

/// What follows the file.
fn tail(etag: Option<&String>) -> String {
    let etag = etag.map(|etag| field("etag", etag)).unwrap_or_default();
    format!("\r\n{etag}--{}--\r\n", *BOUNDARY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Budget;
    use crate::restic::Id;
    use sha2::Sha256;

    fn whole(form: &mut Form<'_>) -> io::Result<String> {
        let mut text = String::new();
        form.read_to_string(&mut text)
            .map(|_| text.replace(&**BOUNDARY, "B"))
    }

    #[test]
    fn fields_go_first_when_the_file_can_be_read_twice() {
        let budget = Budget::new(0, None);
        let mut source = &b"hello"[..];
        let mut body = Body::fixed(&mut source, 5, None, &budget).unwrap();
        assert_eq!(
            md5_of(&mut body).unwrap(),
            "5d41402abc4b2a76b9719d911017c592"
        );
        let mut form = Form::new(
            &[("etag", "e"), ("size", "5")],
            ("file", "file"),
            false,
            &mut body,
        );
        form.rewind().unwrap();
        let len = form.len();
        let expected = "--B\r\nContent-Disposition: form-data; name=\"etag\"\r\n\r\ne\r\n\
            --B\r\nContent-Disposition: form-data; name=\"size\"\r\n\r\n5\r\n\
            --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n\
            Content-Type: application/octet-stream\r\n\r\nhello\r\n--B--\r\n";
        for _ in 0..2 {
            let text = whole(&mut form).unwrap();
            assert_eq!(text, expected);
            assert_eq!(
                text.len() + 4 * (BOUNDARY.len() - 1),
                usize::try_from(len).unwrap()
            );
            form.rewind().unwrap();
        }
    }

    #[test]
    fn a_late_etag_follows_a_good_file() {
        let budget = Budget::new(0, None);
        let bytes = vec![b'x'; 3 << 20];
        let (mut source, id) = (&bytes[..], Id(Sha256::digest(&bytes).into()));
        let mut body = Body::fixed(&mut source, bytes.len() as u64, Some(id), &budget).unwrap();
        assert!(!body.repeatable());
        let md5 = hex(&Md5::digest(&bytes));
        let mut form = Form::new(&[], ("file", "file"), true, &mut body);
        let len = form.len();
        let text = whole(&mut form).unwrap();
        assert!(
            text.ends_with(&format!("name=\"etag\"\r\n\r\n{md5}\r\n--B--\r\n")),
            "{}",
            &text[text.len() - 99..]
        );
        assert_eq!(
            text.len() + 3 * (BOUNDARY.len() - 1),
            usize::try_from(len).unwrap()
        );
        assert_eq!(form.finish().unwrap(), Some(md5));
    }

    #[test]
    fn a_bad_file_never_gets_its_closing_part() {
        let budget = Budget::new(0, None);
        let bytes = vec![b'x'; 3 << 20];
        for (len, id) in [
            (3 << 20, Id([0; 32])),
            (4 << 20, Id(Sha256::digest(&bytes).into())),
        ] {
            let mut source = &bytes[..];
            let mut body = Body::fixed(&mut source, len, Some(id), &budget).unwrap();
            let mut form = Form::new(&[], ("file", "file"), true, &mut body);
            let mut seen = Vec::new();
            assert!(form.read_to_end(&mut seen).is_err());
            assert!(seen.ends_with(b"xxx"), "something came after the file");
            assert!(!form.ready());
            drop(form);
            assert!(body.fault().is_some());
        }
    }
}
