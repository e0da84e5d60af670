//! R4's invariants that only say which elements go together (R4 `conformance-rules.html#constraints`).

use serde_json::{Map, Value};

use Form::{Any, Apart, Needs, One};

use crate::fhir::definition::Type;

/// What elements of one object have to do with each other; a choice is written `age[x]`.
#[derive(Clone, Copy)]
enum Form {
    /// One of them at least.
    Any(&'static [&'static str]),
    /// Not both.
    Apart(&'static str, &'static str),
    /// The first only with the second.
    Needs(&'static str, &'static str),
    /// One of the two, and one only.
    One(&'static str, &'static str),
}

/// Type, key and form, sorted by type.
const FORMS: [(&str, &str, Form); 52] = [
    ("AppointmentResponse", "apr-1", Any(&["participantType", "actor"])),
    ("AuditEvent.entity", "sev-1", Apart("name", "query")),
    ("CapabilityStatement", "cpb-1", Any(&["rest", "messaging", "document"])),
    ("CapabilityStatement", "cpb-2", Any(&["description", "software", "implementation"])),
    ("CarePlan.activity", "cpl-3", Apart("detail", "reference")),
    ("Composition.section", "cmp-1", Any(&["text", "entry", "section"])),
    ("Composition.section", "cmp-2", Apart("emptyReason", "entry")),
    ("Condition.evidence", "con-2", Any(&["code", "detail"])),
    ("Condition.stage", "con-1", Any(&["summary", "assessment"])),
    ("CoverageEligibilityResponse.insurance.item", "ces-1", One("category", "productOrService")),
    ("DataRequirement.codeFilter", "drq-1", One("path", "searchParam")),
    ("DataRequirement.dateFilter", "drq-2", One("path", "searchParam")),
    ("ElementDefinition", "eld-15", Apart("defaultValue[x]", "meaningWhenMissing")),
    ("ElementDefinition", "eld-22", Needs("sliceIsConstraining", "sliceName")),
    ("ElementDefinition", "eld-8", Apart("pattern[x]", "fixed[x]")),
    ("ElementDefinition.slicing", "eld-1", Any(&["discriminator", "description"])),
    ("Expression", "exp-1", Any(&["expression", "reference"])),
    ("FamilyMemberHistory", "fhs-1", Apart("age[x]", "born[x]")),
    ("FamilyMemberHistory", "fhs-2", Needs("estimatedAge", "age[x]")),
    ("Goal.target", "gol-1", Needs("detail[x]", "measure")),
    ("Immunization.education", "imm-1", Any(&["documentType", "reference"])),
    ("InsurancePlan", "ipn-1", Any(&["identifier", "name"])),
    ("MedicationAdministration.dosage", "mad-1", Any(&["dose", "rate[x]"])),
    ("OperationDefinition.parameter", "opd-1", Any(&["type", "part"])),
    ("Organization", "org-1", Any(&["identifier", "name"])),
    ("Questionnaire.item", "que-11", Apart("answerOption", "initial")),
    ("Questionnaire.item", "que-4", Apart("answerOption", "answerValueSet")),
    ("QuestionnaireResponse.item", "qrs-1", Apart("answer", "item")),
    ("RequestGroup.action", "rqg-1", One("resource", "action")),
    ("SearchParameter", "spd-1", Needs("xpath", "xpathUsage")),
    ("ServiceRequest", "prr-1", Needs("orderDetail", "code")),
    ("StructureDefinition", "sdf-6", Any(&["snapshot", "differential"])),
    ("StructureDefinition.mapping", "sdf-2", Any(&["name", "uri"])),
    ("StructureMap.group.rule.target", "smp-1", Needs("element", "context")),
    ("StructureMap.group.rule.target", "smp-2", Needs("context", "contextType")),
    ("TerminologyCapabilities", "tcp-2", Any(&["description", "software", "implementation"])),
    ("TestReport.setup.action", "inv-1", One("operation", "assert")),
    ("TestReport.test.action", "inv-2", One("operation", "assert")),
    ("TestScript.setup.action", "tst-1", One("operation", "assert")),
    ("TestScript.test.action", "tst-2", One("operation", "assert")),
    ("Timing.repeat", "tim-1", Needs("duration", "durationUnit")),
    ("Timing.repeat", "tim-10", Apart("timeOfDay", "when")),
    ("Timing.repeat", "tim-2", Needs("period", "periodUnit")),
    ("Timing.repeat", "tim-6", Needs("periodMax", "period")),
    ("Timing.repeat", "tim-7", Needs("durationMax", "duration")),
    ("Timing.repeat", "tim-8", Needs("countMax", "count")),
    ("TriggerDefinition", "trd-1", Apart("data", "timing[x]")),
    ("TriggerDefinition", "trd-2", Needs("condition", "data")),
    ("ValueSet.compose.include", "vsd-1", Any(&["valueSet", "system"])),
    ("ValueSet.compose.include", "vsd-3", Apart("concept", "filter")),
    ("ValueSet.expansion.contains", "vsd-10", Needs("code", "system")),
    ("ValueSet.expansion.contains", "vsd-6", Any(&["code", "display"])),
];

/// The keys of the invariants of a type that an object breaks.
pub(super) fn broken(kind: Type, map: &Map<String, Value>) -> impl Iterator<Item = &'static str> {
    let name = kind.name();
    let start = FORMS.partition_point(|(known, ..)| *known < name);
    let own = FORMS.iter().skip(start).take_while(move |(known, ..)| *known == name);
    own.filter(|(.., form)| !form.holds(map)).map(|(_, key, _)| *key)
}

/// The keys checked here, each with its type.
pub(super) fn keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    FORMS.iter().map(|(kind, key, _)| (*kind, *key))
}

impl Form {
    fn holds(self, map: &Map<String, Value>) -> bool {
        let has = |name: &str| {
            // An extension in the place of the value stands for the element too.
            let mut keys = map.keys().map(|key| key.strip_prefix('_').unwrap_or(key));
            match name.strip_suffix("[x]") {
                None => keys.any(|key| key == name),
                Some(stem) => keys.any(|key| {
                    key.strip_prefix(stem).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
                }),
            }
        };
        match self {
            Any(names) => names.iter().any(|name| has(name)),
            Apart(one, other) => !(has(one) && has(other)),
            Needs(one, other) => !has(one) || has(other),
            One(one, other) => has(one) != has(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_sorted_by_type() {
        assert!(FORMS.is_sorted_by_key(|(kind, ..)| *kind));
    }
}
