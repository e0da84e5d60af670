//! `espace serve`: the production server. It brings its own keys and refuses anything that bears the
//! mark of the test PKI (contract §2).

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::start::{StartOptions, start};
use super::{Failure, output, runtime, search_parameters};
use crate::clock::Clocks;
use crate::ids::{IdSource, SystemIds};
use crate::ops::resource::reindex;
use crate::store::Store;
use crate::telemetry::{self, Format};

/// Serve in production
///
/// The configuration file comes first, then `ESPACE__SECTION__KEY`, then `ESPACE__SECTION__KEY_FILE`
/// for secrets.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Definitions that come before ours: a folder of JSON files, or a package of FHIR as .tgz; may be repeated
    #[arg(long, value_name = "FILE.tgz|DIR")]
    package: Vec<PathBuf>,
}

impl Serve {
    /// Serves until the process is asked to end.
    pub(super) fn run(self) -> Result<(), Failure> {
        telemetry::start(Format::Json);
        let mut config = runtime::configuration(Some(&self.config))?;
        config.conformance.package.extend(self.package);
        search_parameters::install(&config)?;
        runtime::serve(async move {
            let ids: Arc<dyn IdSource> = Arc::new(SystemIds::default());
            let store = Store::open(config.store.clone(), Arc::clone(&ids)).await;
            let store = store.map_err(|error| Failure::from_error("the database", &error))?;
            let is_current = reindex::is_current(&store).await;
            if !is_current.map_err(|error| Failure::from_error("the search index", &error))? {
                return Err(Failure::Failed(
                    "the search index is of another release, or of other search parameters: run `espace migrate up`"
                        .to_owned(),
                ));
            }
            let started = start(StartOptions { config, clocks: Clocks::system(), ids, store, is_dev: false })?;
            let ended = runtime::ended()?;
            output::say(&format!("espace ready: {}", started.app.base));
            started.serve_until(ended).await;
            Ok(())
        })
    }
}
