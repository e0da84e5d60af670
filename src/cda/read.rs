//! Reads a header: one function per element of CDA R2, nothing past the start of the body
//! (document-sharing §3.2, §4.1, T12).

use super::{Authenticator, Author, Body, Code, Error, Header, Identifier, Name, Organization, Patient};
use super::{ServiceEvent, Time};
use crate::xml::{self, Element, Event, Kind, Limits, Namespace, Reader};

type Read<T = ()> = Result<T, Error>;

/// Reads the header of the first `ClinicalDocument` of `urn:hl7-org:v3`, wherever it stands (a
/// self-presentable document wraps it in a stylesheet), and stops at its body. `bytes` may be the
/// beginning of the document only, if the header is complete in it; else the error is
/// [`Kind::Truncated`].
pub fn read_header(bytes: &[u8]) -> Result<Header, Error> {
    let mut reader = Reader::new(bytes, Limits::HEADER);
    find_clinical_document(&mut reader)?;
    let mut header = Header::default();
    let depth = reader.depth();
    loop {
        match reader.next_event()? {
            Event::Start(element) => {
                if element.is(Namespace::Hl7V3, "component") {
                    header.body = body(&mut reader)?;
                    return Ok(header);
                }
                if element.namespace == Namespace::Hl7V3 {
                    part(&mut reader, element.name(), &element, &mut header)?;
                }
                reader.skip_to(depth)?;
            }
            Event::End => return Ok(header),
            Event::Text(_) => {}
            Event::Eof => return Err(Error::NotCda),
        }
    }
}

/// Reads up to the start tag of the document.
pub(super) fn find_clinical_document(reader: &mut Reader<'_>) -> Read {
    loop {
        match reader.next_event()? {
            Event::Start(element) if element.is(Namespace::Hl7V3, "ClinicalDocument") => return Ok(()),
            Event::Eof => return Err(Error::NotCda),
            Event::Start(_) | Event::End | Event::Text(_) => {}
        }
    }
}

/// Visits the children in the namespace of CDA.
fn each<'a>(reader: &mut Reader<'a>, mut visit: impl FnMut(&mut Reader<'a>, &str, &Element<'a>) -> Read) -> Read {
    reader.children(|reader, element| match element.namespace {
        Namespace::Hl7V3 => visit(reader, element.name(), element),
        _ => Ok(()),
    })
}

fn part(reader: &mut Reader<'_>, name: &str, element: &Element<'_>, header: &mut Header) -> Read {
    match name {
        "templateId" => header.template_ids.extend(identifier(element)?),
        "id" => header.id = identifier(element)?,
        "code" => header.code = code(element)?,
        "title" => header.title = text(reader)?,
        "effectiveTime" => header.effective_time = time(element)?,
        "confidentialityCode" => header.confidentiality = code(element)?,
        "languageCode" => header.language = element.attribute("code")?,
        "setId" => header.set_id = identifier(element)?,
        "versionNumber" => header.version = element.attribute("value")?,
        "recordTarget" if header.patient == Patient::default() => {
            each(reader, |reader, name, _| match name {
                "patientRole" => patient_role(reader, &mut header.patient),
                _ => Ok(()),
            })?;
        }
        "author" => header.authors.push(author(reader)?),
        "custodian" => header.custodian = custodian(reader)?,
        "legalAuthenticator" => header.legal_authenticator = Some(authenticator(reader)?),
        "documentationOf" => documentation_of(reader, header)?,
        "componentOf" => component_of(reader, header)?,
        "inFulfillmentOf" => in_fulfillment_of(reader, header)?,
        "relatedDocument" if element.attribute("typeCode")?.as_deref() == Some("RPLC") => {
            header.replaces = parent_document(reader)?;
        }
        _ => {}
    }
    Ok(())
}

fn patient_role(reader: &mut Reader<'_>, patient: &mut Patient) -> Read {
    each(reader, |reader, name, element| {
        match name {
            "id" => patient.ids.extend(identifier(element)?),
            "patient" => each(reader, |reader, name, element| {
                match name {
                    "name" => patient_name(reader, patient)?,
                    "administrativeGenderCode" => patient.gender = code(element)?,
                    "birthTime" => patient.birth_time = time(element)?,
                    "birthplace" => birthplace(reader, patient)?,
                    _ => {}
                }
                Ok(())
            })?,
            _ => {}
        }
        Ok(())
    })
}

fn patient_name(reader: &mut Reader<'_>, patient: &mut Patient) -> Read {
    let mut unqualified_family = None;
    each(reader, |reader, name, element| {
        let qualifier = element.attribute("qualifier")?;
        let place = match (name, qualifier.as_deref()) {
            ("family", Some("BR")) => &mut patient.birth_family,
            ("family", Some("CL")) => &mut patient.used_family,
            ("family", None) => &mut unqualified_family,
            ("given", Some("BR")) => &mut patient.birth_given,
            ("given", Some("CL")) => &mut patient.used_given,
            ("given", None) => &mut patient.given_names,
            _ => return Ok(()),
        };
        if place.is_none() {
            *place = text(reader)?;
        }
        Ok(())
    })?;
    if patient.birth_family.is_none() {
        patient.birth_family = unqualified_family;
    }
    Ok(())
}

fn birthplace(reader: &mut Reader<'_>, patient: &mut Patient) -> Read {
    each(reader, |reader, name, _| match name {
        "place" => each(reader, |reader, name, _| match name {
            "addr" => each(reader, |reader, name, _| {
                match name {
                    "county" => patient.birth_place = text(reader)?,
                    "city" => patient.birth_city = text(reader)?,
                    _ => {}
                }
                Ok(())
            }),
            _ => Ok(()),
        }),
        _ => Ok(()),
    })
}

fn author(reader: &mut Reader<'_>) -> Read<Author> {
    let mut author = Author::default();
    each(reader, |reader, name, element| {
        match name {
            "time" => author.time = time(element)?,
            "functionCode" => author.function = code(element)?,
            "assignedAuthor" => each(reader, |reader, name, element| {
                match name {
                    "id" if author.id.is_none() => author.id = identifier(element)?,
                    "code" => author.specialty = code(element)?,
                    "assignedPerson" => author.person = person(reader)?,
                    "assignedAuthoringDevice" => author.device = device(reader)?,
                    "representedOrganization" => author.organization = Some(organization(reader)?.0),
                    _ => {}
                }
                Ok(())
            })?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(author)
}

fn device(reader: &mut Reader<'_>) -> Read<Option<String>> {
    let mut device = None;
    each(reader, |reader, name, _| {
        if name == "softwareName" || (name == "manufacturerModelName" && device.is_none()) {
            device = text(reader)?;
        }
        Ok(())
    })?;
    Ok(device)
}

fn custodian(reader: &mut Reader<'_>) -> Read<Option<Organization>> {
    let mut custodian = None;
    each(reader, |reader, name, _| match name {
        "assignedCustodian" => each(reader, |reader, name, _| {
            if name == "representedCustodianOrganization" {
                custodian = Some(organization(reader)?.0);
            }
            Ok(())
        }),
        _ => Ok(()),
    })?;
    Ok(custodian)
}

fn authenticator(reader: &mut Reader<'_>) -> Read<Authenticator> {
    let mut authenticator = Authenticator::default();
    each(reader, |reader, name, element| {
        match name {
            "time" => authenticator.time = time(element)?,
            "assignedEntity" => each(reader, |reader, name, element| {
                match name {
                    "id" if authenticator.id.is_none() => authenticator.id = identifier(element)?,
                    "code" => authenticator.specialty = code(element)?,
                    "assignedPerson" => authenticator.person = person(reader)?,
                    "representedOrganization" => authenticator.organization = Some(organization(reader)?.0),
                    _ => {}
                }
                Ok(())
            })?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(authenticator)
}

/// An organisation and its standardIndustryClassCode.
fn organization(reader: &mut Reader<'_>) -> Read<(Organization, Option<Code>)> {
    let (mut organization, mut class) = (Organization::default(), None);
    each(reader, |reader, name, element| {
        match name {
            "id" if organization.id.is_none() => organization.id = identifier(element)?,
            "name" if organization.name.is_none() => organization.name = text(reader)?,
            "standardIndustryClassCode" => class = code(element)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok((organization, class))
}

fn person(reader: &mut Reader<'_>) -> Read<Option<Name>> {
    let mut person: Option<Name> = None;
    each(reader, |reader, name, _| {
        if name != "name" || person.is_some() {
            return Ok(());
        }
        let mut found = Name::default();
        each(reader, |reader, name, _| {
            match name {
                "family" if found.family.is_none() => found.family = text(reader)?,
                "given" => found.given.extend(text(reader)?),
                "prefix" => found.prefix = text(reader)?,
                "suffix" => found.suffix = text(reader)?,
                _ => {}
            }
            Ok(())
        })?;
        person = Some(found);
        Ok(())
    })?;
    Ok(person)
}

fn documentation_of(reader: &mut Reader<'_>, header: &mut Header) -> Read {
    each(reader, |reader, name, _| {
        if name != "serviceEvent" {
            return Ok(());
        }
        let (event, is_main) = service_event(reader)?;
        header.event_codes.extend(event.code.clone());
        if is_main && header.service_event.is_none() {
            header.service_event = Some(event);
        }
        Ok(())
    })
}

/// A serviceEvent, and whether it may be the main act: it has a performer and an effectiveTime.
fn service_event(reader: &mut Reader<'_>) -> Read<(ServiceEvent, bool)> {
    let mut event = ServiceEvent::default();
    let (mut has_performer, mut has_time) = (false, false);
    each(reader, |reader, name, element| {
        match name {
            "code" => event.code = code(element)?,
            "effectiveTime" => {
                has_time = true;
                event.low = time(element)?;
                each(reader, |_, name, element| {
                    match name {
                        "low" => event.low = time(element)?,
                        "high" => event.high = time(element)?,
                        _ => {}
                    }
                    Ok(())
                })?;
            }
            "performer" if !has_performer => {
                has_performer = true;
                performer(reader, &mut event)?;
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok((event, has_performer && has_time))
}

fn performer(reader: &mut Reader<'_>, event: &mut ServiceEvent) -> Read {
    each(reader, |reader, name, _| match name {
        "assignedEntity" => each(reader, |reader, name, element| {
            match name {
                "id" if event.performer.is_none() => event.performer = identifier(element)?,
                "representedOrganization" => event.practice_setting = organization(reader)?.1,
                _ => {}
            }
            Ok(())
        }),
        _ => Ok(()),
    })
}

fn component_of(reader: &mut Reader<'_>, header: &mut Header) -> Read {
    each(reader, |reader, name, _| match name {
        "encompassingEncounter" => each(reader, |reader, name, _| match name {
            "location" => each(reader, |reader, name, _| match name {
                "healthCareFacility" => each(reader, |_, name, element| {
                    if name == "code" {
                        header.facility = code(element)?;
                    }
                    Ok(())
                }),
                _ => Ok(()),
            }),
            _ => Ok(()),
        }),
        _ => Ok(()),
    })
}

/// The orders, and their accession numbers, which are in a namespace of DICOM.
fn in_fulfillment_of(reader: &mut Reader<'_>, header: &mut Header) -> Read {
    each(reader, |reader, name, _| match name {
        "order" => reader.children(|_, element| {
            match element.name() {
                "id" if element.namespace == Namespace::Hl7V3 => header.orders.extend(identifier(element)?),
                "accessionNumber" => header.accessions.extend(identifier(element)?),
                _ => {}
            }
            Ok(())
        }),
        _ => Ok(()),
    })
}

fn parent_document(reader: &mut Reader<'_>) -> Read<Option<Identifier>> {
    let mut parent = None;
    each(reader, |reader, name, _| match name {
        "parentDocument" => each(reader, |_, name, element| {
            if name == "id" && parent.is_none() {
                parent = identifier(element)?;
            }
            Ok(())
        }),
        _ => Ok(()),
    })?;
    Ok(parent)
}

/// What is in the `component` just started. The bytes may end soon after it: the header is whole.
pub(super) fn body(reader: &mut Reader<'_>) -> Read<Body> {
    let depth = reader.depth();
    let mut body = Body::Absent;
    loop {
        let event = match reader.next_event() {
            Err(xml::Error { kind: Kind::Truncated, .. }) => return Ok(body),
            event => event?,
        };
        match event {
            Event::Start(element) if element.is(Namespace::Hl7V3, "structuredBody") => return Ok(Body::Structured),
            Event::Start(element) if element.is(Namespace::Hl7V3, "nonXMLBody") => {
                body = Body::NonXml { media_type: None, representation: None };
            }
            Event::Start(element) if element.is(Namespace::Hl7V3, "text") && body != Body::Absent => {
                let media_type = element.attribute("mediaType")?;
                return Ok(Body::NonXml { media_type, representation: element.attribute("representation")? });
            }
            Event::End if reader.depth() < depth => return Ok(body),
            Event::Start(_) | Event::End | Event::Text(_) => {}
            Event::Eof => return Ok(body),
        }
    }
}

fn identifier(element: &Element<'_>) -> Read<Option<Identifier>> {
    let extension = element.attribute("extension")?;
    Ok(element.attribute("root")?.map(|root| Identifier { root, extension }))
}

fn code(element: &Element<'_>) -> Read<Option<Code>> {
    let mut found = Code::default();
    for attribute in element.attributes() {
        let attribute = attribute?;
        match attribute.name {
            "code" => found.code = attribute.value.into_owned(),
            "codeSystem" => found.system = Some(attribute.value.into_owned()),
            "displayName" => found.display = Some(attribute.value.into_owned()),
            _ => {}
        }
    }
    Ok((!found.code.is_empty()).then_some(found))
}

fn time(element: &Element<'_>) -> Read<Option<Time>> {
    Ok(element.attribute("value")?.and_then(|value| Time::parse(&value)))
}

/// Text with its white space folded; `None` where there is nothing but that.
fn text(reader: &mut Reader<'_>) -> Read<Option<String>> {
    let words = reader.text()?.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok((!words.is_empty()).then_some(words))
}
