//! `GET [base]?…` and `POST [base]/_search`: several types at once (R4 `http.html#search`). The operator
//! alone asks so, and of the directory (contract §8).

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use uuid::Uuid;

use super::super::bundle::SearchSet;
use super::super::found::part;
use super::super::query::{self, Pairs};
use crate::access::context::Context;
use crate::access::permit::Denial;
use crate::error::{Code, Error, Issue};
use crate::fhir::search::page::{Page, Position, Value};
use crate::fhir::search::{self, Naming, Options, PAGE_PARAMETER, Search};
use crate::fhir::terminology::canonical_system;
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::asking::Asking;
use crate::http::extract::caller::Signed;
use crate::http::serve::{Entrance, accepted, opens, serve};
use crate::ids::ElementPath;
use crate::model::audit::Act;
use crate::model::resource::ResourceType;
use crate::ops::resource::find_all::{Found, Place, Query, find_all};
use crate::ops::resource::search::{DEFAULT_COUNT, LARGEST_COUNT};
use crate::ops::trace;
use crate::rules::registry::{self, Interaction};

/// What a link of a page is sealed for.
const PATH: &str = "_search";
/// Parameters of all types; the rest asks for what one type only could answer.
const COMMON: [&str; 12] = [
    "_id",
    "_lastUpdated",
    "_tag",
    "_profile",
    "_security",
    "_source",
    "_count",
    "_format",
    "_pretty",
    "_total",
    "_summary",
    "_elements",
];

/// FHIR search of several types.
pub(crate) async fn search(app: web::Data<App>, signed: Signed, asking: Asking) -> Result<HttpResponse, Refusal> {
    let act = Act::SearchResources;
    // Who reads the history of a type of the directory searches it among others.
    let open = open(&app, &signed.context).await.map_err(|error| signed.envelope.refuse(&app, error))?;
    let first = open.first().copied().unwrap_or(ResourceType::Practitioner);
    serve(&app, signed, Entrance::Resource(first, Interaction::HistoryType), act, async |ctx| {
        let mut asked = accepted(&app, &ctx, act, read(&app, &ctx, asking).await).await?;
        if asked.kinds.iter().any(|kind| !open.contains(kind)) {
            let denial = Denial::new(Code::Forbidden, "CSP-L1470-4");
            let denied = trace::denied::<()>(&app.service, &ctx, act, denial).await;
            return denied.map(|()| HttpResponse::Forbidden().finish());
        }
        if asked.kinds.is_empty() {
            asked.kinds = open;
        }
        let query = accepted(&app, &ctx, act, query(&app, &ctx, &asked)).await?;
        let how = query.searches.first().map(|(_, search)| search.clone()).unwrap_or_default();
        let found = find_all(&app.service, Arc::clone(&ctx), query).await?;
        Ok(answer::fhir(StatusCode::OK, render(&app, &ctx, (&asked, &how), &found)?))
    })
    .await
}

/// The types that the caller's token opens so.
async fn open(app: &App, ctx: &Context) -> Result<Vec<ResourceType>, Error> {
    let mut open = Vec::new();
    for kind in registry::directories() {
        if opens(app, ctx, Entrance::Resource(kind, Interaction::HistoryType)).await? {
            open.push(kind);
        }
    }
    Ok(open)
}

struct Asked {
    /// Those that `_type` names.
    kinds: Vec<ResourceType>,
    /// Without `_type`.
    given: Pairs,
    after: Option<Place>,
    /// The query as a page link carries it.
    canonical: String,
}

async fn read(app: &App, ctx: &Context, asking: Asking) -> Result<Asked, Error> {
    let given = query::given(app, asking).await?;
    let (mut given, after) = query::open_page(app, ctx, PATH, given)?;
    let canonical = query::encode(&given);
    let wrong = |name: &str, code| Error::from(Issue::new(code).at(ElementPath::root(name)).rule("R4 search#intro"));
    let mut kinds: Vec<ResourceType> = Vec::new();
    for (_, value) in given.iter().filter(|(name, _)| name == "_type") {
        for name in value.split(',') {
            let kind = ResourceType::from_name(name).ok_or_else(|| wrong("_type", Code::Value))?;
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
    }
    given.retain(|(name, _)| name != "_type");
    let bare = |name: &str| name.split(':').next().unwrap_or_default().to_owned();
    if let Some((name, _)) = given.iter().find(|(name, _)| !COMMON.contains(&bare(name).as_str())) {
        return Err(wrong(name, Code::UnsupportedParameter));
    }
    Ok(Asked { kinds, given, after: after.as_ref().and_then(place), canonical })
}

/// The place that a page link carries: the number of the type, then the position in it.
fn place(after: &Position) -> Option<Place> {
    let (number, values) = after.values.split_first()?;
    let position =
        (!values.is_empty()).then(|| Position { values: values.to_vec(), id: after.id, snapshot: after.snapshot });
    let Some(Value::Number(number)) = number else { return None };
    Some((usize::try_from(*number).ok()?, position))
}

fn position(place: &Place) -> Position {
    let (number, position) = place;
    let values = position.iter().flat_map(|position| position.values.iter().cloned());
    let number = i64::try_from(*number).unwrap_or(i64::MAX);
    Position {
        values: std::iter::once(Some(Value::Number(number))).chain(values).collect(),
        id: position.as_ref().map_or(Uuid::nil(), |position| position.id),
        snapshot: position.as_ref().and_then(|position| position.snapshot),
    }
}

fn query(app: &App, ctx: &Context, asked: &Asked) -> Result<Query, Error> {
    let naming = Naming { base: &app.base, canonical_system: &canonical_system };
    let options = Options { strict: true, max_count: LARGEST_COUNT, now: ctx.at, naming };
    let mut searches = Vec::with_capacity(asked.kinds.len());
    for kind in &asked.kinds {
        searches.push((*kind, search::parse(kind.name(), &asked.given, &options).map_err(Error::many)?));
    }
    let first = searches.first().map(|(_, search)| search);
    let count =
        first.map_or(
            DEFAULT_COUNT,
            |search| {
                if search.wants_total_only() { 0 } else { search.count.unwrap_or(DEFAULT_COUNT) }
            },
        );
    Ok(Query { searches, count, after: asked.after.clone(), traced: format!("?{}", asked.canonical) })
}

fn render(app: &App, ctx: &Context, (asked, how): (&Asked, &Search), found: &Found) -> Result<String, Error> {
    let base = &app.base;
    let size = found.matches.iter().map(|(_, kept)| kept.resource.body.len() + 256).sum();
    let mut set = SearchSet::begin(&app.ids.uuid(ctx.at).to_string(), ctx.at, Some(found.total), size);
    let mark = if asked.canonical.is_empty() { "" } else { "?" };
    set.link("self", &format!("{base}{mark}{}", asked.canonical));
    if let Some(next) = &found.next {
        let link = Page { query: asked.canonical.clone(), after: position(next) };
        let token = app.pages.seal(&link, PATH, &query::binding(ctx), app.ids.as_ref())?;
        set.link("next", &format!("{base}?{PAGE_PARAMETER}={token}"));
    }
    for (kind, kept) in &found.matches {
        let body = part(&kept.resource, how);
        set.stored_entry(&format!("{base}/{}/{}", kind.name(), kept.id), &body, base, "match");
    }
    Ok(set.finish())
}
