//! Quantities: a number and its unit (R4 search §quantity).
//!
//! A row holds the number in millionths and, as its value, the unit's code with the mark of its system;
//! a unit written otherwise than by its code has a row of its own. What can be converted (UCUM) stands
//! besides under [`canonical`], in the one unit of its dimension.

use serde_json::Value;

use super::number::{self, Written};
use super::plan::{IndexEntry, Interval, Match, Naming, Term};
use super::term::{split, unescape};
use super::token;
use super::unit::{self, UCUM};

/// The number under which a parameter's values stand in the unit of their dimension.
pub(super) const fn canonical(parameter: i32) -> i32 {
    -parameter
}

/// The system of a Money's currency.
const CURRENCIES: &str = "urn:iso:std:iso:4217";

/// A quantity as rows keep it.
struct Measure<'a> {
    low: i64,
    high: i64,
    system: Option<&'a str>,
    code: Option<&'a str>,
    unit: Option<&'a str>,
}

/// A Quantity, a Money, a Range, or a SampledData by its origin.
fn read(node: &Value) -> Option<Measure<'_>> {
    let of = |quantity: &Value| number::exact(quantity.get("value")?);
    let bound = |name: &str| node.get(name).and_then(of);
    let (low, high, unit) = if let Some(value) = of(node) {
        (value, value, node)
    } else if node.get("low").is_some() || node.get("high").is_some() {
        let unit = node.get("low").or_else(|| node.get("high"))?;
        (bound("low").unwrap_or(i64::MIN), bound("high").unwrap_or(i64::MAX), unit)
    } else {
        let origin = node.get("origin")?;
        let value = of(origin)?;
        (value, value, origin)
    };
    let text = |name: &str| unit.get(name).and_then(Value::as_str);
    let currency = text("currency");
    let system = text("system").or_else(|| currency.map(|_| CURRENCIES));
    Some(Measure { low, high, system, code: text("code").or(currency), unit: text("unit") })
}

/// The rows of a quantity.
pub(super) fn rows(parameter: i32, node: &Value, naming: &Naming<'_>, each: &mut dyn FnMut(IndexEntry)) {
    let Some(measure) = read(node) else { return };
    let Measure { low, high, system, code, unit } = measure;
    forms(system, code, unit, naming, &mut |value| each(IndexEntry { parameter, value, low, high }));
    if let Some(unit) = code.filter(|_| system == Some(UCUM)).and_then(unit::find) {
        let value = token::coded(None, unit.base);
        let (low, high) = (unit.convert(low), unit.convert(high));
        each(IndexEntry { parameter: canonical(parameter), value, low, high });
    }
}

/// The unit's forms with the bounds, for a composite.
pub(super) fn parts(node: &Value, naming: &Naming<'_>, each: &mut dyn FnMut(String, i64, i64)) {
    let Some(measure) = read(node) else { return };
    let (low, high) = (measure.low, measure.high);
    forms(measure.system, measure.code, measure.unit, naming, &mut |value| each(value, low, high));
}

/// How a unit stands in rows: by its code, and by its own name where that is another.
fn forms(
    system: Option<&str>,
    code: Option<&str>,
    unit: Option<&str>,
    naming: &Naming<'_>,
    each: &mut dyn FnMut(String),
) {
    match code {
        Some(code) => each(token::coded(system.map(|system| naming.system(system)), code)),
        None if unit.is_none() => each(String::new()),
        None => {}
    }
    if let Some(unit) = unit.filter(|unit| code != Some(unit)) {
        each(token::coded(None, unit));
    }
}

/// A search value: `[prefix]number`, `[prefix]number|system|code`, `[prefix]number||code`.
struct Asked {
    number: Written,
    unit: Option<(Option<String>, String)>,
}

fn asked(value: &str) -> Option<Asked> {
    let parts: Vec<String> = split(value, '|').iter().map(|part| unescape(part)).collect();
    let (number, unit) = match parts.as_slice() {
        [number] => (number, None),
        [number, system, code] if !code.is_empty() => {
            let system = (!system.is_empty()).then(|| system.clone());
            (number, Some((system, code.clone())))
        }
        _ => return None,
    };
    Some(Asked { number: number::written(number)?, unit })
}

/// What some values of one parameter ask for; those in a unit that can be converted are asked in the
/// unit of their dimension.
pub(super) fn term(parameter: i32, values: &[String], naming: &Naming<'_>) -> Option<Term> {
    let (mut as_written, mut converted) = (Vec::new(), Vec::new());
    for value in values {
        let Asked { number, unit } = asked(value)?;
        let known = unit.as_ref().filter(|(system, _)| system.as_deref() == Some(UCUM));
        match (known.and_then(|(_, code)| unit::find(code)), unit.as_ref()) {
            (Some(unit), _) => {
                let intervals = number.intervals_by(&|number| unit.convert(number));
                converted.extend(measured(&token::coded(None, unit.base), intervals));
            }
            (None, None) => as_written.extend(number.intervals().into_iter().map(Match::Interval)),
            (None, Some((system, code))) => {
                as_written.extend(measured(&form(system.as_deref(), code, naming), number.intervals()));
            }
        }
    }
    let index = |parameter, any_of: Vec<Match>| Term::Index { parameter, any_of, negated: false };
    Some(match (as_written.is_empty(), converted.is_empty()) {
        (_, true) => index(parameter, as_written),
        (true, false) => index(canonical(parameter), converted),
        (false, false) => Term::Any(vec![index(parameter, as_written), index(canonical(parameter), converted)]),
    })
}

/// What one value asks of the last part of a composite that begins with `before`.
pub(super) fn after(before: &str, value: &str, naming: &Naming<'_>) -> Option<Vec<Match>> {
    let Asked { number, unit } = asked(value)?;
    let unit = unit.map(|(system, code)| form(system.as_deref(), &code, naming)).unwrap_or_default();
    Some(measured(&format!("{before}{unit}"), number.intervals()))
}

fn measured(start: &str, intervals: Vec<Interval>) -> Vec<Match> {
    intervals.into_iter().map(|interval| Match::Measured(start.to_owned(), interval)).collect()
}

/// A unit as its rows begin: with its system, or in any.
fn form(system: Option<&str>, code: &str, naming: &Naming<'_>) -> String {
    token::coded(system.map(|system| naming.system(system)), code)
}
