//! What the CI-SIS asks of the header of a CDA, each rule under a key of ours (document-sharing §4.1, T16-T18).

use crate::cda::{self, Body, Header, Identifier};
use crate::error::{Code, Issue};
use crate::fhir::terminology;
use crate::fhir::validate::Conformance;
use crate::ids::{ElementPath, Ins, InsDomain};
use crate::xml::{self, Element, Event, Limits, Namespace, Reader};

/// Struct_IdNat.
const STRUCTURES: &str = "1.2.250.1.71.4.2.2";
/// XDS-SD: level 1.
const UNSTRUCTURED: &str = "1.3.6.1.4.1.19376.1.2.20";
/// The French header and the CI-SIS.
const TEMPLATES: [&str; 2] = ["2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1"];
/// What a level 1 body may hold, by the formats of JDV_J60.
const MEDIA: [&str; 5] = ["application/pdf", "text/plain", "text/rtf", "image/jpeg", "image/tiff"];

/// How much a rule weighs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// An error, whatever the mode: nothing can be done without.
    Always,
    /// An error but under `lenient`.
    Usual,
    /// An error under `strict` only: case 74, and what many published documents break.
    Strict,
    /// Told, never refused.
    Advice,
}

/// Judges the whole document: its header by the rules, its body as far as it must be well-formed.
/// A document that cannot be read has one issue, [`Code::Document`].
pub fn judge(bytes: &[u8], mode: Conformance) -> Vec<Issue> {
    let read = || -> Result<(Header, Facts), cda::Error> {
        cda::probe(bytes)?;
        Ok((cda::read_header(bytes)?, facts(bytes)?))
    };
    match read() {
        Err(error) => vec![error.into()],
        Ok((header, facts)) => {
            let mut judge = Judge { mode, issues: Vec::new() };
            judge.elements(&header, &facts);
            judge.patient(&header);
            judge.actors(&header, &facts);
            judge.codes(&header);
            judge.body(&header);
            judge.issues
        }
    }
}

/// What a header says that its metadata do not need.
#[derive(Default)]
struct Facts {
    realm: Option<String>,
    type_id: Option<(String, String)>,
    signature: Option<String>,
    data_enterers: usize,
    replaced: usize,
    encounter: bool,
    service_events: usize,
}

fn facts(bytes: &[u8]) -> Result<Facts, cda::Error> {
    let mut reader = Reader::new(bytes, Limits::HEADER);
    loop {
        match reader.next_event()? {
            Event::Start(element) if element.is(Namespace::Hl7V3, "ClinicalDocument") => break,
            Event::Eof => return Err(cda::Error::NotCda),
            Event::Start(_) | Event::End | Event::Text(_) => {}
        }
    }
    let (mut facts, depth) = (Facts::default(), reader.depth());
    loop {
        match reader.next_event()? {
            Event::Start(element) if element.is(Namespace::Hl7V3, "component") => return Ok(facts),
            Event::Start(element) => {
                fact(&mut reader, &element, &mut facts)?;
                reader.skip_to(depth)?;
            }
            Event::End | Event::Eof => return Ok(facts),
            Event::Text(_) => {}
        }
    }
}

fn fact<'a>(reader: &mut Reader<'a>, element: &Element<'a>, facts: &mut Facts) -> Result<(), xml::Error> {
    match element.name() {
        "realmCode" => facts.realm = element.attribute("code")?,
        "typeId" => facts.type_id = element.attribute("root")?.zip(element.attribute("extension")?),
        "dataEnterer" => facts.data_enterers += 1,
        "relatedDocument" if element.attribute("typeCode")?.as_deref() == Some("RPLC") => facts.replaced += 1,
        "legalAuthenticator" => reader.children(|_, child| {
            if child.is(Namespace::Hl7V3, "signatureCode") {
                facts.signature = child.attribute("code")?;
            }
            Ok::<(), xml::Error>(())
        })?,
        "documentationOf" => reader.children(|_, child| {
            facts.service_events += usize::from(child.is(Namespace::Hl7V3, "serviceEvent"));
            Ok::<(), xml::Error>(())
        })?,
        "componentOf" => reader.children(|_, child| {
            facts.encounter |= child.is(Namespace::Hl7V3, "encompassingEncounter");
            Ok::<(), xml::Error>(())
        })?,
        _ => {}
    }
    Ok(())
}

struct Judge {
    mode: Conformance,
    issues: Vec<Issue>,
}

/// `recordTarget/patientRole` as a path.
fn at(path: &str) -> ElementPath {
    let steps = path.split('/').filter(|step| !step.is_empty());
    steps.fold(ElementPath::root("ClinicalDocument"), |path, step| path.child(step))
}

impl Judge {
    fn ask(&mut self, holds: bool, weight: Weight, code: Code, rule: &'static str, path: &str, expected: &str) {
        if holds {
            return;
        }
        let is_error = match weight {
            Weight::Always => true,
            Weight::Usual => self.mode != Conformance::Lenient,
            Weight::Strict => self.mode == Conformance::Strict,
            Weight::Advice => false,
        };
        let issue = Issue::new(code).rule(rule).at(at(path)).detail(format!("({expected})"));
        self.issues.push(if is_error { issue } else { issue.warning() });
    }

    fn has(&mut self, holds: bool, weight: Weight, rule: &'static str, path: &str) {
        self.ask(holds, weight, Code::Missing, rule, path, "min 1");
    }

    /// The elements that stand once, or at least once.
    fn elements(&mut self, header: &Header, facts: &Facts) {
        let is_type = |id: &(String, String)| id.0 == "2.16.840.1.113883.1.3" && id.1 == "POCD_HD000040";
        let realm = facts.realm.as_deref() == Some("FR");
        self.ask(realm, Weight::Usual, Code::Profile, "cda-realm", "realmCode", "FR");
        let type_id = facts.type_id.as_ref().is_some_and(is_type);
        let expected = "2.16.840.1.113883.1.3, POCD_HD000040";
        self.ask(type_id, Weight::Usual, Code::Profile, "cda-type-id", "typeId", expected);
        for template in TEMPLATES {
            let holds = header.has_template(template);
            self.ask(holds, Weight::Usual, Code::Profile, "cda-template", "templateId", template);
        }
        let others = header.template_ids.iter().filter(|id| !TEMPLATES.contains(&id.root.as_str())).count();
        self.ask(others > 0, Weight::Usual, Code::Missing, "cda-template-model", "templateId", "min 3");
        self.has(header.id.is_some(), Weight::Always, "cda-id", "id");
        self.has(header.code.is_some(), Weight::Always, "cda-code", "code");
        self.has(header.title.is_some(), Weight::Usual, "cda-title", "title");
        self.has(header.effective_time.is_some(), Weight::Always, "cda-effective-time", "effectiveTime");
        self.has(header.confidentiality.is_some(), Weight::Usual, "cda-confidentiality", "confidentialityCode");
        let language = header.language.as_deref().is_some_and(is_language);
        self.ask(language, Weight::Usual, Code::Profile, "cda-language", "languageCode", "xx-XX");
        self.has(header.set_id.is_some(), Weight::Usual, "cda-set-id", "setId");
        let is_number = |text: &String| text.parse::<u32>().is_ok_and(|number| number > 0);
        let version = header.version.as_ref().is_some_and(is_number);
        self.ask(version, Weight::Usual, Code::Profile, "cda-version", "versionNumber", "1..");
        let enterers = facts.data_enterers <= 1;
        self.ask(enterers, Weight::Usual, Code::Profile, "cda-data-enterer", "dataEnterer", "max 1");
        let replaced = facts.replaced <= 1;
        self.ask(replaced, Weight::Usual, Code::Profile, "cda-related-document", "relatedDocument", "RPLC: max 1");
        let parent = facts.replaced == 0 || header.replaces.is_some();
        self.has(parent, Weight::Always, "cda-parent-document", "relatedDocument/parentDocument/id");
    }

    /// recordTarget: identifiers, and all traits where one of them is an INS (document-sharing §2).
    fn patient(&mut self, header: &Header) {
        let role = "recordTarget/patientRole";
        let ids = &header.patient.ids;
        let complete =
            !ids.is_empty() && ids.iter().all(|id| id.extension.as_ref().is_some_and(|text| !text.is_empty()));
        self.has(complete, Weight::Always, "cda-patient-id", &format!("{role}/id"));
        let patient = format!("{role}/patient");
        self.has(header.patient.birth_family.is_some(), Weight::Usual, "cda-patient-name", &format!("{patient}/name"));
        let gender = header.patient.gender.as_ref();
        let gender = gender.is_some_and(|code| ["M", "F", "U"].contains(&code.code.as_str()));
        let path = format!("{patient}/administrativeGenderCode");
        self.ask(gender, Weight::Usual, Code::Binding, "cda-patient-gender", &path, "JDV_J143");
        let birth = header.patient.birth_time.is_some();
        self.has(birth, Weight::Usual, "cda-patient-birth-time", &format!("{patient}/birthTime"));
        let mut has_ins = false;
        for id in ids {
            let Some(domain) = InsDomain::from_oid(&id.root) else { continue };
            has_ins = true;
            let ins = id.extension.as_deref().and_then(|value| Ins::parse(&id.root, value).ok());
            // Contract §8: binding under .8 and .9, a warning under .10 and .11 (T17).
            let weight = if domain.key_is_binding() { Weight::Usual } else { Weight::Advice };
            let holds = ins.is_some_and(|ins| ins.key_is_valid());
            self.ask(holds, weight, Code::InsKey, "cda-ins-key", &format!("{role}/id"), domain.oid());
        }
        self.ask(has_ins, Weight::Strict, Code::Missing, "cda-ins", &format!("{role}/id"), "INS");
        for trait_path in if has_ins { header.missing_ins_traits() } else { Vec::new() } {
            self.ask(false, Weight::Strict, Code::Missing, "cda-ins-trait", &patient, trait_path);
        }
    }

    fn actors(&mut self, header: &Header, facts: &Facts) {
        self.has(!header.authors.is_empty(), Weight::Always, "cda-author", "author");
        let all_named = header.authors.iter().all(|author| author.id.is_some());
        self.has(all_named, Weight::Usual, "cda-author-id", "author/assignedAuthor/id");
        let path = "custodian/assignedCustodian/representedCustodianOrganization/id";
        let custodian = header.custodian.as_ref().and_then(|custodian| custodian.id.as_ref());
        self.has(header.custodian.is_some(), Weight::Usual, "cda-custodian", "custodian");
        if header.custodian.is_some() {
            let national = custodian.is_some_and(|id| id.root == STRUCTURES);
            self.ask(national, Weight::Usual, Code::Profile, "cda-custodian-id", path, STRUCTURES);
        }
        self.has(header.legal_authenticator.is_some(), Weight::Usual, "cda-legal-authenticator", "legalAuthenticator");
        if header.legal_authenticator.is_some() {
            let signed = facts.signature.as_deref() == Some("S");
            let path = "legalAuthenticator/signatureCode";
            self.ask(signed, Weight::Usual, Code::Profile, "cda-signature-code", path, "S");
        }
        self.has(facts.service_events > 0, Weight::Usual, "cda-documentation-of", "documentationOf/serviceEvent");
        if facts.service_events > 0 {
            let main = header.service_event.is_some();
            let path = "documentationOf/serviceEvent";
            self.ask(main, Weight::Usual, Code::Missing, "cda-main-act", path, "performer, effectiveTime");
        }
        self.has(facts.encounter, Weight::Usual, "cda-encounter", "componentOf/encompassingEncounter");
    }

    /// Codes against the value sets of the CI-SIS and of the DMP.
    fn codes(&mut self, header: &Header) {
        let event = header.service_event.as_ref();
        for (code, set, rule, path) in [
            (header.code.as_ref(), "JDV_J07-XdsTypeCode-CISIS", "cda-code-set", "code"),
            (
                header.confidentiality.as_ref(),
                "JDV_J08-XdsConfidentialityCode-CISIS",
                "cda-confidentiality-set",
                "confidentialityCode",
            ),
            (
                header.facility.as_ref(),
                "JDV_J02-XdsHealthcareFacilityTypeCode-CISIS",
                "cda-facility-set",
                "componentOf/encompassingEncounter/location/healthCareFacility/code",
            ),
            (
                event.and_then(|event| event.practice_setting.as_ref()),
                "JDV_J04-XdsPracticeSettingCode-CISIS",
                "cda-practice-setting-set",
                "documentationOf/serviceEvent/performer/assignedEntity/representedOrganization/standardIndustryClassCode",
            ),
        ] {
            let is_in =
                |code: &cda::Code| terminology::is_member(set, code.system.as_deref().unwrap_or_default(), &code.code);
            self.ask(code.is_none_or(is_in), Weight::Strict, Code::Binding, rule, path, set);
        }
    }

    /// The body is there; a level 1 body is of a kind the DMP has a format for.
    fn body(&mut self, header: &Header) {
        self.has(header.body != Body::Absent, Weight::Always, "cda-component", "component");
        let Body::NonXml { media_type, representation } = &header.body else {
            let template = !header.has_template(UNSTRUCTURED) || header.body == Body::Absent;
            let path = "component/structuredBody";
            return self.ask(template, Weight::Usual, Code::Profile, "cda-level-1-template", path, "nonXMLBody");
        };
        let holds = |id: &Identifier| id.root == UNSTRUCTURED || TEMPLATES.contains(&id.root.as_str());
        let template = header.has_template(UNSTRUCTURED) && header.template_ids.iter().all(holds);
        self.ask(template, Weight::Usual, Code::Profile, "cda-level-1-template", "templateId", UNSTRUCTURED);
        let text = "component/nonXMLBody/text";
        let coded = representation.as_deref() == Some("B64");
        self.ask(coded, Weight::Usual, Code::Profile, "cda-level-1-representation", text, "B64");
        let media = media_type.as_deref().is_some_and(|media| MEDIA.contains(&media));
        self.ask(media, Weight::Usual, Code::Binding, "cda-level-1-media", text, &MEDIA.join(" | "));
    }
}

/// `fr-FR`.
fn is_language(text: &str) -> bool {
    text.split_once('-').is_some_and(|(language, country)| {
        let is = |part: &str, holds: fn(&u8) -> bool| part.len() == 2 && part.as_bytes().iter().all(holds);
        is(language, u8::is_ascii_lowercase) && is(country, u8::is_ascii_uppercase)
    })
}
