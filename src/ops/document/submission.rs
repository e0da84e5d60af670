//! From a Provide Document Bundle to an input that cannot be half valid (MHD §1.2, PDSm §1.2):
//! whoever holds a [`Provision`] knows that every entry has its place, that every document is there
//! whole, and that one person is named.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::header;
use super::intake::Received;
use crate::error::{Code, Error, Issue};
use crate::fhir::codec::json;
use crate::fhir::terminology::canonical_system;
use crate::fhir::validate::{self, Mode};
use crate::fhir::view::{Actor, Bundle, DocumentReference, Entry, List, ListKind, Patient, Subject};
use crate::ids::{BusinessIdentifier, ElementPath, Ins};
use crate::model::audit::Act;
use crate::ops::Domain;
use crate::ops::facts::Named;
use crate::ops::resource::stamp::author_names;
use crate::store::blob::Staged;

/// A submission, complete and consistent; not yet decided upon.
#[derive(Debug)]
pub struct Provision {
    /// ITI-65, or ITI-105, which becomes a submission of its own.
    pub act: Act,
    /// The person.
    pub subject: Named,
    /// What each entry is, in the order of the request.
    pub entries: Vec<EntryKind>,
    /// The submission set as sent.
    pub submission: Value,
    /// Its fullUrl.
    pub submission_url: String,
    /// fullUrls of Patient entries: they match, and create nobody.
    pub patient_urls: Vec<String>,
    /// The documents.
    pub documents: Vec<ProvidedDocument>,
    /// Warnings by entry.
    pub warnings: Vec<Vec<Issue>>,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// The submission set.
    Submission,
    /// A fiche.
    Fiche,
    /// A document.
    Binary,
    /// A person.
    Patient,
}

/// One fiche with its document.
#[derive(Debug)]
pub struct ProvidedDocument {
    /// Number of the fiche's entry.
    pub entry: usize,
    /// Number of the document's entry.
    pub binary_entry: usize,
    /// fullUrl of the fiche.
    pub url: String,
    /// fullUrl of the document.
    pub binary_url: String,
    /// The fiche as sent.
    pub fiche: Value,
    /// masterIdentifier.
    pub unique_id: BusinessIdentifier,
    /// typeCode, `system|code`.
    pub type_code: String,
    /// Confidentiality and visibility codes.
    pub labels: Vec<String>,
    /// National ids of authors and authenticator.
    pub persons: Vec<String>,
    /// National ids of their structures.
    pub structures: Vec<String>,
    /// MIME type.
    pub content_type: String,
    /// The bytes, encrypted.
    pub staged: Staged,
    /// INS that the CDA header states.
    pub cda_ins: Vec<Ins>,
}

/// Canonicals of the provide bundles that are served; the more demanding first.
const PROVIDE_BUNDLES: [&str; 2] = [
    "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-provide-document-bundle",
    "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.Comprehensive.ProvideBundle",
];

impl Provision {
    /// Reads a received body. Every issue found is told at once; warnings alone do not refuse.
    pub fn read(received: Received, mode: &Mode, domain: Domain) -> Result<Self, Error> {
        let resource = json::parse(&received.json)?;
        let mut issues = validate::structural_with(&resource, validate::Options { data_was_cut: true });
        let profile = claimed(&resource)?;
        refuse_if_wrong(&issues)?;
        refuse_what_comes_later(&resource)?;
        issues.extend(validate::profile(&resource, profile, mode));
        refuse_if_wrong(&issues)?;
        assemble(resource, received.documents, issues, domain, mode)
    }

    /// A bundle of our own making around what was published alone: no profile is asked.
    pub(super) fn of_bundle(
        bundle: Value,
        documents: BTreeMap<usize, Staged>,
        issues: Vec<Issue>,
        domain: Domain,
        mode: &Mode,
    ) -> Result<Self, Error> {
        refuse_what_comes_later(&bundle)?;
        assemble(bundle, documents, issues, domain, mode)
    }
}

/// The provide bundle profile that a body claims; a transaction that claims none is of a later delivery.
fn claimed(resource: &Value) -> Result<&'static str, Error> {
    let bundle = Bundle::new(resource).filter(|bundle| bundle.kind() == Some("transaction"));
    let Some(bundle) = bundle else {
        let path = ElementPath::root("Bundle").child("type");
        return Err(Issue::new(Code::NotSupported).at(path).rule("MHD ITI-65").into());
    };
    let claims = bundle.profiles();
    let bare = |canonical: &str| canonical.split('|').next().unwrap_or_default().to_owned();
    let known = PROVIDE_BUNDLES.into_iter().find(|known| claims.iter().any(|claim| bare(claim) == *known));
    known.ok_or_else(|| {
        let path = ElementPath::root("Bundle").child("meta").child("profile");
        Issue::new(Code::NotSupported).at(path).rule("MHD ITI-65").into()
    })
}

pub(super) fn refuse_if_wrong(issues: &[Issue]) -> Result<(), Error> {
    if issues.iter().any(|issue| !issue.is_warning) { Err(Error::many(issues.to_vec())) } else { Ok(()) }
}

/// Folders, FHIR documents, PATCH entries and replacements: refused plainly until they are served.
fn refuse_what_comes_later(resource: &Value) -> Result<(), Error> {
    let Some(bundle) = Bundle::new(resource) else { return Ok(()) };
    for (number, entry) in bundle.entries().enumerate() {
        let path = entry_path(number);
        let refused =
            |path: ElementPath, rule: &'static str| Err(Issue::new(Code::NotSupported).at(path).rule(rule).into());
        let Some(content) = entry.resource() else { continue };
        if entry.method() == Some("PATCH") || entry.resource_type() == Some("Parameters") {
            return refused(path.child("request"), "MHD UpdateDocumentRefs");
        }
        if entry.resource_type() == Some("Bundle") {
            return refused(path.child("resource"), "FHIRDocumentNotSupported");
        }
        if List::new(content).is_some_and(|list| list.kind() == Some(ListKind::Folder)) {
            return refused(path.child("resource"), "PartialFolderContentNotProcessed");
        }
        if DocumentReference::new(content).is_some_and(|fiche| !fiche.relations().is_empty()) {
            return refused(path.child("resource").child("relatesTo"), "PartialReplaceContentNotProcessed");
        }
    }
    Ok(())
}

fn entry_path(number: usize) -> ElementPath {
    ElementPath::root("Bundle").child("entry").index(number)
}

/// One entry, with its number and its place in the bundle.
struct Placed<'a> {
    number: usize,
    entry: Entry<'a>,
    url: String,
}

impl<'a> Placed<'a> {
    fn path(&self) -> ElementPath {
        entry_path(self.number).child("resource")
    }

    fn resource(&self) -> &'a Value {
        self.entry.resource().unwrap_or(&Value::Null)
    }
}

fn assemble(
    resource: Value,
    mut staged: BTreeMap<usize, Staged>,
    issues: Vec<Issue>,
    domain: Domain,
    mode: &Mode,
) -> Result<Provision, Error> {
    let missing = || Error::from(Issue::new(Code::BundleMissing).rule("MHD ITI-65"));
    let bundle = Bundle::new(&resource).ok_or_else(missing)?;
    let (kinds, placed) = sort_entries(&bundle)?;
    let of_kind =
        |kind: EntryKind| placed.iter().zip(&kinds).filter(move |(_, own)| **own == kind).map(|(placed, _)| placed);
    let submission = of_kind(EntryKind::Submission).next().ok_or_else(missing)?;
    let subject = one_subject(&placed, &kinds, domain)?;
    require_listed(submission, of_kind(EntryKind::Fiche))?;
    let mut warnings = by_entry(issues, kinds.len());
    let mut documents = Vec::new();
    let mut seen = HashSet::new();
    let mut used = HashSet::new();
    for fiche in of_kind(EntryKind::Fiche) {
        let binary = binary_of(fiche, of_kind(EntryKind::Binary))?;
        let bytes = staged.remove(&binary.number).filter(|_| used.insert(binary.number)).ok_or_else(|| {
            Error::from(Issue::new(Code::BundleMissing).at(binary.path().child("data")).rule("MHD ITI-65"))
        })?;
        let document = read_document(fiche, binary, bytes, mode, warnings.get_mut(fiche.number))?;
        if !seen.insert(document.unique_id.clone()) {
            let path = fiche.path().child("masterIdentifier");
            return Err(Issue::new(Code::Profile).at(path).rule("XDS uniqueId").detail("en double dans le lot").into());
        }
        documents.push(document);
    }
    if let Some(orphan) = of_kind(EntryKind::Binary).find(|binary| !used.contains(&binary.number)) {
        return Err(Issue::new(Code::BundleEntry).at(orphan.path()).rule("MHD ITI-65").into());
    }
    if documents.is_empty() {
        return Err(missing());
    }
    Ok(Provision {
        act: Act::ProvideDocumentBundle,
        subject,
        submission: submission.resource().clone(),
        submission_url: submission.url.clone(),
        patient_urls: of_kind(EntryKind::Patient).map(|placed| placed.url.clone()).collect(),
        documents,
        warnings,
        entries: kinds,
    })
}

fn sort_entries<'a>(bundle: &Bundle<'a>) -> Result<(Vec<EntryKind>, Vec<Placed<'a>>), Error> {
    let mut kinds = Vec::new();
    let mut placed = Vec::new();
    let mut urls = HashSet::new();
    for (number, entry) in bundle.entries().enumerate() {
        let foreign = || Error::from(Issue::new(Code::BundleEntry).at(entry_path(number)).rule("MHD ProvideBundle"));
        let kind = match (entry.resource_type(), entry.method()) {
            (Some("List"), Some("POST")) => EntryKind::Submission,
            (Some("DocumentReference"), Some("POST")) => EntryKind::Fiche,
            (Some("Binary"), Some("POST")) => EntryKind::Binary,
            (Some("Patient"), Some("GET" | "POST" | "PUT")) => EntryKind::Patient,
            _ => return Err(foreign()),
        };
        let url = entry.full_url().unwrap_or_default().to_owned();
        if url.is_empty() || !urls.insert(url.clone()) {
            let path = entry_path(number).child("fullUrl");
            return Err(Issue::new(Code::Profile).at(path).rule("R4 bdl-7").into());
        }
        kinds.push(kind);
        placed.push(Placed { number, entry, url });
    }
    if kinds.iter().filter(|kind| **kind == EntryKind::Submission).count() > 1 {
        return Err(Issue::new(Code::BundleEntry).at(ElementPath::root("Bundle")).rule("MHD ProvideBundle").into());
    }
    Ok((kinds, placed))
}

/// Every subject of the bundle must name one and the same person.
fn one_subject(placed: &[Placed<'_>], kinds: &[EntryKind], domain: Domain) -> Result<Named, Error> {
    let mut only: Option<Named> = None;
    for (entry, kind) in placed.iter().zip(kinds) {
        let path = entry.path().child("subject");
        let subject = match kind {
            EntryKind::Fiche => DocumentReference::new(entry.resource()).and_then(|fiche| fiche.subject()),
            EntryKind::Submission => List::new(entry.resource()).and_then(|list| list.subject()),
            EntryKind::Binary | EntryKind::Patient => continue,
        };
        let subject = subject.ok_or_else(|| Error::from(Issue::new(Code::Missing).at(path.clone())))?;
        let named = named(&subject, placed, domain, &path)?;
        match &only {
            None => only = Some(named),
            Some(known) if *known == named => {}
            Some(_) => return Err(Issue::new(Code::PatientDiffers).at(path).rule("MHD ITI-65 subject").into()),
        }
    }
    only.ok_or_else(|| Issue::new(Code::BundleMissing).rule("MHD ITI-65").into())
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
            let patient = Patient::new(entry.resource()).ok_or_else(unresolved)?;
            let identifiers = patient.identifiers();
            let stated = patient.ins().first().map(|ins| (ins.system(), ins.value().to_owned()));
            let chosen = match stated {
                Some((system, value)) => BusinessIdentifier { system, value },
                None => identifiers.into_iter().next().ok_or_else(unresolved)?,
            };
            by_ins(&chosen)
        }
        Subject::Other(_) => Err(unresolved()),
    }
}

/// The submission set lists exactly the fiches of the bundle.
fn require_listed<'p, 'a: 'p>(
    submission: &Placed<'a>,
    fiches: impl Iterator<Item = &'p Placed<'a>>,
) -> Result<(), Error> {
    let listed: HashSet<&str> =
        List::new(submission.resource()).map(|list| list.entries().into_iter().collect()).unwrap_or_default();
    let own: HashSet<&str> = fiches.map(|fiche| fiche.url.as_str()).collect();
    let path = submission.path().child("entry");
    if own.iter().any(|url| !listed.contains(url)) {
        return Err(Issue::new(Code::BundleMissing).at(path).rule("XDS HasMember").into());
    }
    if listed.iter().any(|url| !own.contains(url)) {
        return Err(Issue::new(Code::ReferenceTarget).at(path).rule("XDS HasMember").into());
    }
    Ok(())
}

fn binary_of<'p, 'a: 'p>(
    fiche: &Placed<'a>,
    mut binaries: impl Iterator<Item = &'p Placed<'a>>,
) -> Result<&'p Placed<'a>, Error> {
    let path = fiche.path().child("content").index(0).child("attachment").child("url");
    let url = DocumentReference::new(fiche.resource()).and_then(|fiche| fiche.attachment()?.url());
    let found = binaries.find(|binary| Some(binary.url.as_str()) == url);
    found.ok_or_else(|| Issue::new(Code::BundleMissing).at(path).rule("MHD ITI-65").into())
}

fn read_document(
    placed: &Placed<'_>,
    binary: &Placed<'_>,
    staged: Staged,
    mode: &Mode,
    warnings: Option<&mut Vec<Issue>>,
) -> Result<ProvidedDocument, Error> {
    let path = placed.path();
    let missing = |name: &str| Error::from(Issue::new(Code::Missing).at(path.child(name)).rule("MHD §1.3"));
    let fiche = DocumentReference::new(placed.resource()).ok_or_else(|| missing("resourceType"))?;
    let attachment = fiche.attachment().ok_or_else(|| missing("content"))?;
    header::check_integrity(&attachment, &staged, &path.child("content").index(0).child("attachment"))?;
    let content_type = attachment.content_type().ok_or_else(|| missing("content"))?.to_owned();
    let actors: Vec<Actor<'_>> = fiche.authors().into_iter().chain(fiche.authenticator()).collect();
    let read = header::read(&staged, &content_type, &fiche, mode, &path)?;
    if let Some(warnings) = warnings {
        warnings.extend(read.warnings);
    }
    let type_code = fiche
        .types()
        .first()
        .map(|coding| format!("{}|{}", canonical_system(coding.system).unwrap_or(coding.system), coding.code));
    Ok(ProvidedDocument {
        entry: placed.number,
        binary_entry: binary.number,
        url: placed.url.clone(),
        binary_url: binary.url.clone(),
        unique_id: fiche.master_identifier().ok_or_else(|| missing("masterIdentifier"))?,
        type_code: type_code.ok_or_else(|| missing("type"))?,
        labels: fiche.security_labels().iter().map(|coding| coding.code.to_owned()).collect(),
        persons: author_names(&actors),
        structures: unique(fiche.authors().iter().flat_map(|actor| &actor.structures)),
        content_type,
        cda_ins: read.ins,
        staged,
        fiche: placed.resource().clone(),
    })
}

fn unique<T: ToString>(items: impl Iterator<Item = T>) -> Vec<String> {
    let mut seen = HashSet::new();
    items.map(|item| item.to_string()).filter(|item| seen.insert(item.clone())).collect()
}

/// Warnings by the entry that their path names; those of the bundle itself go to the first.
fn by_entry(issues: Vec<Issue>, entries: usize) -> Vec<Vec<Issue>> {
    let mut sorted = vec![Vec::new(); entries];
    for issue in issues {
        let path = issue.path.as_ref().map(ElementPath::as_str).unwrap_or_default();
        let number = path.strip_prefix("Bundle.entry[").and_then(|rest| rest.split(']').next()?.parse().ok());
        let number: usize = number.unwrap_or_default();
        if let Some(place) = sorted.get_mut(number) {
            place.push(issue);
        }
    }
    sorted
}
