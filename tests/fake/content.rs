//! The bytes of files: in memory, on disk, or made up when they are read. Knows nothing of names,
//! folders or ids.

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// What a file holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Content {
    /// Pieces in memory, in order. Never saved: with a folder, content is in files.
    #[serde(skip)]
    Memory(Arc<Vec<Arc<[u8]>>>),
    /// So many made-up bytes, for clouds of 100,000 packs and for benchmarks.
    MadeUp(u64),
    /// A file of this program's.
    Disk(PathBuf),
}

/// Where new content goes.
#[derive(Clone, Debug, Default)]
pub enum Keep {
    /// Into memory.
    #[default]
    Memory,
    /// Nowhere: size and MD5 are kept, reading gives made-up bytes.
    Discard,
    /// Into files in this folder, named after MD5 and size.
    Disk(PathBuf),
}

/// Made-up bytes repeat after so many: a prime, so that a reader that is off by a buffer is noticed.
const PERIOD: usize = 65_521;

/// One period of made-up bytes. Positions alone decide, so that equal sizes have equal MD5s.
fn period() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let byte = |at: usize| (at ^ (at >> 8)).to_le_bytes()[0];
        (0..PERIOD).map(byte).collect()
    })
}

impl Content {
    /// A reader of the bytes from a position on.
    pub fn reader(&self, from: u64) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Content::Memory(pieces) => Box::new(Pieces {
                pieces: pieces.clone(),
                index: 0,
                skip: from,
            }),
            Content::MadeUp(size) => Box::new(MadeUp {
                at: from,
                size: *size,
            }),
            Content::Disk(path) => {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(from))?;
                Box::new(file)
            }
        })
    }

    /// All bytes. For tests, on files that fit into memory.
    pub fn bytes(&self) -> Vec<u8> {
        let mut all = Vec::new();
        if let Ok(mut reader) = self.reader(0) {
            let _ = reader.read_to_end(&mut all);
        }
        all
    }
}

/// Reads pieces in memory one after the other.
struct Pieces {
    pieces: Arc<Vec<Arc<[u8]>>>,
    index: usize,
    skip: u64,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.pieces.get(self.index) {
            let skip = usize::try_from(self.skip).unwrap_or(usize::MAX);
            if skip >= piece.len() {
                self.skip -= piece.len() as u64;
                self.index += 1;
                continue;
            }
            let n = into.len().min(piece.len() - skip);
            into[..n].copy_from_slice(&piece[skip..skip + n]);
            self.skip += n as u64;
            return Ok(n);
        }
        Ok(0)
    }
}

/// Makes bytes up.
struct MadeUp {
    at: u64,
    size: u64,
}

impl Read for MadeUp {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let at = usize::try_from(self.at % PERIOD as u64).unwrap_or(0);
        let n = into.len().min(left).min(PERIOD - at);
        into[..n].copy_from_slice(&period()[at..at + n]);
        self.at += n as u64;
        Ok(n)
    }
}

/// Takes content in as it arrives.
pub struct Intake {
    md5: Md5,
    size: u64,
    to: To,
}

/// Where an intake's bytes go.
enum To {
    Memory(Vec<Arc<[u8]>>),
    Nowhere,
    Disk {
        file: File,
        temporary: PathBuf,
        folder: PathBuf,
    },
}

/// What an intake ends in.
pub struct Taken {
    pub etag: String,
    pub size: u64,
    pub content: Content,
}

impl Intake {
    /// An empty intake.
    pub fn new(keep: &Keep) -> io::Result<Intake> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let to = match keep {
            Keep::Memory => To::Memory(Vec::new()),
            Keep::Discard => To::Nowhere,
            Keep::Disk(folder) => {
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                let temporary = folder.join(format!("incoming-{}-{number}", std::process::id()));
                To::Disk {
                    file: File::create(&temporary)?,
                    temporary,
                    folder: folder.clone(),
                }
            }
        };
        Ok(Intake {
            md5: Md5::new(),
            size: 0,
            to,
        })
    }

    /// More bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.md5.update(bytes);
        self.size += bytes.len() as u64;
        match &mut self.to {
            To::Memory(pieces) => pieces.push(Arc::from(bytes)),
            To::Nowhere => {}
            To::Disk { file, .. } => file.write_all(bytes)?,
        }
        Ok(())
    }

    /// No more bytes: the content is complete.
    pub fn finish(mut self) -> io::Result<Taken> {
        let etag = hex(&std::mem::take(&mut self.md5).finalize());
        let size = self.size;
        let content = match std::mem::replace(&mut self.to, To::Nowhere) {
            To::Memory(pieces) => Content::Memory(Arc::new(pieces)),
            To::Nowhere => Content::MadeUp(size),
            To::Disk {
                temporary, folder, ..
            } => {
                let path = folder.join(format!("{etag}-{size}"));
                std::fs::rename(temporary, &path)?;
                Content::Disk(path)
            }
        };
        Ok(Taken {
            etag,
            size,
            content,
        })
    }
}

impl Drop for Intake {
    /// An upload that was withdrawn leaves no file behind.
    fn drop(&mut self) {
        if let To::Disk { temporary, .. } = &self.to {
            let _ = std::fs::remove_file(temporary);
        }
    }
}

/// Takes bytes in that are there already.
pub fn take(keep: &Keep, bytes: &[u8]) -> io::Result<Taken> {
    let mut intake = Intake::new(keep)?;
    for piece in bytes.chunks(1 << 20) {
        intake.write(piece)?;
    }
    intake.finish()
}

/// The MD5 of made-up content: true up to 1 MiB, and beyond that an invented one, because planting
/// 100,000 packs must take no time.
pub fn made_up_etag(size: u64) -> String {
    const TRUE_UP_TO: u64 = 1 << 20;
    let mut md5 = Md5::new();
    if size <= TRUE_UP_TO {
        md5.update(Content::MadeUp(size).bytes());
    } else {
        md5.update(format!("made up: {size}"));
    }
    hex(&md5.finalize())
}

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The MD5 of a few bytes.
pub fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

/// Removes content files that no path in `used` names, and what broken uploads left.
pub fn sweep(folder: &Path, used: &std::collections::HashSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if !used.contains(&entry.path()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
