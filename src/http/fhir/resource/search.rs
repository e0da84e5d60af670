//! `GET [base]/Type?…`, `POST [base]/Type/_search`, and the compartments (R4 `search.html`).

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::super::bundle::SearchSet;
use super::super::found::part;
use super::super::query::{self, Asked};
use super::Kind;
use crate::access::context::Context;
use crate::error::{Code, Error, Issue};
use crate::fhir::search::PAGE_PARAMETER;
use crate::fhir::search::page::Page as Link;
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::asking::Asking;
use crate::http::extract::caller::Signed;
use crate::http::serve::{Entrance, accepted, serve};
use crate::ids::ElementPath;
use crate::model::audit::Act;
use crate::model::resource::ResourceType;
use crate::ops::facts::Named;
use crate::ops::resource::find::{Found, Query, find};
use crate::ops::resource::reach::is_directory;
use crate::rules::registry::Interaction;

/// FHIR search.
pub(super) async fn search(
    app: web::Data<App>,
    signed: Signed,
    Kind(kind): Kind,
    asking: Asking,
) -> Result<HttpResponse, Refusal> {
    let act = Act::SearchResources;
    serve(&app, signed, Entrance::Resource(kind, Interaction::SearchType), act, async |ctx| {
        let asked = query::read(&app, &ctx, asking, kind.name()).await;
        let asked = asked.and_then(|asked| Ok((person(&app, kind, &asked)?, asked)));
        let (person, asked) = accepted(&app, &ctx, act, asked).await?;
        let traced = format!("{}?{}", kind.name(), query::encode(&asked.search.applied));
        let query = Query { kind, person, search: asked.search.clone(), after: asked.after.clone(), traced };
        let found = find(&app.service, Arc::clone(&ctx), query).await?;
        Ok(answer::fhir(StatusCode::OK, render(&app, &ctx, kind, &asked, &found)?))
    })
    .await
}

/// Who is named. In the directory nobody is: a search that names a person there is refused, not left out.
pub(in crate::http::fhir) fn person(app: &App, kind: ResourceType, asked: &Asked) -> Result<Option<Named>, Error> {
    if is_directory(kind) && asked.search.patient.is_some() {
        let path = ElementPath::root("patient");
        return Err(Issue::new(Code::UnsupportedParameter).at(path).rule("contract §8").into());
    }
    query::patient(app, &asked.search)
}

/// The searchset.
pub(in crate::http::fhir) fn render(
    app: &App,
    ctx: &Context,
    kind: ResourceType,
    asked: &Asked,
    found: &Found,
) -> Result<String, Error> {
    let (base, name) = (&app.base, kind.name());
    let id = app.ids.uuid(ctx.at).to_string();
    let size = found.matches.iter().map(|kept| kept.resource.body.len() + 256).sum();
    let mut set = SearchSet::begin(&id, ctx.at, Some(found.total), size);
    let person = found.patient.map(|patient| ("patient".to_owned(), format!("Patient/{patient}")));
    let own: Vec<_> = person.into_iter().chain(asked.search.applied.iter().cloned()).collect();
    let applied = query::encode(&own);
    let mark = if applied.is_empty() { "" } else { "?" };
    set.link("self", &format!("{base}/{name}{mark}{applied}"));
    if let Some(next) = &found.next {
        let link = Link { query: applied, after: next.clone() };
        let token = app.pages.seal(&link, name, &query::binding(ctx), app.ids.as_ref())?;
        set.link("next", &format!("{base}/{name}?{PAGE_PARAMETER}={token}"));
    }
    for kept in &found.matches {
        let body = part(&kept.resource, &asked.search);
        set.stored_entry(&format!("{base}/{name}/{}", kept.id), &body, base, "match");
    }
    for (kind, kept) in &found.included {
        set.stored_entry(&format!("{base}/{}/{}", kind.name(), kept.id), &kept.resource.body, base, "include");
    }
    set.outcome(app, ctx, &asked.search.warnings);
    Ok(set.finish())
}
