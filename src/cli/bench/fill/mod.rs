//! `espace bench fill`: a development database with as many fiches as asked, written through the store's
//! own verbs: index rows, encrypted documents, one chained trace each (issue 3: a large record store).

mod cut;
mod pattern;
pub(super) mod people;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use futures_util::{StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};

use self::pattern::{Made, Pattern};
use super::begin::begin;
use super::drive::bytes;
use crate::access::context::Context;
use crate::access::decide::decide;
use crate::access::permit::{Permit, Verdict};
use crate::cli::demo::personas::{Demo, Persona};
use crate::cli::demo::seed;
use crate::cli::start::Started;
use crate::cli::{Failure, output, runtime};
use crate::clock::Stopwatch;
use crate::error::Error;
use crate::ids::{LogicalId, NationalId};
use crate::model::audit::Act;
use crate::model::caller::Action;
use crate::model::directory::{Relation, RelationKind};
use crate::model::document::DocumentStatus;
use crate::model::notification::{Channel, Notification, NotifiedEvent};
use crate::ops::facts::{self, Named};
use crate::ops::trace::Trace;
use crate::rules::facts::DocumentFacts;
use crate::store::{Settled, Store};

/// Submissions that fiches are made from: as many dates of writing, three types of document.
const PATTERNS: u32 = 24;
/// Persons whose fiches are made ready at a time.
const TOGETHER: usize = 16;
/// Units of work that share a commit.
const BATCH: usize = 512;

/// Fill a development database with synthetic persons and their fiches
///
/// Run again with the same numbers it goes on where it was interrupted; with larger ones it adds what is
/// missing. Then start the server: `espace dev --state DIR --clock now`.
#[derive(Debug, Args)]
pub(super) struct Fill {
    /// Fiches in all, each with its document
    #[arg(long, value_name = "N")]
    fiches: u32,
    /// Persons they are spread over
    #[arg(long, value_name = "M")]
    patients: u32,
    /// State folder of the development server
    #[arg(long, value_name = "DIR", default_value = "data")]
    state: PathBuf,
    /// Folder of the test PKI
    #[arg(long, value_name = "DIR", default_value = "certs/dev")]
    certs: PathBuf,
    /// Size of each document: bytes, or `4k`
    #[arg(long, value_name = "BYTES", default_value = "4k", value_parser = bytes)]
    size: usize,
}

impl Fill {
    /// Fills.
    pub(super) fn run(&self) -> Result<(), Failure> {
        if self.patients == 0 || self.patients > people::MOST || self.fiches < self.patients {
            let most = people::MOST;
            return Err(Failure::Usage(format!("--patients: 1 to {most}, and no more than --fiches")));
        }
        runtime::serve(async {
            let started = begin(&self.state, &self.certs, |config| {
                config.store.batch = BATCH;
                config.store.queue = 1 << 20;
                config.store.ticket_ms = 600_000;
            });
            let started = started.await?;
            let filled = self.fill(&started).await;
            started.serve_until(std::future::ready(())).await;
            filled
        })
    }

    async fn fill(&self, started: &Started) -> Result<(), Failure> {
        let since = Stopwatch::start();
        let work = self.work(started).await?;
        let step = (self.patients / 20).max(1);
        let (mut done, mut written) = (0, 0_u64);
        let mut people = futures_util::stream::iter(0..self.patients)
            .map(|number| work.person(number, self.share(number)))
            .buffer_unordered(TOGETHER);
        while let Some(count) = people.try_next().await? {
            done += 1;
            written += u64::from(count);
            if done % step == 0 {
                output::complain(&format!("{done} of {} persons, {written} fiches written", self.patients));
            }
        }
        let seconds = since.elapsed().as_secs_f64();
        let here = u64::from(self.fiches) - written;
        output::say(&format!(
            "filled: {written} fiches written in {seconds:.1} s, {here} were there; {} persons, of whom dr-martin follows {}",
            self.patients,
            people::followed_of(self.patients),
        ));
        Ok(())
    }

    /// How many fiches person `number` has: all the same, the first ones one more where it does not divide.
    const fn share(&self, number: u32) -> u32 {
        let rest = self.fiches % self.patients;
        self.fiches / self.patients + if number < rest { 1 } else { 0 }
    }

    async fn work<'a>(&self, started: &'a Started) -> Result<Work<'a>, Failure> {
        let demo = Demo::load().map_err(|error| Failure::from_error("demo personas", &error))?;
        let author = demo.professional("dr-martin");
        let author = author.ok_or_else(|| Failure::Failed("the demo data has no dr-martin".to_owned()))?.clone();
        let now = started.app.clocks.domain.now();
        let ctx = Arc::new(seed::context(started, &author, now)?);
        let model = people::person(&demo, people::MOST)?;
        let mut patterns = Vec::new();
        for number in 0..PATTERNS {
            patterns.push(Pattern::read(started, number, self.size, (&model, &author)).await?);
        }
        let doctor = author.exercise.professional.id;
        Ok(Work { started, store: started.app.service.store.clone(), demo, ctx, patterns, doctor })
    }
}

/// What all persons are filled with.
struct Work<'a> {
    started: &'a Started,
    store: Store,
    demo: Demo,
    ctx: Arc<Context>,
    patterns: Vec<Pattern>,
    doctor: NationalId,
}

impl Work<'_> {
    /// Writes what is missing of person `number`; answers how many fiches that were.
    async fn person(&self, number: u32, fiches: u32) -> Result<u32, Failure> {
        let failed = |error: Error| Failure::from_error("the store", &error);
        let patient = people::person(&self.demo, number)?;
        let (permit, known) = self.admit(number, &patient).await.map_err(failed)?;
        let permit = Arc::new(permit);
        let mut written = Vec::new();
        for place in 0..fiches {
            let pattern = usize::try_from(place).unwrap_or_default() % self.patterns.len().max(1);
            let Some(pattern) = self.patterns.get(pattern) else { break };
            if known.contains(&pattern.unique_id(number, place).digest().0) {
                continue;
            }
            // One a minute, the last one just now: searches sort by it.
            let at = self.ctx.at.checked_sub(SignedDuration::from_mins(i64::from(fiches - place)));
            let at = at.unwrap_or(self.ctx.at);
            let made = pattern.make(self.started, (number, &patient), place, at).await.map_err(failed)?;
            written.push(self.write(Arc::clone(&permit), made, at));
        }
        let count = u32::try_from(written.len()).unwrap_or(u32::MAX);
        futures_util::future::try_join_all(written).await.map_err(failed)?;
        Ok(count)
    }

    /// Makes the person known, with his médecin traitant, and asks whether his record may be fed; answers
    /// also which documents it holds.
    async fn admit(&self, number: u32, patient: &Persona) -> Result<(Permit, HashSet<[u8; 32]>), Error> {
        let (ctx, profile) = (Arc::clone(&self.ctx), patient.profile(self.ctx.at));
        let relation = people::is_followed(number).then(|| Relation {
            patient: patient.key,
            professional: self.doctor.clone(),
            kind: RelationKind::TreatingPhysician,
            from_at: since(ctx.at),
            until_at: None,
        });
        let named = Named::Ins(patient.ins.clone());
        self.store
            .system("bench.person", move |tx| {
                if tx.fact_profile(profile.key)?.is_none() {
                    tx.put_profile(&profile)?;
                    relation.iter().try_for_each(|relation| tx.put_relation(relation))?;
                }
                let known = tx.fact_documents(profile.key)?;
                let facts = facts::of_person(tx, &ctx, &named)?.with_documents(vec![own(&ctx)]);
                match decide(&ctx, Action::ProvideDocument, &facts) {
                    Verdict::Permit(permit) => {
                        Ok((permit, known.iter().map(|document| document.unique_id.0).collect()))
                    }
                    Verdict::Deny(denial) => Err(denial.into()),
                }
            })
            .await
    }

    /// One publication: what ITI-65 writes, and its trace.
    async fn write(&self, permit: Arc<Permit>, made: Made, at: Timestamp) -> Result<(), Error> {
        let ids = &self.started.app.service.ids;
        let patient = made.document.patient;
        let name = |id| LogicalId::of_patient(patient, id);
        let ctx = Arc::new(Context { at, ..Context::clone(&self.ctx) });
        let trace = Trace::of(&ctx, ids.uuid(at), Act::ProvideDocumentBundle)
            .on(permit.shard())
            .touching(format!("List/{}", name(made.list.id)))
            .touching(format!("DocumentReference/{}", name(made.fiche.id)));
        let notice = Notification {
            id: ids.uuid(at),
            event_id: made.document.id,
            event: NotifiedEvent::DocumentAdded,
            channel: Channel::ActivationEmail,
            created_at: at,
        };
        let accessor = ctx.caller.accessor();
        let settled = self.store.write("bench.fill", ctx, move |tx| {
            tx.put_blob(&permit, &made.blob)?;
            tx.put_resource(&permit, &made.fiche)?;
            tx.put_document(&permit, &made.document, at)?;
            tx.put_resource(&permit, &made.list)?;
            tx.record_first_access(&permit, &accessor, at)?;
            tx.put_notifications(&permit, std::slice::from_ref(&notice))?;
            Ok(Settled::done((), trace.clone().done(permit.rule())))
        });
        settled.await.and_then(Settled::into_result)
    }
}

/// A year and a bit before: ties with the demo personas are as old.
fn since(at: Timestamp) -> Timestamp {
    at.checked_sub(SignedDuration::from_hours(24 * 400)).unwrap_or(at)
}

/// What the author signs.
fn own(ctx: &Context) -> DocumentFacts {
    DocumentFacts {
        persons: ctx.caller.person.iter().map(|person| person.id.to_string()).collect(),
        structures: Vec::new(),
        type_code: String::new(),
        status: DocumentStatus::Current,
        labels: Vec::new(),
    }
}
