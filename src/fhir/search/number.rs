//! Numbers: bounds of the precision they are written in (R4 search §number).
//!
//! Bounds are kept in millionths.

use serde_json::Value;

use super::date::{Prefix, Span};
use super::plan::{IndexEntry, Interval};

/// Ten to the number of decimals kept.
const DECIMALS: u32 = 6;

/// The row of a number.
pub(super) fn row(parameter: i32, node: &Value) -> Option<IndexEntry> {
    let number = exact(node)?;
    Some(IndexEntry { parameter, value: String::new(), low: number, high: number })
}

/// A JSON number in millionths.
pub(super) fn exact(node: &Value) -> Option<i64> {
    node.is_number().then(|| decimal(&node.to_string()))?.map(|(number, _)| number)
}

/// A number of a search, with its prefix.
pub(super) struct Written {
    prefix: Prefix,
    number: i64,
    width: i64,
}

/// Reads `[prefix]number`.
pub(super) fn written(value: &str) -> Option<Written> {
    let (prefix, rest) = Prefix::split(value);
    let (number, width) = decimal(rest)?;
    Some(Written { prefix, number, width })
}

impl Written {
    /// The rows it asks for: `100` is from 99.5 to 100.5.
    pub(super) fn intervals(&self) -> Vec<Interval> {
        self.intervals_by(&|number| number)
    }

    /// The same, of rows in another unit.
    pub(super) fn intervals_by(&self, convert: &dyn Fn(i64) -> i64) -> Vec<Interval> {
        let half = self.width / 2;
        // Written precision counts for equality; order compares with the number itself.
        let (low, high) = match self.prefix {
            Prefix::Equal | Prefix::NotEqual => {
                (self.number.saturating_sub(half), self.number.saturating_add((half - 1).max(0)))
            }
            _ => (self.number, self.number),
        };
        let slack = convert(self.number / 10).saturating_abs();
        self.prefix.intervals(Span { low: convert(low), high: convert(high) }, slack)
    }
}

/// The rows a search value asks for.
pub(super) fn intervals(value: &str) -> Option<Vec<Interval>> {
    Some(written(value)?.intervals())
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
