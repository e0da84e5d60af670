//! Identifier, Coding, CodeableConcept and Period, as read from JSON (R4 `datatypes.html`).

use serde_json::Value;

use super::date_time::{DateTime, Interval};

/// An Identifier, read in place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Identifier<'a> {
    /// Its namespace.
    pub system: Option<&'a str>,
    /// Its value, unique within the namespace: may be an INS, so never shown by `Debug`.
    pub value: Option<&'a str>,
    /// `usual`, `official`...
    pub usage: Option<&'a str>,
}

impl std::fmt::Debug for Identifier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identifier").field("system", &self.system).finish_non_exhaustive()
    }
}

impl<'a> Identifier<'a> {
    /// Reads an Identifier; `None` where it is no object.
    pub fn of(value: &'a Value) -> Option<Self> {
        let map = value.as_object()?;
        let text = |name: &str| map.get(name).and_then(Value::as_str);
        Some(Self { system: text("system"), value: text("value"), usage: text("use") })
    }
}

/// A Coding, read in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coding<'a> {
    /// The code system.
    pub system: Option<&'a str>,
    /// The code within it.
    pub code: Option<&'a str>,
}

impl<'a> Coding<'a> {
    /// Reads a Coding; `None` where it is no object.
    pub fn of(value: &'a Value) -> Option<Self> {
        let map = value.as_object()?;
        let text = |name: &str| map.get(name).and_then(Value::as_str);
        Some(Self { system: text("system"), code: text("code") })
    }

    /// The codings of a CodeableConcept.
    pub fn all_of(concept: &'a Value) -> impl Iterator<Item = Self> {
        let codings = concept.get("coding").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        codings.iter().filter_map(Self::of)
    }

    /// Whether it is this code of this system.
    pub fn is(self, system: &str, code: &str) -> bool {
        self.system == Some(system) && self.code == Some(code)
    }
}

/// A Period as instants; an open end is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first instant it may cover.
    pub start: Option<Interval>,
    /// The end, with all it may mean.
    pub end: Option<Interval>,
}

impl Period {
    /// Reads a Period; `None` where it is no object or a bound is no `dateTime`.
    pub fn of(value: &Value) -> Option<Self> {
        let map = value.as_object()?;
        let bound = |name: &str| match map.get(name) {
            None => Some(None),
            Some(text) => DateTime::parse(text.as_str()?)?.interval().map(Some),
        };
        Some(Self { start: bound("start")?, end: bound("end")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_identifier_never_shows_its_value() {
        let value = json!({"system": "urn:oid:1.2.250.1.213.1.4.8", "value": "123456789012345"});
        assert!(!format!("{:?}", Identifier::of(&value).unwrap()).contains("1234567"));
    }

    #[test]
    fn a_period_may_be_open_but_not_malformed() {
        let period = Period::of(&json!({"start": "2024"})).unwrap();
        assert!(period.start.is_some() && period.end.is_none());
        assert!(Period::of(&json!({"end": "yesterday"})).is_none());
    }
}
