//! The entries of a Provide Document Bundle, each in its place: what they are, what they are called,
//! what the submission set lists (MHD §1.2, R4 http.html#transaction).

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::reference::{Known, Pointed, pointed};
use crate::error::{Code, Error, Issue};
use crate::fhir::view::{Bundle, Entry, List, ListKind};
use crate::ids::ElementPath;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// The submission set.
    Submission,
    /// A fiche.
    Fiche,
    /// A document.
    Binary,
    /// A document that is a FHIR document.
    FhirDocument,
    /// A folder.
    Folder,
    /// A fiche that is replaced: its status becomes superseded.
    Patch,
    /// A person.
    Patient,
}

/// One entry, with its number and its place in the bundle.
pub(super) struct Placed<'a> {
    pub(super) number: usize,
    pub(super) kind: EntryKind,
    pub(super) entry: Entry<'a>,
    /// Its fullUrl; empty where it has none and needs none.
    pub(super) url: String,
}

impl<'a> Placed<'a> {
    pub(super) fn path(&self) -> ElementPath {
        entry_path(self.number).child("resource")
    }

    pub(super) fn resource(&self) -> &'a Value {
        self.entry.resource().unwrap_or(&Value::Null)
    }

    /// `request.url`.
    pub(super) fn address(&self) -> &'a str {
        self.entry.url().unwrap_or_default()
    }
}

/// The path of an entry.
pub(super) fn entry_path(number: usize) -> ElementPath {
    ElementPath::root("Bundle").child("entry").index(number)
}

/// Every entry with what it is; one that is nothing of a submission is refused.
pub(super) fn sort<'a>(bundle: &Bundle<'a>) -> Result<Vec<Placed<'a>>, Error> {
    let mut placed = Vec::new();
    let mut urls = HashSet::new();
    for (number, entry) in bundle.entries().enumerate() {
        let foreign = || Error::from(Issue::new(Code::BundleEntry).at(entry_path(number)).rule("MHD ProvideBundle"));
        let kind = kind_of(&entry).ok_or_else(foreign)?;
        let url = entry.full_url().unwrap_or_default().to_owned();
        // What nothing of the bundle refers to needs no name there.
        let may_be_nameless = matches!(kind, EntryKind::Patch | EntryKind::Patient);
        if (url.is_empty() && !may_be_nameless) || (!url.is_empty() && !urls.insert(url.clone())) {
            let path = entry_path(number).child("fullUrl");
            return Err(Issue::new(Code::Profile).at(path).rule("R4 bdl-7").into());
        }
        placed.push(Placed { number, kind, entry, url });
    }
    if placed.iter().filter(|placed| placed.kind == EntryKind::Submission).count() > 1 {
        return Err(Issue::new(Code::BundleEntry).at(ElementPath::root("Bundle")).rule("MHD ProvideBundle").into());
    }
    Ok(placed)
}

pub(super) fn kind_of(entry: &Entry<'_>) -> Option<EntryKind> {
    // A GET carries no resource: its address tells the type.
    let of_address = || entry.url()?.split(['/', '?']).next().filter(|_| entry.method() == Some("GET"));
    let is_folder = entry.resource().and_then(List::new).is_some_and(|list| list.kind() == Some(ListKind::Folder));
    match (entry.resource_type().or_else(of_address)?, entry.method()?) {
        ("List", "POST" | "PUT") if is_folder => Some(EntryKind::Folder),
        ("List", "POST") => Some(EntryKind::Submission),
        ("DocumentReference", "POST") => Some(EntryKind::Fiche),
        ("Binary", "POST") => Some(EntryKind::Binary),
        ("Bundle", "POST") => Some(EntryKind::FhirDocument),
        ("Parameters", "PATCH") => Some(EntryKind::Patch),
        ("Patient", "GET" | "POST" | "PUT") => Some(EntryKind::Patient),
        _ => None,
    }
}

/// The submission set lists every fiche and every new folder of the bundle; what else it lists is in
/// the record already, and told here.
pub(super) fn require_listed(submission: &Placed<'_>, placed: &[Placed<'_>]) -> Result<Vec<Known>, Error> {
    let own = |entry: &&Placed<'_>| match entry.kind {
        EntryKind::Fiche => true,
        EntryKind::Folder => entry.entry.method() == Some("POST"),
        _ => false,
    };
    let must: HashSet<&str> = placed.iter().filter(own).map(|entry| entry.url.as_str()).collect();
    let listed: HashSet<&str> =
        List::new(submission.resource()).map(|list| list.entries().into_iter().collect()).unwrap_or_default();
    if must.iter().any(|url| !listed.contains(url)) {
        let path = submission.path().child("entry");
        return Err(Issue::new(Code::BundleMissing).at(path).rule("XDS HasMember").into());
    }
    listed_outside(submission, &urls(placed, &[EntryKind::Fiche, EntryKind::Folder]))
}

/// What a list names that is not in the bundle.
pub(super) fn listed_outside(list: &Placed<'_>, within: &HashSet<&str>) -> Result<Vec<Known>, Error> {
    let wrong = || Error::from(Issue::new(Code::ReferenceTarget).at(list.path().child("entry")).rule("XDS HasMember"));
    let mut outside = Vec::new();
    let entries = list.resource().get("entry").and_then(Value::as_array).into_iter().flatten();
    for item in entries.filter_map(|entry| entry.get("item")) {
        if item.get("reference").and_then(Value::as_str).is_some_and(|text| within.contains(text)) {
            continue;
        }
        match pointed(item, "DocumentReference") {
            Some(Pointed::Outside(known)) if !outside.contains(&known) => outside.push(known),
            Some(Pointed::Outside(_)) => {}
            Some(Pointed::Within(_)) | None => return Err(wrong()),
        }
    }
    Ok(outside)
}

/// The fullUrls of the entries of these kinds.
pub(super) fn urls<'p>(placed: &'p [Placed<'_>], kinds: &[EntryKind]) -> HashSet<&'p str> {
    placed.iter().filter(|entry| kinds.contains(&entry.kind)).map(|entry| entry.url.as_str()).collect()
}

/// The documents by what an attachment may call them: fullUrl, or `Binary/id`, `Bundle/id` (PDSm §1.2).
pub(super) fn by_address<'p, 'a>(placed: &'p [Placed<'a>]) -> HashMap<String, &'p Placed<'a>> {
    let mut found = HashMap::new();
    for entry in placed.iter().filter(|entry| matches!(entry.kind, EntryKind::Binary | EntryKind::FhirDocument)) {
        if let Some(id) = entry.resource().get("id").and_then(Value::as_str) {
            let kind = entry.entry.resource_type().unwrap_or_default();
            found.entry(format!("{kind}/{id}")).or_insert(entry);
        }
    }
    for entry in placed.iter().filter(|entry| matches!(entry.kind, EntryKind::Binary | EntryKind::FhirDocument)) {
        found.insert(entry.url.clone(), entry);
    }
    found
}

/// Warnings by the entry that their path names; those of the bundle itself go to the first.
pub(super) fn by_entry(issues: Vec<Issue>, entries: usize) -> Vec<Vec<Issue>> {
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
