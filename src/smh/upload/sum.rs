//! The CRC-64 of a body, taken while it is sent: Tencent SMH compares it when an upload is
//! confirmed (CRC-64/XZ).

use crate::body::Body;
use crate::cloud::form::Content;
use crate::store::Error;
use crc64fast::Digest;
use std::io::{self, Read};

/// Bytes read at once where nobody else says how many.
const BUFFER: usize = 64 << 10;

/// A body with the checksum of what was read of it.
pub struct Summed<'a, 'b> {
    body: &'a mut Body<'b>,
    sum: Digest,
    seen: u64,
}

impl<'a, 'b> Summed<'a, 'b> {
    /// Nothing of the body has been read.
    pub fn new(body: &'a mut Body<'b>) -> Self {
        Self {
            body,
            sum: Digest::new(),
            seen: 0,
        }
    }

    /// Whether all bytes were read.
    pub fn is_all(&self) -> bool {
        self.seen == self.body.len()
    }

    /// Whether it can be sent again.
    pub fn can_rewind(&self) -> bool {
        self.body.ready()
    }

    /// Why the body itself failed.
    pub fn fault(&self) -> Option<Error> {
        self.body.fault().cloned()
    }

    /// The checksum, when the body has come to its end and was right.
    pub fn finish(mut self) -> io::Result<u64> {
        let mut buffer = vec![0; BUFFER];
        while self.read(&mut buffer)? > 0 {}
        Ok(self.sum.sum64())
    }
}

impl Read for Summed<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.body.read(buffer)?;
        self.sum.write(&buffer[..n]);
        self.seen += n as u64;
        Ok(n)
    }
}

impl Content for Summed<'_, '_> {
    fn len(&self) -> u64 {
        self.body.len()
    }

    fn ready(&self) -> bool {
        self.body.ready()
    }

    fn untouched(&self) -> bool {
        Content::untouched(&*self.body)
    }

    fn rewind(&mut self) -> Result<(), Error> {
        self.body.rewind()?;
        (self.sum, self.seen) = (Digest::new(), 0);
        Ok(())
    }
}

/// The checksum of all of a content.
pub fn sum_of(content: &mut dyn Content) -> io::Result<u64> {
    content.rewind().map_err(io::Error::other)?;
    let (mut sum, mut buffer) = (Digest::new(), vec![0; BUFFER]);
    loop {
        match content.read(&mut buffer)? {
            0 => return Ok(sum.sum64()),
            n => sum.write(&buffer[..n]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Budget;

    #[test]
    fn sums_are_those_of_xz() {
        let budget = Budget::new(0, None);
        for (bytes, expected) in [(&b"123456789"[..], 0x995D_C9BB_DF19_39FA), (b"", 0)] {
            let (mut source, len) = (bytes, bytes.len() as u64);
            let mut body = Body::fixed(&mut source, len, None, &budget).expect("a body");
            assert_eq!(sum_of(&mut body).expect("a sum"), expected);
        }
    }

    #[test]
    fn a_body_that_ends_too_early_has_none() {
        let budget = Budget::new(0, None);
        let bytes = vec![7; 2 << 20];
        let mut source = &bytes[..];
        let mut body = Body::streamed(&mut source, 3 << 20, None, &budget);
        assert!(sum_of(&mut body).is_err());
        assert!(body.fault().is_some());
    }
}
