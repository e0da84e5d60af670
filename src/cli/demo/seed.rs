//! What the first start of a development server puts into its store: persons, directory, enrolled
//! software, and the documents of former records.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::bundle::{Document, demo_bundle};
use super::directory;
use super::personas::{Demo, DemoProfessional, Persona};
use crate::access::context::Context;
use crate::access::identity::{Caller, Certificate, Person};
use crate::access::resource::by_operator;
use crate::cli::{Failure, Started};
use crate::error::Language;
use crate::ids::{IdSource as _, LogicalId, RequestId, SeededIds};
use crate::model::caller::{AuthMode, CallerClass, Purpose};
use crate::model::resource::ResourceType;
use crate::ops::directory::put;
use crate::ops::document::intake::Intake;
use crate::ops::document::provide::provide;
use crate::ops::document::submission::Provision;
use crate::ops::resource::draft::Draft;
use crate::ops::resource::write::{Version, keep};
use crate::rules::habilitation::Habilitation;
use crate::store::Store;

/// Says that the demo data is there, so that a second start keeps what became of it.
const SEEDED: &str = "demo.seeded";
/// Says that the documents of former records are there.
const DOCUMENTS: &str = "demo.documents";

/// Says that the directory of the demonstration stands as resources too.
const DIRECTORY: &str = "demo.directory";

/// Puts the demo data into an empty store. The software is enrolled by the certificates of `certs`.
pub async fn if_empty(store: &Store, certs: &Path, now: Timestamp) -> Result<(), Failure> {
    persons_if_missing(store, certs, now).await?;
    directory_if_missing(store, now).await
}

/// Puts the directory of the demonstration, and its care teams, as resources.
async fn directory_if_missing(store: &Store, now: Timestamp) -> Result<(), Failure> {
    let failed = |error: crate::error::Error| Failure::from_error("demo directory", &error);
    if store.system_read("demo.find", |tx| tx.find_setting(DIRECTORY)).await.map_err(failed)?.is_some() {
        return Ok(());
    }
    let demo = Demo::load().map_err(|error| Failure::from_error("demo personas", &error))?;
    let seed = demo.seed(now);
    let drafts: Vec<Draft> =
        directory::resources(&seed).into_iter().map(put::read).collect::<Result<_, _>>().map_err(failed)?;
    let ids = SeededIds::new(1);
    let teams = seed.profiles.iter().filter_map(|profile| directory::care_team(&seed, profile.key, ids.uuid(now)));
    let teams: Vec<(LogicalId, Value)> = teams.collect();
    let seeded = store.system("demo.directory", move |tx| {
        drafts.iter().try_for_each(|draft| put::put(tx, draft, now).map(drop))?;
        for (id, team) in &teams {
            let (kind, body) = (ResourceType::CareTeam, team.clone());
            let new = Version { kind, key: id.uuid, id: &id.to_string(), body, version: 1, before: None };
            keep(tx, &by_operator(id.shard), now, new)?;
        }
        tx.put_setting(DIRECTORY, "1")
    });
    seeded.await.map_err(failed)
}

async fn persons_if_missing(store: &Store, certs: &Path, now: Timestamp) -> Result<(), Failure> {
    let failed = |error: crate::error::Error| Failure::from_error("demo data", &error);
    if store.system_read("demo.find", |tx| tx.find_setting(SEEDED)).await.map_err(failed)?.is_some() {
        return Ok(());
    }
    let demo = Demo::load().map_err(|error| Failure::from_error("demo personas", &error))?;
    let mut seed = demo.seed(now);
    for client in &mut seed.clients {
        client.software.subject_dn = Some(subject_of(&certs.join(format!("{}.pem", client.certificate)))?);
    }
    let seeded = store.system("demo.seed", move |tx| {
        seed.profiles.iter().try_for_each(|profile| tx.put_profile(profile))?;
        seed.structures.iter().try_for_each(|structure| tx.put_structure(structure))?;
        for exercise in &seed.exercises {
            tx.put_professional(&exercise.professional)?;
            tx.put_exercise(&exercise.professional.id, &exercise.structure.id, &exercise.situation)?;
        }
        seed.relations.iter().try_for_each(|relation| tx.put_relation(relation))?;
        seed.delegations.iter().try_for_each(|delegation| tx.put_delegation(delegation))?;
        seed.clients.iter().try_for_each(|client| tx.put_client(&client.software))?;
        tx.put_setting(SEEDED, &now.to_string())
    });
    seeded.await.map_err(failed)
}

/// The subject of a certificate file, as the directory of enrolled software holds it.
pub(in crate::cli) fn subject_of(path: &Path) -> Result<String, Failure> {
    Ok(certificate_of(path)?.subject)
}

/// The certificate of a PEM file.
pub(in crate::cli) fn certificate_of(path: &Path) -> Result<Certificate, Failure> {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject as _;

    let shown = path.display().to_string();
    let der = CertificateDer::from_pem_file(path).map_err(|error| Failure::from_error(&shown, &error))?;
    Certificate::from_der(&der).map_err(|error| Failure::from_error(&shown, &error))
}

/// Feeds the three documents of `ancien-dmp` (contract §5) through the operation every feed takes.
pub async fn documents_if_missing(started: &Started) -> Result<(), Failure> {
    let failed = |error: crate::error::Error| Failure::from_error("demo documents", &error);
    let store = &started.app.service.store;
    if store.system_read("demo.find", |tx| tx.find_setting(DOCUMENTS)).await.map_err(failed)?.is_some() {
        return Ok(());
    }
    let demo = Demo::load().map_err(|error| Failure::from_error("demo personas", &error))?;
    let first = store.system_read("demo.find", |tx| tx.find_setting(SEEDED)).await.map_err(failed)?;
    let first = first.and_then(|first| first.parse().ok()).unwrap_or_else(|| started.app.clocks.domain.now());
    if let (Some(patient), Some(author)) = (demo.persona("ancien-dmp"), demo.professional("dr-martin")) {
        for days in [400, 200, 100] {
            feed(started, patient, author, first, days).await?;
        }
    }
    store.system("demo.documents", |tx| tx.put_setting(DOCUMENTS, "3")).await.map_err(failed)
}

/// Feeds the document written `days` before the `first` start. Fed again after a crash it is the same
/// document with the same identifier, and kept once.
async fn feed(
    started: &Started,
    patient: &Persona,
    author: &DemoProfessional,
    first: Timestamp,
    days: i64,
) -> Result<(), Failure> {
    let failed = |error: crate::error::Error| Failure::from_error("demo documents", &error);
    let app = &started.app;
    let at = app.clocks.domain.now();
    let written = first.saturating_sub(SignedDuration::from_hours(24 * days)).unwrap_or(first);
    let ids = SeededIds::new(days.unsigned_abs());
    let bundle = demo_bundle(&Document::note(written), patient, author, &ids)?;
    let ctx = Arc::new(context(started, author, at)?);
    let mut intake = Intake::begin(&app.service, at);
    intake.take(bundle.to_string().as_bytes()).await.map_err(failed)?;
    let received = intake.finish(&app.service).await.map_err(failed)?;
    let provision = Provision::read(&app.service, received, &app.mode, at).await.map_err(failed)?;
    provide(&app.service, ctx, provision).await.map(drop).map_err(failed)
}

/// The author as he would call with his own software.
pub(in crate::cli) fn context(started: &Started, author: &DemoProfessional, at: Timestamp) -> Result<Context, Failure> {
    let app = &started.app;
    let certificate = certificate_of(&app.config.server.certificates.join(format!("{}.pem", author.structure)))?;
    let professional = &author.exercise.professional;
    let caller = Caller {
        certificate: Arc::new(certificate),
        class: CallerClass::ProfessionalDirect,
        structure: author.exercise.structure.id.clone(),
        structure_name: author.exercise.structure.name.clone(),
        person: Some(Person {
            id: professional.id.clone(),
            name: format!("{} {}", professional.given, professional.family),
            profession: professional.profession.clone(),
            roles: Vec::new(),
            habilitation: Habilitation::built_in(&professional.profession),
            may_regulate: professional.may_regulate,
        }),
        patient: None,
        record: None,
        auth_mode: Some(AuthMode::Direct),
        scopes: vec!["ITI-65".to_owned()],
        client_id: format!("dev-{}", author.structure),
        software: "espace demo".to_owned(),
        token_id: "demo".to_owned(),
    };
    Ok(Context {
        caller,
        purpose: Purpose::Normal,
        reason: None,
        request_id: RequestId::minted(app.ids.uuid(at)),
        at,
        address: None,
        language: Language::French,
    })
}
