//! The conformance resources: read and search by whoever has a certificate (contract §6, §7). No record
//! is touched, and no trace is left.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::bundle::SearchSet;
use super::query::{self, Pairs};
use crate::clock::Stopwatch;
use crate::error::{Code, Error, Issue};
use crate::fhir::conformance::DATE;
use crate::fhir::outcome::Frame;
use crate::fhir::search::page::{Page as Link, Position};
use crate::fhir::search::{self, Naming, Options, PAGE_PARAMETER, RESULT_PARAMETERS, Search};
use crate::fhir::terminology::canonical_system;
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::accept::Presentation;
use crate::http::extract::asking::{Asking, Identified};
use crate::http::extract::caller::Certified;
use crate::http::extract::prefer;
use crate::http::layer::request::Envelope;
use crate::ids::ElementPath;
use crate::ops::conformance::find::{find, is_decided};
use crate::ops::resource::search::{DEFAULT_COUNT, LARGEST_COUNT};
use crate::rules::gate::Route;
use crate::rules::registry;

/// `GET [base]/Type` and `POST [base]/Type/_search`.
pub(crate) async fn search(app: web::Data<App>, certified: Certified, asking: Asking) -> Result<HttpResponse, Refusal> {
    let request = asking.request.clone();
    serve(&app, &certified, async || {
        let kind = kind_of(&request);
        let owner = certified.certificate.structure.as_ref().map(ToString::to_string).unwrap_or_default();
        let given = query::given(&app, asking).await?;
        let page = given.iter().find(|(name, _)| name == PAGE_PARAMETER);
        let (given, offset) = match page {
            None => (given, 0),
            Some((_, token)) => {
                let link = app.pages.open(token, &kind, &owner)?;
                (crate::http::extract::body::pairs(link.query.as_bytes())?, offset_of(&link.after))
            }
        };
        let search = read(&app, &request, &kind, &given)?;
        Presentation::settle(&request, &given)?;
        let found = Found { kind: &kind, owner: &owner, given: &given, offset };
        Ok(answer::fhir(StatusCode::OK, render(&app, &certified.envelope, &search, &found)?))
    })
    .await
}

/// `GET [base]/Type/{id}`.
pub(crate) async fn fetch(
    app: web::Data<App>,
    certified: Certified,
    request: HttpRequest,
    named: Identified,
) -> Result<HttpResponse, Refusal> {
    serve(&app, &certified, async || {
        let catalogue = app.conformance();
        let entry = catalogue.entry(&kind_of(&request), &named.id).ok_or(Code::NotFound)?;
        let body = catalogue.resource(entry).to_string();
        let tag = tag(&body);
        Ok(answer::versioned(&request, body, tag, released()))
    })
    .await
}

/// The frame around every handler of what a certificate opens: the form of the answer, the count.
pub(super) async fn serve(
    app: &App,
    certified: &Certified,
    work: impl AsyncFnOnce() -> Result<HttpResponse, Error>,
) -> Result<HttpResponse, Refusal> {
    let since = Stopwatch::start();
    let answer = match certified.envelope.answerable(app) {
        Ok(()) => work().await.map_err(|error| certified.envelope.refuse(app, error)),
        Err(refusal) => Err(refusal),
    };
    let status = match &answer {
        Ok(response) => response.status().as_u16(),
        Err(refusal) => refusal.code().row().status,
    };
    app.metrics.answered(Route::Conformance.name(), status, since.elapsed());
    answer
}

/// The type that a path names.
pub(super) fn kind_of(request: &HttpRequest) -> String {
    request.path().split('/').nth(2).unwrap_or_default().to_owned()
}

fn read(app: &App, request: &HttpRequest, kind: &str, given: &Pairs) -> Result<Search, Error> {
    let strict = app.config.search.unknown == crate::config::Unknown::Refuse || prefer::is_strict(request);
    let naming = Naming { base: &app.base, canonical_system: &canonical_system };
    let options = Options { strict, max_count: LARGEST_COUNT, now: app.now(), naming };
    let search = search::parse(kind, given, &options).map_err(Error::many)?;
    let searched = registry::find(kind).and_then(|served| served.searched).unwrap_or_default();
    let is_result = |name: &str| RESULT_PARAMETERS.contains(&name) && !name.ends_with("include") && name != "_sort";
    let is_served = |name: &str| {
        let plain = name.split(':').next().unwrap_or_default();
        searched.contains(&plain) || is_result(plain)
    };
    let is_whole = search.terms.iter().all(is_decided);
    // A filter that is dropped would answer too much (contract §8).
    match search.applied.iter().find(|(name, _)| !is_served(name) || !is_whole && !is_result(name)) {
        None => Ok(search),
        Some((name, _)) => {
            let path = ElementPath::root(name.as_str());
            Err(Issue::new(Code::UnsupportedParameter).at(path).rule("R4 search").into())
        }
    }
}

/// What a page is cut of, besides the search.
struct Found<'a> {
    kind: &'a str,
    owner: &'a str,
    given: &'a Pairs,
    offset: usize,
}

fn render(app: &App, envelope: &Envelope, search: &Search, found: &Found<'_>) -> Result<String, Error> {
    let count = if search.wants_total_only() { 0 } else { search.count.unwrap_or(DEFAULT_COUNT) };
    let count = usize::try_from(count).unwrap_or_default();
    let catalogue = app.conformance();
    let page = find(catalogue, search, found.offset, count, released().as_microsecond());
    let (base, kind) = (&app.base, found.kind);
    let id = app.ids.uuid(app.now()).to_string();
    let mut set = SearchSet::begin(&id, app.now(), i64::try_from(page.total).ok(), 4096);
    let own = query::encode(&search.applied);
    set.link("self", &if own.is_empty() { format!("{base}/{kind}") } else { format!("{base}/{kind}?{own}") });
    if let Some(next) = page.next {
        let next = u128::try_from(next).unwrap_or_default();
        let after = Position { values: Vec::new(), id: Uuid::from_u128(next), snapshot: None };
        let link = Link { query: query::encode(found.given), after };
        let token = app.pages.seal(&link, kind, found.owner, app.ids.as_ref())?;
        set.link("next", &format!("{base}/{kind}?{PAGE_PARAMETER}={token}"));
    }
    for entry in &page.entries {
        set.entry(&format!("{base}/{kind}/{}", entry.id), &catalogue.resource(entry).to_string(), "match");
    }
    let frame = Frame { base, language: envelope.language, request: Some(&envelope.request_id) };
    set.told(&frame, &search.warnings);
    Ok(set.finish())
}

/// Where the page before ended, as a page link carries it.
fn offset_of(after: &Position) -> usize {
    usize::try_from(after.id.as_u128()).unwrap_or(usize::MAX)
}

/// A version that follows the content: what a release changes gets another one.
fn tag(body: &str) -> i32 {
    let digest = Sha256::digest(body.as_bytes());
    let first = digest.first_chunk::<4>().copied().unwrap_or_default();
    i32::from_be_bytes(first) & i32::MAX
}

/// The instant of all that this server says of itself.
fn released() -> Timestamp {
    format!("{DATE}T00:00:00Z").parse().unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A resource that an operation makes.
pub(super) fn made(resource: &Value) -> HttpResponse {
    answer::fhir(StatusCode::OK, resource.to_string())
}
