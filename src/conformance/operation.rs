//! From an operation to a request (FHIR R4 `testscript.html` §operation; `http.html`).

use super::scope::Scope;
use super::script::Operation;
use super::target::Request;
use crate::fhir::codec::xml::{self, Layout};

const JSON: &str = "application/fhir+json";

/// The request that an operation sends.
///
/// # Errors
/// Says what it lacks.
pub fn request(operation: &Operation, scope: &Scope<'_>, base: &str) -> Result<Request, String> {
    let kind = operation.kind.as_deref().unwrap_or_default();
    let method = match operation.method.as_deref() {
        Some(method) => method.to_ascii_uppercase(),
        None => method_of(kind)?.to_owned(),
    };
    let mut url = url_of(operation, kind, scope, base)?;
    if operation.encode {
        url = encoded(&url);
    }
    let body = match &operation.source_id {
        Some(id) if operation.content_type.as_deref() == Some("xml") => in_xml(&scope.source(id)?)?,
        Some(id) => scope.fixture(id)?,
        None => Vec::new(),
    };
    let mut headers = Vec::new();
    let media = |text: &str| -> Result<String, String> {
        Ok(match text {
            "json" => JSON.to_owned(),
            "xml" => "application/fhir+xml".to_owned(),
            other => scope.fill(other)?,
        })
    };
    match operation.accept.as_deref() {
        Some("none") => {}
        accept => headers.push(("Accept".to_owned(), media(accept.unwrap_or(JSON))?)),
    }
    match operation.content_type.as_deref() {
        Some("none") => {}
        None if operation.source_id.is_none() => {}
        content => headers.push(("Content-Type".to_owned(), media(content.unwrap_or(JSON))?)),
    }
    for (name, value) in &operation.headers {
        headers.retain(|(known, _): &(String, String)| !known.eq_ignore_ascii_case(name));
        headers.push((name.clone(), scope.fill(value)?));
    }
    Ok(Request { method, url, headers, body })
}

/// A fixture is kept in JSON, in whatever form it is sent.
fn in_xml(resource: &serde_json::Value) -> Result<Vec<u8>, String> {
    let text = xml::write(resource, Layout::Dense).map_err(|_unsaid| "the fixture is no resource".to_owned())?;
    Ok(text.into_bytes())
}

fn method_of(kind: &str) -> Result<&'static str, String> {
    match kind {
        "read" | "vread" | "search" | "history" | "capabilities" => Ok("GET"),
        "create" | "transaction" | "batch" => Ok("POST"),
        "update" | "updateCreate" => Ok("PUT"),
        "patch" => Ok("PATCH"),
        "delete" | "deleteCondSingle" => Ok("DELETE"),
        _ => Err(format!("the operation {kind} needs a method")),
    }
}

fn url_of(operation: &Operation, kind: &str, scope: &Scope<'_>, base: &str) -> Result<String, String> {
    if let Some(url) = &operation.url {
        let url = scope.fill(url)?;
        let is_whole = url.starts_with("https://") || url.starts_with("http://");
        return Ok(if is_whole { url } else { format!("{base}/{url}") });
    }
    let mut url = base.to_owned();
    match (kind, &operation.resource) {
        ("capabilities", _) => url.push_str("/metadata"),
        ("transaction" | "batch", _) => {}
        (_, Some(resource)) => url = format!("{url}/{resource}"),
        (_, None) => return Err(format!("the operation {kind} needs a resource or a url")),
    }
    if let Some(id) = &operation.target_id {
        let found = scope.source(id)?;
        let found = found.get("id").and_then(serde_json::Value::as_str);
        url = format!("{url}/{}", found.ok_or_else(|| format!("{id} has no id"))?);
    }
    if let Some(params) = &operation.params {
        let params = scope.fill(params)?;
        let glue = if params.starts_with(['/', '?']) { "" } else { "/" };
        url = format!("{url}{glue}{params}");
    }
    Ok(url)
}

/// What may not stand in a URL is encoded; what is encoded already stays.
fn encoded(url: &str) -> String {
    let byte = |byte: u8| match byte {
        b'!'..=b'~' if !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}') => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    url.bytes().map(byte).collect()
}
