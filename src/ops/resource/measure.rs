//! The sixteen measures of the espace (mes-rules §2.2): an Observation of another code is not one.
//!
//! Two of the service's own names are public, and four of its notices name a measure: the table says so in
//! its last column; the other codes are ours, of LOINC's vital signs and common results.

use std::sync::LazyLock;

use serde_json::Value;

use crate::error::{Code, Issue};
use crate::ids::ElementPath;

const LOINC: &str = "http://loinc.org";

static CODES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let lines = include_str!("../../../schemas/terminology/measures.csv").lines().skip(1);
    lines.filter_map(|line| line.split(',').next()).collect()
});

/// What keeps an Observation from being a measure.
pub(super) fn judge(observation: &Value) -> Option<Issue> {
    let codings = observation.get("code").and_then(|code| code.get("coding")).and_then(Value::as_array);
    let is_measure = codings.into_iter().flatten().any(|coding| {
        let part = |name: &str| coding.get(name).and_then(Value::as_str);
        part("system") == Some(LOINC) && part("code").is_some_and(|code| CODES.contains(&code))
    });
    let path = ElementPath::root("Observation").child("code");
    (!is_measure).then(|| Issue::new(Code::Binding).at(path).rule("mes-rules §2.2"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_sixteen_measures() {
        assert_eq!(CODES.len(), 16);
        let weight = serde_json::json!({"code": {"coding": [{"system": LOINC, "code": "29463-7"}]}});
        assert_eq!(judge(&weight), None);
        let other = serde_json::json!({"code": {"coding": [{"system": LOINC, "code": "1-8"}, {"code": "29463-7"}]}});
        assert_eq!(judge(&other).map(|issue| issue.code), Some(Code::Binding));
    }
}
