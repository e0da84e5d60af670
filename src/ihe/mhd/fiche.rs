//! What a publishing software sends: fiche, submission set and document in one ITI-65 bundle
//! (document-sharing §1.2, T4, T5, T12, T13; ihe §1.2).

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};
use uuid::Uuid;

use super::contained::{Contained, coding, concept, object};
use super::format_code;
use crate::cda::{self, Author, Header};
use crate::error::{Code, Issue};
use crate::ids::{IdSource, Ins};

const PDSM: &str = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/";
const MHD: &str = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/";
const URN: &str = "urn:ietf:rfc:3986";

/// The profiles that a bundle claims. The content satisfies both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pack {
    /// PDSm, the French profiles.
    #[default]
    Pdsm,
    /// IHE MHD, Comprehensive Metadata.
    Mhd,
}

/// A FHIR coding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coding {
    /// The code system.
    pub system: String,
    /// The code.
    pub code: String,
    /// Its display.
    pub display: Option<String>,
}

impl Coding {
    /// The coding as JSON.
    pub fn to_json(&self) -> Value {
        object(vec![
            ("system", (!self.system.is_empty()).then(|| json!(self.system))),
            ("code", Some(json!(self.code))),
            ("display", self.display.as_ref().map(|display| json!(display))),
        ])
    }
}

/// A document about to be published, and what the header does not say.
pub struct Publication<'a> {
    /// The header of the document.
    pub header: &'a Header,
    /// The document.
    pub bytes: &'a [u8],
    /// `text/xml`, or `application/xslt+xml` for a self-presentable document (T12).
    pub content_type: &'a str,
    /// The INS of the record.
    pub subject: &'a Ins,
    /// When the set is submitted.
    pub at: Timestamp,
    /// OID of the publishing software's instance: sourceId.
    pub source_oid: &'a str,
    /// The profiles claimed.
    pub pack: Pack,
    /// Visibility flags of TRE_A07 (`MASQUE_PS`, `INVISIBLE_PATIENT`...) beside confidentiality.
    pub flags: &'a [&'a str],
    /// The author who publishes, where it is not the header's.
    pub author: Option<&'a Author>,
    /// Reference of the fiche that this one replaces.
    pub replaces: Option<&'a str>,
    /// The class of a type (system, code): ASS_X16.
    pub class_of: &'a dyn Fn(&str, &str) -> Option<Coding>,
}

/// A header that lacks what the metadata demands: the CDA element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the CDA header has no usable {0}")]
pub struct Missing(pub &'static str);

impl From<Missing> for Issue {
    fn from(missing: Missing) -> Self {
        Self::new(Code::Missing).rule("document-sharing §3.2").detail(missing.to_string())
    }
}

/// The ids that a bundle gives to its entries.
struct Entries {
    list: Uuid,
    fiche: Uuid,
    binary: Uuid,
    unique: Uuid,
}

/// An ITI-65 Provide Document Bundle of one document.
pub fn provide_bundle(publication: &Publication<'_>, ids: &dyn IdSource) -> Result<Value, Missing> {
    let draw = || ids.uuid(publication.at);
    let entries = Entries { list: draw(), fiche: draw(), binary: draw(), unique: draw() };
    let profile = match publication.pack {
        Pack::Pdsm => format!("{PDSM}pdsm-comprehensive-provide-document-bundle"),
        Pack::Mhd => format!("{MHD}IHE.MHD.Comprehensive.ProvideBundle"),
    };
    let entry = |id: Uuid, kind: &str, resource: Value| json!({"fullUrl": urn(id), "resource": resource, "request": {"method": "POST", "url": kind}});
    let binary = json!({
        "resourceType": "Binary",
        "contentType": publication.content_type,
        "data": base64_simd::STANDARD.encode_to_string(publication.bytes),
    });
    Ok(json!({
        "resourceType": "Bundle",
        "meta": {"profile": [profile]},
        "type": "transaction",
        "timestamp": instant(publication.at),
        "entry": [
            entry(entries.list, "List", submission_set(publication, &entries)?),
            entry(entries.fiche, "DocumentReference", document_reference(publication, &entries)?),
            entry(entries.binary, "Binary", binary),
        ],
    }))
}

fn document_reference(publication: &Publication<'_>, entries: &Entries) -> Result<Value, Missing> {
    let header = publication.header;
    let mut contained = Contained::default();
    let authors = authors(publication)?;
    let authors: Vec<_> =
        authors.into_iter().map(|author| (author, contained.author(author, &header.patient).0)).collect();
    let authenticator = header.legal_authenticator.as_ref().ok_or(Missing("legalAuthenticator"))?;
    let authenticator = contained.authenticator(authenticator, &authors);
    let custodian = header.custodian.as_ref().map(|custodian| json!({"reference": contained.organization(custodian)}));
    let patient = contained.patient(&header.patient);
    let r#type = coding(header.code.as_ref().ok_or(Missing("code"))?);
    let class = (publication.class_of)(&r#type.system, &r#type.code).ok_or(Missing("code with a class in ASS_X16"))?;
    let unique = header.id.as_ref().ok_or(Missing("id"))?.identifier();
    let authors: Vec<_> = authors.into_iter().map(|(_, reference)| json!({"reference": reference})).collect();
    let profile = match publication.pack {
        Pack::Pdsm => format!("{PDSM}pdsm-comprehensive-document-reference"),
        Pack::Mhd => format!("{MHD}IHE.MHD.Comprehensive.DocumentReference"),
    };
    Ok(object(vec![
        ("resourceType", Some(json!("DocumentReference"))),
        ("meta", Some(json!({"profile": [profile]}))),
        ("contained", Some(json!(contained.into_resources()))),
        ("masterIdentifier", Some(mhd_identifier("usual", "uniqueId", &unique.system, &unique.value))),
        ("identifier", Some(json!([mhd_identifier("official", "entryUUID", URN, &urn(entries.fiche))]))),
        ("status", Some(json!("current"))),
        ("type", Some(concept(&r#type))),
        ("category", Some(json!([concept(&class)]))),
        ("subject", Some(subject(publication))),
        ("date", Some(json!(instant(publication.at)))),
        ("author", Some(json!(authors))),
        ("authenticator", Some(json!({"reference": authenticator}))),
        ("custodian", custodian),
        (
            "relatesTo",
            publication.replaces.map(|target| json!([{"code": "replaces", "target": {"reference": target}}])),
        ),
        ("securityLabel", Some(labels(publication))),
        ("content", Some(json!([content(publication, entries)?]))),
        ("context", Some(context(publication, &patient)?)),
    ]))
}

fn content(publication: &Publication<'_>, entries: &Entries) -> Result<Value, Missing> {
    let header = publication.header;
    let title = header.title.as_ref().ok_or(Missing("title"))?;
    let created = header.effective_time.as_ref().ok_or(Missing("effectiveTime"))?;
    let hash = base64_simd::STANDARD.encode_to_string(Sha1::digest(publication.bytes));
    Ok(json!({
        "attachment": {
            "contentType": publication.content_type,
            "language": header.language.as_deref().unwrap_or("fr-FR"),
            "url": urn(entries.binary),
            "size": publication.bytes.len(),
            "hash": hash,
            "title": title,
            "creation": created.to_fhir(),
        },
        "format": format_code(header).to_json(),
    }))
}

fn context(publication: &Publication<'_>, patient: &str) -> Result<Value, Missing> {
    let header = publication.header;
    let event = header.service_event.as_ref().ok_or(Missing("documentationOf/serviceEvent"))?;
    let start = event.low.as_ref().ok_or(Missing("documentationOf/serviceEvent/effectiveTime/low"))?;
    let setting = event.practice_setting.as_ref().ok_or(Missing("standardIndustryClassCode"))?;
    let facility = header.facility.as_ref().ok_or(Missing("healthCareFacility/code"))?;
    let events: Vec<_> = header.event_codes.iter().map(|code| concept(&coding(code))).collect();
    let period = object(vec![
        ("start", Some(json!(start.to_fhir()))),
        ("end", event.high.as_ref().map(|high| json!(high.to_fhir()))),
    ]);
    Ok(object(vec![
        ("event", (!events.is_empty()).then(|| json!(events))),
        ("period", Some(period)),
        ("facilityType", Some(concept(&coding(facility)))),
        ("practiceSetting", Some(concept(&coding(setting)))),
        ("sourcePatientInfo", Some(json!({"reference": patient}))),
    ]))
}

fn submission_set(publication: &Publication<'_>, entries: &Entries) -> Result<Value, Missing> {
    let header = publication.header;
    let mut contained = Contained::default();
    let first = authors(publication)?.into_iter().next().ok_or(Missing("author"))?;
    let (author, organization) = contained.author(first, &header.patient);
    let organization = organization
        .map(|reference| json!([{"url": format!("{MHD}ihe-authorOrg"), "valueReference": {"reference": reference}}]));
    let profile = match publication.pack {
        Pack::Pdsm => format!("{PDSM}pdsm-submissionset-comprehensive"),
        Pack::Mhd => format!("{MHD}IHE.MHD.Comprehensive.SubmissionSet"),
    };
    let content_type = Coding {
        system: crate::ihe::fhir_system("1.2.250.1.213.2.2"),
        code: String::from("07"),
        display: Some(String::from("Consultations soins externes")),
    };
    let unique = format!("urn:oid:2.25.{}", entries.unique.as_u128());
    Ok(object(vec![
        ("resourceType", Some(json!("List"))),
        ("meta", Some(json!({"profile": [profile]}))),
        ("contained", Some(json!(contained.into_resources()))),
        (
            "extension",
            Some(json!([
                {"url": format!("{MHD}ihe-designationType"), "valueCodeableConcept": concept(&content_type)},
                {
                    "url": format!("{MHD}ihe-sourceId"),
                    "valueIdentifier": {"system": URN, "value": format!("urn:oid:{}", publication.source_oid)},
                },
            ])),
        ),
        (
            "identifier",
            Some(json!([
                mhd_identifier("usual", "uniqueId", URN, &unique),
                mhd_identifier("official", "entryUUID", URN, &urn(entries.list)),
            ])),
        ),
        ("status", Some(json!("current"))),
        ("mode", Some(json!("working"))),
        ("title", header.title.as_ref().map(|title| json!(title))),
        (
            "code",
            Some(json!({"coding": [{
                "system": "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes",
                "code": "submissionset",
            }]})),
        ),
        ("subject", Some(subject(publication))),
        ("date", Some(json!(instant(publication.at)))),
        ("source", Some(object(vec![("extension", organization), ("reference", Some(json!(author)))]))),
        ("entry", Some(json!([{"item": {"reference": urn(entries.fiche)}}]))),
    ]))
}

fn authors<'a>(publication: &Publication<'a>) -> Result<Vec<&'a Author>, Missing> {
    let authors = match publication.author {
        Some(author) => vec![author],
        None => publication.header.authors.iter().collect(),
    };
    if authors.is_empty() { Err(Missing("author")) } else { Ok(authors) }
}

/// A logical reference: the server finds the record by its INS.
fn subject(publication: &Publication<'_>) -> Value {
    json!({
        "type": "Patient",
        "identifier": {"system": publication.subject.system(), "value": publication.subject.value()},
    })
}

/// An identifier that readers of MHD 4.2.3 know by its use, readers of 4.2.4 by its type (T5).
fn mhd_identifier(r#use: &str, kind: &str, system: &str, value: &str) -> Value {
    let types = "https://profiles.ihe.net/ITI/MHD/CodeSystem/IHE.MHD.MHDIdentifierType";
    json!({"use": r#use, "type": {"coding": [{"system": types, "code": kind}]}, "system": system, "value": value})
}

/// The confidentiality of the header, `N` where it has none, and the visibility flags.
fn labels(publication: &Publication<'_>) -> Value {
    let normal = cda::Code::new("N", "2.16.840.1.113883.5.25", "normal");
    let confidentiality = publication.header.confidentiality.as_ref().unwrap_or(&normal);
    let flag = |code: &&str| Coding {
        system: crate::ihe::fhir_system("1.2.250.1.213.1.1.4.13"),
        code: (*code).to_owned(),
        display: None,
    };
    let labels: Vec<_> = std::iter::once(coding(confidentiality)).chain(publication.flags.iter().map(flag)).collect();
    Value::Array(labels.iter().map(concept).collect())
}

fn urn(id: Uuid) -> String {
    format!("urn:uuid:{}", id.hyphenated())
}

/// A FHIR instant in French legal time, to the second.
fn instant(at: Timestamp) -> String {
    let seconds = Timestamp::from_second(at.as_second()).unwrap_or(at);
    let zone = TimeZone::get("Europe/Paris").unwrap_or(TimeZone::UTC);
    seconds.display_with_offset(zone.to_offset(seconds)).to_string()
}
