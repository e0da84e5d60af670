//! The index rows of a resource, by the table (spec/fhir-r4.md §3, §4; pains 1).

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::composite::Components;
use super::plan::{IndexEntry, Naming};
use super::table::{self, Kind, Parameter};
use super::{capped, composite, date, fold, number, partial, quantity, reference, token};
use crate::fhir::path::{Expression, contained};

/// A parameter with its expression compiled.
struct Compiled {
    parameter: &'static Parameter,
    expression: Expression,
    components: Option<Components>,
}

/// Compiled at first use, once. A row whose expression does not compile is left out here; a test
/// holds that there is none.
static COMPILED: LazyLock<HashMap<&'static str, Vec<Compiled>>> = LazyLock::new(|| {
    let mut compiled: HashMap<_, Vec<_>> = HashMap::new();
    for parameter in table::all().iter().filter(|parameter| has_rows(parameter)) {
        if let Ok(expression) = Expression::compile(parameter.expression) {
            let components = composite::compile(parameter);
            compiled.entry(parameter.resource).or_default().push(Compiled { parameter, expression, components });
        }
    }
    compiled
});

/// Whether rows are kept: not for what is decided elsewhere, nor for what names the record and is
/// never a condition within it: `patient`, and `subject` where it is a patient.
pub(super) fn has_rows(parameter: &Parameter) -> bool {
    let names_record = match parameter.code {
        "patient" => parameter.kind == Kind::Reference,
        "subject" => matches!(parameter.resource, "DocumentReference" | "List"),
        _ => false,
    };
    parameter.kind != Kind::Special && !names_record
}

/// Whether a parameter looks at how documents and lists point to each other.
pub(super) fn points_within(parameter: &Parameter) -> bool {
    let element = match parameter.resource {
        "DocumentReference" => "relatesTo",
        "List" => "entry",
        _ => return false,
    };
    parameter.expression.contains(element)
}

/// The rows under which a resource is found, sorted, each once. A resource of no known type has
/// those of `_profile`, `_tag`, `_security` and `_source` alone.
pub fn index(resource: &Value, naming: &Naming<'_>) -> Vec<IndexEntry> {
    let kind = resource.get("resourceType").and_then(Value::as_str).unwrap_or_default();
    let mut entries = Vec::with_capacity(96);
    for owner in [kind, "Resource"] {
        for compiled in COMPILED.get(owner).into_iter().flatten() {
            compiled.expression.select(resource, resource, &mut |node| {
                add_rows(compiled, resource, node, naming, &mut entries);
            });
        }
    }
    entries.sort_unstable();
    entries.dedup();
    entries
}

/// The nodes that a parameter leads to.
pub(super) fn nodes<'a>(parameter: &Parameter, resource: &'a Value, each: &mut dyn FnMut(&'a Value)) {
    let kept = COMPILED.get(parameter.resource).into_iter().flatten();
    let mut kept = kept.filter(|compiled| compiled.parameter.number == parameter.number);
    match kept.next() {
        Some(compiled) => compiled.expression.select(resource, resource, each),
        // What keeps no rows is not compiled beforehand.
        None => {
            if let Ok(expression) = Expression::compile(parameter.expression) {
                expression.select(resource, resource, each);
            }
        }
    }
}

/// The targets of one reference parameter in a resource (`Type/id`, URLs), for `_include`.
pub fn targets(resource: &Value, parameter: &Parameter, naming: &Naming<'_>) -> Vec<String> {
    let mut found = Vec::new();
    nodes(parameter, resource, &mut |node| {
        reference::rows(resource, node, naming, &mut |row| {
            if !row.starts_with(reference::IDENTIFIER) {
                found.push(row);
            }
        });
    });
    found.sort_unstable();
    found.dedup();
    found
}

/// The same, of a resource as it is stored: only the elements that the parameters begin with are read.
pub fn stored_targets(body: &[u8], parameters: &[&Parameter], naming: &Naming<'_>) -> Vec<String> {
    let firsts: Vec<&str> = parameters.iter().flat_map(|parameter| firsts(parameter)).collect();
    let Some(resource) = partial::read(body, &firsts) else { return Vec::new() };
    let mut found: Vec<String> =
        parameters.iter().flat_map(|parameter| targets(&resource, parameter, naming)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The elements that the branches of an expression begin with.
fn firsts(parameter: &Parameter) -> impl Iterator<Item = &str> {
    let branches = parameter.expression.split('|');
    branches.filter_map(|branch| {
        let (_kind, path) = branch.trim().trim_start_matches('(').split_once('.')?;
        Some(path.split(['.', '[', ' ', ')']).next().unwrap_or(path)).map(|first| {
            // `extension('…')` is the element `extension`.
            first.split('(').next().unwrap_or(first)
        })
    })
}

/// The contained resources that one reference parameter of `from` leads to. `container` holds them:
/// `from` itself, or the resource that `from` is contained in.
pub fn contained_targets<'a>(container: &'a Value, from: &'a Value, parameter: &Parameter) -> Vec<&'a Value> {
    let mut found = Vec::new();
    nodes(parameter, from, &mut |node| found.extend(contained(container, node)));
    found
}

fn add_rows(compiled: &Compiled, resource: &Value, node: &Value, naming: &Naming<'_>, entries: &mut Vec<IndexEntry>) {
    let parameter = compiled.parameter.number;
    let mut add = |value: String| entries.push(IndexEntry { parameter, value: capped(value), low: 0, high: 0 });
    match compiled.parameter.kind {
        Kind::Date => entries.extend(date::row(parameter, node)),
        Kind::Number => entries.extend(number::row(parameter, node)),
        Kind::Quantity => quantity::rows(parameter, node, naming, &mut |entry| entries.push(entry)),
        Kind::Composite => {
            if let Some(components) = &compiled.components {
                composite::rows(components, resource, node, naming, &mut |value, low, high| {
                    entries.push(IndexEntry { parameter, value: capped(value), low, high });
                });
            }
        }
        Kind::Special => {}
        Kind::Reference | Kind::String | Kind::Token | Kind::Uri => {
            values(compiled.parameter.kind, resource, node, naming, &mut add);
        }
    }
}

/// The values of a node under a parameter whose rows are values alone.
pub(super) fn values(kind: Kind, resource: &Value, node: &Value, naming: &Naming<'_>, each: &mut dyn FnMut(String)) {
    match kind {
        Kind::Token => token::rows(node, naming, each),
        Kind::Reference => reference::rows(resource, node, naming, each),
        Kind::String => texts(node, each),
        Kind::Uri => {
            if let Some(uri) = node.as_str() {
                if let Some((url, _version)) = uri.split_once('|') {
                    each(url.to_owned());
                }
                each(uri.to_owned());
            }
        }
        Kind::Composite | Kind::Date | Kind::Number | Kind::Quantity | Kind::Special => {}
    }
}

/// The parts of a HumanName or an Address, or the text itself.
fn texts(node: &Value, each: &mut dyn FnMut(String)) {
    const PARTS: [&str; 11] =
        ["text", "family", "given", "prefix", "suffix", "line", "city", "district", "state", "postalCode", "country"];
    let mut add = |text: &str| {
        // A text of blanks and accents alone is found by nothing.
        if !fold::fold(text).is_empty() {
            each(fold::row(text));
        }
    };
    match node {
        Value::String(text) => add(text),
        Value::Object(members) => {
            for part in PARTS.iter().filter_map(|part| members.get(*part)) {
                match part {
                    Value::String(text) => add(text),
                    Value::Array(texts) => texts.iter().filter_map(Value::as_str).for_each(&mut add),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}
