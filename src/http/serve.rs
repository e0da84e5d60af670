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
use crate::ops::trace;
use crate::rules::gate::{self, Route};

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
    let answer = match pass(app, &ctx, route, act).await {
        Ok(()) => work(ctx).await,
        Err(error) => Err(error),
    };
    let answer = answer.map_err(|error| signed.envelope.refuse(app, error));
    let status = match &answer {
        Ok(response) => response.status().as_u16(),
        Err(refusal) => refusal.code().row().status,
    };
    app.metrics.answered(route.name(), status, since.elapsed());
    answer
}

/// Route × class of caller × scopes × enrolment (contract §6).
async fn pass(app: &App, ctx: &Arc<Context>, route: Route, act: Act) -> Result<(), Error> {
    let caller = &ctx.caller;
    let Some(profiles) = app.profiles(&caller.client_id).await? else {
        return trace::denied(&app.service, ctx, act, Denial::new(Code::Login, "client-unknown")).await;
    };
    let Err(refusal) = gate::allows(route, caller.class, &caller.scopes, &profiles) else { return Ok(()) };
    trace::denied(&app.service, ctx, act, Denial::new(Code::Forbidden, refusal.rule())).await
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
