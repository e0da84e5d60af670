//! A fiche and a submission set of our own, with every element a search may name.

use serde_json::{Value, json};

/// A fiche by a general practitioner, of a record whose id is `0000000000042`.
pub(crate) fn fiche() -> Value {
    json!({
        "resourceType": "DocumentReference",
        "id": "0000000000042-01h00000000000000000000000",
        "meta": {
            "profile": ["https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-document-reference"],
            "tag": [{ "system": "https://example.org/etiquette", "code": "essai" }]
        },
        "contained": [
            {
                "resourceType": "Practitioner", "id": "martin",
                "identifier": [{ "system": "urn:oid:1.2.250.1.71.4.2.1", "value": "801234567897" }],
                "name": [{ "family": "Martin-Lefèvre", "given": ["Hélène"] }]
            },
            {
                "resourceType": "PractitionerRole", "id": "role",
                "practitioner": { "reference": "#martin" },
                "organization": { "identifier": { "system": "urn:oid:1.2.250.1.71.4.2.2", "value": "401234567897001" } }
            },
            {
                "resourceType": "Patient", "id": "source",
                "identifier": [{ "system": "urn:oid:1.2.250.1.213.1.4.10", "value": "279035121518989" }]
            }
        ],
        "extension": [{
            "url": "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived",
            "valueBoolean": false
        }],
        "masterIdentifier": { "system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.250.1.999.1" },
        "identifier": [{ "system": "urn:ietf:rfc:3986", "value": "urn:uuid:0195a0c0-0000-7000-8000-000000000001" }],
        "status": "current",
        "type": { "coding": [{ "system": "http://loinc.org", "code": "11488-4" }] },
        "category": [{ "coding": [{ "system": "urn:oid:1.2.250.1.213.1.1.4.1", "code": "10" }] }],
        "subject": { "reference": "Patient/0000000000042" },
        "date": "2026-06-12T10:00:00+02:00",
        "author": [{ "reference": "#role" }],
        "authenticator": { "reference": "#role" },
        "custodian": { "identifier": { "system": "https://finess.esante.gouv.fr", "value": "750803447" } },
        "relatesTo": [{
            "code": "replaces",
            "target": { "reference": "https://localhost:8443/fhir/DocumentReference/0000000000042-01g00000000000000000000000/_history/1" }
        }],
        "description": "Compte rendu de consultation",
        "securityLabel": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N" }] }],
        "content": [{
            "attachment": {
                "contentType": "text/xml", "language": "fr-FR",
                "url": "Binary/0000000000042-01h00000000000000000000001",
                "size": 80, "hash": "A/hMRrv6Y15BjSM8kMLidrz+mHc=",
                "title": "Compte rendu", "creation": "2026-06-11T23:30:00+02:00"
            },
            "format": { "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode", "code": "urn:ihe:pcc:xds-ms:2007" }
        }],
        "context": context()
    })
}

fn context() -> Value {
    json!({
            "event": [{ "coding": [{ "system": "urn:oid:1.2.250.1.213.2.5", "code": "DEQP003" }] }],
            "period": { "start": "2026-06-10T08:00:00+02:00" },
            "facilityType": { "coding": [{ "system": "urn:oid:1.2.250.1.71.4.2.4", "code": "SA07" }] },
            "practiceSetting": { "coding": [{ "system": "urn:oid:1.2.250.1.213.1.1.4.9", "code": "AMBULATOIRE" }] },
            "sourcePatientInfo": { "reference": "#source" },
            "related": [{ "identifier": { "system": "urn:oid:1.2.3", "value": "ACC-1" } }]
    })
}

/// The submission set the fiche came with.
pub(crate) fn submission_set() -> Value {
    json!({
        "resourceType": "List",
        "contained": [
            { "resourceType": "Practitioner", "id": "p", "name": [{ "family": "Petit", "given": ["Zoé"] }],
              "identifier": [{ "system": "https://rpps.esante.gouv.fr", "value": "01234567897" }] },
            { "resourceType": "Organization", "id": "o", "name": "Cabinet du Parc",
              "identifier": [{ "system": "https://sirene.fr", "value": "18751275100020" }] }
        ],
        "extension": [
            { "url": "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-designationType",
              "valueCodeableConcept": { "coding": [{ "system": "urn:oid:1.2.250.1.213.2.2", "code": "04" }] } },
            { "url": "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-sourceId",
              "valueIdentifier": { "system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3.4" } },
            { "url": "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived", "valueBoolean": true },
            { "url": "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-intendedRecipient", "valueReference": { "reference": "#p" } }
        ],
        "identifier": [{ "system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.250.1.999.2" }],
        "status": "current", "mode": "working", "title": "Envoi du 12 juin",
        "code": { "coding": [{ "system": "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes", "code": "submissionset" }] },
        "subject": { "reference": "Patient?identifier=urn:oid:1.2.250.1.213.1.4.10|279035121518989" },
        "date": "2026-06-12T10:00:00Z",
        "source": {
            "reference": "#p",
            "extension": [{ "url": "https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-authorOrg",
                            "valueReference": { "reference": "#o" } }]
        },
        "entry": [{ "item": { "reference": "DocumentReference/d1" } }]
    })
}
