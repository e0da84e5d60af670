//! A search as it arrives: by GET or by POST `_search`, its page link opened, its patient named.

use actix_web::HttpRequest;

use crate::access::context::Context;
use crate::access::permit::Denial;
use crate::error::{Code, Error, Issue};
use crate::fhir::search::page::{Page, Position};
use crate::fhir::search::{self, Naming, Options, PAGE_PARAMETER, PatientClause, Search};
use crate::fhir::terminology::canonical_system;
use crate::http::app::App;
use crate::http::extract::accept::Presentation;
use crate::http::extract::asking::Asking;
use crate::http::extract::body::{Body, pairs};
use crate::http::extract::{media, prefer};
use crate::ids::ElementPath;
use crate::ops::facts::Named;
use crate::ops::resource::search::LARGEST_COUNT;

/// Parameters in their order.
pub(super) type Pairs = Vec<(String, String)>;

/// Largest form of a `_search`.
const FORM_LIMIT: u64 = 64 * 1024;

/// A search, read.
#[derive(Debug)]
pub(super) struct Asked {
    /// The search.
    pub(super) search: Search,
    /// Where the page before ended.
    pub(super) after: Option<Position>,
    /// The query in the form a page link carries.
    pub(super) canonical: String,
}

/// The pairs of the URL and, for `_search`, of the form, concatenated (R4 search.html).
pub(super) async fn given(app: &App, asking: Asking) -> Result<Pairs, Error> {
    let Asking { request, form, compartment } = asking;
    let mut given: Pairs = compartment.into_iter().collect();
    given.extend(pairs(request.query_string().as_bytes())?);
    if let Some(payload) = form {
        let content_type = request.headers().get("content-type").and_then(|value| value.to_str().ok());
        media::require_form(content_type)?;
        let body = Body::declared(&request, payload, FORM_LIMIT, app.config.server.body_idle_ms)?.whole().await?;
        given.extend(pairs(&body)?);
    }
    Ok(given)
}

/// Receives and reads a search on `kind`.
pub(super) async fn read(app: &App, ctx: &Context, asking: Asking, kind: &str) -> Result<Asked, Error> {
    let request = asking.request.clone();
    let given = given(app, asking).await?;
    read_opened(app, ctx, &request, kind, open_page(app, ctx, kind, given)?)
}

/// Reads a search on `kind` whose page link is opened already.
pub(super) fn read_opened(
    app: &App,
    ctx: &Context,
    request: &HttpRequest,
    kind: &str,
    (given, after): Opened,
) -> Result<Asked, Error> {
    let strict = app.config.search.unknown == crate::config::Unknown::Refuse || prefer::is_strict(request);
    let naming = Naming { base: &app.base, canonical_system: &canonical_system };
    let options = Options { strict, max_count: LARGEST_COUNT, now: ctx.at, naming };
    let search = search::parse(kind, &given, &options).map_err(Error::many)?;
    Presentation::settle(request, &given)?;
    Ok(Asked { search, after, canonical: encode(&given) })
}

/// The parameters that count, and where the page before ended.
pub(super) type Opened = (Pairs, Option<Position>);

/// A page link carries the whole query sealed; whatever stands beside it is not looked at.
pub(super) fn open_page(app: &App, ctx: &Context, kind: &str, given: Pairs) -> Result<Opened, Error> {
    let Some((_, token)) = given.iter().find(|(name, _)| name == PAGE_PARAMETER) else { return Ok((given, None)) };
    let page: Page = app.pages.open(token, kind, &binding(ctx))?;
    Ok((pairs(page.query.as_bytes())?, Some(page.after)))
}

/// Whom a page link is good for.
pub(super) fn binding(ctx: &Context) -> String {
    let record = ctx.caller.record.as_ref().map(crate::ids::Ins::to_cx).unwrap_or_default();
    format!("{}|{}|{record}", ctx.caller.structure, ctx.caller.accessor())
}

/// Who a search names, if it names anybody.
pub(super) fn patient(app: &App, search: &Search) -> Result<Option<Named>, Error> {
    let path = ElementPath::root("patient");
    match &search.patient {
        None => Ok(None),
        Some(PatientClause::Id(id)) => match id.parse() {
            Ok(key) => Ok(Some(Named::Key(key))),
            // No record of ours has such an id: the refusal of whoever has no right to a record.
            Err(_) => Err(Denial::new(Code::Forbidden, "unknown-person").into()),
        },
        Some(PatientClause::Identifier { system, value }) => {
            let ins = app.service.settings.domain.search_ins(system, value);
            ins.map(|ins| Some(Named::Ins(ins))).map_err(|issue| issue.at(path).into())
        }
    }
}

/// Who a search is about: whom it names, else the one person whose record the caller's token serves.
/// Such a caller's rights are a list of one record, to which the search is expanded.
pub(super) fn patient_or_own(app: &App, ctx: &Context, search: &Search) -> Result<Option<Named>, Error> {
    let named = patient(app, search)?;
    Ok(named.or_else(|| ctx.caller.record.clone().map(Named::Ins)))
}

/// Refuses what the search would have to leave out: parameters of the type that are not `served`
/// here, and inclusions. A filter that is dropped would answer too much (contract §8).
pub(super) fn only(search: &Search, served: &[&str]) -> Result<(), Error> {
    let is_served =
        |name: &str| served.contains(&name) || !name.ends_with("include") && search::RESULT_PARAMETERS.contains(&name);
    match search.applied.iter().find(|(name, _)| !is_served(name)) {
        None => Ok(()),
        Some((name, _)) => {
            let path = ElementPath::root(name.as_str());
            Err(Issue::new(Code::UnsupportedParameter).at(path).rule("R4 search").into())
        }
    }
}

/// A parameter that a search must name.
pub(super) fn required(name: &'static str, rule: &'static str) -> Error {
    Issue::new(Code::Required).at(ElementPath::root(name)).rule(rule).detail(name).into()
}

/// Pairs as `application/x-www-form-urlencoded`.
pub(super) fn encode(given: &[(String, String)]) -> String {
    let encoded = given.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value)));
    encoded.collect::<Vec<_>>().join("&")
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b',' => {
                escaped.push(char::from(byte));
            }
            other => {
                escaped.push('%');
                for nibble in [other >> 4, other & 15] {
                    escaped.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase());
                }
            }
        }
    }
    escaped
}
