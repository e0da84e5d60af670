//! Composites: several parameters of the same repetition, joined by `$` (R4 search §composite).
//!
//! Served where every component is a token, a reference or a URI; the others are refused.

use serde_json::Value;

use super::index;
use super::plan::{Match, Naming};
use super::table::{Kind, Parameter};
use super::token;
use crate::fhir::path::Expression;

/// The kind and the place of each component.
pub(super) type Components = Vec<(Kind, Expression)>;

/// Combinations kept of one repetition: codings multiply.
const COMBINATIONS: usize = 256;

/// The components, if all can be served.
pub(super) fn compile(parameter: &Parameter) -> Option<Components> {
    if parameter.components.is_empty() {
        return None;
    }
    let compile = |(kind, expression): &(Kind, &str)| {
        let served = matches!(kind, Kind::Token | Kind::Reference | Kind::Uri);
        Some((*kind, Expression::compile(expression).ok().filter(|_| served)?))
    };
    parameter.components.iter().map(compile).collect()
}

/// The joined values of one repetition.
pub(super) fn rows(
    components: &Components,
    resource: &Value,
    node: &Value,
    naming: &Naming<'_>,
    each: &mut dyn FnMut(String),
) {
    let mut joined = vec![String::new()];
    for (place, (kind, expression)) in components.iter().enumerate() {
        let mut values = Vec::new();
        expression.select(resource, node, &mut |found| {
            let mut add = |value| values.push(value);
            match kind {
                Kind::Token => token::forms(found, naming, &mut add),
                _ => index::values(*kind, resource, found, naming, &mut add),
            }
        });
        joined = product(&joined, &values, place);
    }
    joined.into_iter().for_each(each);
}

/// Every value so far with every value of the next component.
fn product(joined: &[String], values: &[String], place: usize) -> Vec<String> {
    let sign = if place == 0 { "" } else { "$" };
    let pairs = joined.iter().flat_map(|start| values.iter().map(move |value| (start, value)));
    pairs.take(COMBINATIONS).map(|(start, value)| format!("{start}{sign}{}", value.replace('$', "\\$"))).collect()
}

/// The joined forms of one search value; `read` turns a component's text into what it may equal.
pub(super) fn matches(
    parameter: &Parameter,
    value: &str,
    read: &dyn Fn(Kind, &str) -> Option<Vec<Match>>,
) -> Option<Vec<Match>> {
    let components = compile(parameter)?;
    let parts = super::term::split(value, '$');
    if parts.len() != components.len() {
        return None;
    }
    let mut joined = vec![String::new()];
    for (place, ((kind, _), part)) in components.iter().zip(&parts).enumerate() {
        let exact = |found| match found {
            Match::Exact(value) => Some(value),
            Match::Prefix(_) | Match::Suffix(_) | Match::Contains(_) | Match::Interval(_) => None,
        };
        let values: Vec<String> = read(*kind, part)?.into_iter().map(exact).collect::<Option<_>>()?;
        joined = product(&joined, &values, place);
    }
    Some(joined.into_iter().map(|value| Match::Exact(super::capped(value))).collect())
}
