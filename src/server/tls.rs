//! TLS to other servers, whose certificates an authority has signed that this machine trusts.

use std::sync::Arc;

use rustls_native_certs::load_native_certs;
use tokio_rustls::{
    TlsConnector,
    rustls::{self, ClientConfig, RootCertStore, crypto::ring},
};

/// The authorities that this machine trusts.
pub fn trusted_roots() -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(load_native_certs().certs);
    Arc::new(roots)
}

/// Connects to servers whose certificates these authorities have signed.
pub fn connector(roots: Arc<RootCertStore>) -> Result<TlsConnector, rustls::Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config).into())
}
