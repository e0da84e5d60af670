//! `espace client`: enrolled software (contract §2).

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::demo::seed::certificate_of;
use super::place::Place;
use super::{Failure, output, runtime};
use crate::clock::{Clock as _, SystemClock};
use crate::ids::Digest256;
use crate::model::directory::ClientSoftware;
use crate::store::Store;

/// Enrolled software
#[derive(Debug, Args)]
pub(super) struct Client {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Enrol software, or replace its enrolment
    Add(Box<Add>),
    /// Print every enrolment: id, structure, software, profiles, state
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Print one enrolment
    Show {
        /// Id of the enrolment
        id: String,
        #[command(flatten)]
        place: Place,
    },
    /// Suspend software: its next request is refused
    Suspend {
        /// Id of the enrolment
        id: String,
        #[command(flatten)]
        place: Place,
    },
    /// Resume suspended software
    Resume {
        /// Id of the enrolment
        id: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Args)]
struct Add {
    /// Id of the enrolment
    id: String,
    /// National id of the structure it works for
    #[arg(long, value_name = "ID")]
    structure: String,
    /// Its certificate (PEM)
    #[arg(long, value_name = "FILE")]
    certificate: PathBuf,
    /// Recognise this very certificate, not any with its subject
    #[arg(long)]
    by_fingerprint: bool,
    /// LPS_Nom
    #[arg(long)]
    name: String,
    /// LPS_Version
    #[arg(long = "software-version", value_name = "VERSION")]
    version: String,
    /// LPS_ID_HOMOLOGATION_DMP
    #[arg(long, value_name = "ID")]
    homologation: Option<String>,
    /// alimentation, consultation, webps, messagerie, agenda, catalogue
    #[arg(long, value_name = "PROFILE", required = true)]
    profile: Vec<String>,
    /// Scopes it may ask for
    #[arg(long, value_name = "SCOPE", required = true)]
    scope: Vec<String>,
    #[command(flatten)]
    place: Place,
}

impl Client {
    /// Does what is asked.
    pub(super) fn run(self) -> Result<(), Failure> {
        runtime::block_on(async {
            match self.command {
                Command::Add(add) => add.run().await,
                Command::List { place } => {
                    let (_, store) = place.open().await?;
                    list(&store).await?.iter().for_each(|client| output::say(&line(client)));
                    Ok(())
                }
                Command::Show { id, place } => show(&place.open().await?.1, &id).await,
                Command::Suspend { id, place } => suspend(&place.open().await?.1, id, true).await,
                Command::Resume { id, place } => suspend(&place.open().await?.1, id, false).await,
            }
        })?
    }
}

impl Add {
    async fn run(self) -> Result<(), Failure> {
        let certificate = certificate_of(&self.certificate)?;
        let structure = self.structure.parse();
        let structure = structure.map_err(|error| Failure::Usage(format!("--structure: {error}")))?;
        let fingerprint = format!("{:?}", Digest256(certificate.fingerprint));
        let software = ClientSoftware {
            id: self.id,
            structure,
            subject_dn: (!self.by_fingerprint).then(|| certificate.subject.clone()),
            fingerprint: self.by_fingerprint.then_some(fingerprint),
            name: self.name,
            version: self.version,
            homologation: self.homologation,
            profiles: self.profile,
            scopes: self.scope,
            suspended_at: None,
        };
        let (_, store) = self.place.open().await?;
        store.system("client.add", move |tx| tx.put_client(&software)).await.map_err(failed)
    }
}

fn failed(error: crate::error::Error) -> Failure {
    Failure::from_error("enrolled software", &error)
}

async fn list(store: &Store) -> Result<Vec<ClientSoftware>, Failure> {
    store.system_read("client.list", |tx| tx.list_clients()).await.map_err(failed)
}

fn line(client: &ClientSoftware) -> String {
    let state = if client.suspended_at.is_some() { "suspended" } else { "active" };
    let profiles = client.profiles.join(",");
    format!("{}\t{}\t{} {}\t{profiles}\t{state}", client.id, client.structure, client.name, client.version)
}

async fn show(store: &Store, id: &str) -> Result<(), Failure> {
    let found = list(store).await?.into_iter().find(|client| client.id == id);
    let client = found.ok_or_else(|| Failure::Failed(format!("no software is enrolled as {id}")))?;
    output::say(&line(&client));
    output::say(&format!("subject:      {}", client.subject_dn.as_deref().unwrap_or("-")));
    output::say(&format!("fingerprint:  {}", client.fingerprint.as_deref().unwrap_or("-")));
    output::say(&format!("homologation: {}", client.homologation.as_deref().unwrap_or("-")));
    output::say(&format!("scopes:       {}", client.scopes.join(" ")));
    Ok(())
}

async fn suspend(store: &Store, id: String, suspend: bool) -> Result<(), Failure> {
    let at = suspend.then(|| SystemClock.now());
    let name = id.clone();
    let known = store.system("client.suspend", move |tx| tx.suspend_client(&id, at)).await.map_err(failed)?;
    if known { Ok(()) } else { Err(Failure::Failed(format!("no software is enrolled as {name}"))) }
}
