//! `espace doctor`: explains what is wrong with a configuration, certificates, keys or a database.

use std::sync::Arc;

use clap::Args;

use super::demo::seed::certificate_of;
use super::place::Place;
use super::{Failure, output, runtime};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::http::tls::{Settings, Tls};
use crate::ids::SystemIds;
use crate::ops::document::rewrap;
use crate::store::Store;
use crate::store::blob::MasterKeys;
use crate::token::keys::{KeyStore, Owner, SigningAlgorithm};
use crate::token::subject::SubjectIssuers;
use crate::token::trust::IssuerWatch;
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
        note("clock", clock(&config, &SystemClock));
        note("signing keys", keys(KeyStore::load(&config.token.keys, SigningAlgorithm::Es256, owner)));
        note("issuers", keys(IssuerWatch::over(config.token.issuers.clone(), SubjectIssuers::default()).read()));
        note("master keys", keys(MasterKeys::load(&config.documents.keys)));
        let seal = SealKey::load(&config.token.keys.join("seal.der"));
        note("seal key", keys(seal.as_ref()));
        let sound = database(&config)?;
        let is_sound = sound.is_ok();
        note("database", sound);
        if is_sound {
            note("what is kept", runtime::block_on(kept(&config, seal.ok(), is_production))?);
        }
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

/// The real clock, by the server's own certificate: outside its dates either of them is wrong.
fn clock(config: &Config, real: &dyn Clock) -> Result<String, String> {
    let path = config.server.certificates.join("server.pem");
    let certificate = certificate_of(&path).map_err(|failure| failure.to_string())?;
    let (from, until) = certificate.validity().ok_or("the server's certificate has no dates")?;
    let now = real.now();
    if now < from || until <= now {
        return Err(format!("it is {now} here, and the server's certificate is good from {from} to {until}"));
    }
    Ok("in order".to_owned())
}

/// What the database holds, by the keys that should open it and by the clock: a seal of the future was
/// made by a clock that was ahead, or this one is behind.
async fn kept(config: &Config, seal: Option<SealKey>, is_production: bool) -> Result<String, String> {
    let failed = |error: crate::error::Error| chain(&error);
    let store = Store::open(config.store.clone(), Arc::new(SystemIds::default())).await;
    let store = store.map_err(|error| chain(&error))?;
    if let Ok(keys) = MasterKeys::load(&config.documents.keys)
        && !rewrap::opens(&store, Arc::new(keys)).await.map_err(failed)?
    {
        return Err("no master key opens the first document: documents cannot be read".to_owned());
    }
    let last = store.system_read("seal.find", |tx| tx.find_last_seal()).await.map_err(failed)?;
    if let (Some(last), Some(seal)) = (&last, seal)
        && !seal.verifies(&last.payload, &last.signature)
    {
        return Err("the seal key is not the one that made the last seal".to_owned());
    }
    let now = SystemClock.now();
    // A development server keeps a clock of its own.
    match last.map(|seal| seal.sealed_at).filter(|at| is_production && now < *at) {
        Some(at) => Err(format!("its last seal is of {at}, and it is {now} here: the clock went back")),
        None => Ok("in order".to_owned()),
    }
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
