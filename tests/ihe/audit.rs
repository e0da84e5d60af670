//! Traces rendered, held against BALP, MHD, IUA and TDE.

use espace::ids::{PatientKey, ShardKey, StructureKey};
use espace::ihe::audit::{Server, balp, tde};
use espace::model::audit::{Act, Actor, AuditRecord, ChainedRecord, Entity};
use serde_json::{Value, json};
use uuid::Uuid;

use super::profile::faults;

const ACTS: [Act; 10] = [
    Act::ExistenceTest,
    Act::ProvideDocumentBundle,
    Act::FindDocumentReferences,
    Act::ReadDocumentReference,
    Act::ReadList,
    Act::RetrieveDocument,
    Act::ReadPatient,
    Act::RetrieveAuditEvent,
    Act::ReadAuditEvent,
    Act::GetAccessToken,
];

fn server() -> Server {
    Server { base: "https://localhost:8443/fhir".into(), site: "espace".into() }
}

fn patient() -> ShardKey {
    PatientKey::from_bits(42).into()
}

fn trace(act: Act) -> ChainedRecord {
    let references: &[&str] = match act {
        Act::ProvideDocumentBundle => &["List/l", "DocumentReference/d", "Binary/b"],
        Act::ReadDocumentReference => &["DocumentReference/d/_history/2"],
        Act::ReadList => &["List/l"],
        Act::RetrieveDocument => &["Binary/b", "DocumentReference/d"],
        Act::ReadPatient => &["Patient/000000000001a"],
        Act::ReadAuditEvent => &["AuditEvent/a"],
        _ => &[],
    };
    let record = AuditRecord {
        id: Uuid::from_u128(7),
        chain: patient(),
        at: "2026-11-22T10:00:00.25Z".parse().unwrap(),
        act,
        outcome: "0".into(),
        refusal: None,
        rule: Some("MES-084".into()),
        actor: Actor {
            person: Some("801234567897".into()),
            name: Some("Anne Martin".into()),
            roles: vec![
                "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante|10".into(),
            ],
            structure: Some("401234567897001".into()),
            structure_name: Some("Cabinet Martin".into()),
            software: Some("LPS 1.0".into()),
            auth_mode: Some("DIRECTE".into()),
            token: Some("3f1c".into()),
            address: Some("127.0.0.1".into()),
            patient: None,
        },
        purpose: "normal".into(),
        reason: None,
        request_id: "r-1".into(),
        entities: references.iter().map(|reference| Entity { reference: (*reference).into() }).collect(),
        query: Some("DocumentReference?patient=Patient/0000000000017&status=current".into()),
    };
    ChainedRecord { sequence: 5_000_000_000, record }
}

#[test]
fn each_success_satisfies_every_profile_that_it_claims() {
    for act in ACTS {
        let event = balp(&trace(act), &server());
        let profiles = event["meta"]["profile"].as_array().unwrap();
        assert!(!profiles.is_empty(), "{act:?}");
        for profile in profiles {
            let Some(found) = faults(profile.as_str().unwrap(), &event) else { return };
            assert_eq!(found, Vec::<String>::new(), "{act:?} against {profile}");
        }
    }
}

#[test]
fn a_trace_without_a_record_satisfies_what_it_claims() {
    let structure = StructureKey::of(&"401234567897001".parse().unwrap());
    for act in ACTS {
        let mut trace = trace(act);
        trace.record.chain = structure.into();
        let event = balp(&trace, &server());
        assert!(!event.to_string().contains("\"Patient/0000000000017\""));
        for profile in event["meta"]["profile"].as_array().into_iter().flatten() {
            let Some(found) = faults(profile.as_str().unwrap(), &event) else { return };
            assert_eq!(found, Vec::<String>::new(), "{act:?} against {profile}");
        }
    }
}

#[test]
fn the_checker_sees_what_is_wrong() {
    let profile = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/IHE.MHD.RetrieveDocument.Audit.Responder";
    let good = balp(&trace(Act::RetrieveDocument), &server());
    let breaks: [fn(&mut Value); 6] = [
        |event| event["outcome"] = json!("4"),
        |event| drop(event["agent"].as_array_mut().unwrap().remove(1)),
        |event| event["entity"][1]["role"]["code"] = json!("4"),
        |event| drop(event["subtype"].as_array_mut().unwrap().pop()),
        |event| drop(event["agent"][0].as_object_mut().unwrap().remove("network")),
        |event| event["agent"][2]["network"] = json!({"address": "x"}),
    ];
    for (index, breaking) in breaks.iter().enumerate() {
        let mut event = good.clone();
        breaking(&mut event);
        let Some(found) = faults(profile, &event) else { return };
        assert!(!found.is_empty(), "break {index}");
    }
}

#[test]
fn the_server_is_agent_and_observer_under_one_name() {
    for act in ACTS {
        let event = balp(&trace(act), &server());
        assert_eq!(event["agent"][1]["who"], event["source"]["observer"]);
        assert_eq!(event["agent"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn a_refusal_claims_no_profile_and_says_why() {
    let mut trace = trace(Act::ProvideDocumentBundle);
    trace.record.outcome = "4".into();
    trace.record.refusal = Some("dmp-inexistant".into());
    trace.record.rule = Some("MES-045".into());
    let event = balp(&trace, &server());
    assert_eq!(event.get("meta"), None);
    assert_eq!(event["outcome"], "4");
    let text = event["outcomeDesc"].as_str().unwrap();
    assert!(text.starts_with("Aucun DMP ouvert") && text.ends_with("[dmp-inexistant, MES-045]"), "{text}");
}

#[test]
fn the_query_is_kept_in_base64_and_the_purpose_in_both_tongues() {
    let mut trace = trace(Act::FindDocumentReferences);
    trace.record.purpose = "bris_de_glace".into();
    trace.record.reason = Some("Patient inconscient".into());
    let event = balp(&trace, &server());
    let query = event["entity"][0]["query"].as_str().unwrap();
    let query = base64_simd::STANDARD.decode_to_vec(query).unwrap();
    assert_eq!(Some(String::from_utf8(query).unwrap()), trace.record.query);
    let purpose = &event["agent"][2]["purposeOfUse"][0];
    assert_eq!(purpose["coding"][0]["code"], "bris_de_glace");
    assert_eq!(purpose["coding"][1]["code"], "BTG");
    assert_eq!(purpose["text"], "Patient inconscient");
    assert_eq!(event["extension"][0]["valueDecimal"], json!(5_000_000_000_i64));
    assert_eq!(event["agent"][2]["policy"], json!(["urn:ietf:params:oauth:jti:3f1c"]));
}

#[test]
fn the_french_view_has_two_agents_one_subtype_and_a_period() {
    for act in ACTS {
        let event = tde(&trace(act), &server());
        assert!(event["agent"].as_array().unwrap().len() <= 2);
        assert!(event["agent"].as_array().unwrap().iter().all(|agent| agent["who"].is_object()));
        assert!(event["subtype"].as_array().unwrap().len() == 1);
        assert_eq!(event["period"]["start"], "2026-11-22T10:00:00.25Z");
        for mandatory in ["type", "recorded", "source", "agent"] {
            assert!(!event[mandatory].is_null(), "{mandatory}");
        }
        assert_eq!(event["id"], balp(&trace(act), &server())["id"]);
    }
}

#[test]
fn who_acts_on_the_patient_side_is_named_by_his_record() {
    let mut trace = trace(Act::FindDocumentReferences);
    trace.record.actor = Actor { patient: Some("0000000000017".into()), ..Actor::default() };
    let event = balp(&trace, &server());
    assert_eq!(event["agent"][2]["who"]["reference"], "Patient/0000000000017");
    let found = faults(event["meta"]["profile"][0].as_str().unwrap(), &event);
    assert_eq!(found.unwrap_or_default(), Vec::<String>::new());
}
