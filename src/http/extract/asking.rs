//! What a request names before anything is read of it: a search by GET or by POST `_search`, and an
//! id with or without a version.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpRequest};

use crate::http::fhir::resource::compartment_parameter;

/// A search as it arrives. Its form, if there is one, is still to be read: the gate comes first.
pub(crate) struct Asking {
    /// The request.
    pub(crate) request: HttpRequest,
    /// The form of `_search`.
    pub(crate) form: Option<Payload>,
    /// The parameter that a compartment of the path stands for.
    pub(crate) compartment: Option<(String, String)>,
}

impl FromRequest for Asking {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let form = (request.method() == Method::POST).then(|| payload.take());
        ready(Ok(Self { request: request.clone(), form, compartment: compartment_parameter(request) }))
    }
}

/// The id of a path `Type/{id}` or `Type/{id}/_history/{version}`.
#[derive(Debug)]
pub(crate) struct Identified {
    /// The id, unjudged.
    pub(crate) id: String,
    /// The version. One that is no number names nothing: version 0 never exists.
    pub(crate) version: Option<i32>,
}

impl FromRequest for Identified {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let named = request.match_info();
        let version = named.get("version").map(|version| version.parse().unwrap_or_default());
        ready(Ok(Self { id: named.get("id").unwrap_or_default().to_owned(), version }))
    }
}
