//! The floor: a relay that copies 64 KiB at a time between two sockets, in a process of its own,
//! and what stands behind it here, which takes bytes or makes them.

use crate::process::Process;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;

/// The argument that makes this program a relay.
pub(crate) const ROLE: &str = "relay";
/// Bytes copied at once, as in the server.
const BUFFER: usize = 64 << 10;

/// A relay and its other end.
pub(crate) struct Relay {
    process: Process,
    port: u16,
}

impl Relay {
    /// Starts both.
    pub(crate) fn start() -> Self {
        let end = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = end.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in end.incoming() {
                std::thread::spawn(move || serve(stream.unwrap()));
            }
        });
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([ROLE, &target]);
        let (process, port) = Process::start(&mut command, false, |line| line.parse().ok());
        Self { process, port }
    }

    /// The relay alone.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Sends bytes to the other end.
    pub(crate) fn upload(&self, data: &[u8]) {
        let mut stream = self.ask(0);
        stream.write_all(data).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(drain(&mut stream), 1, "the relay lost the answer");
    }

    /// Has so many bytes sent from the other end.
    pub(crate) fn download(&self, len: usize) {
        let mut stream = self.ask(len as u64);
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(drain(&mut stream), len as u64, "the relay lost bytes");
    }

    fn ask(&self, len: u64) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(&len.to_le_bytes()).unwrap();
        stream
    }
}

/// The other end: sends as many bytes as it is asked for, or takes all and answers one.
fn serve(mut stream: TcpStream) {
    let mut len = [0; 8];
    stream.read_exact(&mut len).unwrap();
    let mut left = u64::from_le_bytes(len);
    if left == 0 {
        drain(&mut stream);
        stream.write_all(&[1]).unwrap();
    }
    let buffer = vec![7; BUFFER];
    while left > 0 {
        let n = usize::try_from(left.min(BUFFER as u64)).unwrap();
        stream.write_all(&buffer[..n]).unwrap();
        left -= n as u64;
    }
}

/// Reads to the end; how many bytes came.
fn drain(stream: &mut TcpStream) -> u64 {
    let mut buffer = vec![0; BUFFER];
    let mut all = 0;
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => return all,
            n => all += n as u64,
        }
    }
}

/// The relay's own process: says where it listens, copies until it is killed.
pub(crate) fn run(target: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    for stream in listener.incoming() {
        let (near, far) = (stream.unwrap(), TcpStream::connect(target).unwrap());
        let (near_too, far_too) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        std::thread::spawn(move || copy(near, far));
        std::thread::spawn(move || copy(far_too, near_too));
    }
}

/// `io::copy` would let the kernel move the bytes, which no server that hashes them can.
fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(n) = from.read(&mut buffer) {
        if n == 0 || to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
