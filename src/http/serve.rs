//! The frame around every handler: the coarse gate before the body is read, the count after the
//! answer, and a trace of what was refused before an operation could leave its own.

use std::sync::Arc;

use actix_web::HttpResponse;

use super::answer::Refusal;
use super::app::App;
use super::extract::caller::Signed;
use crate::access::context::Context;
use crate::access::permit::Denial;
use crate::clock::Stopwatch;
use crate::error::{Code, Error};
use crate::model::audit::Act;
use crate::ops::profile::step;
use crate::ops::trace;
use crate::rules::gate::{self, Route};

/// The enrolment of the web channel for professionals.
const WEB_CHANNEL: &str = "webps";

/// Runs a handler's work for a caller whom the gate lets through.
pub(crate) async fn serve(
    app: &App,
    signed: Signed,
    route: Route,
    act: Act,
    work: impl AsyncFnOnce(Arc<Context>) -> Result<HttpResponse, Error>,
) -> Result<HttpResponse, Refusal> {
    let since = Stopwatch::start();
    let ctx = Arc::clone(&signed.context);
    let answer = match pass(app, &signed, route, act).await {
        Ok(()) => work(ctx).await,
        Err(error) => Err(error),
    };
    let answer = answer.map_err(|error| signed.envelope.refuse(app, error));
    let status = match &answer {
        Ok(response) => response.status().as_u16(),
        Err(refusal) => refusal.code().row().status,
    };
    if let Err(refusal) = &answer {
        probed(app, &signed.context, route, refusal.code());
    }
    app.metrics.answered(route.name(), status, since.elapsed());
    answer
}

/// What is judged before the body is read: route × class of caller × scopes × enrolment
/// (contract §6), the form of the answer, the number of probes.
async fn pass(app: &App, signed: &Signed, route: Route, act: Act) -> Result<(), Error> {
    let ctx = &signed.context;
    let caller = &ctx.caller;
    let Some(profiles) = app.profiles(&caller.client_id).await? else {
        return trace::denied(&app.service, ctx, act, Denial::new(Code::Login, "client-unknown")).await;
    };
    if let Err(refusal) = gate::allows(route, caller.class, &caller.scopes, &profiles) {
        return trace::denied(&app.service, ctx, act, Denial::new(Code::Forbidden, refusal.rule())).await;
    }
    // The web channel asks first whether there is a record; its feeds are not looked at before.
    let feeds = matches!(route, Route::ProvideDocumentBundle | Route::SimplifiedPublish);
    if feeds
        && profiles.iter().any(|profile| profile == WEB_CHANNEL)
        && let Err(denial) = step::made(&app.service.store, ctx).await?
    {
        return trace::denied(&app.service, ctx, act, denial).await;
    }
    if !signed.takes_json && route != Route::RetrieveDocument {
        return trace::denied(&app.service, ctx, act, Denial::new(Code::NotAcceptable, "R4 http#mime-type")).await;
    }
    let limit = if route == Route::ExistenceTest { &app.existence } else { &app.probes };
    if reveals_persons(route) && limit.is_spent(&caller.structure, app.clocks.real.now()) {
        app.metrics.security_event("existence-tests");
        return trace::denied(&app.service, ctx, act, Denial::new(Code::TooManyRequests, "TD0.2")).await;
    }
    Ok(())
}

/// Routes whose refusals could be used to tell whether a person is known.
const fn reveals_persons(route: Route) -> bool {
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
fn probed(app: &App, ctx: &Context, route: Route, code: Code) {
    if reveals_persons(route) && route != Route::ExistenceTest && matches!(code, Code::NoRecord | Code::Forbidden) {
        // The limit is looked at before the next request.
        app.probes.count(&ctx.caller.structure, app.clocks.real.now());
    }
}

/// Whether the gate would open another route to the caller too: one request may be served in two ways.
pub(crate) async fn opens(app: &App, ctx: &Context, route: Route) -> Result<bool, Error> {
    let profiles = app.profiles(&ctx.caller.client_id).await?.unwrap_or_default();
    Ok(gate::allows(route, ctx.caller.class, &ctx.caller.scopes, &profiles).is_ok())
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
