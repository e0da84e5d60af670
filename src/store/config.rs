//! Which database, and how many hands work on it (house rules §7, §11).

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::Error;

/// The `[store]` section of the configuration.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `sqlite:<path>` or `postgres://user:password@host/database`.
    pub url: String,
    /// Threads that read from SQLite.
    pub readers: usize,
    /// Connections to PostgreSQL.
    pub pool: usize,
    /// Units of work that may wait; one more is answered `transient`.
    pub queue: usize,
    /// Longest wait for a thread, in milliseconds; then the answer is `transient`.
    pub ticket_ms: u64,
    /// Most units that share one commit of SQLite; 1 turns the group commit off.
    pub batch: usize,
    /// A unit that holds its transaction longer, in milliseconds, is reported in the log.
    pub budget_ms: u64,
    /// PEM file of the authorities that PostgreSQL's certificate must come from; TLS is then required.
    pub tls_roots: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: "sqlite:data/espace.sqlite".to_owned(),
            readers: std::thread::available_parallelism().map_or(2, usize::from),
            pool: 8,
            queue: 1024,
            ticket_ms: 2_000,
            batch: 64,
            budget_ms: 250,
            tls_roots: None,
        }
    }
}

/// The URL may hold a password, so only its scheme is shown.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("url", &self.url.split(':').next().unwrap_or_default())
            .field("readers", &self.readers)
            .field("pool", &self.pool)
            .field("queue", &self.queue)
            .field("ticket_ms", &self.ticket_ms)
            .field("batch", &self.batch)
            .field("budget_ms", &self.budget_ms)
            .field("tls_roots", &self.tls_roots)
            .finish()
    }
}

/// The database a URL names.
pub(super) enum Target {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A server of PostgreSQL, by its URL.
    Postgres(String),
}

impl Config {
    /// Reads the URL. A scheme that is not ours, or a path whose folder does not exist, is a typing
    /// error to be told, not a database to be made.
    pub(super) fn target(&self) -> Result<Target, Error> {
        let misconfigured = |what: &str| Err(Error::Config(what.to_owned()));
        if let Some(path) = self.url.strip_prefix("sqlite:") {
            let path = Path::new(path);
            if path.as_os_str().is_empty() || path.is_dir() {
                return misconfigured("sqlite: needs the path of a file");
            }
            // The path becomes part of SQLite's own URI, where these mean something else.
            if path.to_str().is_none_or(|text| text.contains(['?', '#', '%'])) {
                return misconfigured("the path of the database holds `?`, `#`, `%` or is not UTF-8");
            }
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if folder.is_some_and(|folder| !folder.is_dir()) {
                return misconfigured("the folder of the database does not exist");
            }
            return Ok(Target::Sqlite(path.to_owned()));
        }
        if self.url.starts_with("postgres://") || self.url.starts_with("postgresql://") {
            return Ok(Target::Postgres(self.url.clone()));
        }
        misconfigured("url must begin with sqlite: or postgres://")
    }

    /// Counts of zero would build a store that never answers.
    pub(super) fn check(&self) -> Result<(), Error> {
        for (name, count) in
            [("readers", self.readers), ("pool", self.pool), ("queue", self.queue), ("batch", self.batch)]
        {
            if count == 0 {
                return Err(Error::Config(format!("{name} must be at least 1")));
            }
        }
        Ok(())
    }

    pub(super) const fn ticket(&self) -> Duration {
        Duration::from_millis(self.ticket_ms)
    }

    pub(super) const fn budget(&self) -> Duration {
        Duration::from_millis(self.budget_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> Option<String> {
        Config { url: url.to_owned(), ..Config::default() }.target().err().map(|error| error.to_string())
    }

    #[test]
    fn a_mistyped_url_is_told_and_never_opened() {
        for url in ["", "sqlite", "sqlite:", "sqlite:/", "sqlite:/no/such/folder/x.db", "sqlit:x", "mysql://x", "x.db"]
        {
            assert!(refusal(url).is_some(), "{url}");
        }
        assert_eq!(refusal("sqlite:x.db"), None);
        assert_eq!(refusal("postgres://localhost/espace"), None);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert_eq!(toml::from_str::<Config>("pool = 3").unwrap().pool, 3);
        assert!(toml::from_str::<Config>("pools = 3").is_err());
    }

    #[test]
    fn a_password_is_never_shown() {
        let config = Config { url: "postgres://u:geheim@h/d".to_owned(), ..Config::default() };
        assert!(!format!("{config:?}").contains("geheim"));
    }
}
