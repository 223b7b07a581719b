//! The HTTP client, and what its failures mean.

use super::Network;
use super::reach::Reach;
use super::routes::{Ordered, Routes};
use crate::cloud::outcome::Outcome;
use rustls::CertificateError;
use rustls::crypto::{CryptoProvider, KeyProvider, ring};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use std::io::ErrorKind;
use std::sync::Arc;
use ureq::Agent;
use ureq::config::{AutoHeaderValue, IpFamily};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::DefaultConnector;

/// Bytes of buffer in each direction of a connection.
const BUFFER: usize = 64 << 10;

/// A client for an account's calls.
pub(super) fn agent(network: &Network, routes: &Arc<Routes>) -> Agent {
    let timing = &network.timing;
    let family = if network.ipv4_only {
        IpFamily::Ipv4Only
    } else {
        IpFamily::Any
    };
    let program = concat!("restic-123pan/", env!("CARGO_PKG_VERSION"));
    let tls = TlsConfig::builder()
        .root_certs(roots(network.ca.as_deref()))
        .unversioned_rustls_crypto_provider(Arc::new(cryptography()));
    let built = Agent::config_builder()
        .tls_config(tls.build())
        .http_status_as_error(false)
        .max_redirects(0)
        // Downloads go by TLS all the same.
        .https_only(network.is_https() && !network.allow_http)
        .user_agent(AutoHeaderValue::Provided(Arc::new(program.to_owned())))
        .ip_family(family)
        .input_buffer_size(BUFFER)
        .output_buffer_size(BUFFER)
        .max_idle_connections(2 * network.connections)
        .max_idle_connections_per_host(network.connections)
        // Shorter than servers usually keep connections: a POST on one that the server has just
        // closed is lost.
        .max_idle_age(timing.idle)
        .timeout_resolve(Some(timing.connect))
        .timeout_connect(Some(timing.connect))
        .timeout_recv_response(Some(timing.answer))
        // No total for bodies: an upload waits for our own client.
        .timeout_per_read(Some(timing.stall))
        .timeout_per_write(Some(timing.stall))
        .build();
    let resolver = Ordered::new(Reach::new(&network.api_url), routes);
    Agent::with_parts(built, DefaultConnector::default(), resolver)
}

/// Whose word is taken for who a server is: Mozilla's list, or only what the user named. What is
/// no certificate is passed over; with none left every connection fails and says so.
fn roots(pem: Option<&[u8]>) -> RootCerts {
    let Some(pem) = pem else {
        return RootCerts::WebPki;
    };
    let certificates = parse_pem(pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    RootCerts::new_with_certs(&certificates.collect::<Vec<_>>())
}

/// Everything that ring offers, but for signing.
fn cryptography() -> CryptoProvider {
    CryptoProvider {
        key_provider: &NoKeys,
        ..ring::default_provider()
    }
}

/// A client without a certificate of its own signs nothing: the code for it would take 40 KB.
#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(
        &self,
        _: PrivateKeyDer<'static>,
    ) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        Err(rustls::Error::General("no key is ever loaded".to_owned()))
    }
}

/// What a failure to send means: whether the request can have been received.
pub(super) fn unsent(error: &ureq::Error) -> Outcome {
    use ureq::{Error, Timeout};
    let text = words(error);
    let before = match error {
        Error::HostNotFound | Error::ConnectionFailed | Error::Tls(_) | Error::Rustls(_) => true,
        Error::RequireHttpsOnly(_) | Error::BadUri(_) => true,
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => true,
        // Neither a name that can't be resolved nor a certificate that doesn't hold, as with a
        // clock that is wrong, has a kind of its own.
        Error::Io(_) if text.contains("lookup address") || text.contains("certificate") => true,
        Error::Io(error) => matches!(
            error.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::NetworkUnreachable
                | ErrorKind::HostUnreachable
                | ErrorKind::AddrNotAvailable
        ),
        _ => false,
    };
    if before {
        Outcome::NotSent(text)
    } else {
        Outcome::Lost(text)
    }
}

/// The failure as users read it. Why a certificate isn't usable at all, as with an authority's in a
/// server's place, rustls says only by Debug, which static programs keep short.
pub(super) fn words(error: &ureq::Error) -> String {
    let cause = match error {
        ureq::Error::Io(error) => error.get_ref().and_then(|e| e.downcast_ref()),
        _ => None,
    };
    match cause {
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(why))) => {
            format!("invalid peer certificate: {why}")
        }
        _ => match error {
            // What these say is the address, which may hold a secret.
            ureq::Error::BadUri(_) => "an unusable address".to_owned(),
            ureq::Error::RequireHttpsOnly(_) => "an address without TLS".to_owned(),
            _ => error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::OtherError;
    use std::io;

    #[test]
    fn what_is_wrong_with_a_certificate_is_said() {
        let why = OtherError(Arc::new(io::Error::other("it is an authority's")));
        let refused = rustls::Error::InvalidCertificate(CertificateError::Other(why));
        let outcome = unsent(&ureq::Error::Io(io::Error::other(refused)));
        let Outcome::NotSent(text) = outcome else {
            unreachable!("{outcome:?}")
        };
        assert_eq!(text, "invalid peer certificate: it is an authority's");
    }
}
