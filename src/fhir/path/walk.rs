//! Walks a compiled expression over a resource (FHIRPath N1 §path selection).

use serde_json::Value;

use super::{Branch, Expression, Literal, Step, Test};

static TRUE: Value = Value::Bool(true);
static FALSE: Value = Value::Bool(false);

impl Expression {
    /// Hands over every node the expression leads to, from `from`, in `resource` (which holds the
    /// contained resources). Arrays are flattened; a node may be handed over twice.
    pub fn select<'a>(&self, resource: &'a Value, from: &'a Value, each: &mut dyn FnMut(&'a Value)) {
        for branch in &self.branches {
            match branch {
                Branch::Path(steps) => walk(steps, resource, from, each),
                Branch::Test(test) => each(if holds(test, resource, from) { &TRUE } else { &FALSE }),
            }
        }
    }
}

fn walk<'a>(steps: &[Step], resource: &'a Value, node: &'a Value, each: &mut dyn FnMut(&'a Value)) {
    if let Value::Array(items) = node {
        for item in items {
            walk(steps, resource, item, each);
        }
        return;
    }
    let Some((step, rest)) = steps.split_first() else {
        if !node.is_null() {
            each(node);
        }
        return;
    };
    match step {
        Step::Field(name) => {
            if let Some(child) = node.get(name) {
                walk(rest, resource, child, each);
            }
        }
        Step::Choice(name) => {
            if let Some(child) = choice(node, name) {
                walk(rest, resource, child, each);
            }
        }
        Step::Nth(name, index) => match node.get(name) {
            Some(Value::Array(items)) => {
                if let Some(item) = items.get(*index) {
                    walk(rest, resource, item, each);
                }
            }
            Some(single) if *index == 0 => walk(rest, resource, single, each),
            _ => {}
        },
        Step::Extension(url) => {
            for extension in node.get("extension").and_then(Value::as_array).into_iter().flatten() {
                if extension.get("url").and_then(Value::as_str) == Some(url) {
                    walk(rest, resource, extension, each);
                }
            }
        }
        Step::Where(test) => {
            if holds(test, resource, node) {
                walk(rest, resource, node, each);
            }
        }
        Step::Resolve => {
            if let Some(target) = contained(resource, node) {
                walk(rest, resource, target, each);
            }
        }
        Step::OfType(kind) => {
            if node.get("resourceType").and_then(Value::as_str) == Some(kind) {
                walk(rest, resource, node, each);
            }
        }
    }
}

/// The value of `name[x]`: the member whose key is the name and a datatype.
fn choice<'a>(node: &'a Value, name: &str) -> Option<&'a Value> {
    let is_typed = |key: &str| {
        key.strip_prefix(name).is_some_and(|datatype| datatype.starts_with(|first: char| first.is_ascii_uppercase()))
    };
    node.as_object()?.iter().find(|(key, _)| is_typed(key)).map(|(_, value)| value)
}

/// The contained resource that a reference `#id` names.
pub(crate) fn contained<'a>(resource: &'a Value, reference: &Value) -> Option<&'a Value> {
    let id = reference.get("reference")?.as_str()?.strip_prefix('#')?;
    let contained = resource.get("contained")?.as_array()?;
    contained.iter().find(|target| target.get("id").and_then(Value::as_str) == Some(id))
}

fn holds(test: &Test, resource: &Value, node: &Value) -> bool {
    match test {
        Test::Compare { path, equal, literal } => {
            let mut result = None;
            walk(path, resource, node, &mut |found| {
                let same = match literal {
                    Literal::Text(text) => found.as_str() == Some(text),
                    Literal::Truth(truth) => found.as_bool() == Some(*truth),
                };
                result = Some(result.unwrap_or(false) || same);
            });
            result.is_some_and(|same| same == *equal)
        }
        Test::Exists(path) => {
            let mut found = false;
            walk(path, resource, node, &mut |_| found = true);
            found
        }
        Test::TargetIs(kind) => target_type(resource, node).is_none_or(|known| known == kind),
        Test::And(one, other) => holds(one, resource, node) && holds(other, resource, node),
    }
}

/// The type of the resource a Reference points to, where the reference tells it.
fn target_type<'a>(resource: &'a Value, reference: &'a Value) -> Option<&'a str> {
    if let Some(kind) = reference.get("type").and_then(Value::as_str) {
        return Some(kind.rsplit('/').next().unwrap_or(kind));
    }
    if let Some(target) = contained(resource, reference) {
        return target.get("resourceType").and_then(Value::as_str);
    }
    let text = reference.get("reference").and_then(Value::as_str)?;
    let path = text.split_once("/_history/").map_or(text, |(path, _version)| path);
    let path = path.split_once('?').map_or(path, |(kind, _query)| kind);
    let mut parts = path.rsplit('/');
    let last = parts.next()?;
    let kind = if text.contains('?') { last } else { parts.next()? };
    kind.starts_with(|first: char| first.is_ascii_uppercase()).then_some(kind)
}
