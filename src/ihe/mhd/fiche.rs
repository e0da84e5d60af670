//! What a publishing software sends: fiche, submission set and document in one ITI-65 bundle
//! (document-sharing §1.2, T4, T5, T12, T13; ihe §1.2).

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::contained::{Contained, concept, object};
use super::metadata::{
    Coding, Described, Integrity, MHD, Missing, PDSM, Pack, URN, authors, document_reference, instant, mhd_identifier,
    subject, urn,
};
use crate::cda::{Author, Header};
use crate::ids::{IdSource, Ins};

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
            entry(entries.fiche, "DocumentReference", document_reference(&described(publication, &entries), entries.fiche)?),
            entry(entries.binary, "Binary", binary),
        ],
    }))
}

fn described<'a>(publication: &Publication<'a>, entries: &Entries) -> Described<'a> {
    Described {
        header: publication.header,
        integrity: Integrity::of(publication.bytes),
        content_type: publication.content_type,
        url: Some(urn(entries.binary)),
        subject: publication.subject,
        at: publication.at,
        pack: publication.pack,
        flags: publication.flags,
        author: publication.author,
        replaces: publication.replaces,
        class_of: publication.class_of,
    }
}

fn submission_set(publication: &Publication<'_>, entries: &Entries) -> Result<Value, Missing> {
    let header = publication.header;
    let mut contained = Contained::default();
    let first = authors(header, publication.author)?.into_iter().next().ok_or(Missing("author"))?;
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
        ("subject", Some(subject(publication.subject))),
        ("date", Some(json!(instant(publication.at)))),
        ("source", Some(object(vec![("extension", organization), ("reference", Some(json!(author)))]))),
        ("entry", Some(json!([{"item": {"reference": urn(entries.fiche)}}]))),
    ]))
}
