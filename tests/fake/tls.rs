//! TLS on the emulator's ports: what begins as TLS is decrypted and sent on to the same port, where
//! it begins as HTTP. So every port takes both, and neither requests nor answers know of it.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Certificate and key.
const IDENTITY: &[u8] = include_bytes!("tls.pem");
/// The first byte of a client's greeting; no HTTP begins so.
const HANDSHAKE: u8 = 0x16;
/// Bytes read at once.
const BUFFER: usize = 64 << 10;

/// Whether the client speaks TLS. Waits for its first byte.
pub fn begins(stream: &TcpStream) -> bool {
    let mut first = [0];
    matches!(stream.peek(&mut first), Ok(1)) && first[0] == HANDSHAKE
}

/// Carries both directions until both have ended.
pub fn tunnel(outside: &TcpStream, to: SocketAddr) -> io::Result<()> {
    let inside = TcpStream::connect(to)?;
    inside.set_nodelay(true)?;
    let session = ServerConnection::new(config()?).map_err(io::Error::other)?;
    let session = Mutex::new(session);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ = outward(outside, &inside, &session);
            let _ = outside.shutdown(Shutdown::Both);
        });
        let done = inward(outside, &inside, &session);
        let _ = inside.shutdown(Shutdown::Write);
        done
    })
}

/// From the client: decrypts.
fn inward(
    mut outside: &TcpStream,
    mut inside: &TcpStream,
    session: &Mutex<ServerConnection>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let n = outside.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        let mut sealed = &buffer[..n];
        while !sealed.is_empty() {
            let mut plain = Vec::new();
            let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
            session.read_tls(&mut sealed)?;
            let state = session.process_new_packets().map_err(io::Error::other);
            flush(&mut session, outside)?;
            let ready = state?.plaintext_bytes_to_read() as u64;
            session.reader().take(ready).read_to_end(&mut plain)?;
            drop(session);
            inside.write_all(&plain)?;
        }
    }
}

/// To the client: encrypts.
fn outward(
    outside: &TcpStream,
    mut inside: &TcpStream,
    session: &Mutex<ServerConnection>,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let n = inside.read(&mut buffer)?;
        let mut session = session.lock().unwrap_or_else(PoisonError::into_inner);
        let mut plain = &buffer[..n];
        while !plain.is_empty() {
            // The session takes only so much at a time.
            let taken = session.writer().write(plain)?;
            plain = &plain[taken..];
            flush(&mut session, outside)?;
        }
        if n == 0 {
            session.send_close_notify();
            return flush(&mut session, outside);
        }
    }
}

fn flush(session: &mut ServerConnection, mut outside: &TcpStream) -> io::Result<()> {
    while session.wants_write() {
        session.write_tls(&mut outside)?;
    }
    Ok(())
}

fn config() -> io::Result<Arc<ServerConfig>> {
    static CONFIG: OnceLock<Arc<ServerConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(config.clone());
    }
    let certificate = CertificateDer::from_pem_slice(IDENTITY).map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_slice(IDENTITY).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            let builder = builder.with_no_client_auth();
            builder.with_single_cert(vec![certificate], key)
        })
        .map_err(io::Error::other)?;
    Ok(CONFIG.get_or_init(|| Arc::new(config)).clone())
}
