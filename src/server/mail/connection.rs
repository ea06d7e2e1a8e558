//! The connection to a mail server.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream, rustls::pki_types::ServerName};

/// How long to connect to one of the server's addresses before the next is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How much a server may send in one connection, its certificates included: some ten times what any needs. lettre bounds
/// the length of a line only once it has ended.
const MAX_RECEIVED: usize = 64 * 1024;

/// A connection that fails once the server has sent [`MAX_RECEIVED`].
#[derive(Debug)]
pub struct Bounded<S> {
    stream: S,
    address: SocketAddr,
    received: usize,
}

impl Bounded<TcpStream> {
    /// Connects to the first address of the host that answers.
    pub async fn connect(host: &str, port: u16) -> io::Result<Self> {
        let stream = connect(host, port).await?;
        let address = stream.peer_addr()?;
        Ok(Self {
            stream,
            address,
            received: 0,
        })
    }

    /// Speaks TLS from the first byte.
    pub async fn encrypt(
        self,
        tls: &TlsConnector,
        host: &str,
    ) -> io::Result<Bounded<TlsStream<TcpStream>>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let stream = tls.connect(name, self.stream).await?;
        Ok(Bounded {
            stream,
            address: self.address,
            received: 0,
        })
    }
}

async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut failed = io::Error::other("could not resolve to any supported address");
    for address in lookup_host((host, port)).await? {
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failed = error,
            Err(_) => failed = io::Error::new(io::ErrorKind::TimedOut, "connection timed out"),
        }
    }
    Err(failed)
}

impl<S> AsyncTokioStream for Bounded<S>
where
    S: AsyncRead + AsyncWrite + Send + Sync + Unpin + fmt::Debug,
{
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.received >= MAX_RECEIVED {
            return Poll::Ready(Err(io::Error::other("the mail server sent too much")));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.received += buffer.filled().len() - before;
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
