//! Logs and metrics that never carry personal data: no INS, name, body, token or query.
//!
//! Log lines go to standard error, one JSON object each in `serve`, plain text in `dev`.

mod metrics;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use metrics::{Metrics, Operation};

/// The face of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal.
    Text,
    /// For collectors.
    Json,
}

/// Starts logging; a second call changes nothing.
pub fn start(format: Format) {
    let registry = tracing_subscriber::registry().with(LevelFilter::INFO);
    // `try_init` fails only where a subscriber is set already: tests start several servers.
    let started = match format {
        Format::Text => registry.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr)).try_init(),
        Format::Json => registry.with(tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr)).try_init(),
    };
    drop(started);
}
