//! The INS of a resource: its form and its key (contract §8, document-sharing §2, T17).

use serde_json::Value;

use super::Conformance;
use super::path::{Path, shown};
use crate::error::{Code, Issue};
use crate::fhir::definition::Type;
use crate::ids::{Ins, InsDomain};

/// No more issues than this are told.
const MOST_ISSUES: usize = 50;
/// Deeper than any JSON that was read.
const DEEPEST: usize = 160;

/// Every identifier under an INS domain, wherever it stands: a wrong key refuses under `.8` and `.9`, warns under
/// `.10` and `.11`, and under `lenient`. The value itself is never told.
pub(super) fn judge(resource: &Value, mode: Conformance) -> Vec<Issue> {
    let kind = resource.get("resourceType").and_then(Value::as_str).and_then(Type::resource);
    let mut issues = Vec::new();
    walk(resource, &Path::root(kind.map_or("Resource", Type::name)), 0, &mut issues);
    if mode == Conformance::Lenient {
        // T2: the official examples carry one that fails.
        issues = issues.into_iter().map(Issue::warning).collect();
    }
    issues
}

fn walk(value: &Value, path: &Path<'_>, depth: usize, issues: &mut Vec<Issue>) {
    if depth > DEEPEST || issues.len() >= MOST_ISSUES {
        return;
    }
    match value {
        Value::Object(map) => {
            let text = |name: &str| map.get(name).and_then(Value::as_str);
            if let (Some(system), Some(value)) = (text("system"), text("value")) {
                issues.extend(identifier(system, value).map(|issue| issue.at(path.child("value").written())));
            }
            for (key, value) in map.iter().filter(|(_, value)| value.is_object() || value.is_array()) {
                walk(value, &path.child(&shown(key)), depth + 1, issues);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &path.index(index), depth + 1, issues);
            }
        }
        _ => {}
    }
}

fn identifier(system: &str, value: &str) -> Option<Issue> {
    let domain = InsDomain::from_oid(system)?;
    if Ins::parse(system, value).is_ok_and(|ins| ins.key_is_valid()) {
        return None;
    }
    let issue = Issue::new(Code::InsKey).rule("INS").detail(format!("({})", domain.oid()));
    Some(if domain.key_is_binding() { issue } else { issue.warning() })
}
