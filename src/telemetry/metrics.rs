//! Metrics by operation name, in the OpenMetrics text form.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// What is counted: an interaction or transaction by name, and the class of its answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Operation {
    /// `iti-65`, `iti-67`, `td02-patient-search`... (`rules::gate::Route`); never a path.
    pub operation: Name,
    /// HTTP status.
    pub status: u16,
}

/// What is timed: an interaction or transaction by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Timed {
    operation: Name,
}

/// A static name as a label value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name(pub &'static str);

impl EncodeLabelValue for Name {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        encoder.write_str(self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: Name,
}

/// The metrics of a server.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<Operation, Counter>,
    durations: Family<Timed, Histogram>,
    security: Family<Reason, Counter>,
    expired_crl: Gauge<i64>,
    handshakes: Family<Reason, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("espace");
        let requests = Family::<Operation, Counter>::default();
        let durations = Family::<Timed, Histogram>::new_with_constructor(|| {
            Histogram::new([0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0])
        });
        let security = Family::<Reason, Counter>::default();
        let handshakes = Family::<Reason, Counter>::default();
        let expired_crl = Gauge::<i64>::default();
        registry.register("requests", "Answers by operation and status", requests.clone());
        registry.register("request_seconds", "Time from the last header to the answer", durations.clone());
        registry.register("security_events", "Refusals before a valid token, by reason", security.clone());
        registry.register("refused_handshakes", "Client certificates refused, by reason", handshakes.clone());
        registry.register("crl_expired", "1 while the revocation list in use has expired", expired_crl.clone());
        Self { registry: Mutex::new(registry), requests, durations, security, expired_crl, handshakes }
    }
}

impl Metrics {
    /// Counts one answer.
    pub fn answered(&self, operation: &'static str, status: u16, after: Duration) {
        self.requests.get_or_create(&Operation { operation: Name(operation), status }).inc();
        self.durations.get_or_create(&Timed { operation: Name(operation) }).observe(after.as_secs_f64());
    }

    /// Counts one refusal that came before a valid token.
    pub fn security_event(&self, reason: &'static str) {
        self.security.get_or_create(&Reason { reason: Name(reason) }).inc();
    }

    /// Takes over the verifier's own count of certificates refused for `reason`; returns how many
    /// are new.
    pub fn refused_handshakes(&self, reason: &'static str, total: u64) -> u64 {
        let counter = self.handshakes.get_or_create(&Reason { reason: Name(reason) });
        let new = total.saturating_sub(counter.get());
        counter.inc_by(new);
        new
    }

    /// Sets the alarm of an expired revocation list.
    pub fn crl_expired(&self, expired: bool) {
        self.expired_crl.set(i64::from(expired));
    }

    /// The OpenMetrics text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if encode(&mut text, &registry).is_err() {
            text.push_str("# not available\n");
        }
        text
    }
}
