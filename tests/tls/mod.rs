//! Mutual TLS on loopback: who is let in, who is refused, what changes while serving.

mod actix;
mod certificate;
mod dev_pki;
mod handshake;
mod reload;
mod revocation;
mod rsa;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use espace::clock::{Clock, SystemClock};
use espace::http::tls::{Peer, Settings, Tls};
use rustls::{ClientConfig, HandshakeKind};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

pub(crate) const TLS12: &rustls::SupportedProtocolVersion = &rustls::version::TLS12;
pub(crate) const TLS13: &rustls::SupportedProtocolVersion = &rustls::version::TLS13;
pub(crate) const BOTH: [&rustls::SupportedProtocolVersion; 2] = [TLS12, TLS13];

/// TLS over a directory of the development PKI, by the real clock.
pub(crate) fn tls(directory: &Path) -> Arc<Tls> {
    tls_with(Settings::dev(directory), Arc::new(SystemClock))
}

pub(crate) fn tls_with(settings: Settings, clock: Arc<dyn Clock>) -> Arc<Tls> {
    Arc::new(Tls::load(settings, clock).unwrap())
}

/// Answers each byte of a connection with `1` while its client is trusted, `0` once it is not.
pub(crate) async fn serve(tls: Arc<Tls>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls.server_config()));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, acceptor) = (tls.clone(), acceptor.clone());
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let peer: Arc<Peer> = tls.peer_of(stream.get_ref().1).unwrap();
                let mut byte = [0];
                while stream.read_exact(&mut byte).await.is_ok() {
                    let answer = if tls.still_trusted(&peer) { b"1" } else { b"0" };
                    stream.write_all(answer).await.unwrap();
                }
            });
        }
    });
    address
}

/// An open connection.
pub(crate) struct Connection(pub(crate) TlsStream<TcpStream>);

impl Connection {
    pub(crate) async fn open(address: SocketAddr, config: Arc<ClientConfig>) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(config).connect(name, stream).await.map(Self)
    }

    /// Whether the server still trusts us.
    pub(crate) async fn is_trusted(&mut self) -> io::Result<bool> {
        self.0.write_all(b"?").await?;
        let mut answer = [0];
        self.0.read_exact(&mut answer).await?;
        Ok(answer == *b"1")
    }

    pub(crate) fn is_resumed(&self) -> bool {
        self.0.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
    }
}

/// Connects and asks once. In TLS 1.3 a refusal shows at the first read.
pub(crate) async fn ask(address: SocketAddr, config: Arc<ClientConfig>) -> io::Result<bool> {
    Connection::open(address, config).await?.is_trusted().await
}
