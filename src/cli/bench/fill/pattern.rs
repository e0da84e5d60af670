//! What a fiche of a large store is made from: one submission that the server's own reader has accepted,
//! with places for all that differs from one to the next (MHD §1.2).

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::cut::Cut;
use crate::cli::Failure;
use crate::cli::bench::template::note;
use crate::cli::demo::demo_bundle;
use crate::cli::demo::personas::{DemoProfessional, Persona};
use crate::cli::start::Started;
use crate::error::Error;
use crate::ids::{BusinessIdentifier, LogicalId, SeededIds};
use crate::model::document::{Document, DocumentStatus};
use crate::model::resource::{NewResource, ResourceType};
use crate::ops::document::intake::Intake;
use crate::ops::document::submission::Provision;
use crate::ops::resource::stamp::{index, instant, resolve, stamp};
use crate::store::blob::Stage;

/// When the first pattern was written; each further one four weeks earlier.
const WRITTEN: &str = "2024-06-03T08:30:00Z";
/// What the reports are: typeCodes of LOINC.
const KINDS: [(&str, &str); 3] = [
    ("11488-4", "CR ou fiche de consultation ou de visite"),
    ("34112-3", "CR hospitalier"),
    ("11502-2", "CR d'examens biologiques"),
];
const LOINC: &str = "2.16.840.1.113883.6.1";

/// What the names of a pattern stand for, in the order in which every list of names holds them; behind
/// them come the UUIDs, then the OIDs.
const FIXED: usize = 7;

/// A submission with places.
#[derive(Debug)]
pub(super) struct Pattern {
    /// The names of the pattern itself.
    names: Vec<String>,
    /// How many of them are UUIDs.
    uuids: usize,
    document: Cut,
    fiche: Cut,
    list: Cut,
    unique: (String, Cut),
    content_type: String,
    row: Document,
}

/// One publication, ready to be written.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) blob: crate::model::document::Blob,
    pub(super) document: Document,
    pub(super) fiche: NewResource,
    pub(super) list: NewResource,
}

impl Pattern {
    /// Pattern `number` around a document of about `size` bytes of `author` for `model`.
    pub(super) async fn read(
        started: &Started,
        number: u32,
        size: usize,
        (model, author): (&Persona, &DemoProfessional),
    ) -> Result<Self, Failure> {
        let broken = |what: &str| Failure::Failed(format!("pattern {number}: no {what}"));
        let first: Timestamp = WRITTEN.parse().map_err(|error| Failure::from_error("a date", &error))?;
        let weeks = SignedDuration::from_hours(24 * 28 * i64::from(number));
        let written = first.checked_sub(weeks).map_err(|error| Failure::from_error("a date", &error))?;
        let mut note = note(size, written);
        let kind = KINDS.get(usize::try_from(number).unwrap_or_default() % KINDS.len());
        let (code, label) = kind.ok_or_else(|| broken("kind"))?;
        note.kind = (LOINC, code, label);
        let bundle = demo_bundle(&note, model, author, &SeededIds::new(u64::from(number)))?;
        let entries = bundle.get("entry").and_then(Value::as_array).ok_or_else(|| broken("entry"))?;
        let data = entries.iter().find_map(|entry| entry.pointer("/resource/data")?.as_str());
        let data = base64_simd::STANDARD.decode_to_vec(data.ok_or_else(|| broken("document"))?.as_bytes());
        let data = data.map_err(|error| Failure::from_error("base64", &error))?;
        let document = String::from_utf8(data).map_err(|error| Failure::from_error("document", &error))?;
        let provision = provision(started, &bundle).await.map_err(|error| Failure::from_error("pattern", &error))?;
        Self::cut(&document, provision, model).ok_or_else(|| broken("whole submission"))
    }

    fn cut(document: &str, mut provision: Provision, model: &Persona) -> Option<Self> {
        let given = provision.documents.pop()?;
        let id = |number| LogicalId::of_patient(model.key, Uuid::from_u128(number));
        let (fiche_id, binary_id, list_id) = (id(1), id(2), id(3));
        let mut became = HashMap::new();
        became.insert(provision.submission_url, format!("List/{list_id}"));
        became.insert(given.url, format!("DocumentReference/{fiche_id}"));
        became.extend(given.binary_urls.into_iter().map(|url| (url, format!("Binary/{binary_id}"))));
        became.extend(provision.patient_urls.into_iter().map(|url| (url, format!("Patient/{}", model.key))));
        let ready = |mut value: Value, id: &LogicalId| {
            resolve(&mut value, &became);
            if let Some(members) = value.as_object_mut() {
                let subject = members.entry("subject").or_insert_with(|| json!({}));
                subject.as_object_mut()?.insert("reference".to_owned(), json!(format!("Patient/{}", model.key)));
            }
            Some(stamp(value, id, 1, Timestamp::UNIX_EPOCH).to_string())
        };
        let (fiche, list) = (ready(given.fiche, &fiche_id)?, ready(provision.submission, &list_id)?);
        let mut names = vec![
            model.ins.value().to_owned(),
            model.key.to_string(),
            fiche_id.to_string(),
            binary_id.to_string(),
            list_id.to_string(),
            instant(Timestamp::UNIX_EPOCH),
            base64_simd::STANDARD.encode_to_string(given.staged.sha1()),
        ];
        let texts = [fiche.as_str(), list.as_str()];
        let uuids = standing(&texts, "urn:uuid:", |character| character.is_ascii_hexdigit() || character == '-');
        let oids = standing(&texts, "urn:oid:2.25.", |character| character.is_ascii_digit());
        let count = uuids.len();
        names.extend(uuids);
        names.extend(oids);
        Some(Self {
            uuids: count,
            document: Cut::of(document, &names),
            fiche: Cut::of(&fiche, &names),
            list: Cut::of(&list, &names),
            unique: (given.unique_id.system, Cut::of(&given.unique_id.value, &names)),
            content_type: given.content_type,
            row: Document {
                patient: model.key,
                id: Uuid::nil(),
                binary: Uuid::nil(),
                submission: Uuid::nil(),
                unique_id: BusinessIdentifier { system: String::new(), value: String::new() }.digest(),
                status: DocumentStatus::Current,
                type_code: given.type_code,
                labels: given.labels,
                persons: given.persons,
                structures: given.structures,
                sha1: [0; 20],
                size: 0,
            },
            names,
        })
    }

    /// The masterIdentifier of document `number` of person `person`: the same at each run, so that what an
    /// interrupted run wrote is known.
    pub(super) fn unique_id(&self, person: u32, number: u32) -> BusinessIdentifier {
        let mut names = self.names.clone();
        self.name_oids(&mut names, person, number);
        BusinessIdentifier { system: self.unique.0.clone(), value: self.unique.1.with(&names) }
    }

    fn name_oids(&self, names: &mut [String], person: u32, number: u32) {
        let places = names.iter_mut().enumerate().skip(FIXED + self.uuids);
        for (place, name) in places {
            let width = name.len().saturating_sub(1);
            let value = (u64::from(person) * 100_000 + u64::from(number)) * 100 + u64::try_from(place).unwrap_or(0);
            *name = format!("1{value:0width$}");
        }
    }

    /// Document `number` of a person, encrypted, with its fiche, its submission set and their index rows.
    pub(super) async fn make(
        &self,
        started: &Started,
        (person, patient): (u32, &Persona),
        number: u32,
        at: Timestamp,
    ) -> Result<Made, Error> {
        let service = &started.app.service;
        let ids = [(); 3].map(|()| service.ids.uuid(at));
        let [fiche, binary, list] = ids;
        let mut names = self.names.clone();
        let logical = ids.map(|id| LogicalId::of_patient(patient.key, id).to_string());
        let fixed = [patient.ins.value().to_owned(), patient.key.to_string()].into_iter().chain(logical);
        for (name, value) in names.iter_mut().zip(fixed.chain([instant(at)])) {
            *name = value;
        }
        for name in names.iter_mut().skip(FIXED).take(self.uuids) {
            *name = service.ids.uuid(at).to_string();
        }
        self.name_oids(&mut names, person, number);
        let mut stage = Stage::new(binary, service.ids.as_ref(), service.limits, &service.folder)?;
        stage.write(self.document.with(&names).as_bytes())?;
        stage.spill().await?;
        let staged = stage.finish(&service.keys).await?;
        if let Some(hash) = names.get_mut(FIXED - 1) {
            *hash = base64_simd::STANDARD.encode_to_string(staged.sha1());
        }
        let (blob, mut guard) = staged.into_blob(patient.key, self.content_type.clone());
        guard.keep();
        let unique = BusinessIdentifier { system: self.unique.0.clone(), value: self.unique.1.with(&names) };
        Ok(Made {
            document: Document {
                patient: patient.key,
                id: fiche,
                binary,
                submission: list,
                unique_id: unique.digest(),
                sha1: blob.sha1,
                size: blob.size,
                ..self.row.clone()
            },
            blob,
            fiche: resource(ResourceType::DocumentReference, fiche, self.fiche.with(&names), at)?,
            list: resource(ResourceType::List, list, self.list.with(&names), at)?,
        })
    }
}

async fn provision(started: &Started, bundle: &Value) -> Result<Provision, Error> {
    let app = &started.app;
    let at = app.clocks.domain.now();
    let mut intake = Intake::begin(&app.service, at);
    intake.take(bundle.to_string().as_bytes()).await?;
    let received = intake.finish(&app.service).await?;
    Provision::read(&app.service, received, &app.mode, at).await
}

fn resource(kind: ResourceType, id: Uuid, body: String, updated_at: Timestamp) -> Result<NewResource, Error> {
    let value: Value =
        serde_json::from_str(&body).map_err(|error| Error::from(crate::error::Code::Internal).because(error))?;
    Ok(NewResource {
        kind,
        id,
        version: 1,
        index: index(&value),
        body: body.into_bytes(),
        updated_at,
        former: Vec::new(),
    })
}

/// What stands behind a mark, each once, in order.
fn standing(texts: &[&str], mark: &str, belongs: impl Fn(char) -> bool) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        for rest in text.split(mark).skip(1) {
            let name: String = rest.chars().take_while(|character| belongs(*character)).collect();
            if !name.is_empty() && !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}
