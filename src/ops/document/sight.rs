//! Which documents of a record a reader sees: one predicate for searches, reads, lists, traces and
//! notices (contract §8, "a hidden document"; mes-rules §2.0, §2.5; document-sharing §3.4, §3.7).
//!
//! [`conditions`] says it to the store, [`sees`] says it of one document; both come from the same labels,
//! the same habilitation and the same authorship.

use std::collections::BTreeMap;

use super::super::resource::stamp::AUTHOR;
use crate::access::context::Context;
use crate::access::decide::{self, ties_of_request};
use crate::error::Error;
use crate::fhir::search::{Search, Term, find, of_bare_code, of_code};
use crate::ids::{LogicalId, PatientKey};
use crate::model::audit::AuditRecord;
use crate::model::caller::CallerClass;
use crate::model::document::{Document, DocumentStatus};
use crate::model::notification::Channel;
use crate::model::search::{Condition, Match};
use crate::ops::resource::search::matching;
use crate::rules::facts::{DocumentFacts, Facts, Tie};
use crate::rules::habilitation::SIGNATURE;
use crate::rules::visibility;
use crate::store::Tx;

const FICHE: &str = "DocumentReference";
/// What the bytes of a document are read as.
const BYTES: [&str; 2] = ["Binary", "Bundle"];
/// The status of a withdrawn fiche (T6).
const WITHDRAWN: &str = "entered-in-error";

/// Whether the reader sees a document: not withdrawn, and not hidden from him.
pub(crate) fn sees(ctx: &Context, facts: &Facts, document: &Document) -> bool {
    document.status != DocumentStatus::Deleted && decide::sees(ctx, facts, &DocumentFacts::from(document))
}

/// Whether the reader would see a document, were it not withdrawn.
pub(crate) fn was_seen(ctx: &Context, facts: &Facts, document: &Document) -> bool {
    document.status == DocumentStatus::Deleted && decide::sees(ctx, facts, &DocumentFacts::from(document))
}

/// Of the conditions under which a reader sees fiches those that a search does not say itself: what
/// names the status it wants finds no other one.
pub(crate) fn besides(seen: &[Condition], search: &Search) -> Vec<Condition> {
    let status = find(FICHE, "status").map(|parameter| parameter.number);
    let names_status = search.terms.iter().any(|term| {
        matches!(term, Term::Index { parameter, any_of, negated: false }
            if Some(*parameter) == status && !any_of.contains(&of_bare_code(WITHDRAWN)))
    });
    let is_said = |condition: &&Condition| {
        names_status && matches!(condition, Condition::Index { parameter, .. } if Some(*parameter) == status)
    };
    seen.iter().filter(|condition| !is_said(condition)).cloned().collect()
}

/// The conditions under which the reader sees a fiche. Signatures are listed to nobody.
pub(crate) fn conditions(ctx: &Context, facts: &Facts) -> Vec<Condition> {
    let mut conditions = Vec::new();
    conditions.extend(without("status", &[WITHDRAWN]));
    conditions.extend(without("type", &[SIGNATURE]));
    let ties = ties_of_request(ctx, facts);
    if ties.contains(&Tie::Author) {
        return conditions;
    }
    let mut shown = Vec::new();
    let hidden = visibility::hidden_labels(&ties);
    shown.extend(without("security-label", &hidden.iter().map(|label| label.name()).collect::<Vec<_>>()));
    shown.extend(habilitated(ctx));
    if shown.is_empty() {
        return conditions;
    }
    match own(ctx) {
        Some(own) => conditions.push(Condition::Any(vec![own, Condition::All(shown)])),
        None => conditions.extend(shown),
    }
    conditions
}

/// The types that the caller's profession reads.
fn habilitated(ctx: &Context) -> Option<Condition> {
    let habilitation = &ctx.caller.person.as_ref()?.habilitation;
    if habilitation.reads_others() {
        return without("type", habilitation.exceptions());
    }
    if habilitation.exceptions().is_empty() {
        return Some(Condition::Never);
    }
    let parameter = find(FICHE, "type")?.number;
    Some(Condition::Index { parameter, any_of: codes(habilitation.exceptions()), negated: false })
}

/// The documents of which the caller is an author.
fn own(ctx: &Context) -> Option<Condition> {
    let caller = &ctx.caller;
    let name = match caller.class {
        CallerClass::ProfessionalDirect => caller.person.as_ref()?.id.to_string(),
        CallerClass::Patient => caller.patient.as_ref()?.author_name(),
        _ => return None,
    };
    Some(Condition::Index { parameter: AUTHOR, any_of: vec![Match::Exact(name)], negated: false })
}

fn without(code: &str, values: &[impl AsRef<str>]) -> Option<Condition> {
    let parameter = find(FICHE, code)?.number;
    (!values.is_empty()).then(|| Condition::Index { parameter, any_of: codes(values), negated: true })
}

/// Codes in whatever system.
fn codes(values: &[impl AsRef<str>]) -> Vec<Match> {
    values.iter().map(|code| matching(&of_code(code.as_ref()))).collect()
}

fn reference(document: &Document) -> String {
    format!("{FICHE}/{}", LogicalId::of_patient(document.patient, document.id))
}

/// The documents of a record, as a reader of its traces knows them.
#[derive(Debug)]
pub(crate) struct Known {
    /// For each thing that a trace may name (`Type/id`), whether the reader sees it.
    visible: BTreeMap<String, bool>,
}

impl Known {
    /// What the reader sees of the record. A withdrawn document still has its traces.
    pub(crate) fn of(tx: &mut Tx<'_>, ctx: &Context, facts: &Facts, patient: PatientKey) -> Result<Self, Error> {
        let mut visible: BTreeMap<String, bool> = BTreeMap::new();
        for document in tx.fact_documents(patient)? {
            let sees = decide::sees(ctx, facts, &DocumentFacts::from(&document));
            let id = |uuid| LogicalId::of_patient(patient, uuid);
            visible.insert(reference(&document), sees);
            for kind in BYTES {
                visible.insert(format!("{kind}/{}", id(document.binary)), sees);
            }
            *visible.entry(format!("List/{}", id(document.submission))).or_default() |= sees;
        }
        Ok(Self { visible })
    }

    /// A trace as the reader sees it: without what is hidden from him, and not at all where it is
    /// about nothing else.
    pub(crate) fn shown(&self, mut record: AuditRecord) -> Option<AuditRecord> {
        let before = record.entities.len();
        record.entities.retain(|entity| self.is_visible(&entity.reference));
        let documents = |reference: &str| {
            let kind = reference.split('/').next().unwrap_or_default();
            kind == FICHE || BYTES.contains(&kind)
        };
        let is_empty =
            record.entities.len() < before && !record.entities.iter().any(|entity| documents(&entity.reference));
        (!is_empty).then_some(record)
    }

    fn is_visible(&self, reference: &str) -> bool {
        let bare = reference.split("/_history").next().unwrap_or_default();
        self.visible.get(bare).copied().unwrap_or(true)
    }
}

/// The channel on which the person is told of a document, if at all: of one that is hidden from him
/// nothing is told; of one hidden from representatives, only the address that the person gave himself
/// is told (mes-rules §2.0).
pub(crate) fn told_on(labels: &[String], channel: Option<Channel>) -> Option<Channel> {
    let is_own = channel == Some(Channel::ActivationEmail);
    let shown = visibility::is_visible(labels, &[Tie::Holder])
        && (is_own || visibility::is_visible(labels, &[Tie::LegalRepresentative]));
    channel.filter(|_| shown)
}

/// Whether an act that concerns these documents alone is one that the person may hear of now: a notice
/// of the access would tell of the document.
pub(crate) fn may_tell(documents: &[DocumentFacts], channel: Option<Channel>) -> bool {
    documents.is_empty() || documents.iter().any(|document| told_on(&document.labels, channel).is_some())
}
