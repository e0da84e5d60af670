//! Composites: several parameters of the same repetition, joined by `$` (R4 search §composite).
//!
//! A row is the parts joined; the last part may be a date or a quantity, whose bounds are the row's.
//! Composites of two numbers (places in a genome) are not served.

use serde_json::Value;

use super::plan::{Match, Naming};
use super::table::{Kind, Parameter};
use super::{date, fold, index, quantity, token};
use crate::fhir::path::Expression;

/// The kind and the place of each component.
pub(super) type Components = Vec<(Kind, Expression)>;

/// Combinations kept of one repetition: codings multiply.
const COMBINATIONS: usize = 256;

/// The components, if all can be served.
pub(super) fn compile(parameter: &Parameter) -> Option<Components> {
    let last = parameter.components.len().checked_sub(1)?;
    let compile = |(place, (kind, expression)): (usize, &(Kind, &str))| {
        let served = match kind {
            Kind::Token | Kind::Reference | Kind::Uri => true,
            Kind::Date | Kind::Quantity | Kind::String => place == last,
            Kind::Composite | Kind::Number | Kind::Special => false,
        };
        Some((*kind, Expression::compile(expression).ok().filter(|_| served)?))
    };
    parameter.components.iter().enumerate().map(compile).collect()
}

/// The joined values of one repetition, each with its bounds.
pub(super) fn rows(
    components: &Components,
    resource: &Value,
    node: &Value,
    naming: &Naming<'_>,
    each: &mut dyn FnMut(String, i64, i64),
) {
    let mut joined = vec![String::new()];
    for (place, (kind, expression)) in components.iter().enumerate() {
        let mut values = Vec::new();
        let mut measures = Vec::new();
        expression.select(resource, node, &mut |found| {
            let mut add = |value| values.push(value);
            match kind {
                Kind::Token => token::forms(found, naming, &mut add),
                Kind::String => values.extend(found.as_str().map(fold::fold)),
                Kind::Date => {
                    let row = date::row(0, found).into_iter();
                    measures.extend(row.map(|row| (String::new(), row.low, row.high)));
                }
                Kind::Quantity => {
                    quantity::parts(found, naming, &mut |unit, low, high| measures.push((unit, low, high)));
                }
                _ => index::values(*kind, resource, found, naming, &mut add),
            }
        });
        if matches!(kind, Kind::Date | Kind::Quantity) {
            let pairs = joined.iter().flat_map(|start| measures.iter().map(move |measure| (start, measure)));
            pairs
                .take(COMBINATIONS)
                .for_each(|(start, (unit, low, high))| each(format!("{start}${unit}"), *low, *high));
            return;
        }
        joined = product(&joined, &values, place);
    }
    for value in joined {
        each(value, 0, 0);
    }
}

/// Every value so far with every value of the next component.
fn product(joined: &[String], values: &[String], place: usize) -> Vec<String> {
    let sign = if place == 0 { "" } else { "$" };
    let pairs = joined.iter().flat_map(|start| values.iter().map(move |value| (start, value)));
    pairs.take(COMBINATIONS).map(|(start, value)| format!("{start}{sign}{}", value.replace('$', "\\$"))).collect()
}

/// What the rows may be of one search value; `read` turns the text of a component whose rows are
/// values alone into what it may equal.
pub(super) fn matches(
    parameter: &Parameter,
    value: &str,
    (now, naming): (i64, &Naming<'_>),
    read: &dyn Fn(Kind, &str) -> Option<Vec<Match>>,
) -> Option<Vec<Match>> {
    let components = compile(parameter)?;
    let parts = super::term::split(value, '$');
    if parts.len() != components.len() {
        return None;
    }
    let mut joined = vec![String::new()];
    for (place, ((kind, _), part)) in components.iter().zip(&parts).enumerate() {
        let ends = |each: &dyn Fn(&str) -> Option<Vec<Match>>| -> Option<Vec<Match>> {
            let all = joined.iter().map(|start| each(&format!("{start}$"))).collect::<Option<Vec<_>>>()?;
            Some(all.into_iter().flatten().collect())
        };
        match kind {
            Kind::Quantity => return ends(&|before| quantity::after(before, part, naming)),
            Kind::Date => {
                let intervals = date::intervals(part, now)?;
                return ends(&|before| {
                    Some(intervals.iter().map(|interval| Match::Measured(before.to_owned(), *interval)).collect())
                });
            }
            Kind::String => {
                let folded = fold::fold(&super::term::unescape(part)).replace('$', "\\$");
                return ends(&|before| (!folded.is_empty()).then(|| vec![Match::Prefix(format!("{before}{folded}"))]));
            }
            _ => {}
        }
        let exact = |found| match found {
            Match::Exact(value) => Some(value),
            Match::Prefix(_) | Match::Suffix(_) | Match::Contains(_) | Match::Interval(_) | Match::Measured(..) => None,
        };
        let values: Vec<String> = read(*kind, part)?.into_iter().map(exact).collect::<Option<_>>()?;
        joined = product(&joined, &values, place);
    }
    Some(joined.into_iter().map(|value| Match::Exact(super::capped(value))).collect())
}
