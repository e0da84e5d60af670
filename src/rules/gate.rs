//! Route × class of caller: the coarse gate before a body is read, and the scopes a token may be
//! given (contract §6): `gate.csv`.

use std::collections::{BTreeMap, BTreeSet};

use super::law;
use super::table::{Axis as _, axes};
use crate::model::caller::CallerClass;
use crate::model::profile::states;

states! {
    /// The routes of the server, as `gate.csv` names them.
    Route {
        /// `GET /metadata`.
        Metadata = "metadata",
        /// `GET /openapi.json`.
        OpenApi = "openapi",
        /// `GET /.well-known/*`.
        WellKnown = "well-known",
        /// Conformance resources: StructureDefinition, SearchParameter...
        Conformance = "conformance",
        /// `$validate`, which reads nothing of any record.
        Validate = "validate",
        /// `/oauth2/{token,introspect,jwks}`.
        Oauth2 = "oauth2",
        /// TD0.2: Patient search by one INS.
        ExistenceTest = "td02-patient-search",
        /// Patient read.
        PatientRead = "patient-read",
        /// ITI-65 Provide Document Bundle.
        ProvideDocumentBundle = "iti-65",
        /// ITI-105 Simplified Publish.
        SimplifiedPublish = "iti-105",
        /// ITI-106 Generate Metadata.
        GenerateMetadata = "iti-106",
        /// TD3.3: patch of a fiche.
        DocumentReferencePatch = "documentreference-patch",
        /// DocumentReference history.
        DocumentReferenceHistory = "documentreference-history",
        /// List history.
        ListHistory = "list-history",
        /// ITI-66 Find Document Lists.
        FindDocumentLists = "iti-66",
        /// ITI-67 Find Document References.
        FindDocumentReferences = "iti-67",
        /// ITI-67 that names one document by `identifier` (TD3.1b).
        FindByIdentifier = "iti-67-by-identifier",
        /// ITI-68 Retrieve Document.
        RetrieveDocument = "iti-68",
        /// DocumentReference read, vread.
        DocumentReferenceRead = "documentreference-read",
        /// List read, vread.
        ListRead = "list-read",
        /// ITI-81 Retrieve ATNA Audit Event.
        AuditEventSearch = "auditevent-search",
        /// AuditEvent read.
        AuditEventRead = "auditevent-read",
    }
}

/// The letters of SMART v2, in the order they are written.
const LETTERS: &str = "cruds";

axes! { Route = "route" }

/// What opens a route to a class of callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Whether the class may come at all.
    pub allowed: bool,
    /// Scopes, any one of which opens it; empty where no token is needed. `scope@profile` counts
    /// only for software enrolled for that profile.
    pub scopes: &'static [&'static str],
    /// Profiles of the enrolled software, any one of which opens it; empty where none is needed.
    pub profiles: &'static [&'static str],
}

/// Why the gate stays shut. All show the same 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateRefusal {
    /// This class of callers never comes here.
    Class(&'static str),
    /// The software is not enrolled for this.
    Profile(&'static str),
    /// The token's scopes do not cover it.
    Scope(&'static str),
}

impl GateRefusal {
    /// The rule that refused.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Class(rule) | Self::Profile(rule) | Self::Scope(rule) => rule,
        }
    }
}

/// Whether a caller may pass: its class, then what its software is enrolled for, then its token.
pub fn allows(
    route: Route,
    class: CallerClass,
    scopes: &[impl AsRef<str>],
    profiles: &[impl AsRef<str>],
) -> Result<(), GateRefusal> {
    let row = law::GATE.find([route.place(), class.place()]).ok_or(GateRefusal::Class("none"))?;
    let opening = row.outcome;
    if !opening.allowed {
        return Err(GateRefusal::Class(row.rule));
    }
    if !opening.is_open_to(profiles) {
        return Err(GateRefusal::Profile(row.rule));
    }
    let covered = |required: &str| scopes.iter().any(|granted| covers(granted.as_ref(), required));
    if !opening.scopes.is_empty() && !opening.scopes_for(profiles).any(covered) {
        return Err(GateRefusal::Scope(row.rule));
    }
    Ok(())
}

/// Whether a route asks for a token at all, or is content with the certificate.
pub fn needs_token(route: Route) -> bool {
    let openings = CallerClass::ALL.iter().filter_map(|class| law::GATE.find([route.place(), class.place()]));
    openings.into_iter().any(|row| !row.outcome.allowed || !row.outcome.scopes.is_empty())
}

/// The scopes that a token of this class may hold, for software enrolled with these profiles:
/// transactions, and for each resource the letters that some open route asks for, as one scope
/// (`user/DocumentReference.crs`).
pub fn allowed_scopes(class: CallerClass, profiles: &[impl AsRef<str>]) -> Vec<String> {
    let rows = Route::ALL.iter().filter_map(|route| law::GATE.find([route.place(), class.place()]));
    let open = rows.filter(|row| row.outcome.allowed && row.outcome.is_open_to(profiles));
    let mut transactions = BTreeSet::new();
    let mut resources: BTreeMap<(&str, &str), BTreeSet<char>> = super::resource::scopes(class, profiles);
    for scope in open.flat_map(|row| row.outcome.scopes_for(profiles)) {
        match SmartScope::parse(scope) {
            None => drop(transactions.insert(scope.to_owned())),
            Some(scope) => {
                resources.entry((scope.context, scope.resource)).or_default().extend(scope.letters.chars());
            }
        }
    }
    let written = resources.into_iter().map(|((context, resource), held)| {
        let letters: String = LETTERS.chars().filter(|letter| held.contains(letter)).collect();
        format!("{context}/{resource}.{letters}")
    });
    transactions.into_iter().chain(written).collect()
}

/// Whether one requested scope may be granted: one of [`allowed_scopes`] covers it.
pub fn may_grant(class: CallerClass, profiles: &[impl AsRef<str>], requested: &str) -> bool {
    allowed_scopes(class, profiles).iter().any(|allowed| covers(allowed, requested))
}

/// Whether a granted scope covers a required one: `user/DocumentReference.rs` covers
/// `user/DocumentReference.s`; `ITI-67` covers itself. A scope with a query covers nothing here.
pub fn covers(granted: &str, required: &str) -> bool {
    match (SmartScope::parse(granted), SmartScope::parse(required)) {
        (Some(granted), Some(required)) => {
            let has = |letter| granted.letters.contains(letter);
            (granted.resource == "*" || granted.resource == required.resource)
                && granted.context == required.context
                && required.letters.chars().all(has)
        }
        (None, None) => granted == required,
        _ => false,
    }
}

impl Opening {
    fn is_open_to(&self, profiles: &[impl AsRef<str>]) -> bool {
        self.profiles.is_empty() || profiles.iter().any(|profile| self.profiles.contains(&profile.as_ref()))
    }

    fn scopes_for(&self, profiles: &[impl AsRef<str>]) -> impl Iterator<Item = &'static str> {
        self.scopes.iter().filter_map(move |word| match word.split_once('@') {
            None => Some(*word),
            Some((scope, only)) => profiles.iter().any(|profile| profile.as_ref() == only).then_some(scope),
        })
    }
}

/// A SMART v2 scope: `user/DocumentReference.rs`.
struct SmartScope<'a> {
    context: &'a str,
    resource: &'a str,
    letters: &'a str,
}

impl<'a> SmartScope<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (context, rest) = text.split_once('/')?;
        let (resource, letters) = rest.split_once('.')?;
        let valid = ["patient", "user", "system"].contains(&context)
            && !letters.is_empty()
            && letters.chars().all(|letter| LETTERS.contains(letter));
        valid.then_some(Self { context, resource, letters })
    }
}
