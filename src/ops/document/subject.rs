//! The one person that every entry of a submission names (MHD §1.2; document-sharing §2; contract §8).

use super::entries::{EntryKind, Placed};
use crate::error::{Code, Error, Issue};
use crate::fhir::datatype::Reference;
use crate::fhir::view::{DocumentReference, List, Patient, Subject};
use crate::ids::{BusinessIdentifier, ElementPath};
use crate::ops::Domain;
use crate::ops::facts::Named;

/// The person of a submission.
pub(super) struct One {
    /// Who, by INS where any entry names an INS.
    pub(super) subject: Named,
    /// Who by the other way, where both are in use: the record tells whether it is the same.
    pub(super) alias: Option<Named>,
}

/// Every subject of the bundle, and its Patient entry, must name one and the same person.
pub(super) fn one(placed: &[Placed<'_>], domain: Domain) -> Result<One, Error> {
    let (mut by_ins, mut by_key): (Option<Named>, Option<Named>) = (None, None);
    for entry in placed {
        let path = entry.path().child("subject");
        let subject = match entry.kind {
            EntryKind::Fiche => DocumentReference::new(entry.resource()).and_then(|fiche| fiche.subject()),
            EntryKind::Submission | EntryKind::Folder => List::new(entry.resource()).and_then(|list| list.subject()),
            EntryKind::Patient => Some(own_subject(entry)?),
            EntryKind::Binary | EntryKind::FhirDocument | EntryKind::Patch => continue,
        };
        // Minimal metadata may leave it out; their profile says where they may not.
        let Some(subject) = subject else { continue };
        let named = named(&subject, placed, domain, &path)?;
        let known = match &named {
            Named::Ins(_) => &mut by_ins,
            Named::Key(_) => &mut by_key,
        };
        if known.get_or_insert_with(|| named.clone()) != &named {
            return Err(Issue::new(Code::PatientDiffers).at(path).rule("MHD ITI-65 subject").into());
        }
    }
    match (by_ins, by_key) {
        (Some(subject), alias) => Ok(One { subject, alias }),
        (None, Some(subject)) => Ok(One { subject, alias: None }),
        (None, None) => Err(Issue::new(Code::Missing).at(first_subject(placed)).rule("MHD ITI-65 subject").into()),
    }
}

fn first_subject(placed: &[Placed<'_>]) -> ElementPath {
    let first = placed.iter().find(|entry| entry.kind == EntryKind::Submission);
    first.map_or_else(|| ElementPath::root("Bundle"), |entry| entry.path().child("subject"))
}

/// A Patient entry names whom it matches by its identifiers, else by its address.
fn own_subject<'a>(entry: &Placed<'a>) -> Result<Subject<'a>, Error> {
    let nameless = || Error::from(Issue::new(Code::ReferenceTarget).at(entry.path()).rule("MHD ITI-65 Patient"));
    if let Some(identifier) = Patient::new(entry.resource()).and_then(|patient| identifier_of(&patient)) {
        return Ok(Subject::Identifier(identifier));
    }
    match Reference::parse(entry.address()).ok_or_else(nameless)? {
        Reference::Relative { kind: "Patient", id, .. } | Reference::Absolute { target: Some(("Patient", id)), .. } => {
            Ok(Subject::Id(id))
        }
        Reference::Conditional { kind: "Patient", query } => {
            let token = query.strip_prefix("identifier=").ok_or_else(nameless)?;
            let (system, value) = token.split_once('|').or_else(|| token.split_once("%7C")).ok_or_else(nameless)?;
            let identifier = BusinessIdentifier { system: system.to_owned(), value: value.to_owned() };
            Ok(Subject::Identifier(identifier))
        }
        _ => Err(nameless()),
    }
}

/// The INS of a Patient, else its first identifier.
fn identifier_of(patient: &Patient<'_>) -> Option<BusinessIdentifier> {
    let stated = patient.ins().first().map(|ins| (ins.system(), ins.value().to_owned()));
    match stated {
        Some((system, value)) => Some(BusinessIdentifier { system, value }),
        None => patient.identifiers().into_iter().next(),
    }
}

fn named(subject: &Subject<'_>, placed: &[Placed<'_>], domain: Domain, path: &ElementPath) -> Result<Named, Error> {
    let unresolved = || Error::from(Issue::new(Code::ReferenceTarget).at(path.clone()).rule("MHD ITI-65 subject"));
    let by_ins = |identifier: &BusinessIdentifier| {
        let ins = domain.read_ins(&identifier.system, &identifier.value);
        ins.map(Named::Ins).map_err(|issue| Error::from(issue.at(path.clone())))
    };
    match subject {
        Subject::Id(id) => id.parse().map(Named::Key).map_err(|_malformed| unresolved()),
        Subject::Identifier(identifier) => by_ins(identifier),
        Subject::Urn(url) => {
            let entry = placed.iter().find(|entry| entry.url == *url).ok_or_else(unresolved)?;
            Patient::new(entry.resource()).ok_or_else(unresolved)?;
            match own_subject(entry)? {
                Subject::Id(id) => id.parse().map(Named::Key).map_err(|_malformed| unresolved()),
                Subject::Identifier(identifier) => by_ins(&identifier),
                Subject::Urn(_) | Subject::Other(_) => Err(unresolved()),
            }
        }
        Subject::Other(_) => Err(unresolved()),
    }
}
