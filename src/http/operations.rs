//! The operations port: health and metrics on loopback, plain HTTP, read-only (contract §3).
//!
//! A foreign `Host` header is refused, so that no page in a browser can read it by rebinding a name.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::http::{StatusCode, header};
use actix_web::{App as Routes, HttpRequest, HttpResponse, HttpServer, web};

use super::app::App;

/// A server of the operations port on a bound listener.
pub(crate) fn server(app: Arc<App>, listener: TcpListener) -> std::io::Result<Server> {
    let port = listener.local_addr()?.port();
    let server = HttpServer::new(move || {
        Routes::new()
            .app_data(web::Data::new(Operations { app: Arc::clone(&app), port }))
            .route("/healthz", web::get().to(health))
            .route("/readyz", web::get().to(ready))
            .route("/metrics", web::get().to(metrics))
    });
    Ok(server.workers(1).disable_signals().listen(listener)?.run())
}

struct Operations {
    app: Arc<App>,
    port: u16,
}

impl Operations {
    fn is_addressed_by(&self, request: &HttpRequest) -> bool {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let name = host.strip_suffix(&format!(":{}", self.port)).unwrap_or(host);
        matches!(name, "127.0.0.1" | "localhost" | "[::1]")
    }
}

async fn health(request: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    if !operations.is_addressed_by(&request) {
        return HttpResponse::new(StatusCode::FORBIDDEN);
    }
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

async fn ready(request: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    if !operations.is_addressed_by(&request) {
        return HttpResponse::new(StatusCode::FORBIDDEN);
    }
    let alive = operations.app.service.store.system_read("operations.ready", |tx| tx.find_setting("schema")).await;
    match alive {
        Ok(_) => HttpResponse::Ok().content_type("text/plain").body("ready\n"),
        Err(_) => HttpResponse::ServiceUnavailable().content_type("text/plain").body("the store does not answer\n"),
    }
}

async fn metrics(request: HttpRequest, operations: web::Data<Operations>) -> HttpResponse {
    if !operations.is_addressed_by(&request) {
        return HttpResponse::new(StatusCode::FORBIDDEN);
    }
    operations.app.count_handshakes();
    let text = operations.app.metrics.render();
    HttpResponse::Ok().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(text)
}
