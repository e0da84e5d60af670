//! `GET [base]/Type/[id]/_history`: the versions of one fiche or submission set (R4 `http.html#history`).

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use jiff::Timestamp;
use serde_json::Value;

use super::bundle::outward;
use super::query;
use crate::access::context::Context;
use crate::error::{Code, Error, Issue};
use crate::fhir::datatype::DateTime;
use crate::fhir::search::PAGE_PARAMETER;
use crate::fhir::search::page::{Page, Position};
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::accept::Presentation;
use crate::http::extract::asking::Identified;
use crate::http::extract::body::pairs;
use crate::http::extract::caller::Signed;
use crate::http::serve::{accepted, consults, serve};
use crate::ids::ElementPath;
use crate::model::audit::Act;
use crate::ops::document::history::{Asked, History, history};
use crate::ops::document::read::Readable;
use crate::ops::resource::search::{DEFAULT_COUNT, LARGEST_COUNT};
use crate::ops::resource::stamp::instant;
use crate::rules::gate::Route;

/// The history of a fiche.
pub(crate) async fn of_document_reference(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    named: Identified,
) -> Result<HttpResponse, Refusal> {
    let what = What {
        kind: "DocumentReference",
        readable: Readable::Fiche,
        route: Route::DocumentReferenceHistory,
        act: Act::DocumentReferenceHistory,
    };
    answer(&app, signed, &request, &named, what).await
}

/// The history of a submission set.
pub(crate) async fn of_list(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    named: Identified,
) -> Result<HttpResponse, Refusal> {
    let what = What { kind: "List", readable: Readable::Submission, route: Route::ListHistory, act: Act::ListHistory };
    answer(&app, signed, &request, &named, what).await
}

/// Whose history.
#[derive(Clone, Copy)]
struct What {
    kind: &'static str,
    readable: Readable,
    route: Route,
    act: Act,
}

/// What is asked of it.
struct Query {
    count: u32,
    since: Option<Timestamp>,
    before: Option<i32>,
    /// The parameters applied, without the page.
    applied: Vec<(String, String)>,
}

async fn answer(
    app: &App,
    signed: Signed,
    request: &HttpRequest,
    named: &Identified,
    what: What,
) -> Result<HttpResponse, Refusal> {
    serve(app, signed, what.route, what.act, async |ctx| {
        let path = format!("{}/{}", what.kind, named.id);
        let asked = accepted(app, &ctx, what.act, read(app, &ctx, request, &path)).await?;
        let own_only = !consults(app, &ctx).await?;
        let Query { count, since, before, .. } = asked;
        let wanted = Asked { what: what.readable, id: &named.id, since, before, count, own_only };
        let found = history(&app.service, Arc::clone(&ctx), wanted).await?;
        Ok(answer::fhir(StatusCode::OK, render(app, &ctx, what.kind, &path, &asked, &found)?))
    })
    .await
}

/// Each parameter at most once; one that R4 knows and this server does not serve is refused, not left out.
fn read(app: &App, ctx: &Context, request: &HttpRequest, path: &str) -> Result<Query, Error> {
    let mut given = pairs(request.query_string().as_bytes())?;
    let mut before = None;
    if let Some((_, token)) = given.iter().find(|(name, _)| name == PAGE_PARAMETER) {
        let page: Page = app.pages.open(token, &link_kind(path), &query::binding(ctx))?;
        given = pairs(page.query.as_bytes())?;
        before = page.after.number().and_then(|version| i32::try_from(version).ok());
    }
    Presentation::settle(request, &given)?;
    let mut asked = Query { count: DEFAULT_COUNT, since: None, before, applied: Vec::new() };
    for (name, value) in given {
        let wrong = |code| Error::from(Issue::new(code).at(ElementPath::root(name.as_str())).rule("R4 http#history"));
        if asked.applied.iter().any(|(known, _)| *known == name) {
            return Err(wrong(Code::Value));
        }
        match name.as_str() {
            "_count" => {
                let count: u32 = value.parse().map_err(|cause| wrong(Code::Value).because(cause))?;
                asked.count = count.min(LARGEST_COUNT);
            }
            "_since" => {
                let since = DateTime::parse(&value).and_then(DateTime::interval).ok_or_else(|| wrong(Code::Value))?;
                asked.since = Some(since.start);
            }
            "_at" | "_list" | "_sort" => return Err(wrong(Code::UnsupportedParameter)),
            // What says how the answer looks goes on to the next page; the rest means nothing here.
            "_format" | "_pretty" | "_summary" | "_elements" => {}
            _ => continue,
        }
        asked.applied.push((name, value));
    }
    Ok(asked)
}

/// What a page link of a history is good for: this one history.
fn link_kind(path: &str) -> String {
    format!("{path}/_history")
}

fn render(app: &App, ctx: &Context, kind: &str, path: &str, asked: &Query, found: &History) -> Result<String, Error> {
    let base: &str = &app.base;
    let address = format!("{base}/{path}");
    let applied = query::encode(&asked.applied);
    let mark = if applied.is_empty() { "" } else { "?" };
    let mut links = vec![link("self", &format!("{address}/_history{mark}{applied}"))];
    if let Some(last) = found.versions.last().filter(|_| found.goes_on) {
        let after = Position::numbered(i64::from(last.version));
        let page = Page { query: applied, after };
        let token = app.pages.seal(&page, &link_kind(path), &query::binding(ctx), app.ids.as_ref())?;
        links.push(link("next", &format!("{address}/_history?{PAGE_PARAMETER}={token}")));
    }
    let entries = found.versions.iter().map(|version| {
        // How a later version came about is told by the traces; to FHIR it is an update.
        let (method, url, status) =
            if version.version == 1 { ("POST", kind, "201") } else { ("PUT", path, "200") };
        format!(
            r#"{{"fullUrl":"{address}","resource":{},"request":{{"method":"{method}","url":"{url}"}},"response":{{"status":"{status}","etag":"W/\"{}\"","lastModified":"{}"}}}}"#,
            outward(&version.body, base),
            version.version,
            instant(version.updated_at),
        )
    });
    let entries: Vec<String> = entries.collect();
    let entries = if entries.is_empty() { String::new() } else { format!(r#","entry":[{}]"#, entries.join(",")) };
    Ok(format!(
        r#"{{"resourceType":"Bundle","id":"{}","meta":{{"lastUpdated":"{}"}},"type":"history","total":{},"link":[{}]{entries}}}"#,
        app.ids.uuid(ctx.at),
        instant(ctx.at),
        found.total,
        links.join(","),
    ))
}

pub(super) fn link(relation: &str, url: &str) -> String {
    format!(r#"{{"relation":"{relation}","url":{}}}"#, Value::from(url))
}
