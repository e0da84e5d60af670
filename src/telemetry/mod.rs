//! Logs and metrics that never carry personal data.
