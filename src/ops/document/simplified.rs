//! From a fiche that holds its document (ITI-105) to the submission that an ITI-65 would have been:
//! the server makes the Binary and a submission set of its own, and from there on both go one way
//! (document-sharing §1.2 pdsm-simplified-publish, §1.3; ihe §1.7).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::complete::complete;
use super::intake::Received;
use super::submission::{Provision, refuse_if_wrong};
use crate::access::context::Context;
use crate::error::{Code, Error, Issue};
use crate::fhir::bundle::marker;
use crate::fhir::codec::json;
use crate::fhir::validate::{self, Mode};
use crate::fhir::view::{DocumentReference, Subject};
use crate::ids::{BusinessIdentifier, ElementPath};
use crate::ihe::mhd::{Derivation, derived_submission_set};
use crate::ops::Service;

const KIND: &str = "DocumentReference";

/// Profiles of a simplified publication; the more demanding first. It judges a body that claims none.
const PROFILES: [&str; 2] = [
    "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-simplified-publish",
    "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.SimplifiedPublish.DocumentReference",
];

/// What the fiche becomes, once it has all that this profile demands.
const COMPREHENSIVE: &str =
    "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-document-reference";

/// Places of the entries in the bundle that is made.
const FICHE: usize = 1;
const BINARY: usize = 2;

/// Reads a received body. Every issue found is told at once; warnings alone do not refuse.
pub fn read(received: Received, service: &Service, mode: &Mode, ctx: &Context) -> Result<Provision, Error> {
    let fiche = json::parse(&received.json)?;
    let root = ElementPath::root(KIND);
    if fiche.get("resourceType").and_then(Value::as_str) != Some(KIND) {
        return Err(Issue::new(Code::Profile).at(root.child("resourceType")).rule("MHD ITI-105").detail(KIND).into());
    }
    let mut issues = validate::structural_with(&fiche, validate::Options { data_was_cut: true });
    refuse_if_wrong(&issues)?;
    issues.extend(validate::profile_with(&fiche, profile_of(&fiche), mode, &service.definitions));
    refuse_if_wrong(&issues)?;
    let data = root.child("content").index(0).child("attachment").child("data");
    let mut documents = received.documents.into_values();
    let (Some(staged), None) = (documents.next(), documents.next()) else {
        return Err(Issue::new(Code::Missing).at(data).rule("MHD ITI-105").into());
    };
    let urls = Urls::draw(service, ctx);
    let fiche = complete(fiche, &staged, &urls.binary.urn().to_string(), service.ids.uuid(ctx.at), ctx.at);
    let fiche = claiming(fiche, mode);
    let bundle = bundle_of(fiche, &urls, service, ctx)?;
    let read = Provision::of_bundle(bundle, BTreeMap::from([(BINARY, staged)]), &service.settings, mode);
    let mut provision = read.map_err(|error| error.map(of_fiche))?;
    let told = std::mem::take(&mut provision.warnings).into_iter().flatten().map(of_fiche);
    issues.extend(told);
    provision.warnings = vec![Vec::new(), issues, Vec::new()];
    Ok(provision)
}

/// The profile that a body claims, or the one of the PDSm.
fn profile_of(fiche: &Value) -> &'static str {
    let claims = claims(fiche);
    PROFILES.into_iter().find(|known| claims.iter().any(|claim| bare(claim) == *known)).unwrap_or(PROFILES[0])
}

fn claims(resource: &Value) -> Vec<&str> {
    let claims = resource.pointer("/meta/profile").and_then(Value::as_array).into_iter().flatten();
    claims.filter_map(Value::as_str).collect()
}

fn bare(canonical: &str) -> &str {
    canonical.split('|').next().unwrap_or_default()
}

/// What is kept holds a url and no data: it satisfies the simplified profile no longer, and the
/// comprehensive one if nothing of it is missing.
fn claiming(mut fiche: Value, mode: &Mode) -> Value {
    let mut kept: Vec<String> = claims(&fiche).into_iter().map(str::to_owned).collect();
    kept.retain(|claim| !PROFILES.contains(&bare(claim)));
    let whole = validate::profile(&fiche, COMPREHENSIVE, mode).iter().all(|issue| issue.is_warning);
    if whole && !kept.iter().any(|claim| bare(claim) == COMPREHENSIVE) {
        kept.push(COMPREHENSIVE.to_owned());
    }
    let Some(members) = fiche.as_object_mut() else { return fiche };
    let meta = members.entry("meta").or_insert_with(|| json!({}));
    if let Some(meta) = meta.as_object_mut() {
        if kept.is_empty() {
            meta.shift_remove("profile");
        } else {
            meta.insert("profile".to_owned(), json!(kept));
        }
    }
    fiche
}

/// The fullUrls of what is made.
struct Urls {
    list: Uuid,
    fiche: Uuid,
    binary: Uuid,
}

impl Urls {
    fn draw(service: &Service, ctx: &Context) -> Self {
        let draw = || service.ids.uuid(ctx.at);
        Self { list: draw(), fiche: draw(), binary: draw() }
    }
}

/// The Provide Document Bundle that the sender spared himself.
fn bundle_of(fiche: Value, urls: &Urls, service: &Service, ctx: &Context) -> Result<Value, Error> {
    let fiche_url = urls.fiche.urn().to_string();
    let derivation = Derivation {
        entry_uuid: urls.list,
        unique_id: service.ids.uuid(ctx.at),
        fiche_url: &fiche_url,
        subject: subject_of(&fiche)?,
        source: BusinessIdentifier {
            system: "urn:oid:1.2.250.1.71.4.2.2".to_owned(),
            value: ctx.caller.structure.as_str().to_owned(),
        },
        at: ctx.at,
    };
    let list = derived_submission_set(&fiche, &derivation);
    let content_type = fiche.pointer("/content/0/attachment/contentType").cloned().unwrap_or_default();
    let binary = json!({ "resourceType": "Binary", "contentType": content_type, "data": marker(BINARY) });
    let entry = |url: String, kind: &str, resource: Value| json!({ "fullUrl": url, "resource": resource, "request": { "method": "POST", "url": kind } });
    Ok(json!({
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            entry(urls.list.urn().to_string(), "List", list),
            entry(fiche_url.clone(), KIND, fiche),
            entry(urls.binary.urn().to_string(), "Binary", binary),
        ],
    }))
}

/// The subject as a reference that stands without the fiche: what it contains stays behind.
fn subject_of(fiche: &Value) -> Result<Value, Error> {
    let path = ElementPath::root(KIND).child("subject");
    let unresolved = |code: Code| Error::from(Issue::new(code).at(path.clone()).rule("MHD ITI-105"));
    let subject = DocumentReference::new(fiche).and_then(|fiche| fiche.subject());
    match subject.ok_or_else(|| unresolved(Code::Missing))? {
        Subject::Id(id) => Ok(json!({ "reference": format!("Patient/{id}") })),
        Subject::Identifier(named) => {
            Ok(json!({ "type": "Patient", "identifier": { "system": named.system, "value": named.value } }))
        }
        Subject::Urn(_) | Subject::Other(_) => Err(unresolved(Code::ReferenceTarget)),
    }
}

/// An issue of the bundle that was made, told of the fiche that was sent.
fn of_fiche(mut issue: Issue) -> Issue {
    if let Some(path) = &issue.path {
        let made = format!("Bundle.entry[{FICHE}].resource");
        let told = match path.as_str().strip_prefix(&made) {
            Some(rest) => format!("{KIND}{rest}"),
            None if path.as_str().starts_with("Bundle") => KIND.to_owned(),
            None => path.as_str().to_owned(),
        };
        issue.path = Some(ElementPath::root(told));
    }
    issue
}
