//! The listeners: bound first, so that port 0 is known before anything names its address.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::{App as Routes, HttpServer, web};
use tokio::task::JoinHandle;

use super::app::App;
use super::layer::again::Again;
use super::layer::request::envelop;
use super::tls::Alarm;
use super::{operations, routes};
use crate::config::Config;

/// Bound listeners.
#[derive(Debug)]
pub struct Listening {
    /// The professional port.
    pub professional: TcpListener,
    /// The operations port.
    pub operations: TcpListener,
}

impl Listening {
    /// The professional port's number.
    pub fn port(&self) -> std::io::Result<u16> {
        Ok(self.professional.local_addr()?.port())
    }

    /// The operations port's number.
    pub fn operations_port(&self) -> std::io::Result<u16> {
        Ok(self.operations.local_addr()?.port())
    }
}

/// Binds the ports of the configuration.
pub fn bind(config: &Config) -> std::io::Result<Listening> {
    Ok(Listening {
        professional: TcpListener::bind((config.server.address.as_str(), config.server.port))?,
        operations: TcpListener::bind(("127.0.0.1", config.operations.port))?,
    })
}

/// The servers of a process: stop both through their handles.
pub struct Running {
    /// To be awaited.
    pub servers: Vec<Server>,
    /// To stop them.
    pub handles: Vec<ServerHandle>,
    /// Watches certificate files; to be aborted at the end.
    pub watch: JoinHandle<()>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("servers", &self.servers.len()).finish_non_exhaustive()
    }
}

/// Runs a future on an actix system: what [`start`] must be called within.
pub fn block_on<F: Future>(future: F) -> F::Output {
    actix_web::rt::System::new().block_on(future)
}

/// Runs a server to its end, and looks after certificate files meanwhile.
pub fn spawn(server: Server) -> JoinHandle<std::io::Result<()>> {
    tokio::spawn(server)
}

/// Looks at the certificate files every `period` and puts what changed in force.
fn watch_trust(app: Arc<App>) -> JoinHandle<()> {
    let period = Duration::from_millis(app.config.server.reload_every_ms);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(period).await;
            match app.tls.poll() {
                Ok(true) => tracing::info!(generation = app.tls.generation(), "certificates and lists were read again"),
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(%error, "certificates or lists could not be read; those in force stay so");
                }
            }
            look_after_keys(&app);
            app.count_handshakes();
            app.metrics.crl_expired(app.tls.alarms().iter().any(|alarm| matches!(alarm, Alarm::ListOverdue { .. })));
        }
    })
}

/// Puts in force signing keys and keys of external issuers that have changed.
fn look_after_keys(app: &App) {
    match app.keys.poll(app.clocks.real.now()) {
        Ok(true) => {
            // A signature verified under a key that was taken away counts no more.
            app.verifier.forget();
            tracing::info!(kid = app.keys.keys().load().kid(), "signing keys were read again");
        }
        Ok(false) => {}
        Err(error) => tracing::error!(%error, "signing keys could not be read; those in force stay so"),
    }
    match app.issuers.poll() {
        Ok(Some(issuers)) => {
            app.issuer.believe(issuers);
            tracing::info!("keys of external issuers were read again");
        }
        Ok(None) => {}
        Err(error) => tracing::error!(%error, "keys of external issuers could not be read; those in force stay so"),
    }
}

/// Starts to serve. Must be called inside an actix (or tokio) runtime.
pub fn start(app: Arc<App>, listening: Listening) -> std::io::Result<Running> {
    let operations = operations::server(Arc::clone(&app), listening.operations)?;
    let watch = watch_trust(Arc::clone(&app));
    let professional = professional(app, listening.professional)?;
    let handles = vec![professional.handle(), operations.handle()];
    Ok(Running { servers: vec![professional, operations], handles, watch })
}

fn professional(app: Arc<App>, listener: TcpListener) -> std::io::Result<Server> {
    let config = &app.config.server;
    let workers = config.workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from));
    let header_timeout = Duration::from_millis(config.header_timeout_ms);
    let rate = config.connections_per_second;
    let tls_config = app.tls.server_config();
    let tls = Arc::clone(&app.tls);
    let data = web::Data::from(Arc::clone(&app));
    let is_dev = app.dev.is_some();
    let server = HttpServer::new(move || {
        Routes::new().app_data(data.clone()).wrap(Again).wrap(from_fn(envelop)).configure(routes::professional(is_dev))
    });
    // `on_connect` before `listen`: set after it, it would never be called and no caller would have
    // an identity (actix-web 4.18).
    let server = server
        .on_connect(move |connection, extensions| {
            if let Some(peer) = tls.peer(connection) {
                extensions.insert(peer);
            }
        })
        .workers(workers)
        .tcp_nodelay(true)
        .max_connection_rate(rate)
        .client_request_timeout(header_timeout)
        .tls_handshake_timeout(Duration::from_secs(5))
        .shutdown_timeout(10)
        .disable_signals()
        .listen_rustls_0_23(listener, tls_config)?;
    Ok(server.run())
}
