//! What a client reads whole is compared on its way with its name, which is the hash of its bytes:
//! its client only says that the repository is damaged, and not where. Whether the bytes pass all the
//! same, because what is whole among them can still be saved, is the cloud's to say.

use crate::restic::{Id, Part};
use crate::store::Loaded;
use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// A part of a file of this size as it is handed on. One that is read whole, and has a name by its
/// hash, calls `wrong` when its bytes aren't those of the name.
pub fn loaded(
    reader: impl Read + Send + 'static,
    (size, part): (u64, Part),
    name: Option<Id>,
    wrong: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Loaded {
    let reader: Box<dyn Read + Send> = match name.filter(|_| part.len == size) {
        None => Box::new(reader),
        Some(name) => {
            let mut proof = Proof {
                reader,
                hash: Sha256::new(),
                left: size,
                name,
                wrong: Some(Box::new(wrong)),
            };
            if size == 0 {
                // There is nothing in it that anybody would read.
                let _ = proof.read(&mut []);
            }
            Box::new(proof)
        }
    };
    Loaded { size, part, reader }
}

/// Tells of wrong bytes; an Err keeps the last of them back.
type Wrong = dyn FnOnce() -> io::Result<()> + Send;

/// A reader that tells of bytes which have another hash than they should.
struct Proof<R> {
    reader: R,
    hash: Sha256,
    left: u64,
    name: Id,
    wrong: Option<Box<Wrong>>,
}

impl<R: Read> Read for Proof<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.hash.update(&buffer[..read]);
        self.left = self.left.saturating_sub(read as u64);
        if self.left == 0
            && let Some(wrong) = self.wrong.take()
            && Id(self.hash.clone().finalize().into()) != self.name
        {
            wrong()?;
        }
        Ok(read)
    }
}
