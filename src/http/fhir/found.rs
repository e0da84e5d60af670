//! The searchset of ITI-66 and ITI-67: links, entries, inclusions, warnings (MHD §1.4, §1.5).

use std::borrow::Cow;

use super::bundle::SearchSet;
use super::patient;
use super::query::{self, Asked};
use crate::access::context::Context;
use crate::error::Error;
use crate::fhir::search::page::Page as Link;
use crate::fhir::search::{PAGE_PARAMETER, PatientClause, Search, Summary, subset};
use crate::http::app::App;
use crate::ids::LogicalId;
use crate::model::resource::StoredResource;
use crate::ops::document::find::Found;
use crate::ops::resource::search::Page;

/// What was found of `kind`, as it is sent.
pub(super) fn render(app: &App, ctx: &Context, kind: &str, asked: &Asked, found: &Found) -> Result<String, Error> {
    let page = &found.page;
    let id = app.ids.uuid(ctx.at).to_string();
    let size = page.matches.iter().map(|found| found.body.len() + 256).sum();
    let mut set = SearchSet::begin(&id, ctx.at, Some(page.total), size);
    let base = &app.base;
    let mut own = vec![("patient".to_owned(), format!("Patient/{}", page.patient))];
    own.extend(asked.search.applied.iter().cloned());
    set.link("self", &format!("{base}/{kind}?{}", query::encode(&own)));
    if let Some(next) = &page.next {
        let link = Link { query: without_ins(asked, page), after: next.clone() };
        let token = app.pages.seal(&link, kind, &query::binding(ctx), app.ids.as_ref())?;
        set.link("next", &format!("{base}/{kind}?{PAGE_PARAMETER}={token}"));
    }
    for found in &page.matches {
        let id = LogicalId::of_patient(page.patient, found.id);
        set.stored_entry(&format!("{base}/{kind}/{id}"), &part(found, &asked.search), base, "match");
    }
    for found in &found.included {
        set.stored_entry(&format!("{base}/{}/{}", found.kind.name(), found.id), &found.resource.body, base, "include");
    }
    if let Some(record) = &found.patient {
        set.entry(&format!("{base}/Patient/{}", record.key), &patient::patient(record).to_string(), "include");
    }
    set.outcome(app, ctx, &asked.search.warnings);
    Ok(set.finish())
}

/// The stored bytes, or of them what `_summary` and `_elements` ask for.
pub(super) fn part<'a>(found: &'a StoredResource, search: &Search) -> Cow<'a, [u8]> {
    if search.summary == Summary::Whole && search.elements.is_empty() {
        return Cow::Borrowed(&found.body);
    }
    match serde_json::from_slice(&found.body) {
        Ok(resource) => Cow::Owned(subset(resource, search.summary, &search.elements).to_string().into_bytes()),
        Err(_not_json) => Cow::Borrowed(&found.body),
    }
}

/// The query of a page link: the INS has become an id, so that no link carries it even sealed.
fn without_ins(asked: &Asked, page: &Page) -> String {
    let names = matches!(asked.search.patient, Some(PatientClause::Identifier { .. }));
    if !names {
        return asked.canonical.clone();
    }
    let kept = asked.canonical.split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        let name = name.split(':').next().unwrap_or_default();
        !matches!(name, "patient.identifier" | "subject.identifier" | "patient" | "subject")
    });
    let patient = format!("patient=Patient%2F{}", page.patient);
    std::iter::once(patient.as_str()).chain(kept).collect::<Vec<_>>().join("&")
}
