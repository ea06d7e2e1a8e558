//! Sends one request to a site, by its certificate if it is https.

use std::{io, sync::Arc, time::Duration};

use axum::http::{HeaderMap, HeaderValue, Request, header::HOST, response::Parts};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::rustls::{
    self, CertificateError, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use url::Url;

use crate::{accounts::clock::Timestamp, server::tls};

/// Later than any certificate ends, from 1970 on.
const FAR_FUTURE: Duration = Duration::from_secs(1 << 40);

/// What a site answered.
pub struct Reply {
    /// Its status and its headers.
    pub head: Parts,
    /// When the certificate ends; none if there is none, or if it does not say so.
    pub certificate_ends: Option<Timestamp>,
}

/// Why a site did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No connection was made, or it was lost.
    #[error(transparent)]
    Network(#[from] io::Error),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// The certificate is not one to rely on.
    #[error("{0}")]
    Certificate(CertificateError),
    /// The answer is not HTTP.
    #[error(transparent)]
    Http(#[from] hyper::Error),
}

/// Gets the first page of the site at `url`.
pub async fn get(url: &Url, headers: HeaderMap) -> Result<Reply, Failure> {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or_default();
    let stream = TcpStream::connect((host, port)).await?;
    if url.scheme() == "http" {
        return Ok(Reply {
            head: exchange(stream, url, headers).await?,
            certificate_ends: None,
        });
    }
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let roots = tls::trusted_roots();
    let trust = verifier(roots.clone())?;
    let stream = tls::connector(roots)?.connect(name.clone(), stream).await;
    let stream = stream.map_err(of_handshake)?;
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates().unwrap_or_default();
    Ok(Reply {
        certificate_ends: end_of(certificate, &name, &trust),
        head: exchange(stream, url, headers).await?,
    })
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    url: &Url,
    headers: HeaderMap,
) -> Result<Parts, Failure> {
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut request = Request::new(String::new());
    *request.headers_mut() = headers;
    let host = HeaderValue::from_str(url.authority()).map_err(io::Error::other)?;
    request.headers_mut().insert(HOST, host);
    let (head, _) = sender.send_request(request).await?.into_parts();
    Ok(head)
}

fn verifier(roots: Arc<RootCertStore>) -> Result<Arc<WebPkiServerVerifier>, Failure> {
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
    Ok(verifier.map_err(io::Error::other)?)
}

fn of_handshake(error: io::Error) -> Failure {
    match error.downcast::<rustls::Error>() {
        Ok(rustls::Error::InvalidCertificate(why)) => Failure::Certificate(why),
        Ok(error) => Failure::Tls(error),
        Err(error) => Failure::Network(error),
    }
}

/// When a certificate ends, which rustls tells only of one that has ended.
fn end_of(
    chain: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    trust: &WebPkiServerVerifier,
) -> Option<Timestamp> {
    let (certificate, others) = chain.split_first()?;
    let then = UnixTime::since_unix_epoch(FAR_FUTURE);
    match trust.verify_server_cert(certificate, others, name, &[], then) {
        Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext {
            not_after,
            ..
        })) => {
            let millis = not_after.as_secs().saturating_mul(1000);
            Some(Timestamp::from_millis(millis.try_into().ok()?))
        }
        _ => None,
    }
}
