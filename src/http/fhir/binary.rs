//! `Binary` and `Bundle`: ITI-68 Retrieve Document (MHD §1.6): raw bytes, or the FHIR resource around
//! them; one byte range; nothing again for who holds them (RFC 9110 §13, §14).

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::json;

use super::encoded::{DATA, encoded};
use super::file_name::disposition;
use crate::error::{Code, Error, Issue};
use crate::fhir::codec::xml::{self, Layout};
use crate::fhir::codec::{Syntax, json};
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::accept::{Presentation, accepted};
use crate::http::extract::body::pairs;
use crate::http::extract::caller::Signed;
use crate::http::extract::media::{self, DocumentForm, Media};
use crate::http::extract::range::{self, Asked};
use crate::http::layer::present::LARGEST;
use crate::http::serve::serve;
use crate::ids::LogicalId;
use crate::model::audit::Act;
use crate::model::document::Blob;
use crate::ops::document::retrieve::{DocumentType, retrieve};
use crate::rules::gate::Route;
use crate::store::blob::BlobReader;

/// Up to here a document is sent in one piece.
const ONE_PIECE: u64 = 512 * 1024;
/// The one version that a document has.
const VERSION: i32 = 1;
/// The bytes themselves never change: a range of them may be asked for again (`If-Range`).
const ETAG_RAW: &str = "\"1\"";
/// The resource around them says the same, perhaps in other bytes one day.
const ETAG_RESOURCE: &str = "W/\"1\"";

/// ITI-68.
pub(crate) async fn retrieve_document(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    serve(&app, signed, Route::RetrieveDocument, Act::RetrieveDocument, async |ctx| {
        let blob = retrieve(&app.service, Arc::clone(&ctx), DocumentType::Binary, &id).await?;
        match form(&request, &blob)? {
            DocumentForm::Raw => raw(&app, &request, blob).await,
            DocumentForm::Resource(media) => resource(&app, &request, blob, media).await,
        }
    })
    .await
}

/// ITI-68 of a FHIR document: the document is the resource.
pub(crate) async fn retrieve_fhir_document(
    app: web::Data<App>,
    signed: Signed,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    serve(&app, signed, Route::RetrieveDocument, Act::RetrieveDocument, async |ctx| {
        let blob = retrieve(&app.service, Arc::clone(&ctx), DocumentType::Bundle, &id).await?;
        match form(&request, &blob)? {
            DocumentForm::Resource(media) if media.syntax() == Syntax::Xml => {
                fhir_document_in_xml(&app, &request, blob, media).await
            }
            _ => raw(&app, &request, blob).await,
        }
    })
    .await
}

/// The form of a document that the request asks for.
fn form(request: &HttpRequest, blob: &Blob) -> Result<DocumentForm, Error> {
    let given = pairs(request.query_string().as_bytes())?;
    let format = given.iter().find(|(name, _)| name == "_format").map(|(_, format)| format.as_str());
    media::document_form(accepted(request).as_deref(), format, &blob.content_type)
}

/// A FHIR document for who asks for XML: what it says, in other bytes than its author's.
async fn fhir_document_in_xml(
    app: &App,
    request: &HttpRequest,
    blob: Blob,
    media: Media,
) -> Result<HttpResponse, Error> {
    if answer::holds(request, VERSION) {
        return Ok(held(ETAG_RESOURCE));
    }
    if usize::try_from(blob.size).unwrap_or(usize::MAX) > LARGEST {
        return Err(Issue::new(Code::NotAcceptable).rule("R4 http#mime-type").detail(format!("> {LARGEST}")).into());
    }
    let whole = BlobReader::new(blob, &app.service.folder, &app.service.keys)?.whole().await?;
    let text = xml::write(&json::parse(&whole)?, Layout::Dense)?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(media.content_type())));
    cached(&mut response, ETAG_RESOURCE);
    Ok(response.body(text))
}

async fn raw(app: &App, request: &HttpRequest, blob: Blob) -> Result<HttpResponse, Error> {
    // The author's bytes, should they be FHIR or not.
    Presentation::settle_plain(request);
    let size = u64::try_from(blob.size).unwrap_or_default();
    if answer::holds(request, VERSION) {
        return Ok(held(ETAG_RAW));
    }
    let wanted = wanted_range(request);
    let asked = range::asked(wanted, size);
    let mut response = match asked {
        Asked::Whole => HttpResponse::Ok(),
        Asked::Part { .. } => HttpResponse::PartialContent(),
        Asked::Beyond => HttpResponse::RangeNotSatisfiable(),
    };
    describe(&mut response, &blob);
    match asked {
        Asked::Beyond => {
            response.insert_header((header::CONTENT_RANGE, format!("bytes */{size}")));
            Ok(response.finish())
        }
        Asked::Whole if size <= ONE_PIECE => {
            let whole = BlobReader::new(blob, &app.service.folder, &app.service.keys)?.whole().await?;
            Ok(response.body(whole))
        }
        Asked::Whole => stream(app, blob, response, 0..size).await,
        Asked::Part { first, last } => {
            response.insert_header((header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}")));
            stream(app, blob, response, first..last.saturating_add(1)).await
        }
    }
}

async fn stream(
    app: &App,
    blob: Blob,
    mut response: HttpResponseBuilder,
    range: std::ops::Range<u64>,
) -> Result<HttpResponse, Error> {
    let length = range.end.saturating_sub(range.start);
    let pieces = BlobReader::new(blob, &app.service.folder, &app.service.keys)?.stream(range).await?;
    Ok(response.no_chunking(length).streaming(pieces))
}

/// The document as a FHIR resource, for who asks for FHIR.
async fn resource(app: &App, request: &HttpRequest, blob: Blob, media: Media) -> Result<HttpResponse, Error> {
    if answer::holds(request, VERSION) {
        return Ok(held(ETAG_RESOURCE));
    }
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(media.content_type())));
    response.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    cached(&mut response, ETAG_RESOURCE);
    let id = LogicalId::of_patient(blob.patient, blob.id).to_string();
    let frame = json!({ "resourceType": "Binary", "id": id, "contentType": blob.content_type, "data": DATA });
    let frame = match media.syntax() {
        Syntax::Json => frame.to_string(),
        Syntax::Xml => xml::write(&frame, Layout::Dense)?,
    };
    let size = u64::try_from(blob.size).unwrap_or_default();
    let reader = BlobReader::new(blob, &app.service.folder, &app.service.keys)?;
    let (length, pieces) = encoded(&frame, size, reader.stream(0..size).await?);
    Ok(response.no_chunking(length).streaming(pieces))
}

/// What `Range` asks for; nothing where it does not count: not for GET, or `If-Range` names other bytes
/// than these (RFC 9110 §13.1.5, §14.2).
fn wanted_range(request: &HttpRequest) -> Option<&str> {
    let header = |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    let is_current = header(header::IF_RANGE).is_none_or(|tag| tag.trim() == ETAG_RAW);
    header(header::RANGE).filter(|_| is_current && request.method() == Method::GET)
}

/// 304: the client holds the bytes of a document, which never change.
fn held(tag: &'static str) -> HttpResponse {
    let mut response = HttpResponse::NotModified();
    cached(&mut response, tag);
    response.finish()
}

fn cached(response: &mut HttpResponseBuilder, tag: &'static str) {
    response.insert_header((header::ETAG, tag));
    response.insert_header((header::CACHE_CONTROL, "private, no-store"));
    response.insert_header((header::VARY, "Accept"));
}

fn describe(response: &mut HttpResponseBuilder, blob: &Blob) {
    let media = HeaderValue::from_str(&blob.content_type);
    let media = media.unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    let id = LogicalId::of_patient(blob.patient, blob.id);
    response.insert_header((header::CONTENT_TYPE, media));
    response.insert_header((header::ACCEPT_RANGES, "bytes"));
    response.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response.insert_header((header::CONTENT_DISPOSITION, disposition(&id, &blob.content_type)));
    cached(response, ETAG_RAW);
}
