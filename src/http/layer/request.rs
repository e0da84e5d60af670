//! The outermost layer: a request id and a language for every request, the id on every answer; a flood
//! of headers goes no further (contract §8, 431).

use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, ResponseError as _, web};

use crate::error::{Code, Error, Issue, Language};
use crate::http::answer::{Refusal, X_REQUEST_ID};
use crate::http::app::App;
use crate::http::extract::accept::Presentation;
use crate::http::layer::present::present;
use crate::ids::RequestId;

/// What is known of any request before anybody is identified.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    /// Echoed or minted.
    pub(crate) request_id: RequestId,
    /// The reader's language.
    pub(crate) language: Language,
    /// The form of the answer.
    pub(crate) presentation: Presentation,
    /// Why the answer asked for cannot be given, where it cannot.
    pub(crate) unanswerable: Option<Issue>,
}

/// Gives each request its envelope; puts the request id on the answer and gives it the form asked for.
pub(crate) async fn envelop<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let envelope = Envelope::of(request.request());
    let id = HeaderValue::from_str(envelope.request_id.as_str());
    let refusal = flood(request.request(), &envelope);
    request.extensions_mut().insert(envelope);
    let response = match refusal {
        Some(refusal) => request.into_response(refusal.error_response()).map_into_right_body(),
        None => next.call(request).await?.map_into_left_body(),
    };
    let mut response = present(response).await;
    if let Ok(id) = id {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    Ok(response)
}

/// The refusal of a request whose headers weigh more than is configured.
fn flood(request: &HttpRequest, envelope: &Envelope) -> Option<Refusal> {
    let app = request.app_data::<web::Data<App>>()?;
    if weight(request.headers()) <= app.config.server.header_limit_bytes {
        return None;
    }
    app.metrics.security_event("headers");
    Some(envelope.refuse(app, Code::HeadersTooLarge.into()))
}

/// The bytes of all headers as HTTP/1.1 writes them: `name: value`, end of line.
fn weight(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

impl Envelope {
    fn of(request: &HttpRequest) -> Self {
        let headers = request.headers();
        let given = headers.get(&X_REQUEST_ID).and_then(|id| id.to_str().ok()).and_then(RequestId::from_client);
        let minted = || {
            let app = request.app_data::<web::Data<App>>();
            let uuid = app.map(|app| app.ids.uuid(app.clocks.real.now())).unwrap_or_default();
            RequestId::minted(uuid)
        };
        let (presentation, unanswerable) = match Presentation::of(request) {
            Ok(presentation) => (presentation, None),
            Err(issue) => (Presentation::of_refusal(request), Some(issue)),
        };
        Self { request_id: given.unwrap_or_else(minted), language: language(headers), presentation, unanswerable }
    }

    /// Refuses a request whose answer cannot be given in the form it asks for.
    pub(crate) fn answerable(&self, app: &App) -> Result<(), Refusal> {
        match &self.unanswerable {
            Some(issue) => Err(self.refuse(app, issue.clone().into())),
            None => Ok(()),
        }
    }

    /// The envelope of a request; one is made where the layer did not run.
    pub(crate) fn from(request: &HttpRequest) -> Self {
        let known = request.extensions().get::<Self>().cloned();
        known.unwrap_or_else(|| Self::of(request))
    }

    /// A refusal of this request.
    pub(crate) fn refuse(&self, app: &App, error: Error) -> Refusal {
        Refusal::new(error, Arc::clone(&app.base), self.request_id.clone(), self.language)
    }
}

/// French, unless English is preferred to it.
fn language(headers: &HeaderMap) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|accepted| accepted.to_str().ok());
    let first = accepted
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .find(|range| range.starts_with("en") || range.starts_with("fr"));
    if first.is_some_and(|range| range.starts_with("en")) { Language::English } else { Language::French }
}
