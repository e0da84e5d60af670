//! A transaction of a thousand entries and of ten thousand: read, judged, kept with their index rows and
//! traces in one durable unit; the cost of one entry (issue 4, speed).

use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Value, json};

use super::stage::Stage;
use super::{Meter, Part};
use crate::access::context::Context;
use crate::access::identity::Caller;
use crate::cli::Failure;
use crate::error::{Code, Error};
use crate::fhir::bundle::request::requests;
use crate::fhir::codec;
use crate::fhir::validate::Mode;
use crate::model::caller::CallerClass;
use crate::model::resource::ResourceType;
use crate::ops::Service;
use crate::ops::resource::transaction::{Ask, Entry, Reading, plan, transact};

/// Measures both.
pub(super) async fn measure(stage: &Stage, meter: &Meter) -> Result<Vec<Part>, Failure> {
    let service = Rc::new(stage.started.app.service.clone());
    let caller = Caller { class: CallerClass::AssuranceMaladie, person: None, ..stage.ctx.caller.clone() };
    let ctx = Arc::new(Context { caller, ..Context::clone(&stage.ctx) });
    let meter = Meter { callers: 1, ..*meter };
    let mut parts = Vec::new();
    for (name, what, entries) in [
        ("transaction-1000", "one entry of a transaction of 1 000", 1_000_u32),
        ("transaction-10000", "one entry of a transaction of 10 000", 10_000),
    ] {
        let body: Arc<[u8]> = bundle(entries).to_string().into_bytes().into();
        let (service, ctx) = (Rc::clone(&service), Arc::clone(&ctx));
        let work = move || run(Rc::clone(&service), Arc::clone(&ctx), Arc::clone(&body));
        let part = meter.together(name, what, work).await?;
        let each = f64::from(entries);
        parts.push(Part { micros: part.micros / each, per_second: part.per_second * each, ..part });
    }
    Ok(parts)
}

fn bundle(entries: u32) -> Value {
    let entry = |number: u32| {
        json!({
            "fullUrl": format!("urn:uuid:00000000-0000-4000-8000-{number:012}"),
            "resource": {
                "resourceType": "Location",
                "status": "active",
                "identifier": [{ "system": "urn:x:places", "value": number.to_string() }],
                "name": format!("Lieu {number}"),
                "address": { "city": "Paris", "postalCode": "75015" },
                "partOf": { "reference": format!("urn:uuid:00000000-0000-4000-8000-{:012}", number / 2) },
            },
            "request": { "method": "POST", "url": "Location" },
        })
    };
    let entries: Vec<Value> = (0..entries).map(entry).collect();
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries })
}

async fn run(service: Rc<Service>, ctx: Arc<Context>, body: Arc<[u8]>) -> Result<(), Failure> {
    let failed = |error: Error| Failure::from_error("the transaction", &error);
    let bundle = codec::json::parse(&body).map_err(failed)?;
    let (_, requests) = requests(bundle, usize::MAX).map_err(failed)?;
    let entries = requests.into_iter().map(|request| {
        let body = request.resource.unwrap_or_default();
        let ask = Ask::Create { kind: ResourceType::Location, body, unless: None };
        Entry { number: request.number, full_url: request.full_url, ask }
    });
    let none = |_: &str, _: &str| Err(Error::from(Code::NotSupported));
    let domain = service.settings.domain;
    let reading = Reading { base: "https://localhost:8443/fhir", mode: Mode::default(), domain, criteria: &none };
    let planned = plan(&ctx, service.ids.as_ref(), &reading, None, entries.collect());
    let planned = planned.map_err(|(_, error)| failed(error))?;
    transact(&service, ctx, planned).await.map(drop).map_err(failed)
}
