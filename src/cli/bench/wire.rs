//! HTTP/1.1 over mutual TLS with as little as possible in between, so that the driver costs less
//! than what it measures (RFC 9112).

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf as _, BytesMut};
use rustls::{ClientConfig, HandshakeKind};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::cli::Failure;

/// Where to connect, and how.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) address: SocketAddr,
    pub(super) name: ServerName<'static>,
    pub(super) tls: Arc<ClientConfig>,
}

/// An answer: its status, and its body where it was asked for.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Option<Vec<u8>>,
}

/// One connection.
pub(super) struct Wire {
    stream: TlsStream<TcpStream>,
    buffer: BytesMut,
}

impl Wire {
    /// Connects and shakes hands.
    pub(super) async fn open(target: &Target) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::from_error("connect", &error);
        let stream = TcpStream::connect(target.address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let stream = TlsConnector::from(Arc::clone(&target.tls)).connect(target.name.clone(), stream).await;
        Ok(Self { stream: stream.map_err(failed)?, buffer: BytesMut::with_capacity(128 * 1024) })
    }

    /// Whether the handshake resumed an earlier session.
    pub(super) fn is_resumed(&self) -> bool {
        self.stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Sends a whole request and reads its answer to the end; `keep` hands its body out.
    pub(super) async fn exchange(&mut self, request: &[u8], keep: bool) -> Result<Answer, Failure> {
        let failed = |error: std::io::Error| Failure::from_error("exchange", &error);
        self.stream.write_all(request).await.map_err(failed)?;
        self.stream.flush().await.map_err(failed)?;
        let head = loop {
            match Head::of(&self.buffer)? {
                Some(head) => break head,
                None => self.fill().await?,
            }
        };
        self.buffer.advance(head.size);
        let mut body = keep.then(Vec::new);
        match head.length {
            Some(length) => self.take(length, &mut body).await?,
            None => self.chunks(&mut body).await?,
        }
        Ok(Answer { status: head.status, body })
    }

    /// Says goodbye, so that the server does not wait.
    pub(super) async fn close(mut self) {
        drop(self.stream.shutdown().await);
    }

    async fn fill(&mut self) -> Result<(), Failure> {
        let read = self.stream.read_buf(&mut self.buffer).await;
        match read.map_err(|error| Failure::from_error("exchange", &error))? {
            0 => Err(Failure::Failed("the server closed the connection".to_owned())),
            _ => Ok(()),
        }
    }

    async fn take(&mut self, mut length: usize, body: &mut Option<Vec<u8>>) -> Result<(), Failure> {
        loop {
            let piece = self.buffer.split_to(length.min(self.buffer.len()));
            length -= piece.len();
            if let Some(body) = body {
                body.extend_from_slice(&piece);
            }
            if length == 0 {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    async fn chunks(&mut self, body: &mut Option<Vec<u8>>) -> Result<(), Failure> {
        loop {
            let line = loop {
                match self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                    Some(end) => break self.buffer.split_to(end + 2),
                    None => self.fill().await?,
                }
            };
            let size = std::str::from_utf8(&line).ok().and_then(|line| usize::from_str_radix(line.trim(), 16).ok());
            let size = size.ok_or_else(|| Failure::Failed("a chunk without its size".to_owned()))?;
            self.take(size, body).await?;
            self.take(2, &mut None).await?;
            if size == 0 {
                return Ok(());
            }
        }
    }
}

/// What of an answer's head matters here.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    size: usize,
    status: u16,
    /// None where the body is chunked.
    length: Option<usize>,
}

impl Head {
    /// The head at the start of `bytes`, once it is whole.
    fn of(bytes: &[u8]) -> Result<Option<Self>, Failure> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let head = bytes.get(..end).and_then(|head| std::str::from_utf8(head).ok()).unwrap_or_default();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status = status.ok_or_else(|| Failure::Failed("not an HTTP answer".to_owned()))?;
        let header = |name: &str| {
            let mut fields = lines.clone().filter_map(|line| line.split_once(':'));
            fields.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        let length = match (header("content-length"), header("transfer-encoding")) {
            (Some(length), _) => length.parse().ok(),
            (None, Some(_)) => None,
            (None, None) => Some(0),
        };
        Ok(Some(Self { size: end + 4, status, length }))
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        assert_eq!(Head::of(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n").unwrap(), None);
        let whole = b"HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\nabc";
        assert_eq!(Head::of(whole).unwrap(), Some(Head { size: 45, status: 404, length: Some(3) }));
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_eq!(Head::of(chunked).unwrap().unwrap().length, None);
        assert!(Head::of(b"\x15\x03\r\n\r\n").is_err());
    }
}
