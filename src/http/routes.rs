//! Every route, grouped by who may call it. The types and
//! their interactions are those of `rules::registry`, of which the CapabilityStatement is made.

use actix_web::http::Method;
use actix_web::web;

use std::borrow::Cow;

use super::fhir::{
    audit_event, binary, conformance, document_patch, document_reference, generate_metadata, history, list, patient,
    resource, simplified_publish, system, terminology, validate,
};
use super::{discovery, oauth, openapi, psc};

/// A path of the professional port, and what it answers to; any other method is 405.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    /// The path, its parts that vary in braces.
    pub path: Cow<'static, str>,
    /// The methods served.
    pub methods: Cow<'static, [&'static str]>,
}

/// Writes a table of routes and what registers them, so that none is served that is not listed.
macro_rules! routes {
    ($(#[$doc:meta])* $table:ident, $register:ident { $( $path:literal { $( $method:ident => $handler:path ),+ } )+ }) => {
        $(#[$doc])*
        pub const $table: &[Routed] = &[ $( Routed {
                path: Cow::Borrowed($path),
                methods: Cow::Borrowed(&[ $( stringify!($method) ),+ ]),
            } ),+ ];

        fn $register(config: &mut web::ServiceConfig) {
            $( config.service(
                web::resource($path)
                    $( .route(web::method(Method::$method).to($handler)) )+
                    .default_service(web::to(discovery::not_allowed)),
            ); )+
        }
    };
}

routes! {
    /// The operations of every type, and of none.
    OPERATION_ROUTES, register_operations {
        "/fhir/$validate" { POST => validate::validate }
        "/fhir/{type}/$validate" { POST => validate::validate }
        "/fhir/{type}/{id}/$validate" { POST => validate::validate }
    }
}

routes! {
    /// Every route of every server, but [`OPERATION_ROUTES`] and those of the registry ([`resource_routes`]).
    ROUTES, register {
        "/fhir" { GET => system::search::search, POST => system::post }
        "/fhir/" { GET => system::search::search, POST => system::post }
        "/fhir/_search" { POST => system::search::search }
        "/fhir/metadata" { GET => discovery::capabilities }
        "/fhir/openapi.json" { GET => openapi::openapi }
        "/fhir/DocumentReference" { GET => document_reference::search, POST => simplified_publish::create, PATCH => document_patch::by_identifier }
        "/fhir/DocumentReference/_search" { POST => document_reference::search }
        "/fhir/DocumentReference/$generate-metadata" { POST => generate_metadata::generate_metadata }
        "/fhir/DocumentReference/{id}" { GET => document_reference::fetch, HEAD => document_reference::fetch, PATCH => document_patch::by_id }
        "/fhir/DocumentReference/{id}/_history" { GET => history::of_document_reference }
        "/fhir/DocumentReference/{id}/_history/{version}" { GET => document_reference::fetch }
        "/fhir/List" { GET => list::search }
        "/fhir/List/_search" { POST => list::search }
        "/fhir/List/{id}" { GET => list::fetch, HEAD => list::fetch }
        "/fhir/List/{id}/_history" { GET => history::of_list }
        "/fhir/List/{id}/_history/{version}" { GET => list::fetch }
        "/fhir/Binary/{id}" { GET => binary::retrieve_document, HEAD => binary::retrieve_document }
        "/fhir/Binary/{id}/_history/1" { GET => binary::retrieve_document }
        "/fhir/Bundle/{id}" { GET => binary::retrieve_fhir_document, HEAD => binary::retrieve_fhir_document }
        "/fhir/Bundle/{id}/_history/1" { GET => binary::retrieve_fhir_document }
        "/fhir/Patient" { GET => patient::search }
        "/fhir/Patient/_search" { POST => patient::search }
        "/fhir/Patient/{id}" { GET => patient::read_by_id }
        "/fhir/Patient/{compartment}/AuditEvent" { GET => audit_event::search }
        "/fhir/Patient/{compartment}/DocumentReference" { GET => document_reference::search }
        "/fhir/Patient/{compartment}/List" { GET => list::search }
        "/fhir/AuditEvent" { GET => audit_event::search }
        "/fhir/AuditEvent/_search" { POST => audit_event::search }
        "/fhir/AuditEvent/{id}" { GET => audit_event::read_by_id }
        "/fhir/CapabilityStatement" { GET => conformance::search }
        "/fhir/CapabilityStatement/_search" { POST => conformance::search }
        "/fhir/CapabilityStatement/{id}" { GET => conformance::fetch, HEAD => conformance::fetch }
        "/fhir/CodeSystem" { GET => conformance::search }
        "/fhir/CodeSystem/_search" { POST => conformance::search }
        "/fhir/CodeSystem/$lookup" { GET => terminology::look_up, POST => terminology::look_up }
        "/fhir/CodeSystem/$validate-code" { GET => terminology::validate_code, POST => terminology::validate_code }
        "/fhir/CodeSystem/{id}/$validate-code" { GET => terminology::validate_code, POST => terminology::validate_code }
        "/fhir/CodeSystem/{id}" { GET => conformance::fetch, HEAD => conformance::fetch }
        "/fhir/OperationDefinition" { GET => conformance::search }
        "/fhir/OperationDefinition/_search" { POST => conformance::search }
        "/fhir/OperationDefinition/{id}" { GET => conformance::fetch, HEAD => conformance::fetch }
        "/fhir/SearchParameter" { GET => conformance::search }
        "/fhir/SearchParameter/_search" { POST => conformance::search }
        "/fhir/SearchParameter/{id}" { GET => conformance::fetch, HEAD => conformance::fetch }
        "/fhir/StructureDefinition" { GET => conformance::search }
        "/fhir/StructureDefinition/_search" { POST => conformance::search }
        "/fhir/StructureDefinition/{id}" { GET => conformance::fetch, HEAD => conformance::fetch }
        "/fhir/ValueSet" { GET => conformance::search }
        "/fhir/ValueSet/_search" { POST => conformance::search }
        "/fhir/ValueSet/$expand" { GET => terminology::expand, POST => terminology::expand }
        "/fhir/ValueSet/{id}/$expand" { GET => terminology::expand, POST => terminology::expand }
        "/fhir/ValueSet/$validate-code" { GET => terminology::validate_code, POST => terminology::validate_code }
        "/fhir/ValueSet/{id}/$validate-code" { GET => terminology::validate_code, POST => terminology::validate_code }
        "/fhir/ValueSet/{id}" { GET => conformance::fetch, HEAD => conformance::fetch }
        "/oauth2/token" { POST => oauth::token }
        "/oauth2/introspect" { POST => oauth::introspect }
        "/oauth2/jwks" { GET => discovery::jwks }
        "/.well-known/oauth-authorization-server" { GET => discovery::authorization_server }
        "/.well-known/smart-configuration" { GET => discovery::smart_configuration }
    }
}

routes! {
    /// The routes that a development server has besides.
    DEV_ROUTES, register_dev {
        "/dev/psc/token" { POST => psc::token }
    }
}

/// The routes of the types that the generic operations serve.
pub fn resource_routes() -> impl Iterator<Item = &'static Routed> {
    resource::routes()
}

/// The methods of a path as a table names it, in the form of `Allow`.
pub(crate) fn methods(path: &str) -> String {
    let found = OPERATION_ROUTES
        .iter()
        .chain(ROUTES)
        .chain(DEV_ROUTES)
        .chain(resource::routes())
        .find(|routed| routed.path == path);
    found.map(|routed| routed.methods.join(", ")).unwrap_or_default()
}

/// The routes of the professional port.
pub(crate) fn professional(is_dev: bool) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        // The name of an operation would be an id to the routes of a type.
        register_operations(config);
        resource::register(config);
        register(config);
        if is_dev {
            register_dev(config);
        }
        config.default_service(web::to(discovery::nothing));
    }
}
