//! What is known of a transaction before the store is asked: new ids, the names that other entries
//! get by them, and whether each resource may be kept (R4 `http.html#trules`).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use serde_json::Value;
use uuid::Uuid;

use super::{Ask, Changes, Entry};
use crate::access::context::Context;
use crate::error::{Code, Error, Issue};
use crate::fhir::bundle::request::located;
use crate::fhir::bundle::rewrite::{self, Place};
use crate::fhir::codec::json;
use crate::fhir::datatype::Reference;
use crate::fhir::patch::{Form, Patch as Change};
use crate::fhir::search::Search;
use crate::fhir::validate::Mode;
use crate::ids::{ElementPath, IdSource, LogicalId, PatientKey, directory_id};
use crate::model::resource::ResourceType;
use crate::ops::Domain;
use crate::ops::facts::Named;
use crate::ops::resource::create::New;
use crate::ops::resource::draft::{self, Draft, subject_of};
use crate::ops::resource::patch::Patch;
use crate::ops::resource::reach::is_directory;
use crate::ops::resource::update::{Target, Update, id_differs};

/// Criteria as a request writes them: the search, and whom it names.
pub type Criteria = (Search, Option<Named>);

/// What entries are read by.
pub struct Reading<'a> {
    /// The FHIR base of this server.
    pub base: &'a str,
    /// How strictly profiles are held to.
    pub mode: Mode,
    /// Which INS domains are served.
    pub domain: Domain,
    /// Reads the criteria of a conditional reference: type and query.
    pub criteria: &'a dyn Fn(&str, &str) -> Result<Criteria, Error>,
}

impl fmt::Debug for Reading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading").field("base", &self.base).finish_non_exhaustive()
    }
}

/// A reference by criteria, to be resolved once the rest is written.
pub(super) enum Condition {
    /// To a person, by his INS.
    Person(Named),
    /// To another resource.
    Matching(ResourceType, Box<Search>, Option<Named>),
}

/// A transaction that may be run. What it holds may be personal: `Debug` tells how much it is.
pub struct Plan {
    /// The FHIR base.
    pub(super) base: String,
    /// The record, where one is named and known.
    pub(super) patient: Option<PatientKey>,
    /// The interactions, in the order of the bundle.
    pub(super) steps: Vec<Step>,
    /// The references by criteria, by their text.
    pub(super) conditions: BTreeMap<String, Condition>,
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("steps", &self.steps.len()).finish_non_exhaustive()
    }
}

impl Plan {
    /// The name of the type that an entry is about.
    pub(super) fn kind(&self, number: usize) -> &'static str {
        self.steps.iter().find(|step| step.number == number).map_or("", |step| step.ask.kind().name())
    }
}

/// One interaction, ready to be run.
pub(super) struct Step {
    pub(super) number: usize,
    pub(super) ask: Ready,
    /// What a new resource's id is made of.
    pub(super) fresh: Uuid,
    /// The id of its trace, and of a notice.
    pub(super) ids: (Uuid, Uuid),
    pub(super) act: crate::model::audit::Act,
    /// `Type/id` that the other entries call it by so far.
    pub(super) name: Option<String>,
    /// Whether that name stands whatever the store holds.
    pub(super) is_certain: bool,
    /// Whether it names entries whose names are not certain.
    pub(super) waits: bool,
    /// Whether it holds references by criteria.
    pub(super) has_conditions: bool,
}

/// What an entry asks, its resource judged.
pub(super) enum Ready {
    Create(Box<New>),
    Update(Box<Update>),
    Patch(Box<Patch>, Changes),
    Other(Ask),
}

impl Ready {
    pub(super) fn kind(&self) -> ResourceType {
        match self {
            Self::Create(new) => new.draft.kind(),
            Self::Update(update) => update.draft.kind(),
            Self::Patch(patch, _) => patch.kind,
            Self::Other(ask) => ask.kind(),
        }
    }
}

/// Whom a transaction names first: the one whose record it is about.
///
/// # Errors
/// What is wrong with how an entry names its person, told of the entry.
pub fn named(entries: &[Entry], reading: &Reading<'_>) -> Result<Option<Named>, Error> {
    for entry in entries {
        let kind = entry.ask.kind();
        if is_directory(kind) {
            continue;
        }
        let named = match &entry.ask {
            Ask::Create { body, .. } | Ask::Update { body, .. } => person(kind, body, reading),
            Ask::Patch { target, .. } => Ok(of_target(target)),
            Ask::Delete(asked) => Ok(of_target(&asked.target)),
            Ask::Read { id, .. } => Ok(of_id(id)),
            Ask::Search(query) => Ok(query.person.clone()),
            Ask::History(..) => Ok(None),
        };
        if let Some(named) = named.map_err(|error| located(entry.number, kind.name(), error))? {
            return Ok(Some(named));
        }
    }
    Ok(None)
}

fn of_target(target: &Target) -> Option<Named> {
    match target {
        Target::Id(id) => of_id(id),
        Target::Matching { person, .. } => person.clone(),
    }
}

fn of_id(id: &str) -> Option<Named> {
    id.parse::<LogicalId>().ok()?.shard.patient().map(Named::Key)
}

/// Whose record a resource belongs to; its subject may be a reference by criteria.
fn person(kind: ResourceType, body: &Value, reading: &Reading<'_>) -> Result<Option<Named>, Error> {
    let subject = body.get(subject_of(kind)).and_then(|subject| subject.get("reference")?.as_str());
    if let Some(Reference::Conditional { kind: "Patient", query }) = subject.and_then(Reference::parse)
        && !is_directory(kind)
    {
        return Ok((reading.criteria)("Patient", query)?.1);
    }
    draft::person(kind, body, reading.base, reading.domain)
}

/// Makes a transaction ready: gives ids, lets every entry name the others by them, judges the resources.
///
/// # Errors
/// What is wrong with the first entry that cannot be done, told of it.
pub fn plan(
    ctx: &Context,
    ids: &dyn IdSource,
    reading: &Reading<'_>,
    patient: Option<PatientKey>,
    entries: Vec<Entry>,
) -> Result<Plan, (crate::model::audit::Act, Error)> {
    let mut became = HashMap::new();
    let mut given = Vec::with_capacity(entries.len());
    for entry in &entries {
        let fresh = ids.uuid(ctx.at);
        let (name, is_certain) = name(&entry.ask, patient, fresh);
        if let (Some(url), Some(name)) = (&entry.full_url, &name) {
            became.insert(url.clone(), (name.clone(), is_certain));
        }
        given.push((fresh, name, is_certain));
    }
    let mut plan = Plan { base: reading.base.to_owned(), patient, steps: Vec::new(), conditions: BTreeMap::new() };
    for (entry, (fresh, name, is_certain)) in entries.into_iter().zip(given) {
        let (number, act, kind) = (entry.number, entry.ask.act(), entry.ask.kind().name());
        let mut names = Names::of(&became, entry.full_url.as_deref());
        let ready = ready(entry.ask, reading, &mut names);
        let ready = ready.and_then(|ready| {
            conditions(&names, reading, &mut plan.conditions)?;
            Ok(ready)
        });
        let ask = ready.map_err(|error| (act, located(number, kind, error)))?;
        let ids = (ids.uuid(ctx.at), ids.uuid(ctx.at));
        let (waits, has_conditions) = (names.waits, !names.conditions.is_empty());
        plan.steps.push(Step { number, ask, fresh, ids, act, name, is_certain, waits, has_conditions });
    }
    Ok(plan)
}

/// What the others call an entry, and whether this is certain.
fn name(ask: &Ask, patient: Option<PatientKey>, fresh: Uuid) -> (Option<String>, bool) {
    let kind = ask.kind();
    let new = || {
        let patient = patient.unwrap_or(PatientKey::from_bits(0));
        if is_directory(kind) { directory_id(fresh) } else { LogicalId::of_patient(patient, fresh).to_string() }
    };
    let named = |id: &str| Some(format!("{}/{id}", kind.name()));
    match ask {
        Ask::Create { unless, .. } => (named(&new()), unless.is_none()),
        Ask::Update { target: Target::Matching { .. }, body, .. } => {
            let given = body.get("id").and_then(Value::as_str);
            (given.map_or_else(|| named(&new()), named), false)
        }
        Ask::Update { target: Target::Id(id), .. } | Ask::Patch { target: Target::Id(id), .. } => (named(id), true),
        Ask::Patch { .. } | Ask::Delete(_) | Ask::Read { .. } | Ask::Search(_) | Ask::History(..) => (None, true),
    }
}

/// Where the fullUrls of an entry's neighbours stand, if it is a URL: what a relative reference is below.
fn folder(full_url: Option<&str>) -> &str {
    let url = full_url.filter(|url| url.starts_with("http"));
    let folder = url.and_then(|url| url.rsplit_once('/')).and_then(|(above, _)| above.rsplit_once('/'));
    folder.map_or("", |(folder, _)| folder)
}

/// What the names in a resource were found to be.
struct Names<'a> {
    became: &'a HashMap<String, (String, bool)>,
    folder: &'a str,
    waits: bool,
    conditions: BTreeSet<String>,
    /// A urn that no entry has.
    is_lost: bool,
}

impl<'a> Names<'a> {
    fn of(became: &'a HashMap<String, (String, bool)>, full_url: Option<&'a str>) -> Self {
        Self { became, folder: folder(full_url), waits: false, conditions: BTreeSet::new(), is_lost: false }
    }

    fn apply(&mut self, resource: &mut Value) {
        rewrite::rename(resource, &mut |place, text| self.rename(place, text));
    }

    fn rename(&mut self, place: Place, text: &str) -> Option<String> {
        let below = || self.became.get(&format!("{}/{text}", self.folder));
        let is_relative = !self.folder.is_empty() && place != Place::Uri && !text.contains(':');
        let found = self.became.get(text).or_else(|| if is_relative { below() } else { None });
        if let Some((name, is_certain)) = found {
            self.waits |= !is_certain;
            return Some(name.clone());
        }
        if place == Place::Reference {
            if let Some(Reference::Conditional { .. }) = Reference::parse(text) {
                self.conditions.insert(text.to_owned());
            }
            self.is_lost |= text.starts_with("urn:uuid:");
        }
        None
    }

    /// A urn that names no entry names nothing (R4 `bundle.html#references`).
    fn must_be_found(&self, kind: ResourceType) -> Result<(), Error> {
        if self.is_lost {
            let path = ElementPath::root(kind.name());
            return Err(Issue::new(Code::ReferenceTarget).at(path).rule("R4 bundle#references").into());
        }
        Ok(())
    }
}

fn ready(ask: Ask, reading: &Reading<'_>, names: &mut Names<'_>) -> Result<Ready, Error> {
    Ok(match ask {
        Ask::Create { kind, mut body, unless } => {
            names.apply(&mut body);
            let draft = judged(kind, body, reading, names)?;
            let person = person(kind, draft.body(), reading)?;
            Ready::Create(Box::new(New { draft, person, unless: unless.map(|search| *search) }))
        }
        Ask::Update { kind, target, mut body, if_match } => {
            names.apply(&mut body);
            let draft = judged(kind, body, reading, names)?;
            if let Target::Id(id) = &target
                && draft.id() != Some(id.as_str())
            {
                return Err(id_differs());
            }
            person(kind, draft.body(), reading)?;
            Ready::Update(Box::new(Update { target, draft, if_match }))
        }
        Ask::Patch { kind, target, mut changes, if_match } => {
            if let Changes::Parameters(parameters) = &mut changes {
                names.apply(parameters);
                names.must_be_found(kind)?;
            }
            let change = change(&changes)?;
            Ready::Patch(Box::new(Patch { kind, target, change, if_match, mode: reading.mode }), changes)
        }
        ask @ (Ask::Delete(_) | Ask::Read { .. } | Ask::Search(_) | Ask::History(..)) => Ready::Other(ask),
    })
}

/// A patch, read.
pub(super) fn change(changes: &Changes) -> Result<Change, Error> {
    match changes {
        Changes::Parameters(parameters) => Change::read(Form::FhirPath, &json::bytes(parameters)),
        Changes::Wrapped(form, bytes) => Change::read(*form, bytes),
    }
}

fn judged(kind: ResourceType, body: Value, reading: &Reading<'_>, names: &Names<'_>) -> Result<Draft, Error> {
    names.must_be_found(kind)?;
    Draft::read(kind, body, &reading.mode)
}

/// Reads the criteria of references, each once.
fn conditions(names: &Names<'_>, reading: &Reading<'_>, known: &mut BTreeMap<String, Condition>) -> Result<(), Error> {
    for text in &names.conditions {
        if !known.contains_key(text) {
            known.insert(text.clone(), condition(text, reading)?);
        }
    }
    Ok(())
}

fn condition(text: &str, reading: &Reading<'_>) -> Result<Condition, Error> {
    let unknown = || Error::from(Issue::new(Code::ReferenceTarget).rule("R4 http#trules"));
    let Some(Reference::Conditional { kind, query }) = Reference::parse(text) else { return Err(unknown()) };
    let (search, named) = (reading.criteria)(kind, query)?;
    if kind == "Patient" {
        return named.filter(|_| search.terms.is_empty()).map(Condition::Person).ok_or_else(unknown);
    }
    let kind = ResourceType::from_name(kind).filter(|kind| crate::rules::registry::generic(*kind).is_some());
    Ok(Condition::Matching(kind.ok_or_else(unknown)?, Box::new(search), named))
}
