//! An entry of a transaction as the operation it asks for (R4 `http.html#transaction`).

use base64_simd::STANDARD;
use serde_json::Value;

use super::super::document_patch::versions;
use super::super::query::{self, Asked};
use super::super::resource::{history, search as type_search, write};
use crate::access::context::Context;
use crate::error::{Code, Error, Issue};
use crate::fhir::bundle::request::{Address, Method, Request, located, place};
use crate::fhir::search::{self, Naming, Options, Search};
use crate::fhir::terminology::canonical_system;
use crate::http::app::App;
use crate::http::extract::body::pairs;
use crate::http::extract::media;
use crate::ids::ElementPath;
use crate::model::audit::Act;
use crate::model::resource::ResourceType;
use crate::ops::resource::delete::Delete;
use crate::ops::resource::find::Query;
use crate::ops::resource::history::Subject;
use crate::ops::resource::search::LARGEST_COUNT;
use crate::ops::resource::transaction::{Ask, Changes, Entry};
use crate::ops::resource::update::Target;
use crate::rules::registry;

/// How what an entry reads is rendered.
pub(super) enum Shown {
    /// As it is.
    Plain,
    /// Not at all: `HEAD`, or one of the versions that the client holds.
    Unless(Held),
    /// As a searchset.
    Search(Box<Asked>),
    /// As a history, of a path.
    History(String, history::Query),
}

/// What a client says that it holds.
#[derive(Default)]
pub(super) struct Held {
    /// `ifNoneMatch`: versions; any where it is empty.
    pub(super) versions: Option<Vec<i32>>,
    /// `ifModifiedSince`.
    pub(super) since: Option<jiff::Timestamp>,
    /// Whether nothing is wanted but the response.
    pub(super) is_head: bool,
}

/// Reads an entry.
///
/// # Errors
/// What is wrong with it, told of the entry, and what it is called in a trace.
pub(super) fn read(app: &App, ctx: &Context, request: Request) -> Result<(Entry, Shown), (Act, Error)> {
    let number = request.number;
    let called = act(request.method);
    let (kind, address) = target(app, &request).map_err(|error| {
        // What is posted of documents is a submission that does not say so.
        let is_document = request.method == Method::Post && error.code() == Code::NotSupported;
        (if is_document { Act::ProvideDocumentBundle } else { called }, error)
    })?;
    let asked = match request.method {
        Method::Get | Method::Head => consultation(app, ctx, kind, &address, &request),
        Method::Delete | Method::Post | Method::Put | Method::Patch => {
            let (full_url, fault) = (request.full_url.clone(), not_allowed(&request));
            let asked = change(app, ctx, kind, &address, request);
            return finish(number, full_url, kind, asked.map(|ask| (ask, Shown::Plain)), fault, called);
        }
    };
    let fault = not_allowed(&request);
    finish(number, request.full_url, kind, asked, fault, called)
}

fn finish(
    number: usize,
    full_url: Option<String>,
    kind: ResourceType,
    asked: Result<(Ask, Shown), Error>,
    not_allowed: Error,
    called: Act,
) -> Result<(Entry, Shown), (Act, Error)> {
    let (ask, shown) = asked.map_err(|error| (called, located(number, kind.name(), error)))?;
    if !registry::generic(kind).is_some_and(|served| served.serves(ask.interaction())) {
        return Err((ask.act(), not_allowed));
    }
    Ok((Entry { number, full_url, ask }, shown))
}

/// What a method is called in a trace, before more is known.
pub(super) const fn act(method: Method) -> Act {
    match method {
        Method::Delete => Act::DeleteResource,
        Method::Post => Act::CreateResource,
        Method::Put => Act::UpdateResource,
        Method::Patch => Act::PatchResource,
        Method::Get | Method::Head => Act::ReadResource,
    }
}

/// What an entry is about: a type that the generic operations serve. Documents are provided by ITI-65.
fn target(app: &App, request: &Request) -> Result<(ResourceType, String), Error> {
    let local = request.local(&app.base)?;
    let address = Address::read(local);
    let Some(name) = address.map(Address::kind) else { return Err(not_allowed(request)) };
    let kind = ResourceType::from_name(name).filter(|kind| registry::generic(*kind).is_some());
    let kind = kind.ok_or_else(|| {
        let path = request.place("url");
        match registry::find(name) {
            // Documents are provided in bundles that say so.
            Some(_) if request.method == Method::Post => {
                let path = ElementPath::root("Bundle").child("meta").child("profile");
                Issue::new(Code::NotSupported).at(path).rule("MHD ITI-65")
            }
            Some(_) => Issue::new(Code::NotSupported).at(path).rule("R4 http#transaction"),
            None => Issue::new(Code::NotFound).at(path).rule("R4 http#transaction"),
        }
    })?;
    Ok((kind, local.to_owned()))
}

fn not_allowed(request: &Request) -> Error {
    Issue::new(Code::MethodNotAllowed).at(request.place("method")).rule("R4 http#transaction").into()
}

fn change(app: &App, ctx: &Context, kind: ResourceType, local: &str, request: Request) -> Result<Ask, Error> {
    let address = Address::read(local);
    let by_criteria = |query: &str| -> Result<Target, Error> {
        let found = write::criteria(app, ctx, kind.name(), query)?;
        let found = found.ok_or_else(|| query::required("criteria", "R4 http#cond-update"))?;
        Ok(Target::Matching { person: query::patient(app, &found)?, criteria: Box::new(found) })
    };
    let target = || match address {
        Some(Address::Instance { id, version: None, .. }) => Ok(Target::Id(id.to_owned())),
        Some(Address::Type { query, .. }) if !query.is_empty() => by_criteria(query),
        _ => Err(not_allowed(&request)),
    };
    let if_match = request.if_match.as_deref().and_then(|tags| versions(tags.split(',')));
    let lacks = || Error::from(Issue::new(Code::Missing).at(place(request.number).child("resource")).rule("R4 bdl-5"));
    match request.method {
        Method::Delete => Ok(Ask::Delete(Delete { kind, target: target()?, if_match })),
        Method::Put => {
            let target = target()?;
            Ok(Ask::Update { kind, target, body: request.resource.ok_or_else(lacks)?, if_match })
        }
        Method::Patch => {
            let target = target()?;
            let changes = changes(request.number, request.resource.ok_or_else(lacks)?)?;
            Ok(Ask::Patch { kind, target, changes, if_match })
        }
        Method::Post => {
            let Some(Address::Type { query, .. }) = address else { return Err(not_allowed(&request)) };
            let unless = unless(app, ctx, kind, query, request.if_none_exist.as_deref())?;
            Ok(Ask::Create { kind, body: request.resource.ok_or_else(lacks)?, unless: unless.map(Box::new) })
        }
        Method::Get | Method::Head => Err(not_allowed(&request)),
    }
}

/// Criteria that nothing may fulfil.
fn unless(
    app: &App,
    ctx: &Context,
    kind: ResourceType,
    query: &str,
    given: Option<&str>,
) -> Result<Option<Search>, Error> {
    match given {
        Some(given) => {
            let criteria = write::criteria(app, ctx, kind.name(), given.trim_start_matches('?'))?;
            criteria.map(Some).ok_or_else(|| query::required("ifNoneExist", "R4 http#ccreate"))
        }
        None if app.config.rest.post_conditional => write::criteria(app, ctx, kind.name(), query),
        None => Ok(None),
    }
}

/// A patch: FHIRPath Patch, or another form in a Binary.
fn changes(number: usize, resource: Value) -> Result<Changes, Error> {
    let at = || place(number).child("resource");
    match resource.get("resourceType").and_then(Value::as_str) {
        Some("Parameters") => Ok(Changes::Parameters(resource)),
        Some("Binary") => {
            let text = |name: &str| resource.get(name).and_then(Value::as_str);
            let form = media::patch_form(text("contentType"))?;
            let bytes = STANDARD.decode_to_vec(text("data").unwrap_or_default());
            let bytes = bytes
                .map_err(|_not_base64| Issue::new(Code::Datatype).at(at().child("data")).rule("R4 base64Binary"))?;
            Ok(Changes::Wrapped(form, bytes))
        }
        _ => Err(Issue::new(Code::MediaType).at(at()).rule("R4 http#patch").into()),
    }
}

fn consultation(
    app: &App,
    ctx: &Context,
    kind: ResourceType,
    local: &str,
    request: &Request,
) -> Result<(Ask, Shown), Error> {
    match Address::read(local) {
        Some(Address::Instance { id, version, .. }) => {
            let version = version.map(|version| version.parse().unwrap_or_default());
            Ok((Ask::Read { kind, id: id.to_owned(), version }, Shown::Unless(held(request))))
        }
        Some(Address::Type { query, .. } | Address::Search { query, .. }) => {
            let asked = searched(app, ctx, kind, query)?;
            let person = type_search::person(app, kind, &asked)?;
            let traced = format!("{}?{}", kind.name(), query::encode(&asked.search.applied));
            let query = Query { kind, person, search: asked.search.clone(), after: asked.after.clone(), traced };
            Ok((Ask::Search(Box::new(query)), Shown::Search(Box::new(asked))))
        }
        Some(Address::History { id, query, .. }) => {
            let path =
                id.map_or_else(|| format!("{}/_history", kind.name()), |id| format!("{}/{id}/_history", kind.name()));
            let subject = id.map_or(Subject::Type(kind), |id| Subject::One(kind, id.to_owned()));
            let query = history::read(app, ctx, query, &path, subject)?;
            Ok((Ask::History(kind, query.asked.clone()), Shown::History(path, query)))
        }
        None => Err(not_allowed(request)),
    }
}

fn held(request: &Request) -> Held {
    let since = request.if_modified_since.as_deref().and_then(crate::fhir::datatype::DateTime::parse_instant);
    Held {
        versions: request.if_none_match.as_deref().map(|tags| versions(tags.split(',')).unwrap_or_default()),
        since: since.and_then(crate::fhir::datatype::DateTime::interval).map(|interval| interval.start),
        is_head: request.method == Method::Head,
    }
}

impl Held {
    /// Whether the client holds this version.
    pub(super) fn holds(&self, version: i32, updated_at: jiff::Timestamp) -> bool {
        match (&self.versions, self.since) {
            (Some(versions), _) => versions.is_empty() || versions.contains(&version),
            (None, Some(since)) => updated_at <= since,
            (None, None) => false,
        }
    }
}

fn searched(app: &App, ctx: &Context, kind: ResourceType, query: &str) -> Result<Asked, Error> {
    let (given, after) = query::open_page(app, ctx, kind.name(), pairs(query.as_bytes())?)?;
    let naming = Naming { base: &app.base, canonical_system: &canonical_system };
    let strict = app.config.search.unknown == crate::config::Unknown::Refuse;
    let options = Options { strict, max_count: LARGEST_COUNT, now: ctx.at, naming };
    let search = search::parse(kind.name(), &given, &options).map_err(Error::many)?;
    Ok(Asked { search, after, canonical: query::encode(&given) })
}
