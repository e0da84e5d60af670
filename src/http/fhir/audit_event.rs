//! `AuditEvent`: ITI-81 search with `date` and `patient`, and read; as BALP or as TDE by `_profile`.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use super::bundle::SearchSet;
use super::query::{self, Asked};
use crate::access::context::Context;
use crate::clock::from_micros;
use crate::error::{Code, Error, Issue};
use crate::fhir::search::page::{Page as Link, Position};
use crate::fhir::search::{self, Match, PAGE_PARAMETER, Search, Term};
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::asking::Asking;
use crate::http::extract::caller::Signed;
use crate::http::serve::{accepted, bounded, serve};
use crate::ids::{ElementPath, LogicalId};
use crate::ihe::audit::{balp, tde};
use crate::model::audit::{Act, ChainedRecord};
use crate::ops::audit::{Query, Traced, find, read};
use crate::ops::facts::Named;
use crate::rules::gate::Route;

const KIND: &str = "AuditEvent";
const TDE_PROFILE: &str = "tde-auditevent";
const DEFAULT_COUNT: u32 = 100;

/// ITI-81, by GET and by POST `_search`.
pub(crate) async fn search(app: web::Data<App>, signed: Signed, asking: Asking) -> Result<HttpResponse, Refusal> {
    let act = Act::RetrieveAuditEvent;
    serve(&app, signed, Route::AuditEventSearch, act, async |ctx| {
        let asked = query::read(&app, &ctx, asking, KIND).await;
        let asked = asked.and_then(|asked| Ok((wanted(&app, &ctx, &asked)?, asked)));
        let (wanted, asked) = accepted(&app, &ctx, act, asked).await?;
        let traced = bounded(&app, &ctx, act, find(&app.service, Arc::clone(&ctx), wanted).await).await?;
        Ok(answer::fhir(StatusCode::OK, render(&app, &ctx, &asked, &traced)?))
    })
    .await
}

/// ITI-81 demands an interval of time; we demand a patient too (contract §8).
fn wanted(app: &App, ctx: &Context, asked: &Asked) -> Result<Query, Error> {
    no_inclusions(&asked.search)?;
    newest_first(&asked.search)?;
    if !asked.search.has("date") {
        return Err(query::required("date", "ITI-81"));
    }
    let patient: Named =
        query::patient_or_own(app, ctx, &asked.search)?.ok_or_else(|| query::required("patient", "ITI-81"))?;
    let (from, until) = interval(&asked.search)?;
    Ok(Query {
        patient,
        from: from.map(from_micros),
        until: until.map(from_micros),
        terms: others(&asked.search)?,
        server: app.server.clone(),
        before: asked.after.as_ref().and_then(Position::number),
        count: i64::from(asked.search.count.unwrap_or(DEFAULT_COUNT)),
        traced: query::encode(&asked.search.applied),
    })
}

/// Traces are included in nothing and include nothing.
fn no_inclusions(search: &Search) -> Result<(), Error> {
    let is_inclusion = |name: &str| name.starts_with("_include") || name.starts_with("_revinclude");
    match search.applied.iter().find(|(name, _)| is_inclusion(name)) {
        Some((name, _)) => Err(unsupported(name)),
        None => Ok(()),
    }
}

/// What is asked besides the span of time and the view (`_profile`, which both views fulfil).
fn others(search: &Search) -> Result<Vec<Term>, Error> {
    let view = search::find(KIND, "_profile").map(|parameter| parameter.number);
    let mut others = Vec::new();
    for term in &search.terms {
        match term {
            Term::Index { parameter, .. } if Some(*parameter) == date() || Some(*parameter) == view => {}
            Term::Index { .. } | Term::Missing { .. } | Term::Id(_) | Term::LastUpdated(_) | Term::Read(_) => {
                others.push(term.clone());
            }
            // Traces are in no list, nothing points to them, and what they name is not followed.
            Term::Any(ways) => match ways.first() {
                Some(row @ Term::Index { .. }) => others.push(row.clone()),
                _ => return Err(unsupported("_has")),
            },
            Term::Chain(_) | Term::Has(_) | Term::Tree(_) => return Err(unsupported("_has")),
        }
    }
    Ok(others)
}

/// Traces come newest first, and in no other order.
fn newest_first(search: &Search) -> Result<(), Error> {
    match search.sort.as_slice() {
        [] => Ok(()),
        [sort] if sort.descending && sort.parameter.is_none_or(|number| Some(number) == date()) => Ok(()),
        _ => Err(unsupported("_sort")),
    }
}

fn unsupported(name: &str) -> Error {
    Issue::new(Code::UnsupportedParameter).at(ElementPath::root(name)).rule("ITI-81").into()
}

fn date() -> Option<i32> {
    search::find(KIND, "date").map(|parameter| parameter.number)
}

/// The instants that every `date` of the search allows: one span of time, without gaps.
fn interval(search: &Search) -> Result<(Option<i64>, Option<i64>), Error> {
    let mut bounds = (None, None);
    for term in &search.terms {
        let (parameter, any_of, negated) = match term {
            Term::Index { parameter, any_of, negated } => (*parameter, any_of, *negated),
            Term::Missing { parameter, .. } if Some(*parameter) == date() => return Err(unsupported("date")),
            _ => continue,
        };
        if Some(parameter) != date() {
            continue;
        }
        if negated || any_of.len() != 1 {
            return Err(unsupported("date"));
        }
        for value in any_of {
            let Match::Interval(asked) = value else { continue };
            // An AuditEvent is an instant: low and high are one.
            let from = asked.low_from.max(asked.high_from);
            let until = [asked.low_to, asked.high_to].into_iter().flatten().min();
            bounds.0 = bounds.0.max(from);
            bounds.1 = [bounds.1, until].into_iter().flatten().min();
        }
    }
    Ok(bounds)
}

fn render(app: &App, ctx: &Context, asked: &Asked, traced: &Traced) -> Result<String, Error> {
    let id = app.ids.uuid(ctx.at).to_string();
    let mut set = SearchSet::begin(&id, ctx.at, None, traced.records.len() * 3072);
    let base = &app.base;
    let mut own = vec![("patient".to_owned(), format!("Patient/{}", traced.patient))];
    own.extend(asked.search.applied.iter().cloned());
    set.link("self", &format!("{base}/{KIND}?{}", query::encode(&own)));
    if let Some(next) = traced.next {
        let after = Position::numbered(next);
        let link = Link { query: asked.canonical.clone(), after };
        let token = app.pages.seal(&link, KIND, &query::binding(ctx), app.ids.as_ref())?;
        set.link("next", &format!("{base}/{KIND}?{PAGE_PARAMETER}={token}"));
    }
    let as_tde = wants_tde(&asked.search.applied);
    for chained in &traced.records {
        let id = LogicalId::of_patient(traced.patient, chained.record.id);
        set.entry(&format!("{base}/{KIND}/{id}"), &event(app, chained, as_tde).to_string(), "match");
    }
    set.outcome(app, ctx, &asked.search.warnings);
    Ok(set.finish())
}

fn wants_tde(applied: &[(String, String)]) -> bool {
    applied.iter().any(|(name, value)| name == "_profile" && value.ends_with(TDE_PROFILE))
}

fn event(app: &App, chained: &ChainedRecord, as_tde: bool) -> Value {
    if as_tde { tde(chained, &app.server) } else { balp(chained, &app.server) }
}

/// FHIR read.
pub(crate) async fn read_by_id(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    serve(&app, signed, Route::AuditEventRead, Act::ReadAuditEvent, async |ctx| {
        let (_, found) = read(&app.service, ctx, &id).await?;
        let as_tde = request.query_string().contains(TDE_PROFILE);
        Ok(answer::versioned(&request, event(&app, &found, as_tde).to_string(), 1, found.record.at))
    })
    .await
}
