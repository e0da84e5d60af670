//! Where a command finds the database it looks at: a production configuration, or the state folder
//! of a development server.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::{Failure, dev, runtime};
use crate::config::Config;
use crate::ids::SystemIds;
use crate::store::Store;

/// Which database
#[derive(Debug, Args)]
pub(super) struct Place {
    /// Configuration file of a production server
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// State folder of a development server
    #[arg(long, value_name = "DIR", default_value = "data")]
    state: PathBuf,
}

impl Place {
    /// The configuration.
    pub(super) fn configuration(&self) -> Result<Config, Failure> {
        let mut config = runtime::configuration(self.config.as_deref())?;
        if self.config.is_none() {
            let certs = config.server.certificates.clone();
            dev::place(&mut config, &self.state, &certs);
        }
        Ok(config)
    }

    /// Whether a production server's configuration was named.
    pub(super) const fn is_production(&self) -> bool {
        self.config.is_some()
    }

    /// The open database. It must exist and be of the version this program knows.
    pub(super) async fn open(&self) -> Result<(Config, Store), Failure> {
        let config = self.configuration()?;
        let store = Store::open(config.store.clone(), Arc::new(SystemIds::default())).await;
        Ok((config, store.map_err(|error| Failure::from_error("the database", &error))?))
    }
}
