//! From a Provide Document Bundle to an input that cannot be half valid (MHD §1.2, PDSm §1.2):
//! whoever holds a [`Provision`] knows that every entry has its place, that every document is there
//! whole, and that one person is named.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use serde_json::Value;

use super::entries::{self, Placed, entry_path};
use super::intake::Received;
use super::reference::{Known, addressed};
use super::{fhir_document, fiche, subject};
use crate::error::{Code, Error, Issue};
use crate::fhir::codec::json;
use crate::fhir::validate::{self, Conformance, Mode};
use crate::fhir::view::{Bundle, List};
use crate::ids::{BusinessIdentifier, ElementPath, Ins};
use crate::model::audit::Act;
use crate::model::document::DocumentStatus;
use crate::ops::facts::Named;
use crate::ops::resource::stamp::author_names;
use crate::ops::{Service, Settings};
use crate::rules::facts::DocumentFacts;
use crate::store::blob::Staged;

pub use super::entries::EntryKind;
pub use super::reference::Pointed;

/// A submission, complete and consistent; not yet decided upon.
#[derive(Debug)]
pub struct Provision {
    /// ITI-65, or ITI-105, which becomes a submission of its own.
    pub act: Act,
    /// The person.
    pub subject: Named,
    /// The person as the other entries name him, where some do it by id and some by INS.
    pub alias: Option<Named>,
    /// What each entry is, in the order of the request.
    pub entries: Vec<EntryKind>,
    /// The submission set as sent.
    pub submission: Value,
    /// Its fullUrl.
    pub submission_url: String,
    /// What it lists that is in the record already.
    pub listed: Vec<Known>,
    /// fullUrls of Patient entries: they match, and create nobody.
    pub patient_urls: Vec<String>,
    /// The documents.
    pub documents: Vec<ProvidedDocument>,
    /// The folders.
    pub folders: Vec<ProvidedFolder>,
    /// The fiches that become superseded, because one of the documents replaces them.
    pub patches: Vec<ProvidedPatch>,
    /// Whether a replacement must say so by a PATCH entry.
    pub demands_patches: bool,
    /// Warnings by entry.
    pub warnings: Vec<Vec<Issue>>,
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
    /// The names of the document in the bundle: its fullUrl first.
    pub binary_urls: Vec<String>,
    /// Whether the document is a FHIR document.
    pub is_fhir: bool,
    /// The fiche as sent.
    pub fiche: Value,
    /// What it is to other fiches.
    pub relations: Vec<ProvidedRelation>,
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

/// One item of `relatesTo` whose target is in the record already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvidedRelation {
    /// Whether this fiche replaces the target; else it appends to it, transforms it or signs it.
    pub replaces: bool,
    /// The target.
    pub target: Known,
}

/// A folder, new or in a new version.
#[derive(Debug)]
pub struct ProvidedFolder {
    /// Number of its entry.
    pub entry: usize,
    /// Its fullUrl.
    pub url: String,
    /// The folder as sent.
    pub list: Value,
    /// The folder that it is a version of (PUT); none of a new one (POST).
    pub target: Option<Known>,
    /// What it lists that is in the record already.
    pub listed: Vec<Known>,
}

/// A PATCH entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvidedPatch {
    /// Number of its entry.
    pub entry: usize,
    /// The fiche it names.
    pub target: Known,
}

/// Canonicals of the provide bundles that are served; the more demanding first.
const PROVIDE_BUNDLES: [&str; 4] = [
    "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-provide-document-bundle",
    "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.Comprehensive.ProvideBundle",
    "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.UnContained.Comprehensive.ProvideBundle",
    "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.Minimal.ProvideBundle",
];

impl Provision {
    /// Reads a received body. Every issue found is told at once; warnings alone do not refuse.
    pub async fn read(service: &Service, received: Received, mode: &Mode, at: Timestamp) -> Result<Self, Error> {
        let resource = json::parse(&received.json)?;
        Self::of_parsed(service, resource, received.documents, mode, at).await
    }

    /// The same, of a body whose JSON was parsed already.
    pub async fn of_parsed(
        service: &Service,
        resource: Value,
        mut documents: BTreeMap<usize, Staged>,
        mode: &Mode,
        at: Timestamp,
    ) -> Result<Self, Error> {
        let mut issues = validate::structural_with(&resource, validate::Options { data_was_cut: true });
        let profile = claimed(&resource)?;
        refuse_if_wrong(&issues)?;
        refuse_what_is_off(&resource, &service.settings)?;
        issues.extend(validate::profile_with(&resource, profile, mode, &service.definitions));
        refuse_if_wrong(&issues)?;
        documents.extend(fhir_document::stage(service, &resource, at).await?);
        assemble(resource, documents, issues, &service.settings, mode)
    }

    /// Who answers for what is submitted: what the author rule reads. A submission without a document
    /// of its own is answered for by its source.
    pub fn authorship(&self) -> Vec<DocumentFacts> {
        let facts = |persons: &[String], structures: &[String], labels: &[String], type_code: &str| DocumentFacts {
            persons: persons.to_vec(),
            structures: structures.to_vec(),
            type_code: type_code.to_owned(),
            status: DocumentStatus::Current,
            labels: labels.to_vec(),
        };
        if self.documents.is_empty() {
            let list = List::new(&self.submission);
            let source = list.and_then(|list| list.source());
            let organization = list.and_then(|list| list.author_organization());
            let actors: Vec<_> = source.iter().cloned().collect();
            let persons = author_names(&actors);
            let structures =
                fiche::unique(source.iter().chain(organization.iter()).flat_map(|actor| &actor.structures));
            return vec![facts(&persons, &structures, &[], "")];
        }
        let documents = self.documents.iter();
        let each = |document: &ProvidedDocument| {
            facts(&document.persons, &document.structures, &document.labels, &document.type_code)
        };
        documents.map(each).collect()
    }

    /// Moves the resources that are kept out of their entries: a copy of each would cost more than
    /// most of what is done with it.
    fn take_resources(&mut self, mut bundle: Value) {
        let mut take = |number: usize| {
            let entry = bundle.get_mut("entry").and_then(|entries| entries.get_mut(number));
            entry.and_then(|entry| entry.get_mut("resource")).map(Value::take).unwrap_or_default()
        };
        if let Some(number) = self.entries.iter().position(|kind| *kind == EntryKind::Submission) {
            self.submission = take(number);
        }
        for folder in &mut self.folders {
            folder.list = take(folder.entry);
        }
        for document in &mut self.documents {
            document.fiche = take(document.entry);
            if !document.is_fhir {
                fiche::complete(&mut document.fiche, &document.staged);
            }
        }
    }

    /// A bundle of our own making around what was published alone: no profile is asked, nor a PATCH.
    pub(super) fn of_bundle(
        bundle: Value,
        documents: BTreeMap<usize, Staged>,
        settings: &Settings,
        mode: &Mode,
    ) -> Result<Self, Error> {
        let provision = assemble(bundle, documents, Vec::new(), settings, mode)?;
        Ok(Self { act: Act::SimplifiedPublish, demands_patches: false, ..provision })
    }
}

/// Whether a body claims the profile of a submission.
pub fn claims(resource: &Value) -> bool {
    Bundle::new(resource).is_some_and(|bundle| profile_of(&bundle).is_some())
}

/// The provide bundle profile that a body claims.
fn claimed(resource: &Value) -> Result<&'static str, Error> {
    let bundle = Bundle::new(resource).filter(|bundle| bundle.kind() == Some("transaction"));
    let Some(bundle) = bundle else {
        let path = ElementPath::root("Bundle").child("type");
        return Err(Issue::new(Code::NotSupported).at(path).rule("MHD ITI-65").into());
    };
    profile_of(&bundle).ok_or_else(|| {
        let path = ElementPath::root("Bundle").child("meta").child("profile");
        Issue::new(Code::NotSupported).at(path).rule("MHD ITI-65").into()
    })
}

fn profile_of(bundle: &Bundle<'_>) -> Option<&'static str> {
    let claims = bundle.profiles();
    let bare = |canonical: &str| canonical.split('|').next().unwrap_or_default().to_owned();
    PROVIDE_BUNDLES.into_iter().find(|known| claims.iter().any(|claim| bare(claim) == *known))
}

pub(super) fn refuse_if_wrong(issues: &[Issue]) -> Result<(), Error> {
    if issues.iter().any(|issue| !issue.is_warning) { Err(Error::many(issues.to_vec())) } else { Ok(()) }
}

/// Options of MHD that the operator switched off: the whole submission is refused (ds 25, 26).
fn refuse_what_is_off(resource: &Value, settings: &Settings) -> Result<(), Error> {
    let Some(bundle) = Bundle::new(resource) else { return Ok(()) };
    for (number, entry) in bundle.entries().enumerate() {
        let off = |code: Code, rule: &'static str| {
            Err(Issue::new(code).at(entry_path(number).child("resource")).rule(rule).into())
        };
        match entries::kind_of(&entry) {
            Some(EntryKind::Folder) if !settings.folders => return off(Code::FolderOff, "MHD Folders"),
            Some(EntryKind::FhirDocument) if !settings.fhir_documents => {
                return off(Code::FhirDocumentOff, "MHD FhirDocuments");
            }
            _ => {}
        }
    }
    Ok(())
}

fn assemble(
    bundle: Value,
    staged: BTreeMap<usize, Staged>,
    issues: Vec<Issue>,
    settings: &Settings,
    mode: &Mode,
) -> Result<Provision, Error> {
    let mut provision = read(&bundle, staged, issues, settings, mode)?;
    provision.take_resources(bundle);
    Ok(provision)
}

/// Reads a bundle whose resources stay where they are.
fn read(
    resource: &Value,
    staged: BTreeMap<usize, Staged>,
    issues: Vec<Issue>,
    settings: &Settings,
    mode: &Mode,
) -> Result<Provision, Error> {
    let missing = || Error::from(Issue::new(Code::BundleMissing).rule("MHD ITI-65"));
    let bundle = Bundle::new(resource).ok_or_else(missing)?;
    let placed = entries::sort(&bundle)?;
    let of_kind = |kind: EntryKind| placed.iter().filter(move |placed| placed.kind == kind);
    let submission = of_kind(EntryKind::Submission).next().ok_or_else(missing)?;
    let person = subject::one(&placed, settings.domain)?;
    let listed = entries::require_listed(submission, &placed)?;
    let mut warnings = entries::by_entry(issues, placed.len());
    let documents = documents(&placed, staged, mode, &mut warnings)?;
    let folders =
        of_kind(EntryKind::Folder).map(|folder| read_folder(folder, &placed)).collect::<Result<Vec<_>, _>>()?;
    let patches = of_kind(EntryKind::Patch).map(read_patch).collect::<Result<Vec<_>, _>>()?;
    if documents.is_empty() && folders.is_empty() && listed.is_empty() {
        return Err(missing());
    }
    Ok(Provision {
        act: Act::ProvideDocumentBundle,
        subject: person.subject,
        alias: person.alias,
        entries: placed.iter().map(|placed| placed.kind).collect(),
        submission: Value::Null,
        submission_url: submission.url.clone(),
        listed,
        patient_urls: of_kind(EntryKind::Patient).map(|placed| placed.url.clone()).collect(),
        documents,
        folders,
        patches,
        demands_patches: mode.mode == Conformance::Strict,
        warnings,
    })
}

/// Every fiche with its document; a document without a fiche, or two fiches of one, are refused.
fn documents(
    placed: &[Placed<'_>],
    mut staged: BTreeMap<usize, Staged>,
    mode: &Mode,
    warnings: &mut [Vec<Issue>],
) -> Result<Vec<ProvidedDocument>, Error> {
    let places = entries::by_address(placed);
    let fiches = entries::urls(placed, &[EntryKind::Fiche]);
    let (mut seen, mut used) = (HashSet::new(), HashSet::new());
    let mut documents = Vec::new();
    for entry in placed.iter().filter(|entry| entry.kind == EntryKind::Fiche) {
        let binary = fiche::document_of(entry, &places)?;
        let bytes = staged.remove(&binary.number).filter(|_| used.insert(binary.number)).ok_or_else(|| {
            Error::from(Issue::new(Code::BundleMissing).at(binary.path().child("data")).rule("MHD ITI-65"))
        })?;
        let document = fiche::read(entry, binary, bytes, &fiches, mode, warnings.get_mut(entry.number))?;
        if !seen.insert(document.unique_id.clone()) {
            let path = entry.path().child("masterIdentifier");
            return Err(Issue::new(Code::Profile).at(path).rule("XDS uniqueId").detail("en double dans le lot").into());
        }
        documents.push(document);
    }
    let mut orphans = placed.iter().filter(|entry| !used.contains(&entry.number));
    let orphan = orphans.find(|entry| matches!(entry.kind, EntryKind::Binary | EntryKind::FhirDocument));
    match orphan {
        Some(orphan) => Err(Issue::new(Code::BundleEntry).at(orphan.path()).rule("MHD ITI-65").into()),
        None => Ok(documents),
    }
}

fn read_folder(folder: &Placed<'_>, placed: &[Placed<'_>]) -> Result<ProvidedFolder, Error> {
    let wrong = || {
        let path = entry_path(folder.number).child("request").child("url");
        Error::from(Issue::new(Code::ReferenceTarget).at(path).rule("MHD Folders"))
    };
    let target = match folder.entry.method() {
        Some("PUT") => Some(addressed(folder.address(), "List").ok_or_else(wrong)?),
        _ => None,
    };
    Ok(ProvidedFolder {
        entry: folder.number,
        url: folder.url.clone(),
        list: Value::Null,
        target,
        listed: entries::listed_outside(folder, &entries::urls(placed, &[EntryKind::Fiche]))?,
    })
}

fn read_patch(patch: &Placed<'_>) -> Result<ProvidedPatch, Error> {
    let target = addressed(patch.address(), "DocumentReference").ok_or_else(|| {
        let path = entry_path(patch.number).child("request").child("url");
        Error::from(Issue::new(Code::ReferenceTarget).at(path).rule("MHD UpdateDocumentRefs"))
    })?;
    Ok(ProvidedPatch { entry: patch.number, target })
}

/// The documents of a bundle by the names that a fiche may give them.
pub(super) type Places<'p, 'a> = HashMap<String, &'p Placed<'a>>;
