//! The IHE view of a trace: BALP, and the MHD audit profiles where there is one (ihe §1.10, §4.1).

use serde_json::{Map, Value, json};

use super::act::{Codes, Shape};
use super::{ENTITY_TYPE, OBJECT_ROLE, Server, agents, coding};
use crate::error::Code;
use crate::ids::LogicalId;
use crate::model::audit::{AuditRecord, ChainedRecord};

/// Renders a trace. Profiles are claimed for successes only: BALP fixes the outcome to `0`.
pub fn balp(chained: &ChainedRecord, server: &Server) -> Value {
    let record = &chained.record;
    let codes = Codes::of(record.act);
    let mut event = skeleton(chained, server, &codes);
    let profiles = profiles(record, &codes);
    if !profiles.is_empty() {
        event.insert("meta".into(), json!({"profile": profiles}));
    }
    let is_version = record.entities.first().is_some_and(|entity| entity.reference.contains("/_history/"));
    let subtypes: Vec<_> = codes.interaction(is_version).into_iter().chain(codes.transaction(&server.base)).collect();
    event.insert("subtype".into(), json!(subtypes));
    event.insert(
        "agent".into(),
        json!([
            agents::client(&record.actor, codes.shape),
            agents::server(server, codes.shape),
            agents::user(record, &server.base, codes.shape),
        ]),
    );
    Value::Object(event)
}

/// What both views share.
pub(super) fn skeleton(chained: &ChainedRecord, server: &Server, codes: &Codes) -> Map<String, Value> {
    let record = &chained.record;
    let sequence = format!("{}/StructureDefinition/audit-sequence", server.base);
    let mut event = Map::from_iter([
        (String::from("resourceType"), json!("AuditEvent")),
        (String::from("id"), json!(LogicalId { shard: record.chain, uuid: record.id }.to_string())),
        (String::from("type"), codes.event_type()),
        (String::from("action"), json!(codes.action())),
        (String::from("recorded"), json!(record.at.to_string())),
        (String::from("outcome"), json!(record.outcome)),
        (String::from("purposeOfEvent"), json!([agents::purpose(record)])),
        (String::from("source"), server.source()),
        (String::from("entity"), json!(entities(record, codes))),
    ]);
    if chained.sequence > 0 {
        // A number of the chain may outgrow the 32 bits of an integer.
        event.insert("extension".into(), json!([{"url": sequence, "valueDecimal": chained.sequence}]));
    }
    if let Some(text) = outcome_description(record) {
        event.insert("outcomeDesc".into(), json!(text));
    }
    event
}

fn profiles(record: &AuditRecord, codes: &Codes) -> Vec<&'static str> {
    if record.outcome != "0" {
        return Vec::new();
    }
    let has_patient = record.chain.patient().is_some();
    let transaction = codes.profile.filter(|_| has_patient || codes.shape == Shape::Token);
    // A read without what was read would break the profile that it claims.
    let needs_data = matches!(
        codes.shape,
        Shape::Read | Shape::Import | Shape::Create | Shape::Replace | Shape::Delete | Shape::Update
    );
    let is_whole = !needs_data || !record.entities.is_empty();
    transaction.into_iter().chain(codes.balp_profile(has_patient)).filter(|_| is_whole).collect()
}

/// The catalogue's French text, with the code and the rule that decided.
fn outcome_description(record: &AuditRecord) -> Option<String> {
    let name = record.refusal.as_deref()?;
    let text = Code::ALL.iter().map(|code| code.row()).find(|row| row.name == name).map_or("Refus.", |row| row.french);
    let rule = record.rule.as_deref().map(|rule| format!(", {rule}")).unwrap_or_default();
    Some(format!("{text} [{name}{rule}]"))
}

fn entities(record: &AuditRecord, codes: &Codes) -> Vec<Value> {
    let query = || {
        let query = record.query.as_deref().unwrap_or("(not recorded)");
        json!({
            "type": coding(ENTITY_TYPE, "2", "System Object"),
            "role": coding(OBJECT_ROLE, "24", "Query"),
            "description": query,
            "query": base64_simd::STANDARD.encode_to_string(query),
        })
    };
    if codes.shape == Shape::Token {
        // IHE.IUA.71 closes its entities: the request, and nothing else.
        return vec![query()];
    }
    let mut entities = Vec::new();
    if codes.shape == Shape::Query {
        entities.push(query());
    }
    if let Some(patient) = record.chain.patient() {
        entities.push(json!({
            "what": {"reference": format!("Patient/{patient}")},
            "type": coding(ENTITY_TYPE, "1", "Person"),
            "role": coding(OBJECT_ROLE, "1", "Patient"),
        }));
    }
    let mut has_main = codes.shape == Shape::Query;
    for entity in &record.entities {
        let kind = entity.reference.split('/').next().unwrap_or_default();
        let is_main = !has_main && (!matches!(codes.shape, Shape::Import | Shape::Operation) || kind == "List");
        has_main |= is_main;
        entities.push(touched(&entity.reference, kind, is_main, codes));
    }
    entities.push(json!({
        "what": {"identifier": {"value": record.request_id}},
        "type": {"system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "code": "XrequestId"},
    }));
    entities
}

/// What was touched. The profiles admit one System Object: the thing read, the submission set. What
/// else there is bears the name of its resource as type.
fn touched(reference: &str, kind: &str, is_main: bool, codes: &Codes) -> Value {
    let (r#type, role) = match (is_main, codes.shape) {
        (true, Shape::Import) => (coding(ENTITY_TYPE, "2", "System Object"), ("20", "Job")),
        (true, _) => (coding(ENTITY_TYPE, "2", "System Object"), codes.data_role),
        (false, _) => (coding("http://hl7.org/fhir/resource-types", kind, kind), codes.data_role),
    };
    json!({"what": {"reference": reference}, "type": r#type, "role": coding(OBJECT_ROLE, role.0, role.1)})
}
