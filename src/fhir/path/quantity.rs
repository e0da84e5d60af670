//! Quantities: a number and its unit (N1 §quantity; FHIR R4 `fhirpath.html` §2.9.1).

use std::cmp::Ordering;
use std::fmt;

use super::decimal::{Decimal, Rounding};
use super::unit::{Calendar, MONTH, Measure, measure};

/// The unit of a quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unit {
    /// `days`.
    Calendar(Calendar, String),
    /// A UCUM code; empty of a bare number.
    Ucum(String),
    /// A unit of another system, or in words only.
    Other(String),
}

/// A number and its unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quantity {
    pub(super) value: Decimal,
    pub(super) unit: Unit,
}

impl Unit {
    /// A UCUM code, or a calendar duration written as one (`'month'`).
    pub(super) fn coded(code: &str) -> Self {
        match Calendar::named(code) {
            Some(duration) if code.len() > 2 => Self::Calendar(duration, code.to_owned()),
            _ => Self::Ucum(code.to_owned()),
        }
    }

    fn measure(&self) -> Option<Measure> {
        match self {
            Self::Calendar(Calendar::Month, _) => Some(MONTH),
            Self::Calendar(Calendar::Year, _) => Some(Measure { times: Decimal::new(12, 0), ..MONTH }),
            Self::Calendar(duration, _) => measure(duration.code()),
            Self::Ucum(code) => measure(code),
            Self::Other(_) => None,
        }
    }

    /// As [`Self::measure`], where a year is as long as UCUM's.
    fn loose(&self) -> Option<Measure> {
        match self {
            Self::Calendar(duration, _) => measure(duration.code()),
            unit => unit.measure(),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Calendar(_, text) | Self::Ucum(text) | Self::Other(text) => text,
        }
    }

    fn is_none(&self) -> bool {
        matches!(self, Self::Ucum(code) if code.is_empty() || code == "1")
    }
}

impl Quantity {
    /// A number without a unit.
    pub(super) fn bare(value: Decimal) -> Self {
        Self { value, unit: Unit::Ucum("1".to_owned()) }
    }

    /// Reads `1`, `1.5 'mg'`, `1 day`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (number, unit) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let (value, unit) = (Decimal::parse(number)?, unit.trim());
        if unit.is_empty() {
            return Some(Self::bare(value));
        }
        if let Some(code) = unit.strip_prefix('\'').and_then(|code| code.strip_suffix('\'')) {
            return Some(Self { value, unit: Unit::coded(code) });
        }
        Calendar::named(unit).map(|duration| Self { value, unit: Unit::Calendar(duration, unit.to_owned()) })
    }

    /// The order of two quantities; `None` where their units cannot be compared.
    pub(super) fn order(&self, other: &Self) -> Option<Ordering> {
        let (left, right) = self.aligned(other, Unit::measure)?;
        Some(left.order(right))
    }

    /// Whether two quantities mean the same, to the precision of the coarser.
    pub(super) fn is_equivalent(&self, other: &Self) -> bool {
        let Some((left, right)) = self.aligned(other, Unit::loose) else { return false };
        if left.order(right) == Ordering::Equal {
            return true;
        }
        // As exact as the coarser was written, in the unit it was written in.
        let coarse = if self.value.places() <= other.value.places() { self } else { other };
        let fine = if std::ptr::eq(coarse, self) { other } else { self };
        let Some(converted) = fine.converted(&coarse.unit) else { return false };
        let places = coarse.value.places();
        let rounded = converted.to(places, Rounding::Nearest);
        rounded.is_some_and(|rounded| rounded.order(coarse.value) == Ordering::Equal)
    }

    /// The number in another unit.
    fn converted(&self, unit: &Unit) -> Option<Decimal> {
        let (own, other) = (self.unit.loose()?, unit.loose()?);
        self.value.times(own.times)?.times(other.over)?.over(own.over.times(other.times)?)
    }

    /// Both numbers in one unit, where there is one.
    fn aligned(&self, other: &Self, of: fn(&Unit) -> Option<Measure>) -> Option<(Decimal, Decimal)> {
        if self.unit == other.unit {
            return Some((self.value, other.value));
        }
        let (left, right) = (of(&self.unit)?, of(&other.unit)?);
        if left.dimension != right.dimension {
            return None;
        }
        let number = |value: Decimal, own: Measure, other: Measure| value.times(own.times)?.times(other.over);
        Some((number(self.value, left, right)?.short(), number(other.value, right, left)?.short()))
    }

    /// Whether the units of two quantities can be compared.
    pub(super) fn is_comparable(&self, other: &Self) -> bool {
        self.aligned(other, Unit::measure).is_some()
    }

    /// The duration of the calendar this is, where it is one or exactly as long.
    pub(super) fn duration(&self) -> Option<Calendar> {
        match &self.unit {
            Unit::Calendar(duration, _) => Some(*duration),
            Unit::Ucum(code) => Calendar::of_code(code).filter(|duration| duration.is_exact()),
            Unit::Other(_) => None,
        }
    }

    pub(super) fn plus(&self, other: &Self) -> Option<Self> {
        let value = if self.unit == other.unit { other.value } else { other.converted(&self.unit)? };
        let (own, theirs) = (self.unit.measure()?, other.unit.measure()?);
        (own.dimension == theirs.dimension).then_some(())?;
        Some(Self { value: self.value.plus(value)?, unit: self.unit.clone() })
    }

    pub(super) fn negated(&self) -> Option<Self> {
        Some(Self { value: self.value.negated()?, unit: self.unit.clone() })
    }

    pub(super) fn times(&self, other: &Self) -> Option<Self> {
        let unit = match (self.unit.is_none(), other.unit.is_none()) {
            (true, _) => other.unit.clone(),
            (_, true) => self.unit.clone(),
            _ => Unit::Ucum(format!("{}.{}", self.unit.code()?, other.unit.code()?)),
        };
        Some(Self { value: self.value.times(other.value)?, unit })
    }

    pub(super) fn over(&self, other: &Self) -> Option<Self> {
        let unit = if other.unit.is_none() {
            self.unit.clone()
        } else if self.unit == other.unit {
            Unit::Ucum("1".to_owned())
        } else {
            Unit::Ucum(format!("{}/({})", self.unit.code()?, other.unit.code()?))
        };
        Some(Self { value: self.value.over(other.value)?, unit })
    }
}

impl Unit {
    fn code(&self) -> Option<&str> {
        match self {
            Self::Calendar(duration, _) => Some(duration.code()),
            Self::Ucum(code) => Some(code),
            Self::Other(_) => None,
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unit {
            Unit::Calendar(_, word) => write!(f, "{} {word}", self.value),
            unit => write!(f, "{} '{}'", self.value, unit.text()),
        }
    }
}
