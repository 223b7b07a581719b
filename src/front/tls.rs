//! The server's certificate and key: read, watched, and read again when they change. Encrypting is
//! rustls's business.

use crate::sync::lock;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What the server proves itself by.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    config: Mutex<Arc<ServerConfig>>,
    /// What the files looked like when they were read last.
    stamps: Mutex<[Option<Stamp>; 2]>,
    reload: Arc<AtomicBool>,
}

/// What tells a file from what it was before.
type Stamp = (u64, i64, i64, u64);

impl Tls {
    /// Reads a certificate, with those that it depends on, and its key, as PEM; an Err says in a line
    /// what is wrong.
    pub fn open(certificate: PathBuf, key: PathBuf) -> Result<Self, String> {
        let stamps = Mutex::new([&certificate, &key].map(stamp));
        Ok(Self {
            config: Mutex::new(read(&certificate, &key)?),
            certificate,
            key,
            stamps,
            reload: Arc::default(),
        })
    }

    /// What a signal handler sets so that they are read again.
    pub fn reload(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.reload)
    }

    /// Reads the files again if they have changed, or somebody wants it. While the new ones are wrong,
    /// the old ones stay.
    pub(super) fn look(&self) {
        let now = [&self.certificate, &self.key].map(stamp);
        let mut stamps = lock(&self.stamps);
        let wanted = self.reload.swap(false, Ordering::Relaxed);
        if !wanted && *stamps == now {
            return;
        }
        *stamps = now;
        match read(&self.certificate, &self.key) {
            Ok(config) => {
                *lock(&self.config) = config;
                log::info!(
                    "the certificate in {} is in use now",
                    self.certificate.display()
                );
            }
            Err(why) => log::warn!("the certificate stays the one before: {why}"),
        }
    }

    /// A session with a new client.
    pub(super) fn session(&self) -> Option<ServerConnection> {
        let config = lock(&self.config);
        ServerConnection::new(Arc::clone(&config)).ok()
    }
}

fn stamp(path: &PathBuf) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    Some((found.ino(), found.mtime(), found.mtime_nsec(), found.size()))
}

fn read(certificate: &PathBuf, key: &PathBuf) -> Result<Arc<ServerConfig>, String> {
    let problem = |option: &str, path: &PathBuf, why: &str| {
        Err(format!("{option} {}: {why}", path.display()))
    };
    let (named, its) = ("--tls-cert", "--tls-key");
    let chain: Result<Vec<_>, _> = match fs::read(certificate) {
        Ok(text) => CertificateDer::pem_slice_iter(&text).collect(),
        Err(error) => return problem(named, certificate, &error.to_string()),
    };
    let Some(chain) = chain.ok().filter(|chain| !chain.is_empty()) else {
        return problem(named, certificate, "there is no certificate in PEM");
    };
    let secret = match fs::read(key) {
        Ok(text) => PrivateKeyDer::from_pem_slice(&text),
        Err(error) => return problem(its, key, &error.to_string()),
    };
    let Ok(secret) = secret else {
        return problem(
            its,
            key,
            "there is no private key in PEM, or it is locked by a password",
        );
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(chain, secret)
        });
    match config {
        Ok(config) => Ok(Arc::new(config)),
        Err(rustls::Error::InconsistentKeys(_)) => {
            problem(its, key, "this isn't the key of the certificate")
        }
        Err(error) => problem(named, certificate, &error.to_string()),
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}
