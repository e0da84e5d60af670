//! Numbers and quantities: bounds of the precision they are written in (R4 search §number).
//!
//! Bounds are kept in millionths. A quantity is compared by its number alone; a search that names
//! a unit is refused, so that no unit is ever ignored.

use serde_json::Value;

use super::date::{Prefix, Span};
use super::plan::{IndexEntry, Interval};

/// Ten to the number of decimals kept.
const DECIMALS: u32 = 6;

/// The row of a number, a Quantity or a Range.
pub(super) fn row(parameter: i32, node: &Value) -> Option<IndexEntry> {
    let exact = |node: &Value| decimal(&node.to_string()).map(|(value, _)| value);
    let (low, high) = match node {
        Value::Number(_) => (exact(node)?, exact(node)?),
        _ if node.get("value").is_some() => (exact(node.get("value")?)?, exact(node.get("value")?)?),
        _ if node.get("low").is_some() || node.get("high").is_some() => {
            let bound = |name: &str| node.get(name).and_then(|end| exact(end.get("value")?));
            (bound("low").unwrap_or(i64::MIN), bound("high").unwrap_or(i64::MAX))
        }
        _ => return None,
    };
    Some(IndexEntry { parameter, value: String::new(), low, high })
}

/// The rows a search value asks for: `100` is from 99.5 to 100.5.
pub(super) fn intervals(value: &str) -> Option<Vec<Interval>> {
    let (prefix, rest) = Prefix::split(value);
    let (number, width) = decimal(rest)?;
    let half = width / 2;
    // Written precision counts for equality; order compares with the number itself.
    let span = match prefix {
        Prefix::Equal | Prefix::NotEqual => {
            Span { low: number.saturating_sub(half), high: number.saturating_add((half - 1).max(0)) }
        }
        _ => Span { low: number, high: number },
    };
    Some(prefix.intervals(span, (number / 10).saturating_abs()))
}

/// A decimal in millionths, and the width of its last digit in millionths.
fn decimal(text: &str) -> Option<(i64, i64)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok().filter(|e| e.abs() <= 18)?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) || mantissa.ends_with('.') || mantissa.len() > 36 {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let places = i32::try_from(DECIMALS).ok()? + exponent - i32::try_from(fraction.len()).ok()?;
    let scaled = scale(digits, places)?;
    let value = i64::try_from(scaled).ok()?;
    let width = scale(1, places).and_then(|width| i64::try_from(width).ok()).unwrap_or(i64::MAX);
    Some((if negative { -value } else { value }, width.max(1)))
}

fn scale(number: i128, places: i32) -> Option<i128> {
    let power = 10_i128.checked_pow(places.unsigned_abs())?;
    if places < 0 { Some(number / power) } else { number.checked_mul(power) }
}
