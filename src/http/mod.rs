//! actix-web lives here only: TLS, routes, extraction, rendering.

mod answer;
mod app;
mod bare;
mod discovery;
mod extract;
mod fhir;
mod layer;
mod oauth;
mod openapi;
mod operations;
mod psc;
mod routes;
mod serve;
mod server;
pub mod tls;

pub use app::{App, DevFace, Parts};
pub use bare::bare;
pub use routes::{DEV_ROUTES, OPERATION_ROUTES, ROUTES, Routed, resource_routes};
pub use server::{Listening, Running, bind, block_on, spawn, start};
