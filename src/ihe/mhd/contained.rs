//! The contained resources of a fiche and of a submission set: who wrote, who answers for it, who
//! keeps it, about whom (document-sharing §1.2, §2, §3.2).

use serde_json::{Map, Value, json};

use super::Coding;
use crate::cda::{Authenticator, Author, Code, Identifier, Name, Organization, Patient, Time};
use crate::ids::InsDomain;
use crate::ihe::fhir_system;

/// Contained resources, each once.
#[derive(Default)]
pub(super) struct Contained {
    resources: Vec<Value>,
}

impl Contained {
    /// The resources, for the element `contained`.
    pub(super) fn into_resources(self) -> Vec<Value> {
        self.resources
    }

    /// Adds a resource unless an equal one is there, and answers its reference.
    fn add(&mut self, kind: &str, fields: Vec<(&str, Option<Value>)>) -> String {
        let body = object(fields);
        let same = |resource: &Value| {
            resource.get("resourceType").and_then(Value::as_str) == Some(kind)
                && body.as_object().is_some_and(|body| {
                    body.iter().all(|(name, value)| resource.get(name) == Some(value))
                        && resource.as_object().is_some_and(|resource| resource.len() == body.len() + 2)
                })
        };
        if let Some(id) = self.resources.iter().find(|resource| same(resource)).and_then(|resource| resource.get("id"))
        {
            return format!("#{}", id.as_str().unwrap_or_default());
        }
        let count = self.resources.iter().filter(|resource| resource.get("resourceType") == Some(&json!(kind))).count();
        let id = format!("{}-{}", kind.to_ascii_lowercase(), count + 1);
        let mut resource = Map::new();
        resource.insert("resourceType".into(), json!(kind));
        resource.insert("id".into(), json!(id));
        if let Value::Object(body) = body {
            resource.extend(body);
        }
        self.resources.push(Value::Object(resource));
        format!("#{id}")
    }

    /// An author: a PractitionerRole, a Device, or the patient himself. Also answers the reference of
    /// the organisation.
    pub(super) fn author(&mut self, author: &Author, patient: &Patient) -> (String, Option<String>) {
        if author.id.as_ref().is_some_and(|id| InsDomain::from_oid(&id.root).is_some()) {
            return (self.patient(patient), None);
        }
        let organization = author.organization.as_ref().map(|organization| self.organization(organization));
        if let (Some(device), None) = (&author.device, &author.person) {
            let fields = vec![
                ("identifier", author.id.as_ref().map(|id| json!([identifier(id)]))),
                ("deviceName", Some(json!([{"name": device, "type": "model-name"}]))),
                ("owner", organization.as_ref().map(|reference| json!({"reference": reference}))),
            ];
            return (self.add("Device", fields), organization);
        }
        let person = (author.id.as_ref(), author.person.as_ref());
        let reference = self.role(person, organization.as_deref(), author.function.as_ref(), author.specialty.as_ref());
        (reference, organization)
    }

    /// The legal authenticator: the PractitionerRole of the author where it is the same person.
    pub(super) fn authenticator(&mut self, authenticator: &Authenticator, authors: &[(&Author, String)]) -> String {
        let same = authors.iter().find(|(author, _)| author.id.is_some() && author.id == authenticator.id);
        if let Some((_, reference)) = same {
            return reference.clone();
        }
        let organization = authenticator.organization.as_ref().map(|organization| self.organization(organization));
        let person = (authenticator.id.as_ref(), authenticator.person.as_ref());
        self.role(person, organization.as_deref(), None, authenticator.specialty.as_ref())
    }

    /// An Organization.
    pub(super) fn organization(&mut self, organization: &Organization) -> String {
        let fields = vec![
            ("identifier", organization.id.as_ref().map(|id| json!([identifier(id)]))),
            ("name", organization.name.as_ref().map(|name| json!(name))),
        ];
        self.add("Organization", fields)
    }

    /// The patient as the source knew him: FR Core INS traits.
    pub(super) fn patient(&mut self, patient: &Patient) -> String {
        let place = patient.birth_place.as_ref().map(|cog| {
            json!([{
                "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
                "valueAddress": object(vec![
                    ("extension", Some(json!([{
                        "url": "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code",
                        "valueCoding": {
                            "system": "https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM",
                            "code": cog,
                        },
                    }]))),
                    ("city", patient.birth_city.as_ref().map(|city| json!(city))),
                ]),
            }])
        });
        let names = patient.given_names.as_ref().map(|names| {
            json!([{
                "url": "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-birth-list-given-name",
                "valueString": names,
            }])
        });
        let name = object(vec![
            ("extension", names),
            ("use", Some(json!("official"))),
            ("family", patient.birth_family.as_ref().map(|family| json!(family))),
            ("given", patient.birth_given.as_ref().map(|given| json!([given]))),
        ]);
        let ids: Vec<Value> = patient.ids.iter().map(patient_identifier).collect();
        let fields = vec![
            ("extension", place),
            ("identifier", (!ids.is_empty()).then(|| json!(ids))),
            ("name", patient.birth_family.is_some().then(|| json!([name]))),
            ("gender", patient.gender.as_ref().map(|code| json!(gender(&code.code)))),
            ("birthDate", patient.birth_time.as_ref().and_then(Time::date).map(|date| json!(date.to_string()))),
        ];
        self.add("Patient", fields)
    }

    fn role(
        &mut self,
        (id, name): (Option<&Identifier>, Option<&Name>),
        organization: Option<&str>,
        function: Option<&Code>,
        specialty: Option<&Code>,
    ) -> String {
        let practitioner = self.add(
            "Practitioner",
            vec![
                ("identifier", id.map(|id| json!([identifier(id)]))),
                ("name", name.map(|name| json!([human_name(name)]))),
            ],
        );
        self.add(
            "PractitionerRole",
            vec![
                ("practitioner", Some(json!({"reference": practitioner}))),
                ("organization", organization.map(|reference| json!({"reference": reference}))),
                ("code", function.map(|code| json!([concept(&coding(code))]))),
                ("specialty", specialty.map(|code| json!([concept(&coding(code))]))),
            ],
        )
    }
}

/// An object of the fields that are known.
pub(super) fn object(fields: Vec<(&str, Option<Value>)>) -> Value {
    Value::Object(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// A CDA code as a FHIR coding.
pub(super) fn coding(code: &Code) -> Coding {
    Coding {
        system: code.system.as_deref().map(fhir_system).unwrap_or_default(),
        code: code.code.clone(),
        display: code.display.clone(),
    }
}

/// A CodeableConcept of one coding.
pub(super) fn concept(coding: &Coding) -> Value {
    json!({"coding": [coding.to_json()]})
}

fn identifier(id: &Identifier) -> Value {
    let id = id.identifier();
    json!({"system": id.system, "value": id.value})
}

fn patient_identifier(id: &Identifier) -> Value {
    let (r#use, system, code) = match InsDomain::from_oid(&id.root) {
        Some(InsDomain::Nir) => ("official", FR_TYPES, "INS-NIR"),
        Some(InsDomain::Nia) => ("temp", FR_TYPES, "INS-NIA"),
        Some(InsDomain::Test) => ("official", FR_TYPES, "INS-NIR-TEST"),
        Some(InsDomain::Demo) => ("official", FR_TYPES, "INS-NIR-DEMO"),
        None => ("usual", "http://terminology.hl7.org/CodeSystem/v2-0203", "PI"),
    };
    let plain = id.identifier();
    json!({
        "use": r#use,
        "type": {"coding": [{"system": system, "code": code}]},
        "system": plain.system,
        "value": plain.value,
    })
}

const FR_TYPES: &str = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203";

fn human_name(name: &Name) -> Value {
    object(vec![
        ("family", name.family.as_ref().map(|family| json!(family))),
        ("given", (!name.given.is_empty()).then(|| json!(name.given))),
        ("prefix", name.prefix.as_ref().map(|prefix| json!([prefix]))),
        ("suffix", name.suffix.as_ref().map(|suffix| json!([suffix]))),
    ])
}

/// AdministrativeGender of HL7 V3 as that of FHIR.
fn gender(code: &str) -> &'static str {
    match code {
        "F" => "female",
        "M" => "male",
        "UN" => "other",
        _ => "unknown",
    }
}
