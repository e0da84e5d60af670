//! Clients of a test server: a certificate, a token, and what they were answered.

use espace::clock::{Clock as _, SystemClock};
use espace::ids::{IdSource as _, Ins, SystemIds};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::pki::{Pki, pki};
use super::server::TestServer;

/// Who calls.
#[derive(Clone)]
pub(crate) struct Actor {
    origin: String,
    certificate: String,
    http: reqwest::Client,
    token: Option<String>,
}

/// What was answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// Scopes of everything a professional may do.
pub(crate) const PROFESSIONAL: &str = "ITI-65 ITI-67 ITI-68 user/Patient.rs user/DocumentReference.crus user/List.rs user/Binary.r user/AuditEvent.rs \
    user/CareTeam.rs user/Observation.rs user/QuestionnaireResponse.rs";
/// Scopes of everything the patient side may do.
pub(crate) const PATIENT: &str = "ITI-65 ITI-67 ITI-68 patient/Patient.rs patient/DocumentReference.crus patient/List.rs patient/Binary.r patient/AuditEvent.rs \
    patient/CareTeam.rs patient/Observation.cruds patient/QuestionnaireResponse.cruds patient/RelatedPerson.cruds";
/// Scopes of everything a structure may do.
pub(crate) const STRUCTURE: &str =
    "ITI-65 system/Patient.s system/DocumentReference.crs system/List.r system/AuditEvent.rs";

impl Actor {
    /// Whoever holds a certificate of the test PKI.
    pub(crate) fn with_certificate(server: &TestServer, name: &str) -> Self {
        Self::of(&server.origin, pki(), Some(name))
    }

    /// A client of any server; without a certificate where `name` is `None`.
    pub(crate) fn of(origin: &str, pki: &Pki, name: Option<&str>) -> Self {
        let config = pki.client(name, &rustls::version::TLS13);
        let builder = reqwest::Client::builder().use_preconfigured_tls(config.as_ref().clone());
        let http = builder.build().unwrap();
        Self { origin: origin.to_owned(), certificate: name.unwrap_or_default().to_owned(), http, token: None }
    }

    /// The same with another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same without a token.
    pub(crate) fn without_token(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// The token in use.
    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().unwrap()
    }

    /// With a token of a professional by token exchange; `more` replaces or adds form fields.
    pub(crate) async fn as_professional(&self, persona: &str, more: &[(&str, &str)]) -> Self {
        let subject = self.form("/dev/psc/token", &[("persona", persona)]).await.json();
        let cnf = pki().client_key(&self.certificate).cnf();
        let mut form = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", subject["access_token"].as_str().unwrap()),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            ("cnf", cnf.as_str()),
            ("scope", PROFESSIONAL),
        ];
        replace(&mut form, more);
        self.granted(&form).await
    }

    /// With a token of a person connected to the portal, for a record (the own one by default).
    pub(crate) async fn as_patient(&self, connected: &Ins, record: &Ins, scopes: &str) -> Answer {
        let now = SystemClock.now();
        let jti = (now, SystemIds::default().uuid(now));
        let endpoint = format!("{}/oauth2/token", self.origin);
        let assertion =
            pki().client_key(&self.certificate).assertion(&connected.to_cx(), &endpoint, None, jti).unwrap();
        let person = record.to_cx();
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", assertion.expose()),
            ("person_id", &person),
            ("scope", scopes),
        ];
        self.form("/oauth2/token", &form).await
    }

    /// With a token of the certificate's structure.
    pub(crate) async fn as_structure(&self, more: &[(&str, &str)]) -> Self {
        let mut form = vec![("grant_type", "client_credentials"), ("scope", STRUCTURE)];
        replace(&mut form, more);
        self.granted(&form).await
    }

    async fn granted(&self, form: &[(&str, &str)]) -> Self {
        let answer = self.form("/oauth2/token", form).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.with_token(answer.json()["access_token"].as_str().unwrap())
    }

    /// GET of a path (`/fhir/…`) or of a whole URL.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Vec::new()).await
    }

    /// GET with headers.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, Vec::new()).await
    }

    /// POST of a FHIR resource to the base or to a type.
    pub(crate) async fn post(&self, path: &str, resource: &Value) -> Answer {
        self.post_bytes(path, resource.to_string().into_bytes()).await
    }

    /// POST of bytes as FHIR JSON.
    pub(crate) async fn post_bytes(&self, path: &str, body: Vec<u8>) -> Answer {
        self.send(Method::POST, path, &[("content-type", "application/fhir+json")], body).await
    }

    /// POST of a form.
    pub(crate) async fn form(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let encode = |text: &str| -> String {
            let byte = |byte: u8| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => char::from(byte).to_string(),
                other => format!("%{other:02X}"),
            };
            text.bytes().map(byte).collect()
        };
        let body: Vec<String> =
            form.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send(Method::POST, path, &headers, body.join("&").into_bytes()).await
    }

    /// Any request.
    pub(crate) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        self.try_send(method, path, headers, body).await.unwrap()
    }

    /// Any request, which may not even reach the server.
    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, reqwest::Error> {
        let url = if path.starts_with("https://") { path.to_owned() } else { format!("{}{path}", self.origin) };
        let mut request = self.http.request(method, url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request = request.header(name, HeaderValue::from_str(value).unwrap());
        }
        if !body.is_empty() {
            request = request.body(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Answer { status, headers, body: response.bytes().await?.to_vec() })
    }
}

fn replace<'a>(form: &mut Vec<(&'a str, &'a str)>, more: &[(&'a str, &'a str)]) {
    for (name, value) in more {
        form.retain(|(known, _)| known != name);
        form.push((name, value));
    }
}

impl Answer {
    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// `status code expression` of an OperationOutcome, one issue a line.
    pub(crate) fn outcome(&self) -> String {
        let body = self.json();
        assert_eq!(body["resourceType"], "OperationOutcome", "{}", self.text());
        let issues = body["issue"].as_array().unwrap().iter().filter(|issue| issue["severity"] == "error");
        let line = |issue: &Value| {
            let codes: Vec<_> =
                issue["details"]["coding"].as_array().unwrap().iter().map(|c| c["code"].as_str().unwrap()).collect();
            let place = issue["expression"][0].as_str().unwrap_or_default();
            format!("{} {} {place}", self.status.as_u16(), codes.join(" ")).trim_end().to_owned()
        };
        issues.map(line).collect::<Vec<_>>().join("\n")
    }

    /// The resources of a searchset that matched.
    pub(crate) fn matches(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.text());
        let body = self.json();
        let entries = body["entry"].as_array().cloned().unwrap_or_default();
        entries.into_iter().filter(|entry| entry["search"]["mode"] == "match").map(|e| e["resource"].clone()).collect()
    }

    /// The locations of a transaction response, without their version.
    pub(crate) fn locations(&self) -> Vec<String> {
        assert_eq!(self.status, 200, "{}", self.text());
        let body = self.json();
        let location = |entry: &Value| entry["response"]["location"].as_str().unwrap().to_owned();
        let bare = |location: String| location.split("/_history/").next().unwrap().to_owned();
        body["entry"].as_array().unwrap().iter().map(location).map(bare).collect()
    }
}
