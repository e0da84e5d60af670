//! Every route, grouped by who may call it. What stands here is what the CapabilityStatement says.

use actix_web::web;

use super::fhir::{audit_event, binary, document_reference, list, patient, transaction};
use super::{discovery, oauth, psc};

/// The interactions of one resource type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    /// The type.
    pub(crate) kind: &'static str,
    /// FHIR interaction codes.
    pub(crate) interactions: &'static [&'static str],
    /// The search parameters served, where they are not all of the type.
    pub(crate) searched: Option<&'static [&'static str]>,
    /// What `_include` may name.
    pub(crate) included: &'static [&'static str],
}

/// Every type that is served, and how.
pub(crate) const INTERACTIONS: &[Served] = &[
    Served {
        kind: "AuditEvent",
        interactions: &["read", "search-type"],
        searched: Some(&["date", "patient"]),
        included: &[],
    },
    Served { kind: "Binary", interactions: &["read", "vread"], searched: None, included: &[] },
    Served {
        kind: "DocumentReference",
        interactions: &["read", "vread", "search-type"],
        searched: None,
        included: &["DocumentReference:patient", "DocumentReference:subject"],
    },
    Served { kind: "List", interactions: &["read", "vread"], searched: None, included: &[] },
    Served { kind: "Patient", interactions: &["read", "search-type"], searched: Some(&["identifier"]), included: &[] },
];

/// The routes of the professional port.
pub(crate) fn professional(is_dev: bool) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config
            .service(fhir())
            .service(
                web::scope("/oauth2")
                    .route("/token", web::post().to(oauth::token))
                    .route("/introspect", web::post().to(oauth::introspect))
                    .route("/jwks", web::get().to(discovery::jwks)),
            )
            .service(
                web::scope("/.well-known")
                    .route("/oauth-authorization-server", web::get().to(discovery::authorization_server))
                    .route("/smart-configuration", web::get().to(discovery::smart_configuration)),
            )
            .default_service(web::to(discovery::nothing));
        if is_dev {
            config.route("/dev/psc/token", web::post().to(psc::token));
        }
    }
}

fn fhir() -> actix_web::Scope {
    web::scope("/fhir")
        .route("/metadata", web::get().to(discovery::capabilities))
        .service(
            web::resource("/DocumentReference")
                .route(web::get().to(document_reference::search_by_get))
                .route(web::to(discovery::not_allowed)),
        )
        .route("/DocumentReference/_search", web::post().to(document_reference::search_by_post))
        .route("/DocumentReference/{id}/_history/{version}", web::get().to(document_reference::vread))
        .service(
            web::resource("/DocumentReference/{id}")
                .route(web::get().to(document_reference::read_by_id))
                .route(web::head().to(document_reference::read_by_id))
                .route(web::to(discovery::not_allowed)),
        )
        .route("/List/{id}/_history/{version}", web::get().to(list::vread))
        .service(
            web::resource("/List/{id}")
                .route(web::get().to(list::read_by_id))
                .route(web::head().to(list::read_by_id))
                .route(web::to(discovery::not_allowed)),
        )
        .service(
            web::resource("/Binary/{id}")
                .route(web::get().to(binary::retrieve_document))
                .route(web::head().to(binary::retrieve_document))
                .route(web::to(discovery::not_allowed)),
        )
        .route("/Binary/{id}/_history/1", web::get().to(binary::retrieve_document))
        .service(
            web::resource("/Patient")
                .route(web::get().to(patient::search_by_get))
                .route(web::to(discovery::not_allowed)),
        )
        .route("/Patient/_search", web::post().to(patient::search_by_post))
        .service(
            web::resource("/Patient/{id}")
                .route(web::get().to(patient::read_by_id))
                .route(web::to(discovery::not_allowed)),
        )
        .service(
            web::resource("/AuditEvent")
                .route(web::get().to(audit_event::search_by_get))
                .route(web::to(discovery::not_allowed)),
        )
        .route("/AuditEvent/_search", web::post().to(audit_event::search_by_post))
        .service(
            web::resource("/AuditEvent/{id}")
                .route(web::get().to(audit_event::read_by_id))
                .route(web::to(discovery::not_allowed)),
        )
        .service(web::resource(["", "/"]).route(web::post().to(transaction::provide_bundle)))
}
