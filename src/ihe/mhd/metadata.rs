//! The fiche of a CDA: every metadata of a DocumentEntry that its header tells (document-sharing
//! §1.2, §3.2, T4, T5, T7, T12, T13; ihe §1.3, §1.8).

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};
use uuid::Uuid;

use super::contained::{Contained, coding, concept, object};
use super::format_code;
use crate::cda::{self, Author, Header, Identifier};
use crate::error::{Code, Issue};
use crate::ids::Ins;

pub(super) const PDSM: &str = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/";
pub(super) const MHD: &str = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/";
pub(super) const URN: &str = "urn:ietf:rfc:3986";

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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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

/// A header that lacks what the metadata demands: the CDA element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the CDA header has no usable {0}")]
pub struct Missing(pub &'static str);

impl From<Missing> for Issue {
    fn from(missing: Missing) -> Self {
        Self::new(Code::Missing).rule("document-sharing §3.2").detail(missing.to_string())
    }
}

/// What the bytes of a document are: what a fiche says of them (T13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Integrity {
    /// How many bytes.
    pub size: u64,
    /// SHA-1 of the bytes.
    pub sha1: [u8; 20],
}

impl Integrity {
    /// Of bytes at hand.
    pub fn of(bytes: &[u8]) -> Self {
        Self { size: u64::try_from(bytes.len()).unwrap_or(u64::MAX), sha1: Sha1::digest(bytes).into() }
    }

    /// The hash as FHIR writes it: base64 of the SHA-1.
    pub fn hash(&self) -> String {
        base64_simd::STANDARD.encode_to_string(self.sha1)
    }
}

/// A document to be described, and what its header does not say.
pub struct Described<'a> {
    /// The header of the document.
    pub header: &'a Header,
    /// What its bytes are.
    pub integrity: Integrity,
    /// `text/xml`, or `application/xslt+xml` for a self-presentable document (T12).
    pub content_type: &'a str,
    /// Where it is: the fullUrl of its Binary. None while that is not known.
    pub url: Option<String>,
    /// The INS of the record.
    pub subject: &'a Ins,
    /// When the fiche is made.
    pub at: Timestamp,
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

/// The fiche of a document, under a new `entry_uuid`.
pub fn document_reference(publication: &Described<'_>, entry_uuid: Uuid) -> Result<Value, Missing> {
    let header = publication.header;
    let mut contained = Contained::default();
    let authors = authors(publication.header, publication.author)?;
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
        ("identifier", Some(json!([mhd_identifier("official", "entryUUID", URN, &urn(entry_uuid))]))),
        ("status", Some(json!("current"))),
        ("type", Some(concept(&r#type))),
        ("category", Some(json!([concept(&class)]))),
        ("subject", Some(subject(publication.subject))),
        ("date", Some(json!(instant(publication.at)))),
        ("author", Some(json!(authors))),
        ("authenticator", Some(json!({"reference": authenticator}))),
        ("custodian", custodian),
        (
            "relatesTo",
            publication.replaces.map(|target| json!([{"code": "replaces", "target": {"reference": target}}])),
        ),
        ("securityLabel", Some(labels(publication))),
        ("content", Some(json!([content(publication)?]))),
        ("context", Some(context(publication, &patient)?)),
    ]))
}

fn content(publication: &Described<'_>) -> Result<Value, Missing> {
    let header = publication.header;
    let title = header.title.as_ref().ok_or(Missing("title"))?;
    let created = header.effective_time.as_ref().ok_or(Missing("effectiveTime"))?;
    let attachment = object(vec![
        ("contentType", Some(json!(publication.content_type))),
        ("language", Some(json!(header.language.as_deref().unwrap_or("fr-FR")))),
        ("url", publication.url.as_ref().map(|url| json!(url))),
        ("size", Some(json!(publication.integrity.size))),
        ("hash", Some(json!(publication.integrity.hash()))),
        ("title", Some(json!(title))),
        ("creation", Some(json!(created.to_fhir()))),
    ]);
    Ok(json!({ "attachment": attachment, "format": format_code(header).to_json() }))
}

fn context(publication: &Described<'_>, patient: &str) -> Result<Value, Missing> {
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
        ("related", related(header)),
    ]))
}

/// referenceIdList: the orders that the document fulfils and the accession numbers of imaging.
pub(super) fn related(header: &Header) -> Option<Value> {
    let reference = |id: &Identifier, kind: &str| {
        let plain = id.identifier();
        json!({"identifier": {
            "type": {"coding": [{"system": URN, "code": format!("urn:ihe:iti:xds:2013:{kind}")}]},
            "system": plain.system,
            "value": plain.value,
        }})
    };
    let orders = header.orders.iter().map(|id| reference(id, "order"));
    let all: Vec<_> = orders.chain(header.accessions.iter().map(|id| reference(id, "accession"))).collect();
    (!all.is_empty()).then(|| json!(all))
}

pub(super) fn authors<'a>(header: &'a Header, author: Option<&'a Author>) -> Result<Vec<&'a Author>, Missing> {
    let authors = match author {
        Some(author) => vec![author],
        None => header.authors.iter().collect(),
    };
    if authors.is_empty() { Err(Missing("author")) } else { Ok(authors) }
}

/// A logical reference: the server finds the record by its INS.
pub(super) fn subject(ins: &Ins) -> Value {
    json!({
        "type": "Patient",
        "identifier": {"system": ins.system(), "value": ins.value()},
    })
}

/// An identifier that readers of MHD 4.2.3 know by its use, readers of 4.2.4 by its type (T5).
pub(super) fn mhd_identifier(r#use: &str, kind: &str, system: &str, value: &str) -> Value {
    let types = "https://profiles.ihe.net/ITI/MHD/CodeSystem/IHE.MHD.MHDIdentifierType";
    json!({"use": r#use, "type": {"coding": [{"system": types, "code": kind}]}, "system": system, "value": value})
}

/// The confidentiality of the header, `N` where it has none, and the visibility flags.
fn labels(publication: &Described<'_>) -> Value {
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

pub(super) fn urn(id: Uuid) -> String {
    format!("urn:uuid:{}", id.hyphenated())
}

/// A FHIR instant in French legal time, to the second.
pub(super) fn instant(at: Timestamp) -> String {
    let seconds = Timestamp::from_second(at.as_second()).unwrap_or(at);
    let zone = TimeZone::get("Europe/Paris").unwrap_or(TimeZone::UTC);
    seconds.display_with_offset(zone.to_offset(seconds)).to_string()
}
