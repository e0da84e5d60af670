//! The French view of a trace: `tde-auditevent`, at most two agents and one subtype (mes-rules §6).

use serde_json::{Value, json};

use super::act::Codes;
use super::balp::skeleton;
use super::{Server, agents};
use crate::model::audit::ChainedRecord;

const PROFILE: &str = "https://interop.esante.gouv.fr/ig/fhir/tde/StructureDefinition/tde-auditevent";

/// Renders a trace with the person who acted and the software used; this server is the observer.
pub fn tde(chained: &ChainedRecord, server: &Server) -> Value {
    let record = &chained.record;
    let codes = Codes::of(record.act);
    let mut event = skeleton(chained, server, &codes);
    let is_version = record.entities.first().is_some_and(|entity| entity.reference.contains("/_history/"));
    event.insert("meta".into(), json!({"profile": [PROFILE]}));
    let subtype: Vec<_> =
        codes.transaction(&server.base).or_else(|| codes.interaction(is_version)).into_iter().collect();
    event.insert("subtype".into(), json!(subtype));
    let at = record.at.to_string();
    event.insert("period".into(), json!({"start": at, "end": at}));
    event.insert(
        "agent".into(),
        json!([agents::user(record, &server.base, codes.shape), agents::client(&record.actor, codes.shape),]),
    );
    Value::Object(event)
}
