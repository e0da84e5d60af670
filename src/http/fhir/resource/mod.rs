//! The handlers of every type that the generic operations serve, and their routes, made of the registry
//! (R4 `http.html`; contract §7).

pub(super) mod history;
mod read;
pub(super) mod search;
pub(super) mod write;

use std::borrow::Cow;
use std::future::{Ready, ready};
use std::sync::LazyLock;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpRequest, Route, web};

use super::super::discovery;
use super::super::routes::Routed;
use crate::error::{Code, Error};
use crate::http::answer::Refusal;
use crate::http::extract::caller::app;
use crate::http::layer::request::Envelope;
use crate::model::resource::ResourceType;
use crate::rules::registry::{Interaction, Place, REGISTRY, Served};

/// The type that a path names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind(pub(super) ResourceType);

impl FromRequest for Kind {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(kind_of(request).map(Self).ok_or_else(|| {
            let envelope = Envelope::from(request);
            let base = app(request).map_or_else(|| "".into(), |app| app.base.clone());
            Refusal::new(Error::from(Code::NotFound), base, envelope.request_id, envelope.language)
        }))
    }
}

/// In `/fhir/Type/…` what follows the base; in a compartment the last part.
fn kind_of(request: &HttpRequest) -> Option<ResourceType> {
    let is_compartment = request.match_info().get("compartment").is_some();
    let mut parts = request.path().split('/').filter(|part| !part.is_empty() && *part != "_search");
    let named = if is_compartment { parts.next_back() } else { parts.nth(1) };
    ResourceType::from_name(named?)
}

/// What answers a method of a path.
#[derive(Debug, Clone, Copy)]
enum Way {
    Create,
    Delete,
    History,
    Patch,
    Read,
    Search,
    TypeHistory,
    Update,
}

/// One method of a path: its name, the interaction that must be served, what answers.
type Method_ = (&'static str, Interaction, Way);

/// What follows `/fhir/Type`: more precise paths first.
const FORMS: &[(&str, &[Method_])] = &[
    (
        "",
        &[
            ("GET", Interaction::SearchType, Way::Search),
            ("POST", Interaction::Create, Way::Create),
            ("PUT", Interaction::Update, Way::Update),
            ("PATCH", Interaction::Patch, Way::Patch),
            ("DELETE", Interaction::Delete, Way::Delete),
        ],
    ),
    ("/_search", &[("POST", Interaction::SearchType, Way::Search)]),
    (
        "/{id}",
        &[
            ("GET", Interaction::Read, Way::Read),
            ("HEAD", Interaction::Read, Way::Read),
            ("PUT", Interaction::Update, Way::Update),
            ("PATCH", Interaction::Patch, Way::Patch),
            ("DELETE", Interaction::Delete, Way::Delete),
        ],
    ),
    ("/{id}/_history", &[("GET", Interaction::HistoryInstance, Way::History)]),
    ("/{id}/_history/{version}", &[("GET", Interaction::Vread, Way::Read), ("HEAD", Interaction::Vread, Way::Read)]),
];

/// A route, and what answers each of its methods.
type Answered = (Routed, Vec<Way>);

static TABLE: LazyLock<Vec<Answered>> = LazyLock::new(|| {
    let mut table = vec![answered("/fhir/_history".to_owned(), [("GET", Way::TypeHistory)])];
    for served in REGISTRY {
        // A history of a whole type is refused where it is not served: as a search would be, not as an id.
        if ResourceType::from_name(served.kind).is_some() {
            table.push(answered(format!("/fhir/{}/_history", served.kind), [("GET", Way::TypeHistory)]));
        }
        if served.generic.is_some() {
            table.extend(FORMS.iter().map(|(suffix, methods)| of_type(served, suffix, methods)));
            table.extend(compartment(served).map(|path| answered(path, [("GET", Way::Search)])));
        }
    }
    table
});

fn of_type(served: &Served, suffix: &str, methods: &[Method_]) -> Answered {
    let methods = methods.iter().filter(|(_, interaction, _)| served.serves(*interaction));
    answered(format!("/fhir/{}{suffix}", served.kind), methods.map(|(method, _, way)| (*method, *way)))
}

fn answered(path: String, methods: impl IntoIterator<Item = (&'static str, Way)>) -> Answered {
    let (methods, ways): (Vec<_>, Vec<_>) = methods.into_iter().unzip();
    (Routed { path: Cow::Owned(path), methods: Cow::Owned(methods) }, ways)
}

/// The compartment in which a type is searched: what a search by its reference to the person would find.
fn compartment(served: &Served) -> Option<String> {
    match (served.place, served.generic) {
        (Place::Record, _) => Some(format!("/fhir/Patient/{{compartment}}/{}", served.kind)),
        (_, Some(ResourceType::PractitionerRole)) => {
            Some(format!("/fhir/Practitioner/{{compartment}}/{}", served.kind))
        }
        _ => None,
    }
}

/// The parameter that a compartment stands for.
pub(in crate::http) fn compartment_parameter(request: &HttpRequest) -> Option<(String, String)> {
    let id = request.match_info().get("compartment")?;
    let parameter = if request.path().contains("/Practitioner/") { "practitioner" } else { "patient" };
    Some((parameter.to_owned(), id.to_owned()))
}

/// Every route of these types.
pub(in crate::http) fn routes() -> impl Iterator<Item = &'static Routed> {
    TABLE.iter().map(|(routed, _)| routed).filter(|routed| !routed.methods.is_empty())
}

/// Registers them; before the routes of other types, whose ids are less precise.
pub(in crate::http) fn register(config: &mut web::ServiceConfig) {
    for (routed, ways) in TABLE.iter() {
        let mut resource = web::resource(routed.path.as_ref()).default_service(web::to(discovery::not_allowed));
        for (method, way) in routed.methods.iter().zip(ways) {
            let method = method.parse().unwrap_or(Method::GET);
            resource = resource.route(way.to(web::method(method)));
        }
        config.service(resource);
    }
}

impl Way {
    fn to(self, route: Route) -> Route {
        match self {
            Self::Create => route.to(write::create),
            Self::Delete => route.to(write::delete),
            Self::History => route.to(history::of_one),
            Self::Patch => route.to(write::patch),
            Self::Read => route.to(read::fetch),
            Self::Search => route.to(search::search),
            Self::TypeHistory => route.to(history::of_many),
            Self::Update => route.to(write::update),
        }
    }
}
