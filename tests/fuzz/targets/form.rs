//! Uploads: the multipart form around a file, and the body that checks itself while it is read.
//! The first bytes say how the file is made and read, the rest is its content.
#![no_main]

use libfuzzer_sys::fuzz_target;
use md5::Md5;
use restic_123pan::body::{Body, Budget};
use restic_123pan::pan123::fuzz::{Content, Form};
use restic_123pan::restic::{Id, hex};
use restic_123pan::store::{Cause, Error};
use sha2::{Digest, Sha256};
use std::io::{self, Read};

fuzz_target!(|bytes: &[u8]| {
    let Some((&[flags, step, fields, lie], content)) = bytes.split_first_chunk::<4>() else {
        return;
    };
    let steps = (usize::from(step & 15) + 1, usize::from(step >> 4) * 16 + 1);
    let file = File {
        bytes: content,
        at: 0,
        step: steps.0,
        breaks: flags & 2 != 0,
    };
    form(file, flags & 1 != 0, usize::from(fields) % 8, steps.1);
    body(content, flags, u64::from(lie), steps);
});

/// A form has the length that it says, its file is whole, a late etag is right, and it comes the
/// same a second time; one whose file breaks off never ends well.
fn form(mut file: File<'_>, late: bool, fields: usize, step: usize) {
    let (content, breaks) = (file.bytes, file.breaks);
    let names: Vec<String> = (0..fields).map(|n| format!("field{n}")).collect();
    let value = "v".repeat(fields * 9);
    let given: Vec<(&str, &str)> = names
        .iter()
        .map(|name| (name.as_str(), value.as_str()))
        .collect();
    let mut form = Form::new(&given, ("file", "file"), late, &mut file);
    let announced = form.len();
    for _ in 0..2 {
        form.rewind().expect("a file that can be read twice");
        let read = read_all(&mut form, step);
        if breaks {
            assert!(read.is_err(), "a form ended well whose file broke off");
            continue;
        }
        let form = read.expect("a good file");
        assert_eq!(
            form.len() as u64,
            announced,
            "the length that was announced"
        );
        let boundary = Form::content_type();
        let boundary = boundary.rsplit('=').next().expect("a boundary");
        let end = format!("\r\n--{boundary}--\r\n");
        let etag = match late {
            true => part(boundary, "etag", &hex(&Md5::digest(content))),
            false => String::new(),
        };
        let end = [b"\r\n", etag.as_bytes(), &end.as_bytes()[2..]].concat();
        assert!(form.ends_with(&end));
        assert!(form[..form.len() - end.len()].ends_with(content));
        let head = names
            .iter()
            .map(|name| part(boundary, name, &value))
            .collect::<String>();
        assert!(form.starts_with(head.as_bytes()));
    }
}

fn part(boundary: &str, name: &str, value: &str) -> String {
    format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

/// A body ends well only if it has the announced length and the right hash, and it holds what was
/// sent then.
fn body(content: &[u8], flags: u8, lie: u64, (step, read_step): (usize, usize)) {
    let budget = Budget::new(u64::from(flags >> 4) << 10, None);
    let breaks = flags & 2 != 0;
    let mut source = File {
        bytes: content,
        at: 0,
        step,
        breaks,
    };
    let wrong = flags & 4 != 0;
    let mut id = Id(Sha256::digest(content).into());
    if wrong {
        id.0[0] ^= 1;
    }
    let announced = content.len() as u64 + lie % 3;
    let made = match flags & 8 != 0 {
        true => Body::chunked(&mut source, Some(id), &budget, &mut |_| Ok(())),
        false => Body::fixed(&mut source, announced, Some(id), &budget),
    };
    // What comes after the announced length isn't read.
    let complete = match flags & 8 != 0 {
        true => !breaks,
        false => announced == content.len() as u64,
    };
    let whole = complete && !wrong;
    let read = made.map_err(io::Error::other).and_then(|mut body| {
        let len = body.len();
        let read = read_all(&mut body, read_step)?;
        assert_eq!(read.len() as u64, len);
        Ok(read)
    });
    match read {
        Ok(read) => assert!(whole && read == content, "a bad body ended well"),
        Err(error) => assert!(!whole, "a good body failed: {error}"),
    }
    assert_eq!(budget.used(), 0, "memory wasn't given back");
}

fn read_all(reader: &mut dyn Read, step: usize) -> io::Result<Vec<u8>> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; step]);
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(all),
            n => all.extend_from_slice(&buffer[..n]),
        }
    }
}

/// A file that comes in small pieces and may break off at its end.
struct File<'a> {
    bytes: &'a [u8],
    at: usize,
    step: usize,
    breaks: bool,
}

impl Read for File<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.bytes[self.at..];
        let n = rest.len().min(buffer.len()).min(self.step);
        if n == 0 && self.breaks && !buffer.is_empty() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        buffer[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        Ok(n)
    }
}

impl Content for File<'_> {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn ready(&self) -> bool {
        true
    }

    fn untouched(&self) -> bool {
        self.at == 0
    }

    fn rewind(&mut self) -> Result<(), Error> {
        self.at = 0;
        match self.bytes.len() {
            0..=0xffff_ffff => Ok(()),
            _ => Err(Error::new(Cause::Client, "too long")),
        }
    }
}
