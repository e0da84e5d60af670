//! The places of a resource that name other resources, found by the tables and given other names: in a
//! transaction a fullUrl becomes the id it was given (R4 `http.html#trules`). Canonicals stay.

use serde_json::Value;

use crate::fhir::definition::{Kind, Primitive, Type};

/// What kind of place names a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `Reference.reference`.
    Reference,
    /// An element of type uri, url, oid or uuid.
    Uri,
    /// `a href` or `img src` of a narrative.
    Link,
}

/// Deeper than any JSON that was read.
const DEEPEST: usize = 160;

/// Shows every name in a resource to `rename`, and writes what it answers in its place.
pub fn rename(resource: &mut Value, rename: &mut impl FnMut(Place, &str) -> Option<String>) {
    if let Some(kind) = kind_of(resource) {
        walk(resource, kind, rename, 0);
    }
}

fn kind_of(resource: &Value) -> Option<Type> {
    Type::resource(resource.get("resourceType")?.as_str()?)
}

fn walk(value: &mut Value, kind: Type, rename: &mut impl FnMut(Place, &str) -> Option<String>, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, kind, rename, depth + 1)),
        Value::Object(_) if kind.kind() == Kind::Abstract && kind.name() == "Resource" => {
            if let Some(own) = kind_of(value) {
                walk(value, own, rename, depth + 1);
            }
        }
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                // What is said of a primitive besides its value: an id and extensions.
                let extended = name.strip_prefix('_').and_then(|_| Type::named("Element"));
                let own = || kind.property(name)?.kind();
                let Some(of) = extended.or_else(own) else { continue };
                if kind.name() == "Reference" && name == "reference" {
                    leaf(member, Place::Reference, rename);
                } else {
                    walk(member, of, rename, depth + 1);
                }
            }
        }
        Value::String(_) => match kind.kind() {
            Kind::Primitive(Primitive::Uri | Primitive::Url | Primitive::Oid | Primitive::Uuid) => {
                leaf(value, Place::Uri, rename);
            }
            Kind::Primitive(Primitive::Xhtml) => narrative(value, rename),
            _ => {}
        },
        _ => {}
    }
}

fn leaf(value: &mut Value, place: Place, rename: &mut impl FnMut(Place, &str) -> Option<String>) {
    if let Value::String(text) = value
        && let Some(name) = rename(place, text)
    {
        *text = name;
    }
}

/// Renames the links of a narrative; what follows a `#` in them stays.
fn narrative(value: &mut Value, rename: &mut impl FnMut(Place, &str) -> Option<String>) {
    let Value::String(div) = value else { return };
    if !div.contains("href") && !div.contains("src") {
        return;
    }
    let mut written = String::with_capacity(div.len());
    let mut rest = div.as_str();
    while let Some((before, from)) = rest.find('<').and_then(|at| rest.split_at_checked(at)) {
        written.push_str(before);
        let end = tag_end(from);
        let (tag, after) = from.split_at_checked(end).unwrap_or((from, ""));
        written.push_str(&linked(tag, rename).unwrap_or_else(|| tag.to_owned()));
        rest = after;
    }
    written.push_str(rest);
    *div = written;
}

/// Where a tag ends: a `>` within quotes ends nothing.
fn tag_end(from: &str) -> usize {
    let mut quote = None;
    for (at, byte) in from.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return at + 1,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    from.len()
}

/// The tag with its link renamed.
fn linked(tag: &str, rename: &mut impl FnMut(Place, &str) -> Option<String>) -> Option<String> {
    let attribute =
        match tag.strip_prefix('<')?.split(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>').next()? {
            "a" => "href",
            "img" => "src",
            _ => return None,
        };
    let place = tag.match_indices(attribute).find_map(|(at, _)| {
        let (before, after) = tag.split_at_checked(at)?;
        let after = after.get(attribute.len()..)?.trim_start().strip_prefix('=')?.trim_start();
        let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let is_whole = before.ends_with(|c: char| c.is_ascii_whitespace());
        let start = tag.len().checked_sub(after.len())?.checked_add(1).filter(|_| is_whole)?;
        let length = tag.get(start..)?.find(quote)?;
        Some((start, start.checked_add(length)?))
    });
    let (start, end) = place?;
    let link = tag.get(start..end)?;
    let (target, fragment) = link.split_once('#').unwrap_or((link, ""));
    let name = rename(Place::Link, target)?;
    let mark = if fragment.is_empty() { "" } else { "#" };
    Some(format!("{}{name}{mark}{fragment}{}", tag.get(..start)?, tag.get(end..)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const X: &str = "urn:uuid:05efabf0-4be2-4561-91ce-51548425acb9";

    fn renamed(mut resource: Value) -> Value {
        rename(&mut resource, &mut |_place, name| (name == X).then(|| "Location/1".to_owned()));
        resource
    }

    #[test]
    fn names_are_changed_where_the_tables_say_that_they_are_names() {
        let before = json!({
            "resourceType": "PractitionerRole",
            "implicitRules": X,
            "language": X,
            "location": [{ "reference": X, "display": X }, { "reference": "Location/2" }],
            "contained": [{ "resourceType": "Location", "id": "a", "partOf": { "reference": X }, "name": X }],
            "extension": [
                { "url": "urn:x", "valueUri": X }, { "url": "urn:x", "valueUrl": X }, { "url": "urn:x", "valueCanonical": X },
                { "url": "urn:x", "valueString": X }, { "url": "urn:x", "valueReference": { "reference": X } },
            ],
            "_active": { "extension": [{ "url": "urn:x", "valueUuid": X }] },
            "identifier": [{ "system": X, "value": X }],
        });
        let after = renamed(before.clone()).to_string();
        assert_eq!(before.to_string().matches(X).count(), 14);
        // What stays: language, display, name of a contained place, a canonical, a string, a value.
        assert_eq!(after.matches(X).count(), 6, "{after}");
        assert_eq!(renamed(before)["contained"][0]["partOf"]["reference"], "Location/1");
    }

    #[test]
    fn links_of_a_narrative_follow() {
        let div = format!(
            r##"<div xmlns="http://www.w3.org/1999/xhtml"><a title="a > b" href="{X}">{X}</a><img alt='x' src='{X}#f'/><p href="{X}">é</p><a name="{X}" href="#x">y</a></div>"##
        );
        let after = renamed(json!({ "resourceType": "Location", "text": { "status": "generated", "div": div } }));
        let expected = format!(
            r##"<div xmlns="http://www.w3.org/1999/xhtml"><a title="a > b" href="Location/1">{X}</a><img alt='x' src='Location/1#f'/><p href="{X}">é</p><a name="{X}" href="#x">y</a></div>"##
        );
        assert_eq!(after["text"]["div"], expected);
    }

    #[test]
    fn a_narrative_that_is_no_xml_stays_as_it_is() {
        for div in ["<a href=\"", "<a href", "<", "<a href=x>", "<a src='", "é<é href=\"é"] {
            let resource = json!({ "resourceType": "Location", "text": { "status": "generated", "div": div } });
            assert_eq!(renamed(resource.clone()), resource);
        }
    }
}
