//! R4's invariants that no table can express, one named function each (R4 `conformance-rules.html#constraints`).
//!
//! What is not here stands in `schemas/profiles/UNCHECKED.csv`; a test compares both with `invariants.csv`.

use serde_json::{Map, Value};

use crate::fhir::datatype::DateTime;
use crate::fhir::definition::Type;

type Object = Map<String, Value>;
type Invariant = (&'static str, fn(&Object) -> bool);

/// The keys of the invariants checked here, with their types.
const CHECKED: [(&str, &[Invariant]); 15] = [
    ("Appointment", &[("app-2", app_2), ("app-3", app_3), ("app-4", app_4)]),
    ("Appointment.participant", &[("app-1", app_1)]),
    ("Attachment", &[("att-1", att_1)]),
    (
        "Bundle",
        &[
            ("bdl-1", bdl_1),
            ("bdl-2", bdl_2),
            ("bdl-3", bdl_3),
            ("bdl-4", bdl_4),
            ("bdl-7", bdl_7),
            ("bdl-9", bdl_9),
            ("bdl-10", bdl_10),
            ("bdl-11", bdl_11),
            ("bdl-12", bdl_12),
        ],
    ),
    ("Bundle.entry", &[("bdl-5", bdl_5), ("bdl-8", bdl_8)]),
    ("Consent", &[("ppc-1", ppc_1)]),
    ("ContactPoint", &[("cpt-2", cpt_2)]),
    ("Extension", &[("ext-1", ext_1)]),
    ("List", &[("lst-1", lst_1), ("lst-2", lst_2), ("lst-3", lst_3)]),
    ("Observation", &[("obs-6", obs_6)]),
    ("Observation.referenceRange", &[("obs-3", obs_3)]),
    ("Parameters.parameter", &[("inv-1", inv_1)]),
    ("Patient.contact", &[("pat-1", pat_1)]),
    ("Period", &[("per-1", per_1)]),
    ("Quantity", &[("qty-3", qty_3)]),
];

/// Invariants of every resource that may contain others.
const OF_CONTAINERS: [Invariant; 2] = [("dom-4", dom_4), ("dom-5", dom_5)];

/// The keys of the invariants of a type that an object breaks.
pub(super) fn broken(kind: Type, map: &Object) -> impl Iterator<Item = &'static str> {
    let of = |name: &str| CHECKED.binary_search_by(|(known, _)| known.cmp(&name)).ok().and_then(|at| CHECKED.get(at));
    let own = of(kind.name()).map_or(&[][..], |(_, invariants)| invariants);
    let contained: &[Invariant] = if map.contains_key("contained") { &OF_CONTAINERS } else { &[] };
    own.iter().chain(contained).filter(|(_, holds)| !holds(map)).map(|(key, _)| *key)
}

/// The keys checked here, each with its type.
pub(super) fn keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of_types = CHECKED.iter().flat_map(|(kind, of)| of.iter().map(move |(key, _)| (*kind, *key)));
    of_types.chain(OF_CONTAINERS.iter().map(|(key, _)| ("DomainResource", *key)))
}

fn has(map: &Object, name: &str) -> bool {
    map.contains_key(name)
}

fn text<'v>(map: &'v Object, name: &str) -> Option<&'v str> {
    map.get(name).and_then(Value::as_str)
}

fn list<'v>(map: &'v Object, name: &str) -> &'v [Value] {
    map.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn is_one_of(map: &Object, name: &str, words: &[&str]) -> bool {
    text(map, name).is_some_and(|text| words.contains(&text))
}

/// app-1: either the type or the actor of a participant is told.
fn app_1(map: &Object) -> bool {
    has(map, "type") || has(map, "actor")
}

/// app-2: start and end come together.
fn app_2(map: &Object) -> bool {
    has(map, "start") == has(map, "end")
}

/// app-3: only what is proposed, cancelled or waiting may lack its time.
fn app_3(map: &Object) -> bool {
    (has(map, "start") && has(map, "end")) || is_one_of(map, "status", &["proposed", "cancelled", "waitlist"])
}

/// app-4: only what was cancelled or missed has a reason of cancellation.
fn app_4(map: &Object) -> bool {
    !has(map, "cancelationReason") || is_one_of(map, "status", &["no-show", "cancelled"])
}

/// att-1: data have a content type.
fn att_1(map: &Object) -> bool {
    !has(map, "data") || has(map, "contentType")
}

/// bdl-1: a total in searches and histories only.
fn bdl_1(map: &Object) -> bool {
    !has(map, "total") || is_one_of(map, "type", &["searchset", "history"])
}

/// bdl-2: a search mode in searches only.
fn bdl_2(map: &Object) -> bool {
    is_one_of(map, "type", &["searchset"]) || list(map, "entry").iter().all(|entry| entry.get("search").is_none())
}

/// bdl-3: a request in every entry of a batch, transaction or history, and nowhere else.
fn bdl_3(map: &Object) -> bool {
    let asks = is_one_of(map, "type", &["batch", "transaction", "history"]);
    list(map, "entry").iter().all(|entry| entry.get("request").is_some() == asks)
}

/// bdl-4: a response in every entry of an answer or history, and nowhere else.
fn bdl_4(map: &Object) -> bool {
    let answers = is_one_of(map, "type", &["batch-response", "transaction-response", "history"]);
    list(map, "entry").iter().all(|entry| entry.get("response").is_some() == answers)
}

/// bdl-5: an entry holds something.
fn bdl_5(map: &Object) -> bool {
    has(map, "resource") || has(map, "request") || has(map, "response")
}

/// bdl-7: a fullUrl stands once for one version.
fn bdl_7(map: &Object) -> bool {
    if is_one_of(map, "type", &["history"]) {
        return true;
    }
    let version = |entry: &Value| {
        let version = entry.pointer("/resource/meta/versionId").and_then(Value::as_str).map(str::to_owned);
        Some((entry.get("fullUrl")?.as_str()?.to_owned(), version))
    };
    let mut seen = std::collections::HashSet::new();
    list(map, "entry").iter().filter_map(version).all(|entry| seen.insert(entry))
}

/// bdl-8: a fullUrl names no version.
fn bdl_8(map: &Object) -> bool {
    !text(map, "fullUrl").is_some_and(|url| url.contains("/_history/"))
}

/// bdl-9: a document has an identifier.
fn bdl_9(map: &Object) -> bool {
    let identifier = || map.get("identifier");
    let has = |name: &str| identifier().is_some_and(|identifier| identifier.get(name).is_some());
    !is_one_of(map, "type", &["document"]) || (has("system") && has("value"))
}

/// bdl-10: a document has a date.
fn bdl_10(map: &Object) -> bool {
    !is_one_of(map, "type", &["document"]) || has(map, "timestamp")
}

/// bdl-11: a document begins with its Composition.
fn bdl_11(map: &Object) -> bool {
    !is_one_of(map, "type", &["document"]) || begins_with(map, "Composition")
}

/// bdl-12: a message begins with its MessageHeader.
fn bdl_12(map: &Object) -> bool {
    !is_one_of(map, "type", &["message"]) || begins_with(map, "MessageHeader")
}

fn begins_with(map: &Object, kind: &str) -> bool {
    let first = list(map, "entry").first().and_then(|entry| entry.pointer("/resource/resourceType"));
    first.and_then(Value::as_str) == Some(kind)
}

/// cpt-2: a value needs a system.
fn cpt_2(map: &Object) -> bool {
    !has(map, "value") || has(map, "system")
}

/// dom-4: contained resources have no version.
fn dom_4(map: &Object) -> bool {
    no_contained_has(map, &["versionId", "lastUpdated"])
}

/// dom-5: contained resources have no security label.
fn dom_5(map: &Object) -> bool {
    no_contained_has(map, &["security"])
}

fn no_contained_has(map: &Object, names: &[&str]) -> bool {
    let metas = list(map, "contained").iter().filter_map(|resource| resource.get("meta"));
    metas.into_iter().all(|meta| names.iter().all(|name| meta.get(name).is_none()))
}

/// ext-1: an extension has a value or extensions, not both.
fn ext_1(map: &Object) -> bool {
    let has_value = map.keys().any(|key| key.strip_prefix('_').unwrap_or(key).starts_with("value"));
    has(map, "extension") != has_value
}

/// inv-1: a parameter has a value, a resource or parts, and one of them only.
fn inv_1(map: &Object) -> bool {
    let has_value = map.keys().any(|key| key.starts_with("value"));
    [has_value, has(map, "resource"), has(map, "part")].into_iter().filter(|has| *has).count() == 1
}

/// lst-1: an empty list alone says why it is empty.
fn lst_1(map: &Object) -> bool {
    !has(map, "emptyReason") || !has(map, "entry")
}

/// lst-2: only a list of changes has deleted entries.
fn lst_2(map: &Object) -> bool {
    is_one_of(map, "mode", &["changes"]) || list(map, "entry").iter().all(|entry| entry.get("deleted").is_none())
}

/// lst-3: only a working list dates its entries.
fn lst_3(map: &Object) -> bool {
    is_one_of(map, "mode", &["working"]) || list(map, "entry").iter().all(|entry| entry.get("date").is_none())
}

/// obs-3: a reference range says something.
fn obs_3(map: &Object) -> bool {
    has(map, "low") || has(map, "high") || has(map, "text")
}

/// obs-6: the reason of an absent value stands only where the value is absent.
fn obs_6(map: &Object) -> bool {
    !has(map, "dataAbsentReason") || !map.keys().any(|key| key.starts_with("value"))
}

/// pat-1: a contact says how to reach it, or who it is.
fn pat_1(map: &Object) -> bool {
    ["name", "telecom", "address", "organization"].iter().any(|name| has(map, name))
}

/// per-1: a period starts before it ends, as far as its precision tells.
fn per_1(map: &Object) -> bool {
    let bound = |name: &str| text(map, name).and_then(DateTime::parse).and_then(DateTime::interval);
    match (bound("start"), bound("end")) {
        (Some(start), Some(end)) => start.start < end.end,
        _ => true,
    }
}

/// ppc-1: a consent names a policy or a rule.
fn ppc_1(map: &Object) -> bool {
    has(map, "policy") || has(map, "policyRule")
}

/// qty-3: a coded unit has a system.
fn qty_3(map: &Object) -> bool {
    !has(map, "code") || has(map, "system")
}
