//! Loads what a decision needs, by the `fact_*` verbs, inside the transaction that acts on it.

use jiff::Timestamp;

use crate::access::context::Context;
use crate::access::decide::patient_side_is_active;
use crate::access::permit::Denial;
use crate::error::{Code, Error};
use crate::ids::{Ins, PatientKey};
use crate::model::caller::CallerClass;
use crate::model::document::Document;
use crate::model::profile::SpaceState;
use crate::rules::facts::{DocumentFacts, Facts, Naming, Served};
use crate::store::Tx;

/// How a request names the person whose record it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// By INS.
    Ins(Ins),
    /// By Patient.id.
    Key(PatientKey),
}

impl Named {
    /// The INS, where one is named.
    pub const fn ins(&self) -> Option<&Ins> {
        match self {
            Self::Ins(ins) => Some(ins),
            Self::Key(_) => None,
        }
    }
}

/// The record of who is named, unless unknown.
pub(crate) fn locate(tx: &mut Tx<'_>, named: &Named) -> Result<Option<PatientKey>, Error> {
    match named {
        Named::Ins(ins) => tx.fact_patient(ins),
        Named::Key(key) => Ok(tx.fact_profile(*key)?.map(|profile| profile.key)),
    }
}

/// The facts of a request that names a person (a search, an operation, a feed).
pub(crate) fn of_person(tx: &mut Tx<'_>, ctx: &Context, named: &Named) -> Result<Facts, Error> {
    let patient = locate(tx, named)?;
    let facts = load(tx, ctx, patient)?;
    Ok(Facts { naming: Naming::Person, subject: named.ins().cloned(), ..facts })
}

/// The facts of a request that names a document of a record by its id.
pub(crate) fn of_document(
    tx: &mut Tx<'_>,
    ctx: &Context,
    patient: PatientKey,
    documents: &[Document],
) -> Result<Facts, Error> {
    let facts = Facts { naming: Naming::Id, ..load(tx, ctx, Some(patient))? };
    Ok(facts.with_documents(documents.iter().map(DocumentFacts::from).collect()))
}

/// The facts of a request that names a record by its id.
pub(crate) fn of_record(tx: &mut Tx<'_>, ctx: &Context, patient: PatientKey) -> Result<Facts, Error> {
    of_document(tx, ctx, patient, &[])
}

fn load(tx: &mut Tx<'_>, ctx: &Context, patient: Option<PatientKey>) -> Result<Facts, Error> {
    let profile = match patient {
        Some(patient) => tx.fact_profile(patient)?,
        None => None,
    };
    let mut facts = Facts::of_person(None, profile.as_ref().map(Into::into));
    if let (Some(profile), Some(person)) = (&profile, &ctx.caller.person) {
        facts = facts.with_relations(tx.fact_relations(profile.key, &person.id)?);
    }
    if ctx.caller.class == CallerClass::Patient {
        (facts.connected, facts.holder) = holder(tx, ctx)?;
        facts.served = served(tx, ctx)?;
    }
    Ok(facts)
}

/// What a caller is told of something that is not there: on the patient side before activation the same
/// as of anything else, whatever is named (MES-028; contract §8, mes 9).
pub(crate) fn told(tx: &mut Tx<'_>, ctx: &Context, denial: Denial) -> Result<Denial, Error> {
    if ctx.caller.class != CallerClass::Patient || denial.code != Code::NotFound {
        return Ok(denial);
    }
    let facts = load(tx, ctx, None)?;
    Ok(patient_side_is_active(ctx, &facts).err().unwrap_or(denial))
}

/// The connected person's own record and the state of that space, on the patient side.
fn holder(tx: &mut Tx<'_>, ctx: &Context) -> Result<(Option<PatientKey>, Option<SpaceState>), Error> {
    let Some(ins) = &ctx.caller.patient else { return Ok((None, None)) };
    let Some(key) = tx.fact_patient(ins)? else { return Ok((None, None)) };
    Ok((Some(key), tx.fact_profile(key)?.map(|profile| profile.space)))
}

/// The record that a representative or a carer acts on.
fn served(tx: &mut Tx<'_>, ctx: &Context) -> Result<Option<Served>, Error> {
    let (Some(connected), Some(record)) = (&ctx.caller.patient, &ctx.caller.record) else { return Ok(None) };
    if connected == record {
        return Ok(None);
    }
    let (Some(delegate), Some(patient)) = (tx.fact_patient(connected)?, tx.fact_patient(record)?) else {
        return Ok(None);
    };
    let Some(profile) = tx.fact_profile(patient)? else { return Ok(None) };
    Ok(Some(Served { space: profile.space, delegations: tx.fact_delegations(patient, delegate)? }))
}

/// Whether the person connected acts for another at `at`: what a token for that record asks for (contract §6).
pub fn represents(tx: &mut Tx<'_>, connected: &Ins, served: &Ins, at: Timestamp) -> Result<bool, Error> {
    let (Some(delegate), Some(patient)) = (tx.fact_patient(connected)?, tx.fact_patient(served)?) else {
        return Ok(false);
    };
    Ok(tx.fact_delegations(patient, delegate)?.iter().any(|delegation| delegation.is_in_force(at)))
}

/// Whether the software is still enrolled: a suspension holds from the next request on, whatever
/// life its token has left (contract §6).
pub(crate) fn enrolment(tx: &mut Tx<'_>, ctx: &Context) -> Result<Result<(), Denial>, Error> {
    let is_enrolled = tx.fact_is_enrolled(&ctx.caller.client_id)?;
    Ok(if is_enrolled { Ok(()) } else { Err(Denial::new(Code::Login, "client-suspended")) })
}
