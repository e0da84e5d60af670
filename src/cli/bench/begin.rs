//! A development server's state, made where it is missing, and the server over it that nobody calls: what
//! parts are measured on and what a large store is filled through.

use std::path::Path;
use std::sync::Arc;

use crate::cli::demo::seed;
use crate::cli::pki::{self, Options};
use crate::cli::start::{StartOptions, Started, start};
use crate::cli::{Failure, dev};
use crate::clock::{Clocks, SystemClock};
use crate::config::Config;
use crate::ids::{IdSource, SystemIds};
use crate::ops::resource::reindex::reindex;
use crate::store::Store;

/// Makes what is missing of `state` and `certs` and starts on free ports, with the store tuned by `tune`.
pub(super) async fn begin(state: &Path, certs: &Path, tune: impl FnOnce(&mut Config)) -> Result<Started, Failure> {
    let database = |error: &dyn std::error::Error| Failure::from_error("the database", error);
    std::fs::create_dir_all(state).map_err(|error| Failure::from_error(&state.display().to_string(), &error))?;
    let mut config = Config::default();
    dev::place(&mut config, state, certs);
    config.server.port = 0;
    config.operations.port = 0;
    tune(&mut config);
    let ids: Arc<dyn IdSource> = Arc::new(SystemIds::default());
    pki::create_dev_pki(certs, Options::default(), &SystemClock, ids.as_ref())
        .map_err(|error| Failure::from_error("the test PKI", &error))?;
    Store::migrate(&config.store).await.map_err(|error| database(&error))?;
    let store = Store::open(config.store.clone(), Arc::clone(&ids)).await.map_err(|error| database(&error))?;
    // Said now, else the next start would index all anew what is about to be filled in.
    reindex(&store).await.map_err(|error| database(&error))?;
    let clocks = Clocks::system();
    seed::if_empty(&store, certs, clocks.domain.now()).await?;
    start(StartOptions { config, clocks, ids, store, is_dev: true })
}
