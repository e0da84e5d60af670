//! Exact decimal numbers of FHIRPath (N1 §decimal): 128 bits of digits and the places after the point.

use std::cmp::Ordering;
use std::fmt;

/// A decimal number; its places after the point are kept as written, `1.10` is not `1.1` but equals it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    digits: i128,
    places: u32,
    /// Zeros at the end of a whole number that its exponent brought, and nobody measured.
    coarse: u32,
}

/// Which neighbour a number becomes that lies between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    /// Towards minus infinity.
    Down,
    /// Towards plus infinity.
    Up,
    /// Towards zero.
    Zero,
    /// To the nearest, halves away from zero.
    Nearest,
}

/// As many places as a quotient is taken to.
const QUOTIENT_PLACES: i64 = 20;
/// Beyond this nothing is written.
const MOST_PLACES: u32 = 38;

impl Decimal {
    pub(super) const fn new(digits: i128, places: u32) -> Self {
        Self { digits, places, coarse: 0 }
    }

    /// Reads `-12.50`, `1.5e3`; `None` where it is none or does not fit.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
        let (whole, part) = unsigned.split_once('.').map_or((unsigned, None), |(whole, part)| (whole, Some(part)));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || part.is_some_and(|part| !is_digits(part)) {
            return None;
        }
        let part = part.unwrap_or_default();
        let digits: i128 = format!("{whole}{part}").parse().ok()?;
        let places = i32::try_from(part.len()).ok()?.checked_sub(exponent)?;
        let digits = if mantissa.starts_with('-') { -digits } else { digits };
        if places < 0 {
            let coarse = places.unsigned_abs();
            return Some(Self { coarse, ..Self::new(digits.checked_mul(power(coarse)?)?, 0) });
        }
        let places = u32::try_from(places).ok()?;
        (places <= MOST_PLACES).then_some(Self::new(digits, places))
    }

    /// The nearest decimal of a float of at most 17 digits; `None` of what is no number or does not fit.
    pub(super) fn of_float(number: f64) -> Option<Self> {
        Self::parse(&format!("{number:e}")).or_else(|| Self::parse(&format!("{number:.20}")))
    }

    pub(super) fn to_float(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The places after the point.
    pub(super) const fn places(self) -> u32 {
        self.places
    }

    /// Half of what its last digit stands for.
    pub(super) fn half_step(self) -> Option<Self> {
        match self.coarse.checked_sub(1) {
            Some(zeros) => Some(Self::new(5_i128.checked_mul(power(zeros)?)?, 0)),
            None => Some(Self::new(5, self.places.checked_add(1)?)),
        }
    }

    pub(super) const fn is_zero(self) -> bool {
        self.digits == 0
    }

    pub(super) const fn is_negative(self) -> bool {
        self.digits < 0
    }

    /// The number as an integer, where it is one.
    pub(super) fn integer(self) -> Option<i64> {
        let whole = self.to(0, Rounding::Zero)?;
        (self.order(whole) == Ordering::Equal).then(|| i64::try_from(whole.digits).ok()).flatten()
    }

    pub(super) fn negated(self) -> Option<Self> {
        Some(Self::new(self.digits.checked_neg()?, self.places))
    }

    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let (left, right, places) = self.aligned(other)?;
        Some(Self::new(left.checked_add(right)?, places))
    }

    pub(super) fn minus(self, other: Self) -> Option<Self> {
        self.plus(other.negated()?)
    }

    pub(super) fn times(self, other: Self) -> Option<Self> {
        let places = self.places.checked_add(other.places).filter(|places| *places <= MOST_PLACES)?;
        match self.digits.checked_mul(other.digits) {
            Some(digits) => Some(Self::new(digits, places)),
            None => self.short().times_short(other.short()),
        }
    }

    fn times_short(self, other: Self) -> Option<Self> {
        Some(Self::new(self.digits.checked_mul(other.digits)?, self.places.checked_add(other.places)?))
    }

    /// The quotient, exact or to twenty places; `None` by zero.
    pub(super) fn over(self, other: Self) -> Option<Self> {
        if other.is_zero() {
            return None;
        }
        let mut dividend = self.digits;
        let mut places = i64::from(self.places) - i64::from(other.places);
        while places < QUOTIENT_PLACES && dividend.checked_rem(other.digits)? != 0 {
            let Some(next) = dividend.checked_mul(10) else { break };
            dividend = next;
            places += 1;
        }
        let quotient = nearest(dividend, other.digits)?;
        match u32::try_from(places) {
            Ok(places) => Some(Self::new(quotient, places)),
            Err(_negative) => {
                let power = power(u32::try_from(places.unsigned_abs()).ok()?)?;
                Some(Self::new(quotient.checked_mul(power)?, 0))
            }
        }
    }

    /// The whole part of the quotient; `None` by zero.
    pub(super) fn whole_over(self, other: Self) -> Option<Self> {
        let (left, right, _) = self.aligned(other)?;
        Some(Self::new(left.checked_div(right)?, 0))
    }

    /// The rest of the division; `None` by zero.
    pub(super) fn rest_over(self, other: Self) -> Option<Self> {
        let (left, right, places) = self.aligned(other)?;
        Some(Self::new(left.checked_rem(right)?, places))
    }

    /// The number with so many places; more places are filled with zeros.
    pub(super) fn to(self, places: u32, rounding: Rounding) -> Option<Self> {
        if places >= self.places {
            return Some(Self::new(self.digits.checked_mul(power(places - self.places)?)?, places));
        }
        let power = power(self.places - places)?;
        let digits = match rounding {
            Rounding::Zero => self.digits.checked_div(power)?,
            Rounding::Down => self.digits.checked_div_euclid(power)?,
            Rounding::Up => self.digits.checked_neg()?.checked_div_euclid(power)?.checked_neg()?,
            Rounding::Nearest => nearest(self.digits, power)?,
        };
        Some(Self::new(digits, places))
    }

    /// The order of two numbers by value.
    pub(super) fn order(self, other: Self) -> Ordering {
        match self.short().aligned(other.short()) {
            Some((left, right, _)) => left.cmp(&right),
            None => self.to_float().partial_cmp(&other.to_float()).unwrap_or(Ordering::Equal),
        }
    }

    /// Without the zeros at the end.
    pub(super) fn short(self) -> Self {
        let mut number = self;
        while number.places > 0 && number.digits % 10 == 0 {
            number = Self::new(number.digits / 10, number.places - 1);
        }
        number
    }

    fn aligned(self, other: Self) -> Option<(i128, i128, u32)> {
        let places = self.places.max(other.places);
        let widen = |number: Self| number.digits.checked_mul(power(places - number.places)?);
        Some((widen(self)?, widen(other)?, places))
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self::new(i128::from(number), 0)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let places = usize::try_from(self.places).unwrap_or_default();
        let digits = format!("{:0>width$}", self.digits.unsigned_abs(), width = places + 1);
        match digits.split_at_checked(digits.len() - places) {
            Some((whole, part)) if !part.is_empty() => write!(f, "{sign}{whole}.{part}"),
            _ => write!(f, "{sign}{digits}"),
        }
    }
}

fn power(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

/// The quotient rounded to the nearest, halves away from zero.
fn nearest(dividend: i128, divisor: i128) -> Option<i128> {
    let (quotient, rest) = (dividend.checked_div(divisor)?, dividend.checked_rem(divisor)?);
    let is_half = rest.unsigned_abs() >= divisor.unsigned_abs() - rest.unsigned_abs();
    let away = if (dividend < 0) == (divisor < 0) { 1 } else { -1 };
    if rest != 0 && is_half { quotient.checked_add(away) } else { Some(quotient) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn arithmetic_is_exact() {
        for (found, expected) in [
            (number("0.1").plus(number("0.2")), "0.3"),
            (number("1.8").minus(number("1.2")), "0.6"),
            (number("1.2").times(number("1.8")), "2.16"),
            (number("1").over(number("0.25")), "4"),
            (number("2").over(number("3")), "0.66666666666666666667"),
            (number("-1").over(number("8")), "-0.125"),
            (number("2.2").whole_over(number("1.8")), "1"),
            (number("2.2").rest_over(number("1.8")), "0.4"),
            (number("-1.56").to(0, Rounding::Zero), "-1"),
            (number("-1.1").to(0, Rounding::Down), "-2"),
            (number("-1.1").to(0, Rounding::Up), "-1"),
            (number("2.5").to(0, Rounding::Nearest), "3"),
            (number("1.5").to(3, Rounding::Down), "1.500"),
            (number("9.5e2").negated(), "-950"),
            (number("1.50e-2").negated(), "-0.0150"),
        ] {
            assert_eq!(found.unwrap().to_string(), expected);
        }
        assert_eq!(number("1.10").order(number("1.1")), Ordering::Equal);
        assert!(number("1").over(number("0.0")).is_none());
        assert!(number("170141183460469231731687303715884105727").plus(number("1")).is_none());
        assert_eq!((number("3.0").integer(), number("3.1").integer()), (Some(3), None));
    }

    #[test]
    fn what_is_no_number_is_not_read() {
        for text in ["", ".", "1.", ".5", "1.a", "--1", "1e", "0x1", "1e99", "1e-99", "1 "] {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }
}
