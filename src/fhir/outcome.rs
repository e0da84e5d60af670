//! OperationOutcome, the one face of a refusal in FHIR (contract §8, R4 `operationoutcome.html`).

use serde_json::{Map, Value, json};

use crate::error::{Issue, Language};
use crate::ids::RequestId;

/// What every outcome of one request shares.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The FHIR base, without a final slash.
    pub base: &'a str,
    /// The language of `details.text`.
    pub language: Language,
    /// Told in `diagnostics`.
    pub request: Option<&'a RequestId>,
}

/// The XDS error codes' system (contract §8).
const XDS: &str = "urn:ihe:iti:xds";

/// Issues as an OperationOutcome; with none, one informational issue says that all is well.
pub fn render(issues: &[Issue], frame: &Frame<'_>) -> Value {
    let issues: Vec<Value> = if issues.is_empty() {
        vec![
            json!({"severity": "information", "code": "informational", "details": {"text": all_is_well(frame.language)}}),
        ]
    } else {
        issues.iter().map(|issue| render_issue(issue, frame)).collect()
    };
    json!({"resourceType": "OperationOutcome", "issue": issues})
}

/// [`render`], as bytes of JSON.
pub fn bytes(issues: &[Issue], frame: &Frame<'_>) -> Vec<u8> {
    render(issues, frame).to_string().into_bytes()
}

fn render_issue(issue: &Issue, frame: &Frame<'_>) -> Value {
    let row = issue.code.row();
    let mut coding = vec![json!({"system": format!("{}/CodeSystem/mes-error", frame.base), "code": row.name})];
    coding.extend(row.xds.map(|code| json!({"system": XDS, "code": code})));
    let mut out = Map::new();
    out.insert("severity".into(), if issue.is_warning { "warning" } else { "error" }.into());
    out.insert("code".into(), row.issue.code().into());
    out.insert("details".into(), json!({"coding": coding, "text": issue.text(frame.language)}));
    let request = frame.request.map(ToString::to_string);
    let diagnostics: Vec<&str> =
        issue.rule.as_deref().into_iter().chain(issue.written.as_deref()).chain(request.as_deref()).collect();
    if !diagnostics.is_empty() {
        out.insert("diagnostics".into(), diagnostics.join(" ").into());
    }
    if let Some(path) = &issue.path {
        out.insert("expression".into(), json!([path.as_str()]));
    }
    Value::Object(out)
}

const fn all_is_well(language: Language) -> &'static str {
    match language {
        Language::French => "Rien à signaler.",
        Language::English => "All is well.",
    }
}
