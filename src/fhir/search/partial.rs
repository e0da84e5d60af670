//! A part of a stored resource: some of its elements, the others passed over without being kept
//! (R4 search §include, where a page of resources is looked through for what it points to).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The members of a resource that begin with one of these names; nothing where it is no JSON object.
pub(super) fn read(body: &[u8], names: &[&str]) -> Option<Value> {
    Part(names).deserialize(&mut serde_json::Deserializer::from_slice(body)).ok().map(Value::Object)
}

/// Which elements are kept.
struct Part<'n>(&'n [&'n str]);

impl Part<'_> {
    /// A choice element bears the name of its datatype too.
    fn keeps(&self, member: &str) -> bool {
        self.0.iter().any(|name| member.starts_with(name))
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a resource")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut kept = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if self.keeps(&name) {
                kept.insert(name, members.next_value()?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_elements_asked_for_are_kept() {
        let body = br#"{"resourceType":"X","author":[{"reference":"A/1"}],"big":{"author":"no"},"valueReference":{"reference":"B/2"}}"#;
        let part = read(body, &["author", "value"]).unwrap();
        assert_eq!(part, json!({ "author": [{ "reference": "A/1" }], "valueReference": { "reference": "B/2" } }));
        assert_eq!(read(b"[]", &["author"]), None);
        assert_eq!(read(b"{\"author\":", &["author"]), None);
    }
}
