//! `Patient`: TD0.2 existence test by GET and POST `_search`, and read.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

use super::bundle::SearchSet;
use super::query::{self, Asked};
use crate::access::context::Context;
use crate::error::{Code, Error, Issue};
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::asking::Asking;
use crate::http::extract::caller::Signed;
use crate::http::serve::{accepted, is_web_channel, serve};
use crate::ids::{Ins, InsDomain};
use crate::model::audit::Act;
use crate::ops::facts::Named;
use crate::ops::profile::exists::{Record, exists, exists_first, read};
use crate::ops::resource::stamp::instant;
use crate::rules::gate::Route;

const KIND: &str = "Patient";
const DMP: &str = "https://interop.esante.gouv.fr/ig/fhir/dmp";
/// Bytes of the sealed token that stands for an INS in a self link.
const SEALED: usize = 64;

/// TD0.2, by GET and by POST `_search`.
pub(crate) async fn search(app: web::Data<App>, signed: Signed, asking: Asking) -> Result<HttpResponse, Refusal> {
    let act = Act::ExistenceTest;
    serve(&app, signed, Route::ExistenceTest, act, async |ctx| {
        app.existence.count(&ctx.caller.structure, app.clocks.real.now());
        let asked = query::read(&app, &ctx, asking, KIND).await;
        let asked = asked.and_then(|asked| Ok((one_ins(&app, &asked)?, asked)));
        let (ins, asked) = accepted(&app, &ctx, act, asked).await?;
        let found = if is_web_channel(&app, &ctx).await? {
            exists_first(&app.service, Arc::clone(&ctx), ins.clone()).await?
        } else {
            exists(&app.service, Arc::clone(&ctx), ins.clone()).await?
        };
        Ok(answer::fhir(StatusCode::OK, render(&app, &ctx, &asked, &ins, found.as_ref())?))
    })
    .await
}

/// TD0.2 names one INS and nothing else names a patient.
fn one_ins(app: &App, asked: &Asked) -> Result<Ins, Error> {
    query::only(&asked.search, &[])?;
    match query::patient(app, &asked.search)? {
        Some(Named::Ins(ins)) => Ok(ins),
        Some(Named::Key(_)) | None => Err(query::required("identifier", "TD0.2")),
    }
}

fn render(app: &App, ctx: &Context, asked: &Asked, ins: &Ins, found: Option<&Record>) -> Result<String, Error> {
    let id = app.ids.uuid(ctx.at).to_string();
    let mut set = SearchSet::begin(&id, ctx.at, Some(i64::from(found.is_some())), 1024);
    let base = &app.base;
    if let Some(record) = found {
        set.link("self", &format!("{base}/{KIND}?_id={}", record.key));
        set.entry(&format!("{base}/{KIND}/{}", record.key), &patient(record).to_string(), "match");
        set.outcome(app, ctx, &warnings(asked, ins));
    } else {
        // One length whatever was asked: the link tells nothing (contract §8).
        let sealed = app.pages.seal_constant(&ins.to_cx(), SEALED, &query::binding(ctx), app.ids.as_ref())?;
        set.link("self", &format!("{base}/{KIND}?_sealed={sealed}"));
        let absent = Issue { is_warning: true, ..Issue::new(Code::NoRecord).rule("MES-048") };
        set.outcome(app, ctx, &[absent]);
    }
    Ok(set.finish())
}

/// A wrong key is tolerated under the test domains, and said (trap T17).
fn warnings(asked: &Asked, ins: &Ins) -> Vec<Issue> {
    let mut warnings = asked.search.warnings.clone();
    if !ins.key_is_valid() {
        warnings.push(Issue::new(Code::InsKeySearch).rule("INS §2").warning());
    }
    warnings
}

/// FHIR read.
pub(crate) async fn read_by_id(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    serve(&app, signed, Route::PatientRead, Act::ReadPatient, async |ctx| {
        let record = read(&app.service, ctx, &id).await?;
        Ok(answer::versioned(&request, patient(&record).to_string(), record.version, record.updated_at))
    })
    .await
}

/// The Patient of TD0.2: whether the record is open, and how (document-sharing §1.5).
pub(super) fn patient(record: &Record) -> Value {
    let mut extensions = vec![json!({
        "url": format!("{DMP}/StructureDefinition/dmp-rattachement-mes"),
        "valueBoolean": record.is_attached,
    })];
    if let Some(closure) = &record.closure {
        let mut parts = vec![
            json!({ "url": "dateFermeture", "valueDate": closure.on.to_string() }),
            json!({ "url": "motifFermeture", "valueCodeableConcept": { "coding": [{
                "system": format!("{DMP}/CodeSystem/dmp-motif-fermeture"), "code": closure.motive,
            }] } }),
        ];
        if let Some(reason) = &closure.reason {
            parts.push(json!({ "url": "raisonFermeture", "valueString": reason }));
        }
        extensions.push(json!({ "url": format!("{DMP}/StructureDefinition/dmp-fermeture"), "extension": parts }));
    }
    let is_temporary = record.ins.domain() == InsDomain::Nia;
    let mut patient = json!({
        "resourceType": "Patient",
        "id": record.key.to_string(),
        "meta": { "versionId": record.version.to_string(), "lastUpdated": instant(record.updated_at) },
        "extension": extensions,
        "identifier": [{
            "use": if is_temporary { "temp" } else { "official" },
            "type": { "coding": [{
                "system": "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203",
                "code": type_code(record.ins.domain()),
            }] },
            "system": record.ins.system(),
            "value": record.ins.value(),
        }],
        "active": record.is_open,
    });
    if let (Some(traits), Some(members)) = (&record.traits, patient.as_object_mut()) {
        members.insert(
            "name".to_owned(),
            json!([{ "use": "official", "family": traits.family, "given": [traits.given] }]),
        );
        members.insert("gender".to_owned(), json!(traits.gender));
        if let Some(birth) = traits.birth_on {
            members.insert("birthDate".to_owned(), json!(birth.to_string()));
        }
    }
    patient
}

const fn type_code(domain: InsDomain) -> &'static str {
    match domain {
        InsDomain::Nir => "INS-NIR",
        InsDomain::Nia => "INS-NIA",
        InsDomain::Test => "INS-NIR-TEST",
        InsDomain::Demo => "INS-NIR-DEMO",
    }
}
