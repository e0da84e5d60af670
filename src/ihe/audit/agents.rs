//! The agents of a trace: the client software, this server, and who stood behind the client
//! (ihe §4.1; document-sharing §3.3).

use serde_json::{Map, Value, json};

use super::act::Shape;
use super::{DCM, Server, coding};
use crate::model::audit::{Actor, AuditRecord};

const STRUCTURES: &str = "urn:oid:1.2.250.1.71.4.2.2";
const PROFESSIONALS: &str = "urn:oid:1.2.250.1.71.4.2.1";

/// The calling software, in the name of its structure.
pub(super) fn client(actor: &Actor, shape: Shape) -> Value {
    let role = match shape {
        Shape::Import
        | Shape::Query
        | Shape::Create
        | Shape::Replace
        | Shape::Update
        | Shape::Transaction
        | Shape::Operation => coding(DCM, "110153", "Source Role ID"),
        Shape::Read | Shape::History | Shape::TypeHistory => coding(DCM, "110152", "Destination Role ID"),
        Shape::Delete | Shape::Token => coding(DCM, "110150", "Application"),
    };
    let mut agent = agent(role, structure(actor), false);
    if let Some(software) = &actor.software {
        agent.insert("name".into(), json!(software));
    }
    // The profiles demand a network even where the connection told none.
    let network = match &actor.address {
        Some(address) => json!({"address": address, "type": "2"}),
        None => json!({"address": "unknown", "type": "1"}),
    };
    agent.insert("network".into(), network);
    Value::Object(agent)
}

/// This server.
pub(super) fn server(server: &Server, shape: Shape) -> Value {
    let role = match shape {
        Shape::Import
        | Shape::Query
        | Shape::Create
        | Shape::Replace
        | Shape::Update
        | Shape::Transaction
        | Shape::Operation => coding(DCM, "110152", "Destination Role ID"),
        Shape::Read | Shape::History | Shape::TypeHistory => coding(DCM, "110153", "Source Role ID"),
        Shape::Delete => {
            coding("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "custodian", "Custodian")
        }
        Shape::Token => coding(
            "https://profiles.ihe.net/ITI/BALP/CodeSystem/UserAgentTypes",
            "AuthzOauthService",
            "OAuth Authorization Server",
        ),
    };
    let mut agent = agent(role, server.reference(), false);
    agent.insert("network".into(), json!({"address": server.base, "type": "5"}));
    Value::Object(agent)
}

/// Who acted: the professional, the person on the patient side, or the structure in its own name.
pub(super) fn user(record: &AuditRecord, base: &str, shape: Shape) -> Value {
    let actor = &record.actor;
    let participation = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
    let role = match shape {
        Shape::Import | Shape::Create | Shape::Replace | Shape::Delete | Shape::Update => {
            coding(participation, "AUT", "author (originator)")
        }
        Shape::Query
        | Shape::Read
        | Shape::History
        | Shape::TypeHistory
        | Shape::Transaction
        | Shape::Operation
        | Shape::Token => coding(participation, "IRCP", "information recipient"),
    };
    let who = match (&actor.person, &actor.patient) {
        (Some(person), _) => named(identified("Practitioner", PROFESSIONALS, person), actor.name.as_deref()),
        (None, Some(patient)) => Value::Object(Map::from_iter([
            (String::from("reference"), json!(format!("Patient/{patient}"))),
            (String::from("type"), json!("Patient")),
        ])),
        (None, None) => structure(actor),
    };
    let mut agent = agent(role, who, true);
    let roles: Vec<_> = actor.roles.iter().map(|role| concept(role)).collect();
    if !roles.is_empty() {
        agent.insert("role".into(), json!(roles));
    }
    if let (Some(name), true) = (&actor.name, actor.person.is_some()) {
        agent.insert("name".into(), json!(name));
    }
    if let Some(token) = &actor.token {
        agent.insert("policy".into(), json!([format!("urn:ietf:params:oauth:jti:{token}")]));
    }
    if let Some(mode) = &actor.auth_mode {
        let url = format!("{base}/StructureDefinition/auth-mode");
        agent.insert("extension".into(), json!([{"url": url, "valueCode": mode}]));
    }
    agent.insert("purposeOfUse".into(), json!([purpose(record)]));
    Value::Object(agent)
}

/// Why: TRE_R248 beside its v3-ActReason counterpart (mes-rules §2.6), and the reason given.
pub(super) fn purpose(record: &AuditRecord) -> Value {
    let (display, reason, reason_display) = match record.purpose.as_str() {
        "bris_de_glace" => ("Bris de glace", "BTG", "break the glass"),
        "centre_15" => ("Centre 15", "ETREAT", "Emergency Treatment"),
        _ => ("Accès normal", "TREAT", "treatment"),
    };
    let mut purpose = Map::from_iter([(
        String::from("coding"),
        json!([
            coding(
                "https://mos.esante.gouv.fr/NOS/TRE_R248-ModeAcces/FHIR/TRE-R248-ModeAcces",
                &record.purpose,
                display
            ),
            coding("http://terminology.hl7.org/CodeSystem/v3-ActReason", reason, reason_display),
        ]),
    )]);
    if let Some(text) = &record.reason {
        purpose.insert("text".into(), json!(text));
    }
    Value::Object(purpose)
}

fn agent(role: Value, who: Value, is_requestor: bool) -> Map<String, Value> {
    Map::from_iter([
        (String::from("type"), json!({"coding": [role]})),
        (String::from("who"), who),
        (String::from("requestor"), json!(is_requestor)),
    ])
}

fn structure(actor: &Actor) -> Value {
    let who = match &actor.structure {
        Some(structure) => identified("Organization", STRUCTURES, structure),
        None => json!({"type": "Organization"}),
    };
    named(who, Some(actor.structure_name.as_deref().unwrap_or("unknown")))
}

fn identified(kind: &str, system: &str, value: &str) -> Value {
    json!({"type": kind, "identifier": {"system": system, "value": value}})
}

fn named(mut who: Value, display: Option<&str>) -> Value {
    if let (Some(who), Some(display)) = (who.as_object_mut(), display) {
        who.insert("display".into(), json!(display));
    }
    who
}

/// A role stored as `system|code`.
fn concept(role: &str) -> Value {
    match role.rsplit_once('|') {
        Some((system, code)) => json!({"coding": [{"system": system, "code": code}]}),
        None => json!({"coding": [{"code": role}]}),
    }
}
