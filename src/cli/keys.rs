//! `espace keys`: the keys that a server brings along (docs/OPERATIONS.md, "Keys and certificates";
//! decision 0013).

use std::path::Path;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};

use super::place::Place;
use super::{Failure, output, runtime};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::ids::{IdSource, SystemIds};
use crate::ops::document::rewrap;
use crate::store::blob::{KeyId, MasterKeys};
use crate::store::keyfile;
use crate::token::keys::{KeyError, KeyStore, Owner, SigningAlgorithm};
use crate::workers::SealKey;

const ALGORITHM: SigningAlgorithm = SigningAlgorithm::Es256;

/// Keys of a server: those that sign tokens and seals, wrap documents, seal page links
#[derive(Debug, Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make every key that is missing; what is there stays
    Init {
        #[command(flatten)]
        place: Place,
    },
    /// Print every key: what it is for, its id, its state
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Put a new key in force
    ///
    /// `signing`: the key prepared as next signs from now on, the old one stays public until its tokens
    /// have expired; running servers follow by themselves. `master`: new documents are wrapped by a new
    /// key from the next start of every server on.
    Rotate {
        /// Which key
        which: Rotated,
        #[command(flatten)]
        place: Place,
    },
    /// Take a key away at once: a retired or next signing key, or a master key that wraps nothing
    Retire {
        /// Its id, as `espace keys list` prints it
        id: String,
        #[command(flatten)]
        place: Place,
    },
    /// Wrap the keys of all documents anew under the current master key, beside a running server
    Rewrap {
        #[command(flatten)]
        place: Place,
    },
}

/// Which keys rotate.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Rotated {
    /// Signs access tokens
    Signing,
    /// Wraps the keys of documents
    Master,
}

impl Keys {
    /// Does what is asked.
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Init { place } => init(&place.configuration()?, owner(&place)),
            Command::List { place } => list(&place.configuration()?, owner(&place)),
            Command::Rotate { which, place } => rotate(&place.configuration()?, owner(&place), which),
            Command::Retire { id, place } => runtime::block_on(retire(&place, &id))?,
            Command::Rewrap { place } => runtime::block_on(rewrap_all(&place))?,
        }
    }
}

const fn owner(place: &Place) -> Owner {
    if place.is_production() { Owner::Production } else { Owner::Dev }
}

fn init(config: &Config, owner: Owner) -> Result<(), Failure> {
    let ids = SystemIds::default();
    let folder = &config.token.keys;
    let told = |path: &Path, was_there: bool| {
        output::say(&format!("{}\t{}", path.display(), if was_there { "kept" } else { "made" }));
    };
    for (name, is_next) in [("signing-es256.pem", false), ("next-es256.pem", true)] {
        let path = folder.join(name);
        let was_there = path.exists();
        let made = match (is_next, was_there, owner) {
            (true, _, _) => KeyStore::prepare(folder, ALGORITHM, owner),
            (false, true, _) | (false, false, Owner::Dev) => KeyStore::open(folder, ALGORITHM, owner),
            (false, false, Owner::Production) => KeyStore::create(folder, ALGORITHM),
        };
        made.map_err(signing)?;
        told(&path, was_there);
    }
    let seal = folder.join("seal.der");
    let was_there = seal.exists();
    SealKey::load_or_create(&seal).map_err(|error| Failure::from_error("seal key", &error))?;
    told(&seal, was_there);
    let pages = folder.join("pages.key");
    told(&pages, !page_key(&pages, &ids)?);
    let was_there = config.documents.keys.exists();
    MasterKeys::load_or_create(&config.documents.keys, &ids).map_err(master)?;
    told(&config.documents.keys, was_there);
    Ok(())
}

/// Makes the key of page links where it is missing; whether it was.
pub(super) fn page_key(path: &Path, ids: &dyn IdSource) -> Result<bool, Failure> {
    let mut key = zeroize::Zeroizing::new([0_u8; 32]);
    ids.fill(key.as_mut_slice());
    let written = keyfile::write_once(path, key.as_slice());
    written.map_err(|error| Failure::from_error("the key of page links", &error))
}

fn list(config: &Config, owner: Owner) -> Result<(), Failure> {
    let keys = KeyStore::load(&config.token.keys, ALGORITHM, owner).map_err(signing)?;
    for key in keys.list() {
        let since = key.retired_at.map(|at| format!("\tsince {at}")).unwrap_or_default();
        output::say(&format!("signing {}\t{}\t{}{since}", key.algorithm, key.kid, key.state.name()));
    }
    let masters = MasterKeys::load(&config.documents.keys).map_err(master)?;
    for (place, id) in masters.ids().iter().enumerate() {
        output::say(&format!("master\t{id}\t{}", if place == 0 { "current" } else { "older" }));
    }
    for (what, name) in [("seal", "seal.der"), ("page links", "pages.key")] {
        let is_there = config.token.keys.join(name).is_file();
        output::say(&format!("{what}\t{name}\t{}", if is_there { "current" } else { "missing" }));
    }
    Ok(())
}

fn rotate(config: &Config, owner: Owner, which: Rotated) -> Result<(), Failure> {
    match which {
        Rotated::Signing => {
            let rotated = KeyStore::rotate(&config.token.keys, ALGORITHM, owner, SystemClock.now());
            output::say(&format!("signing ES256\t{}\tcurrent", rotated.map_err(signing)?.kid()));
        }
        Rotated::Master => {
            let id = MasterKeys::rotate(&config.documents.keys, &SystemIds::default()).map_err(master)?;
            output::say(&format!("master\t{id}\tcurrent from the next start of every server on"));
        }
    }
    Ok(())
}

async fn retire(place: &Place, id: &str) -> Result<(), Failure> {
    let config = place.configuration()?;
    match KeyStore::retire(&config.token.keys, ALGORITHM, owner(place), id) {
        Ok(_) => return Ok(()),
        Err(KeyError::Unknown) => {}
        Err(error) => return Err(signing(error)),
    }
    let unknown = || Failure::Failed(format!("there is no key {id}"));
    let id: KeyId = id.parse().or(Err(unknown()))?;
    let masters = MasterKeys::load(&config.documents.keys).map_err(master)?;
    if !masters.ids().contains(&id) {
        return Err(unknown());
    }
    let (_, store) = place.open().await?;
    let wraps = rewrap::wrapped_by(&store).await.map_err(|error| Failure::from_error("documents", &error))?;
    if let Some(count) = wraps.get(&id.to_string()) {
        let text = format!("master key {id} wraps {count} documents: run `espace keys rewrap` first");
        return Err(Failure::Failed(text));
    }
    MasterKeys::retire(&config.documents.keys, &id).map_err(master)
}

async fn rewrap_all(place: &Place) -> Result<(), Failure> {
    let (config, store) = place.open().await?;
    let keys = Arc::new(MasterKeys::load(&config.documents.keys).map_err(master)?);
    let current = keys.current().clone();
    let done = rewrap::rewrap(&store, keys, Arc::new(SystemIds::default())).await;
    let done = done.map_err(|error| Failure::from_error("documents", &error))?;
    output::say(&format!("{} documents put under {current}, {} were", done.changed, done.kept));
    Ok(())
}

fn signing(error: KeyError) -> Failure {
    Failure::from_error("signing keys", &error)
}

fn master(error: crate::store::blob::KeyFileError) -> Failure {
    Failure::from_error("master keys", &error)
}
