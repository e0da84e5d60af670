//! actix-web lives here only: TLS, routes, extraction, rendering.

pub mod tls;
