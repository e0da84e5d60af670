//! The rules composed: facts in, a permit or a refusal out (contract §8; mes-rules §1.3, §2.4).
//!
//! The order matters, for each step may show only what the ones before allow: activation of the
//! patient side, the record that the token serves, authorship of what is fed, state of the record,
//! ties, visibility. A refusal never tells which of them spoke, but for authorship.

use super::context::Context;
use super::identity::Caller;
use super::permit::{Denial, Permit, Verdict};
use crate::error::Code;
use crate::ids::Ins;
use crate::model::caller::{Action, CallerClass};
use crate::model::document::DocumentStatus;
use crate::model::profile::SpaceState;
use crate::rules::consultation::{self, Consultation};
use crate::rules::facts::{DocumentFacts, Facts, Naming, Tie};
use crate::rules::status::{self, Standing};
use crate::rules::traces::{self, Traces};
use crate::rules::{habilitation, visibility};

/// Whether the caller may do `action`, given the facts.
///
/// For [`Action::ExistenceTest`] a refusal with [`Code::NoRecord`] is the answer "no entry".
pub fn decide(ctx: &Context, action: Action, facts: &Facts) -> Verdict {
    judge(ctx, action, facts).map_or_else(Verdict::Deny, Verdict::Permit)
}

fn judge(ctx: &Context, action: Action, facts: &Facts) -> Result<Permit, Denial> {
    patient_side_is_active(ctx, facts)?;
    if !serves(&ctx.caller, facts) {
        return Err(neutral(facts, "IUA-person_id"));
    }
    if action == Action::ProvideDocument && !signs_all(&ctx.caller, &facts.documents) {
        return Err(Denial::new(Code::NotAuthor, "EX_2.1-1140"));
    }
    if action == Action::ProvideDocument && ctx.caller.class == CallerClass::Patient && ties(ctx, facts).is_empty() {
        return Err(neutral(facts, "CSP-L1111-13-1"));
    }
    let (space, record) = facts.states();
    let standing = status::judge(space, record, action);
    let rule = match standing.outcome {
        Standing::TellAbsent | Standing::RefuseAbsent => return Err(Denial::new(Code::NoRecord, standing.rule)),
        Standing::Neutral => return Err(neutral(facts, standing.rule)),
        Standing::TellFormer | Standing::TellAttached | Standing::TellClosed | Standing::Accept => standing.rule,
        // A block beats every tie and every mode, emergency included (mes-rules §2.4).
        Standing::Authorise if ctx.caller.person.is_some() && facts.is_blocked(ctx.at) => {
            return Err(neutral(facts, "CSP-R1111-46"));
        }
        Standing::Authorise if action == Action::ReadAudit => readable_traces(ctx, facts)?,
        Standing::Authorise => consult(ctx, action, facts)?,
    };
    let profile = facts.profile.as_ref().ok_or_else(|| neutral(facts, standing.rule))?;
    Ok(Permit::new(profile.key.into(), action, rule))
}

/// Nothing is offered to the patient side before activation, whatever it names (MES-028).
pub fn patient_side_is_active(ctx: &Context, facts: &Facts) -> Result<(), Denial> {
    let own = facts.holder == Some(SpaceState::Activated);
    let active = own && facts.served.as_ref().is_none_or(|served| served.is_active(ctx.at));
    if ctx.caller.class == CallerClass::Patient && !active {
        return Err(Denial::new(Code::NotActive, "MES-028"));
    }
    Ok(())
}

/// Whether the record is the one that the token serves, where it says so.
fn serves(caller: &Caller, facts: &Facts) -> bool {
    let Some(record) = &caller.record else {
        return caller.class != CallerClass::Patient;
    };
    let known = facts.profile.iter().flat_map(|profile| &profile.identifiers);
    facts.subject.iter().chain(known).any(|ins| ins == record)
}

/// Who may read documents, and which of them are hidden from him.
fn consult(ctx: &Context, action: Action, facts: &Facts) -> Result<&'static str, Denial> {
    let ties = ties_of_request(ctx, facts);
    let ruled = consultation::permits(ctx.caller.class, &ties, ctx.purpose, action);
    if ruled.outcome == Consultation::Deny {
        return Err(neutral(facts, ruled.rule));
    }
    if facts.documents.iter().any(|document| !sees(ctx, facts, document)) {
        return Err(neutral(facts, "CSP-R1111-49"));
    }
    let deleted = facts.documents.iter().any(|document| document.status == DocumentStatus::Deleted);
    if deleted && facts.naming == Naming::Id && action != Action::ReadPatient {
        return Err(Denial::new(Code::Gone, "TD3.3c"));
    }
    Ok(ruled.rule)
}

fn readable_traces(ctx: &Context, facts: &Facts) -> Result<&'static str, Denial> {
    let ruled = traces::readable(ctx.caller.class, &ties_of_request(ctx, facts));
    match ruled.outcome {
        Traces::Nothing => Err(neutral(facts, ruled.rule)),
        Traces::Whole | Traces::Own => Ok(ruled.rule),
    }
}

/// Which traces of the record the caller reads, once [`decide`] let him: all, or his own acts.
pub fn trace_scope(ctx: &Context, facts: &Facts) -> Traces {
    traces::readable(ctx.caller.class, &ties(ctx, facts)).outcome
}

/// Whether TD0.2 tells the reason of a closure to this caller (contract §8).
pub fn tells_closure_reason(ctx: &Context, facts: &Facts) -> bool {
    let person = ctx.caller.person.as_ref();
    let author = facts.profile.as_ref().and_then(|profile| profile.closure_author.as_deref());
    let closed_it = person.zip(author).is_some_and(|(person, author)| person.id.as_str() == author);
    consultation::tells_closure_reason(&ties(ctx, facts), closed_it)
}

/// Whether the caller sees a document of the record (contract §8, "a hidden document"): a signature is
/// never a document to anybody but its author; the author sees what he wrote; to all others its labels
/// and the habilitation of their profession speak. A deleted document is judged as if it were not.
pub fn sees(ctx: &Context, facts: &Facts, document: &DocumentFacts) -> bool {
    let is_own = is_author(&ctx.caller, &document.persons, &document.structures);
    if is_own {
        return true;
    }
    !habilitation::is_signature(&document.type_code)
        && visibility::is_visible(&document.labels, &ties(ctx, facts))
        && ctx.caller.person.as_ref().is_none_or(|person| person.habilitation.reads(&document.type_code))
}

/// What ties the caller to what he asks for: to the record and, where the request names documents and
/// all are his own, to these.
pub fn ties_of_request(ctx: &Context, facts: &Facts) -> Vec<Tie> {
    let mut ties = ties(ctx, facts);
    if is_author_of_all(&ctx.caller, &facts.documents) {
        ties.push(Tie::Author);
    }
    ties
}

/// What ties the caller to the record, whatever documents the request names.
pub fn ties(ctx: &Context, facts: &Facts) -> Vec<Tie> {
    let caller = &ctx.caller;
    let mut ties = if caller.person.is_some() { facts.ties(ctx.at) } else { vec![] };
    let is_holder = caller.class == CallerClass::Patient && caller.patient.is_some() && caller.patient == caller.record;
    if is_holder && serves(caller, facts) {
        ties.push(Tie::Holder);
    }
    if caller.class == CallerClass::Patient && serves(caller, facts) {
        ties.extend(facts.served.iter().flat_map(|served| served.ties(ctx.at)));
    }
    ties
}

/// Whether the caller is an author or the authenticator of a fiche (EX_2.1-1140): by his own id
/// where he authenticated himself, else by his structure's.
pub fn is_author(caller: &Caller, persons: &[impl AsRef<str>], structures: &[impl AsRef<str>]) -> bool {
    match caller.class {
        CallerClass::ProfessionalDirect => {
            let id = caller.person.as_ref().map(|person| person.id.as_str());
            id.is_some_and(|id| persons.iter().any(|person| person.as_ref() == id))
        }
        CallerClass::ProfessionalIndirect | CallerClass::Structure => {
            structures.iter().any(|structure| structure.as_ref() == caller.structure.as_str())
        }
        CallerClass::Patient => caller.patient.as_ref().is_some_and(|ins| names(persons, ins)),
        CallerClass::AssuranceMaladie | CallerClass::Service => false,
    }
}

/// Whether the person of an INS is among the authors.
fn names(persons: &[impl AsRef<str>], ins: &Ins) -> bool {
    let name = ins.author_name();
    persons.iter().any(|person| person.as_ref() == name)
}

/// Whether the caller is an author of all these documents, or on the patient side acts in the name
/// of their author.
fn signs_all(caller: &Caller, documents: &[DocumentFacts]) -> bool {
    let record = caller.record.as_ref().filter(|_| caller.class == CallerClass::Patient);
    let signs = |document: &DocumentFacts| {
        is_author(caller, &document.persons, &document.structures)
            || record.is_some_and(|record| names(&document.persons, record))
    };
    !documents.is_empty() && documents.iter().all(signs)
}

fn is_author_of_all(caller: &Caller, documents: &[DocumentFacts]) -> bool {
    let is_own = |document: &DocumentFacts| is_author(caller, &document.persons, &document.structures);
    !documents.is_empty() && documents.iter().all(is_own)
}

/// The refusal that reveals nothing: 403 to who names the person, 404 to who names an id.
const fn neutral(facts: &Facts, rule: &'static str) -> Denial {
    let code = match facts.naming {
        Naming::Person => Code::Forbidden,
        Naming::Id => Code::NotFound,
    };
    Denial::new(code, rule)
}
