//! HTTP/1.1 by hand over one TLS connection: what a well-behaved client would never send.

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::pki::pki;
use crate::support::server::TestServer;
use crate::tls::{Connection, TLS13};

/// An open connection.
pub(crate) struct Wire(Connection);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: u16,
    /// Status line and headers, in lower case.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: String,
}

impl Wire {
    /// A new connection with a certificate.
    pub(crate) async fn open(server: &TestServer, name: &str) -> Self {
        Self::with(server, pki().client(Some(name), TLS13)).await.unwrap()
    }

    /// A new connection of a client that may hold sessions.
    pub(crate) async fn with(server: &TestServer, config: Arc<ClientConfig>) -> io::Result<Self> {
        let port = server.origin.rsplit(':').next().unwrap().parse().unwrap();
        Connection::open(([127, 0, 0, 1], port).into(), config).await.map(Self)
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.0.write_all(bytes.as_ref()).await?;
        self.0.0.flush().await
    }

    /// Says that nothing more comes.
    pub(crate) async fn close(&mut self) {
        drop(self.0.0.shutdown().await);
    }

    /// GET of a path exactly as written.
    pub(crate) async fn get(&mut self, path: &str, token: &str) -> io::Result<Reply> {
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n");
        self.send(format!("{head}x-request-id: wire\r\n\r\n")).await?;
        self.reply().await
    }

    /// The next answer.
    pub(crate) async fn reply(&mut self) -> io::Result<Reply> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.0.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or_default()];
        self.0.0.read_exact(&mut body).await?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Ok(Reply { status, head, body: String::from_utf8_lossy(&body).into_owned() })
    }
}
