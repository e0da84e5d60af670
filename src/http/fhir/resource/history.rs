//! `GET [base]/Type/[id]/_history`, `[base]/Type/_history`, `[base]/_history` (R4 `http.html#history`).

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use jiff::Timestamp;

use super::super::bundle::outward;
use super::super::history::link;
use super::super::query;
use super::kind_of;
use crate::access::context::Context;
use crate::access::permit::Denial;
use crate::clock::{from_micros, to_micros};
use crate::error::{Code, Error, Issue};
use crate::fhir::datatype::DateTime;
use crate::fhir::search::PAGE_PARAMETER;
use crate::fhir::search::page::{Page, Position, Value};
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::asking::Identified;
use crate::http::extract::body::pairs;
use crate::http::extract::caller::Signed;
use crate::http::serve::{Entrance, accepted, opens, serve};
use crate::ids::ElementPath;
use crate::model::audit::Act;
use crate::model::resource::ResourceType;
use crate::ops::resource::history::{Asked, Change, History, Place, Subject, history};
use crate::ops::resource::search::{DEFAULT_COUNT, LARGEST_COUNT};
use crate::ops::resource::stamp::instant;
use crate::ops::trace;
use crate::rules::registry::{self, Interaction};
use crate::store::ChangePlace;

/// The history of one resource.
pub(super) async fn of_one(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    super::Kind(kind): super::Kind,
    named: Identified,
) -> Result<HttpResponse, Refusal> {
    let subject = Subject::One(kind, named.id);
    answer(&app, signed, &request, kind, Interaction::HistoryInstance, subject).await
}

/// The history of a type, or of the directory.
pub(super) async fn of_many(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let named = kind_of(&request);
    let subject = named.map_or(Subject::Directory, Subject::Type);
    // Who reads the directory's history reads that of each of its types: the gate of one, then of all.
    let kind = named.or_else(|| registry::directories().next()).unwrap_or(ResourceType::Practitioner);
    answer(&app, signed, &request, kind, Interaction::HistoryType, subject).await
}

/// What is asked of a history.
pub(in crate::http::fhir) struct Query {
    /// What.
    pub(in crate::http::fhir) asked: Asked,
    /// The parameters applied, without the page.
    applied: Vec<(String, String)>,
}

async fn answer(
    app: &App,
    signed: Signed,
    request: &HttpRequest,
    kind: ResourceType,
    way: Interaction,
    subject: Subject,
) -> Result<HttpResponse, Refusal> {
    let act = if way == Interaction::HistoryType { Act::TypeHistory } else { Act::ResourceHistory };
    serve(app, signed, Entrance::Resource(kind, way), act, async |ctx| {
        if subject == Subject::Directory {
            for kind in registry::directories() {
                if !opens(app, &ctx, Entrance::Resource(kind, way)).await? {
                    let denial = Denial::new(Code::Forbidden, "CSP-L1470-4");
                    return trace::denied::<()>(&app.service, &ctx, act, denial)
                        .await
                        .map(|()| HttpResponse::Forbidden().finish());
                }
            }
        }
        let path = match &subject {
            Subject::One(kind, id) => format!("{}/{id}/_history", kind.name()),
            Subject::Type(kind) => format!("{}/_history", kind.name()),
            Subject::Directory => "_history".to_owned(),
        };
        let query = accepted(app, &ctx, act, read(app, &ctx, request.query_string(), &path, subject)).await?;
        let found = history(&app.service, Arc::clone(&ctx), query.asked.clone()).await?;
        Ok(answer::fhir(StatusCode::OK, render(app, &ctx, &path, &query, &found)?))
    })
    .await
}

/// Each parameter at most once; one that R4 knows and this server does not serve is refused, not left out.
pub(in crate::http::fhir) fn read(
    app: &App,
    ctx: &Context,
    query: &str,
    path: &str,
    subject: Subject,
) -> Result<Query, Error> {
    let mut given = pairs(query.as_bytes())?;
    let mut before = None;
    if let Some((_, token)) = given.iter().find(|(name, _)| name == PAGE_PARAMETER) {
        let page: Page = app.pages.open(token, path, &query::binding(ctx))?;
        given = pairs(page.query.as_bytes())?;
        before = place(&page.after);
    }
    let is_one = matches!(subject, Subject::One(..));
    let mut asked = Asked { subject, since: None, at: None, before, count: DEFAULT_COUNT };
    let mut applied: Vec<(String, String)> = Vec::new();
    for (name, value) in given {
        let wrong = |code| Error::from(Issue::new(code).at(ElementPath::root(name.as_str())).rule("R4 http#history"));
        if applied.iter().any(|(known, _)| *known == name) {
            return Err(wrong(Code::Value));
        }
        let interval = || DateTime::parse(&value).and_then(DateTime::interval).ok_or_else(|| wrong(Code::Value));
        match name.as_str() {
            "_count" => {
                let count: u32 = value.parse().map_err(|cause| wrong(Code::Value).because(cause))?;
                asked.count = count.min(LARGEST_COUNT);
            }
            "_since" => asked.since = Some(interval()?.start),
            "_at" if is_one => {
                let period = interval()?;
                asked.at = Some((period.start, period.end));
            }
            "_at" | "_list" | "_sort" => return Err(wrong(Code::UnsupportedParameter)),
            // `_format` and `_pretty` were looked at with the headers; the rest means nothing here.
            _ => continue,
        }
        applied.push((name, value));
    }
    Ok(Query { asked, applied })
}

/// The place where the page before ended, as its link carries it: instant, type, version, key.
fn place(after: &Position) -> Option<Place> {
    let value = |index: usize| match after.values.get(index) {
        Some(Some(Value::Number(number))) => Some(*number),
        _ => None,
    };
    let kind = ResourceType::from_number(i16::try_from(value(1)?).ok()?)?;
    let at: Timestamp = from_micros(value(0)?);
    Some(Place { kind, change: ChangePlace { at, id: after.id, version: i32::try_from(value(2)?).ok()? } })
}

fn position(place: Place) -> Position {
    let Place { kind, change } = place;
    let values = [to_micros(change.at), i64::from(kind.number()), i64::from(change.version)];
    Position { values: values.map(|value| Some(Value::Number(value))).to_vec(), id: change.id, snapshot: None }
}

/// The history bundle.
pub(in crate::http::fhir) fn render(
    app: &App,
    ctx: &Context,
    path: &str,
    query: &Query,
    found: &History,
) -> Result<String, Error> {
    let base: &str = &app.base;
    let applied = query::encode(&query.applied);
    let mark = if applied.is_empty() { "" } else { "?" };
    let mut links = vec![link("self", &format!("{base}/{path}{mark}{applied}"))];
    if let Some(last) = found.changes.last().filter(|_| found.goes_on) {
        let page = Page { query: applied, after: position(last.place()) };
        let token = app.pages.seal(&page, path, &query::binding(ctx), app.ids.as_ref())?;
        links.push(link("next", &format!("{base}/{path}?{PAGE_PARAMETER}={token}")));
    }
    let entries: Vec<String> = found.changes.iter().map(|change| entry(base, change)).collect();
    let entries = if entries.is_empty() { String::new() } else { format!(r#","entry":[{}]"#, entries.join(",")) };
    Ok(format!(
        r#"{{"resourceType":"Bundle","id":"{}","meta":{{"lastUpdated":"{}"}},"type":"history","total":{},"link":[{}]{entries}}}"#,
        app.ids.uuid(ctx.at),
        instant(ctx.at),
        found.total,
        links.join(","),
    ))
}

/// One version: how it came about is told by its number, to FHIR a later one is an update.
fn entry(base: &str, change: &Change) -> String {
    let (kind, id, resource) = (change.kind.name(), &change.kept.id, &change.kept.resource);
    let own = format!("{kind}/{id}");
    let (method, url, status) = match (change.is_deletion(), resource.version) {
        (true, _) => ("DELETE", own.as_str(), "204"),
        (false, 1) => ("POST", kind, "201"),
        (false, _) => ("PUT", own.as_str(), "200"),
    };
    let body =
        if change.is_deletion() { String::new() } else { format!(r#""resource":{},"#, outward(&resource.body, base)) };
    format!(
        r#"{{"fullUrl":"{base}/{own}",{body}"request":{{"method":"{method}","url":"{url}"}},"response":{{"status":"{status}","etag":"W/\"{}\"","lastModified":"{}"}}}}"#,
        resource.version,
        instant(resource.updated_at),
    )
}
