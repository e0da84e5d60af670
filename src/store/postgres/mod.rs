//! PostgreSQL: some threads, each with one connection and a small runtime of its own that drives it
//! (house rules §7; limits §7 for what the statements may not use).

mod pool;
mod tls;

use std::cell::OnceCell;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::{AsyncConnectionWrapper, BlockOn};
use tokio::runtime::Runtime;
use tokio_postgres::config::SslMode;

use super::config::Config;
use super::engine::{Queue, Settings};
use super::error::{Error, Result};

/// The connection for which `queries/` is compiled here: pure Rust, driven on its own thread.
pub(super) type PgConn = AsyncConnectionWrapper<AsyncPgConnection, Driver>;
pub(super) type Conn = PgConn;
/// Its back end.
pub(super) type Db = diesel::pg::Pg;

#[path = "../queries/dialect_postgres.rs"]
pub(super) mod dialect;
#[path = "../queries/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "twin compilation: loaded here and in sqlite/mod.rs")]
pub(super) mod queries;

/// The queue of an opened database.
pub(super) fn open(connector: Connector, settings: &Settings) -> Result<Queue> {
    pool::start(&connector, settings)
}

thread_local! {
    static RUNTIME: OnceCell<Arc<Runtime>> = const { OnceCell::new() };
}

/// Drives a connection on the runtime of its thread. A current-thread runtime makes progress only
/// while it is blocked on, so connection and caller must share it.
pub(super) struct Driver(Option<Arc<Runtime>>);

impl BlockOn for Driver {
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.0 {
            Some(runtime) => runtime.block_on(future),
            // No thread of ours gets here: `runtime` is asked before any connection is made.
            None => futures_util::FutureExt::now_or_never(future).unwrap_or_else(|| std::process::abort()),
        }
    }

    fn get_runtime() -> Self {
        Self(runtime().ok())
    }
}

/// The runtime of this thread.
fn runtime() -> io::Result<Arc<Runtime>> {
    RUNTIME.with(|cell| {
        if let Some(runtime) = cell.get() {
            return Ok(Arc::clone(runtime));
        }
        let runtime = Arc::new(tokio::runtime::Builder::new_current_thread().enable_all().build()?);
        Ok(Arc::clone(cell.get_or_init(|| runtime)))
    })
}

/// Where the server is and how it is reached.
#[derive(Clone)]
pub(super) struct Connector {
    config: tokio_postgres::Config,
    tls: Option<tls::MakeTls>,
}

impl Connector {
    /// Reads the URL. A server elsewhere is reached over TLS unless `sslmode=disable` says otherwise.
    pub(super) fn new(url: &str, config: &Config) -> Result<Self> {
        // The parser's own message could repeat the password.
        let mut server: tokio_postgres::Config =
            url.parse().map_err(|_form| Error::Config("the URL of PostgreSQL cannot be read".to_owned()))?;
        server.connect_timeout(Duration::from_secs(5)).keepalives_idle(Duration::from_secs(30));
        server.application_name("espace");
        let wants_plain = server.get_ssl_mode() == SslMode::Disable;
        let tls = match &config.tls_roots {
            Some(_) if wants_plain => {
                return Err(Error::Config("sslmode=disable and tls_roots exclude each other".to_owned()));
            }
            Some(roots) => Some(tls::MakeTls::new(roots)?),
            None if wants_plain || server.get_hosts().iter().all(is_near) => None,
            None => {
                return Err(Error::Config(
                    "a PostgreSQL elsewhere needs tls_roots (or sslmode=disable, said on purpose)".to_owned(),
                ));
            }
        };
        if tls.is_some() {
            server.ssl_mode(SslMode::Require);
        } else if server.get_ssl_mode() == SslMode::Require {
            return Err(Error::Config("sslmode=require needs tls_roots".to_owned()));
        }
        Ok(Self { config: server, tls })
    }

    /// A new connection, made and driven on this thread.
    pub(super) fn connect(&self) -> Result<Conn> {
        let runtime = runtime().map_err(|error| Error::Lost(Box::new(error)))?;
        let conn = runtime.block_on(async {
            match &self.tls {
                Some(tls) => wrap(self.config.connect(tls.clone()).await).await,
                None => wrap(self.config.connect(tokio_postgres::NoTls).await).await,
            }
        })?;
        Ok(Conn::from(conn))
    }

    /// Lets this thread wait, while its connection stays served.
    pub(super) fn pause(duration: Duration) {
        if let Ok(runtime) = runtime() {
            runtime.block_on(async move { tokio::time::sleep(duration).await });
        }
    }
}

async fn wrap<S>(
    made: std::result::Result<
        (tokio_postgres::Client, tokio_postgres::Connection<tokio_postgres::Socket, S>),
        tokio_postgres::Error,
    >,
) -> Result<AsyncPgConnection>
where
    S: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
{
    let (client, connection) = made.map_err(|error| Error::Lost(Box::new(error)))?;
    AsyncPgConnection::try_from_client_and_connection(client, connection)
        .await
        .map_err(|error| Error::Lost(Box::new(error)))
}

fn is_near(host: &tokio_postgres::config::Host) -> bool {
    match host {
        tokio_postgres::config::Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        tokio_postgres::config::Host::Unix(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> Option<String> {
        Connector::new(url, &Config::default()).err().map(|error| error.to_string())
    }

    #[test]
    fn a_server_elsewhere_is_never_reached_in_clear_by_accident() {
        assert!(refusal("postgres://u:p@db.example/espace").is_some());
        assert!(refusal("postgres://u:p@db.example/espace?sslmode=prefer").is_some());
        assert!(refusal("postgres://u:p@127.0.0.1/espace?sslmode=require").is_some());
        assert_eq!(refusal("postgres://u:p@127.0.0.1/espace"), None);
        assert_eq!(refusal("postgres://u:p@db.example/espace?sslmode=disable"), None);
    }

    #[test]
    fn an_unreadable_url_is_refused_without_its_password() {
        let refusal = refusal("postgres://u:geheim@h:port/espace").unwrap();
        assert!(!refusal.contains("geheim"));
    }
}
