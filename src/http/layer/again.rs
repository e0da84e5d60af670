//! Lets a handler have another request answered by the very routes that serve it alone: the entries of a
//! batch (R4 `http.html#transaction`).

use std::fmt;
use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::{Error, HttpMessage as _, HttpRequest};
use futures_util::future::LocalBoxFuture;

/// The layer, innermost of all.
pub(crate) struct Again;

/// What answers, with the routes behind it.
pub(crate) struct Layered<S> {
    service: Rc<S>,
}

type Answer = LocalBoxFuture<'static, Result<ServiceResponse, Error>>;

/// The routes, as a handler holds them.
#[derive(Clone)]
pub(crate) struct Routes(Rc<dyn Fn(ServiceRequest) -> Answer>);

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Routes")
    }
}

impl Routes {
    /// The routes that serve a request.
    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }

    /// Has another request answered.
    pub(crate) fn answer(&self, request: ServiceRequest) -> Answer {
        (self.0)(request)
    }
}

impl<S> Transform<S, ServiceRequest> for Again
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
    S::Future: 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Transform = Layered<S>;
    type InitError = ();
    type Future = Ready<Result<Layered<S>, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Layered { service: Rc::new(service) }))
    }
}

impl<S> Service<ServiceRequest> for Layered<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error> + 'static,
    S::Future: 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Future = S::Future;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        // The base alone is where bundles go.
        if request.path().trim_end_matches('/') == "/fhir" {
            let service = Rc::clone(&self.service);
            let routes = Routes(Rc::new(move |request| Box::pin(service.call(request))));
            request.extensions_mut().insert(routes);
        }
        self.service.call(request)
    }
}
