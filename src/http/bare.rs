//! A server that does nothing but answer: what `espace bench` holds this one against.
//!
//! Same framework, same listener settings, same TLS library; no routes, no tokens, no store.

use std::net::TcpListener;

use actix_web::dev::Server;
use actix_web::{App as Routes, HttpResponse, HttpServer, web};
use bytes::Bytes;
use futures_util::StreamExt as _;
use rustls::ServerConfig;

/// Largest answer, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;

/// A server on a bound listener that reads any body to its end and answers `/N` with N bytes.
pub fn bare(listener: TcpListener, tls: ServerConfig) -> std::io::Result<Server> {
    let filler = Bytes::from(vec![b'x'; LARGEST]);
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let server = HttpServer::new(move || {
        Routes::new().app_data(web::Data::new(filler.clone())).route("/{size}", web::to(answer))
    });
    let server = server
        .workers(workers)
        .tcp_nodelay(true)
        .max_connection_rate(20_000)
        .disable_signals()
        .listen_rustls_0_23(listener, tls)?;
    Ok(server.run())
}

async fn answer(size: web::Path<usize>, filler: web::Data<Bytes>, mut payload: web::Payload) -> HttpResponse {
    while let Some(piece) = payload.next().await {
        if piece.is_err() {
            return HttpResponse::BadRequest().finish();
        }
    }
    HttpResponse::Ok().content_type("application/octet-stream").body(filler.slice(..LARGEST.min(*size)))
}
