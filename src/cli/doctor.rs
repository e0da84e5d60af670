//! `espace doctor`: explains what is wrong with a configuration, certificates, keys or a database.

use std::sync::Arc;

use clap::Args;

use super::place::Place;
use super::{Failure, output, runtime};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::http::tls::{Settings, Tls};
use crate::store::Store;
use crate::store::blob::MasterKeys;
use crate::token::keys::{KeyStore, Owner, SigningAlgorithm};
use crate::workers::SealKey;

/// Explain what is wrong with a configuration, certificate, clock or database
#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    place: Place,
}

impl Doctor {
    /// Looks at everything; exit 3 where something is wrong.
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = self.place.configuration()?;
        output::say("configuration: read");
        let mut problems = Vec::new();
        let mut note = |what: &str, found: Result<String, String>| match found {
            Ok(said) => output::say(&format!("{what}: {said}")),
            Err(problem) => problems.push(format!("{what}: {problem}")),
        };
        let is_production = self.place.is_production();
        let owner = if is_production { Owner::Production } else { Owner::Dev };
        note("certificates", certificates(&config, is_production));
        note("signing keys", keys(KeyStore::load(&config.token.keys, SigningAlgorithm::Es256, owner)));
        note("master keys", keys(MasterKeys::load(&config.documents.keys)));
        note("seal key", keys(SealKey::load(&config.token.keys.join("seal.der"))));
        note("database", database(&config)?);
        for problem in &problems {
            output::say(&format!("PROBLEM {problem}"));
        }
        if problems.is_empty() { Ok(()) } else { Err(Failure::Problems) }
    }
}

/// `is_production`: what bears the mark of the test PKI is then refused, as `serve` does.
fn certificates(config: &Config, is_production: bool) -> Result<String, String> {
    let mut settings = Settings::dev(&config.server.certificates);
    settings.refuse_dev = is_production;
    let tls = Tls::load(settings, Arc::new(SystemClock)).map_err(|error| chain(&error))?;
    let alarms = tls.alarms();
    if alarms.is_empty() { Ok("in order".to_owned()) } else { Err(format!("{alarms:?}")) }
}

fn keys<T, E: std::error::Error>(loaded: Result<T, E>) -> Result<String, String> {
    loaded.map(|_| "in order".to_owned()).map_err(|error| chain(&error))
}

fn database(config: &Config) -> Result<Result<String, String>, Failure> {
    let status = runtime::block_on(Store::migration_status(&config.store))?;
    Ok(match status {
        Err(error) => Err(chain(&error)),
        Ok(status) if !status.unknown().is_empty() => {
            Err(format!("its schema is of a later release ({})", status.unknown().join(" ")))
        }
        Ok(status) if !status.pending().is_empty() => {
            Err(format!("its schema is old: run `espace migrate` ({})", status.pending().join(" ")))
        }
        Ok(_) => Ok("in order".to_owned()),
    })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
