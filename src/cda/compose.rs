//! Writes documents of our own: the inverse of the reader, for the demo, the letters and the tests
//! (CI-SIS minimal structure, document-sharing §4.1).

use super::{Authenticator, Author, Body, Code, Header, Identifier, Name, Organization, Patient, ServiceEvent, Time};
use crate::xml::Writer;

/// templateIds of a level 1 document: HL7 France, CI-SIS, IHE XDS-SD, and no other.
pub const TEMPLATES_UNSTRUCTURED: [&str; 3] =
    ["2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1", "1.3.6.1.4.1.19376.1.2.20"];

/// templateIds of a structured note: HL7 France, CI-SIS, IHE PCC medical document.
pub const TEMPLATES_NOTE: [&str; 3] =
    ["2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1", "1.3.6.1.4.1.19376.1.5.3.1.1.1"];

/// What a composed document says.
#[derive(Clone)]
pub enum Content<'a> {
    /// Sections of paragraphs: a structuredBody.
    Sections(&'a [Section]),
    /// A file: a nonXMLBody in base64.
    File {
        /// Its MIME type.
        media_type: &'a str,
        /// Its bytes.
        bytes: &'a [u8],
    },
}

/// One section of a structured body.
#[derive(Clone)]
pub struct Section {
    /// Its code.
    pub code: Code,
    /// Its title.
    pub title: String,
    /// Its paragraphs.
    pub paragraphs: Vec<String>,
}

/// Writes a document. What the header does not know is left out; its `body` is ignored in favour of
/// `content`. [`super::read_header`] reads the same header back, but for event codes beyond that of
/// the main act, accession numbers, and white space that the reader folds.
pub fn compose(header: &Header, content: &Content<'_>) -> String {
    let mut writer = Writer::document();
    let w = &mut writer;
    w.start("ClinicalDocument").attribute("xmlns", "urn:hl7-org:v3");
    w.attribute("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");
    w.empty("realmCode", &[("code", Some("FR"))]);
    w.empty("typeId", &[("root", Some("2.16.840.1.113883.1.3")), ("extension", Some("POCD_HD000040"))]);
    header.template_ids.iter().for_each(|template| identifier(w, "templateId", Some(template)));
    identifier(w, "id", header.id.as_ref());
    code(w, "code", header.code.as_ref());
    leaf(w, "title", header.title.as_deref());
    time(w, "effectiveTime", header.effective_time.as_ref());
    code(w, "confidentialityCode", header.confidentiality.as_ref());
    value(w, "languageCode", "code", header.language.as_deref());
    identifier(w, "setId", header.set_id.as_ref());
    value(w, "versionNumber", "value", header.version.as_deref());
    record_target(w, &header.patient);
    header.authors.iter().for_each(|item| author(w, item));
    if let Some(item) = &header.custodian {
        w.start("custodian").start("assignedCustodian");
        organization(w, "representedCustodianOrganization", item, None);
        w.end().end();
    }
    if let Some(item) = &header.legal_authenticator {
        authenticator(w, item);
    }
    for id in &header.orders {
        w.start("inFulfillmentOf").start("order");
        identifier(w, "id", Some(id));
        w.end().end();
    }
    if let Some(event) = &header.service_event {
        service_event(w, event);
    }
    if let Some(id) = &header.replaces {
        w.start("relatedDocument").attribute("typeCode", "RPLC").start("parentDocument");
        identifier(w, "id", Some(id));
        w.end().end();
    }
    component_of(w, header);
    w.start("component");
    body(w, content);
    w.end();
    writer.finish()
}

impl Content<'_> {
    /// The body that a reader of the composed document finds.
    pub fn body(&self) -> Body {
        match self {
            Self::Sections(_) => Body::Structured,
            Self::File { media_type, .. } => {
                Body::NonXml { media_type: Some((*media_type).to_owned()), representation: Some(String::from("B64")) }
            }
        }
    }
}

fn record_target(w: &mut Writer, patient: &Patient) {
    w.start("recordTarget").start("patientRole");
    patient.ids.iter().for_each(|id| identifier(w, "id", Some(id)));
    w.empty("addr", &[("nullFlavor", Some("NASK"))]).empty("telecom", &[("nullFlavor", Some("NASK"))]);
    w.start("patient").attribute("classCode", "PSN").start("name");
    qualified(w, "family", Some("BR"), patient.birth_family.as_deref());
    qualified(w, "given", None, patient.given_names.as_deref());
    qualified(w, "given", Some("BR"), patient.birth_given.as_deref());
    qualified(w, "family", Some("CL"), patient.used_family.as_deref());
    qualified(w, "given", Some("CL"), patient.used_given.as_deref());
    w.end();
    code(w, "administrativeGenderCode", patient.gender.as_ref());
    time(w, "birthTime", patient.birth_time.as_ref());
    if patient.birth_place.is_some() || patient.birth_city.is_some() {
        w.start("birthplace").start("place").start("addr");
        leaf(w, "county", patient.birth_place.as_deref());
        leaf(w, "city", patient.birth_city.as_deref());
        w.end().end().end();
    }
    w.end().end().end();
}

fn author(w: &mut Writer, author: &Author) {
    w.start("author");
    code(w, "functionCode", author.function.as_ref());
    time(w, "time", author.time.as_ref());
    w.start("assignedAuthor");
    identifier(w, "id", author.id.as_ref());
    code(w, "code", author.specialty.as_ref());
    w.empty("addr", &[("nullFlavor", Some("NASK"))]).empty("telecom", &[("nullFlavor", Some("NASK"))]);
    person(w, author.person.as_ref());
    if let Some(device) = &author.device {
        w.start("assignedAuthoringDevice").leaf("softwareName", device).end();
    }
    if let Some(item) = &author.organization {
        organization(w, "representedOrganization", item, None);
    }
    w.end().end();
}

fn authenticator(w: &mut Writer, authenticator: &Authenticator) {
    w.start("legalAuthenticator");
    time(w, "time", authenticator.time.as_ref());
    w.empty("signatureCode", &[("code", Some("S"))]).start("assignedEntity");
    identifier(w, "id", authenticator.id.as_ref());
    code(w, "code", authenticator.specialty.as_ref());
    person(w, authenticator.person.as_ref());
    if let Some(item) = &authenticator.organization {
        organization(w, "representedOrganization", item, None);
    }
    w.end().end();
}

fn service_event(w: &mut Writer, event: &ServiceEvent) {
    w.start("documentationOf").start("serviceEvent");
    code(w, "code", event.code.as_ref());
    w.start("effectiveTime");
    time(w, "low", event.low.as_ref());
    time(w, "high", event.high.as_ref());
    w.end().start("performer").attribute("typeCode", "PRF").start("assignedEntity");
    identifier(w, "id", event.performer.as_ref());
    if let Some(class) = &event.practice_setting {
        organization(w, "representedOrganization", &Organization::default(), Some(class));
    }
    w.end().end().end().end();
}

fn component_of(w: &mut Writer, header: &Header) {
    let Some(facility) = &header.facility else { return };
    w.start("componentOf").start("encompassingEncounter").start("effectiveTime");
    time(w, "low", header.service_event.as_ref().and_then(|event| event.low.as_ref()));
    w.end().start("location").start("healthCareFacility");
    code(w, "code", Some(facility));
    w.end().end().end().end();
}

fn body(w: &mut Writer, content: &Content<'_>) {
    match content {
        Content::File { media_type, bytes } => {
            w.start("nonXMLBody").start("text").attribute("mediaType", media_type);
            w.attribute("representation", "B64").text(&base64_simd::STANDARD.encode_to_string(bytes)).end().end();
        }
        Content::Sections(sections) => {
            w.start("structuredBody");
            for section in *sections {
                w.start("component").start("section");
                code(w, "code", Some(&section.code));
                w.leaf("title", &section.title).start("text");
                for paragraph in &section.paragraphs {
                    w.leaf("paragraph", paragraph);
                }
                w.end().end().end();
            }
            w.end();
        }
    }
}

fn identifier(w: &mut Writer, name: &str, id: Option<&Identifier>) {
    if let Some(id) = id {
        w.empty(name, &[("root", Some(&id.root)), ("extension", id.extension.as_deref())]);
    }
}

fn code(w: &mut Writer, name: &str, code: Option<&Code>) {
    if let Some(code) = code {
        let (system, display) = (code.system.as_deref(), code.display.as_deref());
        w.empty(name, &[("code", Some(&code.code)), ("codeSystem", system), ("displayName", display)]);
    }
}

fn time(w: &mut Writer, name: &str, time: Option<&Time>) {
    value(w, name, "value", time.map(Time::text));
}

fn value(w: &mut Writer, name: &str, attribute: &str, value: Option<&str>) {
    if value.is_some() {
        w.empty(name, &[(attribute, value)]);
    }
}

fn leaf(w: &mut Writer, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        w.leaf(name, text);
    }
}

fn qualified(w: &mut Writer, name: &str, qualifier: Option<&str>, text: Option<&str>) {
    if let Some(text) = text {
        w.start(name);
        if let Some(qualifier) = qualifier {
            w.attribute("qualifier", qualifier);
        }
        w.text(text).end();
    }
}

fn person(w: &mut Writer, name: Option<&Name>) {
    let Some(name) = name else { return };
    w.start("assignedPerson").start("name");
    leaf(w, "prefix", name.prefix.as_deref());
    name.given.iter().for_each(|given| leaf(w, "given", Some(given)));
    leaf(w, "family", name.family.as_deref());
    leaf(w, "suffix", name.suffix.as_deref());
    w.end().end();
}

fn organization(w: &mut Writer, name: &str, organization: &Organization, class: Option<&Code>) {
    w.start(name);
    identifier(w, "id", organization.id.as_ref());
    leaf(w, "name", organization.name.as_deref());
    code(w, "standardIndustryClassCode", class);
    w.end();
}
