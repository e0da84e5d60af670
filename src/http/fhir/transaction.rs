//! ITI-65 Provide Document Bundle: what was posted to the base, kept and answered (MHD §1.2).

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::access::context::Context;
use crate::error::Error;
use crate::fhir::outcome::{self, Frame};
use crate::http::answer;
use crate::http::app::App;
use crate::http::serve::accepted;
use crate::model::audit::Act;
use crate::ops::document::answer::Provided;
use crate::ops::document::provide::provide;
use crate::ops::document::submission::Provision;
use crate::ops::resource::stamp::instant;
use crate::store::blob::Staged;

/// Keeps a bundle that was received whole, with the documents cut out of it.
pub(super) async fn provided(
    app: &App,
    ctx: &Arc<Context>,
    bundle: Value,
    documents: BTreeMap<usize, Staged>,
) -> Result<HttpResponse, Error> {
    let provision = Provision::of_parsed(&app.service, bundle, documents, &app.mode, ctx.at).await;
    let provision = accepted(app, ctx, Act::ProvideDocumentBundle, provision).await?;
    let provided = provide(&app.service, Arc::clone(ctx), provision).await?;
    Ok(answer::fhir(StatusCode::OK, render(app, ctx, &provided)))
}

/// The transaction-response: one entry per entry of the request, in its order (MHD §1.2).
fn render(app: &App, ctx: &Context, provided: &Provided) -> String {
    let frame = Frame { base: &app.base, language: ctx.language, request: Some(&ctx.request_id) };
    let entries = provided.entries.iter().map(|entry| {
        let mut response = Map::new();
        let status = if entry.created { "201" } else { "200" };
        response.insert("status".to_owned(), json!(status));
        response.insert("location".to_owned(), json!(entry.location));
        if let Some(version) = entry.version {
            response.insert("etag".to_owned(), json!(format!("W/\"{version}\"")));
            response.insert("lastModified".to_owned(), json!(instant(entry.at)));
        }
        if !entry.warnings.is_empty() {
            response.insert("outcome".to_owned(), outcome::render(&entry.warnings, &frame));
        }
        json!({ "response": Value::Object(response) })
    });
    let entries: Vec<Value> = entries.collect();
    json!({ "resourceType": "Bundle", "type": "transaction-response", "entry": entries }).to_string()
}
