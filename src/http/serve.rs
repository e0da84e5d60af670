//! The frame around every handler: the coarse gate before the body is read, the count after the
//! answer, and a trace of what was refused before an operation could leave its own.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::answer::Refusal;
use super::app::App;
use super::extract::caller::Signed;
use crate::access::context::Context;
use crate::access::identity::Caller;
use crate::access::permit::Denial;
use crate::clock::Stopwatch;
use crate::error::{Code, Error};
use crate::model::audit::Act;
use crate::model::resource::ResourceType;
use crate::ops::profile::step;
use crate::ops::resource::reach::is_directory;
use crate::ops::trace;
use crate::rules::gate::{self, GateRefusal, Route};
use crate::rules::registry::Interaction;
use crate::rules::resource;

/// The enrolment of the web channel for professionals.
const WEB_CHANNEL: &str = "webps";

/// What a request asks the gate for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// A route of `gate.csv`.
    Route(Route),
    /// An interaction with a type that the generic operations serve (`resource-gate.csv`).
    Resource(ResourceType, Interaction),
    /// A batch or a transaction: each of its entries is judged as it would be alone.
    Bundle,
}

impl From<Route> for Entrance {
    fn from(route: Route) -> Self {
        Self::Route(route)
    }
}

impl Entrance {
    fn allows(self, caller: &Caller, profiles: &[String]) -> Result<(), GateRefusal> {
        match self {
            Self::Route(route) => gate::allows(route, caller.class, &caller.scopes, profiles),
            Self::Resource(kind, way) => resource::allows(kind, way, caller.class, &caller.scopes, profiles),
            Self::Bundle => Ok(()),
        }
    }

    /// How metrics call it: the route, or the type.
    const fn name(self) -> &'static str {
        match self {
            Self::Route(route) => route.name(),
            Self::Resource(kind, _) => kind.name(),
            Self::Bundle => "bundle",
        }
    }
}

/// Runs a handler's work for a caller whom the gate lets through.
pub(crate) async fn serve(
    app: &App,
    signed: Signed,
    entrance: impl Into<Entrance>,
    act: Act,
    work: impl AsyncFnOnce(Arc<Context>) -> Result<HttpResponse, Error>,
) -> Result<HttpResponse, Refusal> {
    let since = Stopwatch::start();
    let entrance = entrance.into();
    let ctx = Arc::clone(&signed.context);
    let answer = match pass(app, &signed, entrance, act).await {
        Ok(()) => work(ctx).await,
        Err(error) => Err(error),
    };
    let answer = answer.map_err(|error| signed.envelope.refuse(app, error));
    let status = match &answer {
        Ok(response) => response.status().as_u16(),
        Err(refusal) => refusal.code().row().status,
    };
    if let Err(refusal) = &answer {
        probed(app, &signed.context, entrance, refusal.code());
    }
    app.metrics.answered(entrance.name(), status, since.elapsed());
    answer
}

/// What is judged before the body is read: route × class of caller × scopes × enrolment
/// (contract §6), the form of the answer, the number of probes.
pub(crate) async fn pass(app: &App, signed: &Signed, entrance: Entrance, act: Act) -> Result<(), Error> {
    let ctx = &signed.context;
    let caller = &ctx.caller;
    let Some(profiles) = app.profiles(&caller.client_id).await? else {
        return trace::denied(&app.service, ctx, act, Denial::new(Code::Login, "client-unknown")).await;
    };
    if let Err(refusal) = entrance.allows(caller, &profiles) {
        return trace::denied(&app.service, ctx, act, Denial::new(Code::Forbidden, refusal.rule())).await;
    }
    // The web channel asks first whether there is a record; its feeds are not looked at before.
    let feeds = matches!(entrance, Entrance::Route(Route::ProvideDocumentBundle | Route::SimplifiedPublish));
    if feeds
        && profiles.iter().any(|profile| profile == WEB_CHANNEL)
        && let Err(denial) = step::made(&app.service.store, ctx).await?
    {
        return trace::denied(&app.service, ctx, act, denial).await;
    }
    match &signed.envelope.unanswerable {
        // A document may be sent in forms of its own.
        Some(issue) if issue.code == Code::NotAcceptable && entrance == Entrance::Route(Route::RetrieveDocument) => {}
        Some(issue) if issue.code == Code::NotAcceptable => {
            return trace::denied(&app.service, ctx, act, Denial::new(Code::NotAcceptable, "R4 http#mime-type")).await;
        }
        Some(issue) => return accepted(app, ctx, act, Err(issue.clone().into())).await,
        None => {}
    }
    let limit = if entrance == Entrance::Route(Route::ExistenceTest) { &app.existence } else { &app.probes };
    if reveals_persons(entrance) && limit.is_spent(&caller.structure, app.clocks.real.now()) {
        app.metrics.security_event("existence-tests");
        return trace::denied(&app.service, ctx, act, Denial::new(Code::TooManyRequests, "TD0.2")).await;
    }
    Ok(())
}

/// Routes whose refusals could be used to tell whether a person is known.
fn reveals_persons(entrance: Entrance) -> bool {
    let route = match entrance {
        Entrance::Route(route) => route,
        // Searches of a record name a person; the rest names an id, which tells nothing.
        Entrance::Resource(kind, Interaction::SearchType) => return !is_directory(kind),
        Entrance::Resource(..) => return false,
        Entrance::Bundle => return true,
    };
    matches!(
        route,
        Route::ProvideDocumentBundle
            | Route::SimplifiedPublish
            | Route::DocumentReferencePatch
            | Route::FindDocumentReferences
            | Route::FindDocumentLists
            | Route::FindByIdentifier
            | Route::AuditEventSearch
            | Route::ExistenceTest
    )
}

/// A refusal that names a person counts as an existence test, whatever its cause: were only those
/// about unknown persons counted, the count would tell them apart (contract §6).
fn probed(app: &App, ctx: &Context, entrance: Entrance, code: Code) {
    let is_test = entrance == Entrance::Route(Route::ExistenceTest);
    if reveals_persons(entrance) && !is_test && matches!(code, Code::NoRecord | Code::Forbidden) {
        // The limit is looked at before the next request.
        app.probes.count(&ctx.caller.structure, app.clocks.real.now());
    }
}

/// Whether the gate would open another route to the caller too: one request may be served in two ways.
pub(crate) async fn opens(app: &App, ctx: &Context, entrance: impl Into<Entrance>) -> Result<bool, Error> {
    let profiles = app.profiles(&ctx.caller.client_id).await?.unwrap_or_default();
    Ok(entrance.into().allows(&ctx.caller, &profiles).is_ok())
}

/// Whether the caller's software is the web channel for professionals (webPS).
pub(crate) async fn is_web_channel(app: &App, ctx: &Context) -> Result<bool, Error> {
    let profiles = app.profiles(&ctx.caller.client_id).await?.unwrap_or_default();
    Ok(profiles.iter().any(|profile| profile == WEB_CHANNEL))
}

/// Whether the caller's software is enrolled to consult (for professionals or for the patient side), and
/// not only to feed.
pub(crate) async fn consults(app: &App, ctx: &Context) -> Result<bool, Error> {
    let profiles = app.profiles(&ctx.caller.client_id).await?.unwrap_or_default();
    Ok(profiles.iter().any(|profile| profile == "consultation" || profile == "portail"))
}

/// Leaves a trace of an input that could not be accepted, then refuses it.
pub(crate) async fn accepted<T>(app: &App, ctx: &Arc<Context>, act: Act, input: Result<T, Error>) -> Result<T, Error> {
    match input {
        Ok(input) => Ok(input),
        Err(error) => {
            trace::failed(&app.service, ctx, act, &error).await?;
            Err(error)
        }
    }
}

/// Leaves a trace of a search that was given up for the work it would take, which no operation traces.
pub(crate) async fn bounded<T>(app: &App, ctx: &Arc<Context>, act: Act, found: Result<T, Error>) -> Result<T, Error> {
    match found {
        Err(error) if error.code() == Code::TooCostly => accepted(app, ctx, act, Err(error)).await,
        found => found,
    }
}
