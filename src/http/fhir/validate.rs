//! `$validate` at the root, on a type and on an instance (R4 `resource-operation-validate.html`).
//!
//! What was sent is judged by itself: no record is read, so that the answer cannot tell what one holds.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::Value;

use crate::error::{Code, Error, Issue};
use crate::fhir::codec::{self, Syntax};
use crate::fhir::definition::Type;
use crate::fhir::outcome::{self, Frame};
use crate::fhir::validate::deep::{Report, Whole};
use crate::fhir::validate::package::Package;
use crate::fhir::validate::{Mode, Options};
use crate::http::answer::{self, Refusal};
use crate::http::app::App;
use crate::http::extract::body::{Body, pairs};
use crate::http::extract::caller::Certified;
use crate::http::extract::media;
use crate::ids::ElementPath;
use crate::rules::registry::{Interaction, REGISTRY};

/// Largest body that is judged, in bytes: as much of a bundle as is judged when it is published.
const LARGEST: u64 = 4 * 1024 * 1024;

/// What the resource is to be judged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// As it stands.
    General,
    /// To be created.
    Create,
    /// To stand in for the one of this id.
    Update,
    /// Whether what is named could be deleted: nothing is judged.
    Delete,
    /// Against the profile named, which must be.
    Profile,
}

/// What a request names.
#[derive(Debug, Clone)]
struct Asked {
    purpose: Purpose,
    profile: Option<String>,
    /// The type of the address.
    kind: Option<&'static str>,
    /// The id of the address.
    id: Option<String>,
}

/// `POST [base]/$validate`, `[base]/Type/$validate`, `[base]/Type/id/$validate`.
pub(crate) async fn validate(
    app: web::Data<App>,
    certified: Certified,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let answered = answer(&app, &certified, &request, payload).await;
    answered.map_err(|error| certified.envelope.refuse(&app, error))
}

async fn answer(
    app: &App,
    certified: &Certified,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Error> {
    let asked = Asked::read(request)?;
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let server = &app.config.server;
    let body =
        Body::declared(request, payload.into_inner(), LARGEST.min(server.body_limit_bytes), server.body_idle_ms)?;
    let syntax = media::body_syntax(content_type)?;
    let bytes = body.whole().await?;
    let issues = asked.judge((syntax, &bytes), app.mode, &app.service.definitions);
    let envelope = &certified.envelope;
    let frame = Frame { base: &app.base, language: envelope.language, request: Some(&envelope.request_id) };
    Ok(answer::fhir(StatusCode::OK, outcome::bytes(&issues, &frame)))
}

impl Asked {
    fn read(request: &HttpRequest) -> Result<Self, Error> {
        let named = request.match_info();
        let kind = match named.get("type") {
            Some(kind) => Some(Type::resource(kind).ok_or(Code::NotFound)?.name()),
            None => None,
        };
        let mut asked = Self { purpose: Purpose::General, profile: None, kind, id: named.get("id").map(str::to_owned) };
        for (name, value) in pairs(request.query_string().as_bytes())? {
            asked.take(&name, &value).map_err(Error::from)?;
        }
        Ok(asked)
    }

    /// A parameter by its name; a mode that R4 does not know is refused.
    fn take(&mut self, name: &str, value: &str) -> Result<(), Issue> {
        match name {
            "mode" => {
                self.purpose = match value {
                    "create" => Purpose::Create,
                    "update" => Purpose::Update,
                    "delete" => Purpose::Delete,
                    "profile" => Purpose::Profile,
                    _ => return Err(Issue::new(Code::Value).rule("R4 resource-validation-mode").detail("(mode)")),
                };
            }
            "profile" => self.profile = Some(value.to_owned()),
            _ => {}
        }
        Ok(())
    }

    /// What is to be said of a body, whatever it is: what cannot be read is said too.
    fn judge(mut self, (syntax, bytes): (Syntax, &[u8]), mode: Mode, definitions: &Package) -> Vec<Issue> {
        let body = match codec::read(syntax, bytes) {
            // What names the resource to delete is the address alone.
            _ if bytes.is_empty() && self.purpose == Purpose::Delete => Value::Null,
            Ok(body) => body,
            Err(error) => return error.issues().to_vec(),
        };
        let resource = match self.unwrap(&body) {
            Ok(resource) => resource,
            Err(issue) => return vec![issue],
        };
        match (self.purpose, resource) {
            (Purpose::Delete, resource) => self.deletion(resource),
            (_, None) => {
                let path = ElementPath::root("Parameters").child("parameter");
                vec![Issue::new(Code::Required).rule("R4 $validate").at(path).detail("(resource)")]
            }
            (_, Some(resource)) => self.resource(resource, mode, definitions),
        }
    }

    /// The resource in its Parameters, or by itself; takes the other parameters.
    fn unwrap<'b>(&mut self, body: &'b Value) -> Result<Option<&'b Value>, Issue> {
        let parameters = body.get("parameter").and_then(Value::as_array).filter(|_| is_of(body, "Parameters"));
        let name = |parameter: &'b Value| parameter.get("name").and_then(Value::as_str).unwrap_or_default();
        let Some(parameters) = parameters else { return Ok((!body.is_null()).then_some(body)) };
        let mut resource = None;
        for parameter in parameters {
            match name(parameter) {
                "resource" => resource = parameter.get("resource"),
                named @ ("mode" | "profile") => {
                    let values =
                        parameter.as_object().into_iter().flatten().filter(|(key, _)| key.starts_with("value"));
                    for value in values.filter_map(|(_, value)| value.as_str()) {
                        self.take(named, value)?;
                    }
                }
                _ => {}
            }
        }
        let knows_others =
            parameters.iter().all(|parameter| ["resource", "mode", "profile"].contains(&name(parameter)));
        // Parameters of another operation are judged as what they are.
        Ok(if resource.is_none() && (!knows_others || self.kind == Some("Parameters")) { Some(body) } else { resource })
    }

    fn resource(&self, resource: &Value, mode: Mode, package: &Package) -> Vec<Issue> {
        let own = resource.get("resourceType").and_then(Value::as_str).and_then(Type::resource).map(Type::name);
        let mut issues = Vec::new();
        if let (Some(kind), Some(own)) = (self.kind, own)
            && kind != own
        {
            let path = ElementPath::root(own);
            issues.push(Issue::new(Code::Value).rule("R4 $validate").at(path).detail(format!("({kind})")));
        }
        let options = Options::default();
        let whole = Whole { mode, package, profile: self.profile.as_deref(), options, advises: true };
        let Report { issues: found, unknown, .. } = whole.judge(resource);
        issues.extend(found);
        issues.extend(self.identity(resource, own));
        if let (Purpose::Create, Some(own)) = (self.purpose, own) {
            issues.extend(unserved(own, Interaction::Create));
        }
        if self.purpose == Purpose::Profile && self.profile.is_none() {
            issues.push(Issue::new(Code::Required).rule("R4 $validate").detail("(profile)"));
        }
        // A profile that was asked for must be known; one that is only claimed may be anybody's.
        let told = unknown.into_iter().map(|canonical| {
            let is_asked = self.profile.as_deref() == Some(canonical.as_str());
            let issue = Issue::new(Code::UnknownProfile).rule("R4 profiling").written(canonical);
            if is_asked { issue } else { issue.warning() }
        });
        issues.extend(told);
        issues
    }

    /// An update names the id of its address; without an address, it names one.
    fn identity(&self, resource: &Value, own: Option<&'static str>) -> Option<Issue> {
        let path = ElementPath::root(own?).child("id");
        let id = resource.get("id").and_then(Value::as_str);
        match (&self.id, id) {
            (Some(wanted), Some(id)) if wanted != id => Some(Issue::new(Code::Value).rule("R4 http#update").at(path)),
            (_, None) if self.purpose == Purpose::Update => {
                Some(Issue::new(Code::Missing).rule("R4 http#update").at(path).detail("(1..1)"))
            }
            _ => None,
        }
    }

    fn deletion(&self, resource: Option<&Value>) -> Vec<Issue> {
        let named = resource.and_then(|resource| resource.get("resourceType")).and_then(Value::as_str);
        let kind = self.kind.or_else(|| named.and_then(Type::resource).map(Type::name));
        match kind {
            Some(kind) => unserved(kind, Interaction::Delete).into_iter().collect(),
            None => vec![Issue::new(Code::Required).rule("R4 $validate").detail("(resource)")],
        }
    }
}

/// An interaction that the type does not have here.
fn unserved(kind: &'static str, interaction: Interaction) -> Option<Issue> {
    let is_served = REGISTRY.iter().any(|served| served.kind == kind && served.serves(interaction));
    let issue = Issue::new(Code::MethodNotAllowed).rule("R4 http").at(ElementPath::root(kind));
    (!is_served).then(|| issue.detail(format!("({})", interaction.name())))
}

fn is_of(resource: &Value, kind: &str) -> bool {
    resource.get("resourceType").and_then(Value::as_str) == Some(kind)
}
