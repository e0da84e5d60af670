//! Units of quantities: calendar durations, and the part of UCUM that clinical quantities use (N1 §quantity, UCUM).

use super::decimal::Decimal;

/// The calendar durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Calendar {
    /// `year`
    Year,
    /// `month`
    Month,
    /// `week`
    Week,
    /// `day`
    Day,
    /// `hour`
    Hour,
    /// `minute`
    Minute,
    /// `second`
    Second,
    /// `millisecond`
    Millisecond,
}

const CALENDAR: [(&str, &str, Calendar); 8] = [
    ("year", "a", Calendar::Year),
    ("month", "mo", Calendar::Month),
    ("week", "wk", Calendar::Week),
    ("day", "d", Calendar::Day),
    ("hour", "h", Calendar::Hour),
    ("minute", "min", Calendar::Minute),
    ("second", "s", Calendar::Second),
    ("millisecond", "ms", Calendar::Millisecond),
];

impl Calendar {
    /// The duration of a word: `day`, `days`.
    pub(super) fn named(word: &str) -> Option<Self> {
        let single = word.strip_suffix('s').unwrap_or(word);
        CALENDAR.iter().find(|(known, ..)| *known == single).map(|(.., duration)| *duration)
    }

    /// The duration that a UCUM code means.
    pub(super) fn of_code(code: &str) -> Option<Self> {
        CALENDAR.iter().find(|(_, known, _)| *known == code).map(|(.., duration)| *duration)
    }

    /// Its UCUM code.
    pub(super) fn code(self) -> &'static str {
        CALENDAR.iter().find(|(.., duration)| *duration == self).map_or("", |(_, code, _)| code)
    }

    /// Whether UCUM's unit of that name is as long: months and years of the calendar are not.
    pub(super) const fn is_exact(self) -> bool {
        !matches!(self, Self::Year | Self::Month)
    }
}

/// Exponents of metre, gram, second, radian, kelvin, coulomb, candela, mole, calendar month.
type Dimension = [i8; 9];

/// What one of a unit is: a factor (a fraction) of base units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measure {
    pub(super) dimension: Dimension,
    pub(super) times: Decimal,
    pub(super) over: Decimal,
}

const ONE: Decimal = Decimal::new(1, 0);
/// The calendar month, which no number of seconds equals.
pub(super) const MONTH: Measure = Measure { dimension: [0, 0, 0, 0, 0, 0, 0, 0, 1], times: ONE, over: ONE };
/// Nobody writes longer units.
const LONGEST: usize = 100;
/// Nor nests parentheses deeper.
const DEEPEST: usize = 8;

/// Code, digits and places of the factor, exponents of the base units, whether it takes prefixes.
type Atom = (&'static str, i128, u32, Dimension, bool);

const NOTHING: Dimension = [0; 9];
const LENGTH: Dimension = [1, 0, 0, 0, 0, 0, 0, 0, 0];
const MASS: Dimension = [0, 1, 0, 0, 0, 0, 0, 0, 0];
const TIME: Dimension = [0, 0, 1, 0, 0, 0, 0, 0, 0];
const ANGLE: Dimension = [0, 0, 0, 1, 0, 0, 0, 0, 0];
const VOLUME: Dimension = [3, 0, 0, 0, 0, 0, 0, 0, 0];
const PRESSURE: Dimension = [-1, 1, -2, 0, 0, 0, 0, 0, 0];
const ENERGY: Dimension = [2, 1, -2, 0, 0, 0, 0, 0, 0];

/// UCUM tables 1 to 7, as far as clinical quantities go; the gram, not the kilogram, is the base.
const ATOMS: [Atom; 45] = [
    ("1", 1, 0, NOTHING, false),
    ("%", 1, 2, NOTHING, false),
    ("[ppth]", 1, 3, NOTHING, false),
    ("[ppm]", 1, 6, NOTHING, false),
    ("m", 1, 0, LENGTH, true),
    ("[in_i]", 254, 4, LENGTH, false),
    ("[ft_i]", 3_048, 4, LENGTH, false),
    ("[yd_i]", 9_144, 4, LENGTH, false),
    ("[mi_i]", 1_609_344, 3, LENGTH, false),
    ("g", 1, 0, MASS, true),
    ("t", 1_000_000, 0, MASS, true),
    ("[lb_av]", 45_359_237, 5, MASS, false),
    ("[oz_av]", 28_349_523_125, 9, MASS, false),
    ("[stone_av]", 635_029_318, 5, MASS, false),
    ("[gr]", 6_479_891, 8, MASS, false),
    ("s", 1, 0, TIME, true),
    ("min", 60, 0, TIME, false),
    ("h", 3_600, 0, TIME, false),
    ("d", 86_400, 0, TIME, false),
    ("wk", 604_800, 0, TIME, false),
    ("mo", 2_629_800, 0, TIME, false),
    ("mo_j", 2_629_800, 0, TIME, false),
    ("a", 31_557_600, 0, TIME, false),
    ("a_j", 31_557_600, 0, TIME, false),
    ("rad", 1, 0, ANGLE, true),
    ("sr", 1, 0, [0, 0, 0, 2, 0, 0, 0, 0, 0], true),
    ("K", 1, 0, [0, 0, 0, 0, 1, 0, 0, 0, 0], true),
    ("C", 1, 0, [0, 0, 0, 0, 0, 1, 0, 0, 0], true),
    ("cd", 1, 0, [0, 0, 0, 0, 0, 0, 1, 0, 0], true),
    ("mol", 1, 0, [0, 0, 0, 0, 0, 0, 0, 1, 0], true),
    ("eq", 1, 0, [0, 0, 0, 0, 0, 0, 0, 1, 0], true),
    ("osm", 1, 0, [0, 0, 0, 0, 0, 0, 0, 1, 0], true),
    ("kat", 1, 0, [0, 0, -1, 0, 0, 0, 0, 1, 0], true),
    ("Hz", 1, 0, [0, 0, -1, 0, 0, 0, 0, 0, 0], true),
    ("Bq", 1, 0, [0, 0, -1, 0, 0, 0, 0, 0, 0], true),
    ("L", 1, 3, VOLUME, true),
    ("l", 1, 3, VOLUME, true),
    ("N", 1_000, 0, [1, 1, -2, 0, 0, 0, 0, 0, 0], true),
    ("Pa", 1_000, 0, PRESSURE, true),
    ("bar", 100_000_000, 0, PRESSURE, true),
    ("m[Hg]", 133_322_387, 0, PRESSURE, true),
    ("m[H2O]", 980_665_000, 2, PRESSURE, true),
    ("J", 1_000, 0, ENERGY, true),
    ("cal", 4_184, 0, ENERGY, true),
    ("W", 1_000, 0, [2, 1, -3, 0, 0, 0, 0, 0, 0], true),
];

const PREFIXES: [(&str, i32); 20] = [
    ("da", 1),
    ("Y", 24),
    ("Z", 21),
    ("E", 18),
    ("P", 15),
    ("T", 12),
    ("G", 9),
    ("M", 6),
    ("k", 3),
    ("h", 2),
    ("d", -1),
    ("c", -2),
    ("m", -3),
    ("u", -6),
    ("n", -9),
    ("p", -12),
    ("f", -15),
    ("a", -18),
    ("z", -21),
    ("y", -24),
];

/// What one of a UCUM unit is; `None` of units not known here.
pub(super) fn measure(code: &str) -> Option<Measure> {
    if code.is_empty() {
        return measure("1");
    }
    if code.len() > LONGEST {
        return None;
    }
    let mut reader = Reader { rest: code };
    let found = reader.term(DEEPEST)?;
    reader.rest.is_empty().then_some(found)
}

struct Reader<'c> {
    rest: &'c str,
}

impl Reader<'_> {
    fn term(&mut self, depth: usize) -> Option<Measure> {
        let depth = depth.checked_sub(1)?;
        let mut found = Measure { dimension: NOTHING, times: ONE, over: ONE };
        let mut divides = self.takes('/');
        loop {
            let next = self.component(depth)?;
            found = if divides { found.over(next)? } else { found.by(next)? };
            divides = self.takes('/');
            if !divides && !self.takes('.') {
                return Some(found);
            }
        }
    }

    fn takes(&mut self, sign: char) -> bool {
        let after = self.rest.strip_prefix(sign);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn component(&mut self, depth: usize) -> Option<Measure> {
        if self.takes('(') {
            let inner = self.term(depth)?;
            return self.takes(')').then_some(inner);
        }
        let mut is_in = false;
        let end = self.rest.find(|sign: char| {
            is_in = (is_in || sign == '[') && sign != ']';
            !is_in && matches!(sign, '.' | '/' | ')' | '{')
        });
        let (symbol, rest) = self.rest.split_at_checked(end.unwrap_or(self.rest.len()))?;
        self.rest = rest;
        if let Some(annotation) = self.rest.strip_prefix('{') {
            self.rest = annotation.split_once('}')?.1;
            if symbol.is_empty() {
                return measure("1");
            }
        }
        powered(symbol)
    }
}

/// An atom with its exponent: `m2`, `s-1`, `10*3`.
fn powered(symbol: &str) -> Option<Measure> {
    if let Some(exponent) = symbol.strip_prefix("10*").or_else(|| symbol.strip_prefix("10^")) {
        return ten(if exponent.is_empty() { 1 } else { exponent.parse().ok()? });
    }
    if let Ok(number) = symbol.parse::<u32>() {
        return Some(Measure { dimension: NOTHING, times: Decimal::from(i64::from(number)), over: ONE });
    }
    let bare = symbol.trim_end_matches(|sign: char| sign.is_ascii_digit());
    let exponent = symbol.strip_prefix(bare)?;
    let (bare, is_inverse) = match bare.strip_suffix('-') {
        Some(bare) => (bare, true),
        None => (bare.strip_suffix('+').unwrap_or(bare), false),
    };
    let count: u32 = if exponent.is_empty() { 1 } else { exponent.parse().ok().filter(|count| *count <= 9)? };
    let one = atom(bare)?;
    let mut found = Measure { dimension: NOTHING, times: ONE, over: ONE };
    for _ in 0..count {
        found = if is_inverse { found.over(one)? } else { found.by(one)? };
    }
    Some(found)
}

fn ten(exponent: i32) -> Option<Measure> {
    let power = Decimal::new(10_i128.checked_pow(exponent.unsigned_abs())?, 0);
    let (times, over) = if exponent < 0 { (ONE, power) } else { (power, ONE) };
    Some(Measure { dimension: NOTHING, times, over })
}

/// A unit without exponent, with a prefix or not.
fn atom(symbol: &str) -> Option<Measure> {
    let of = |(_, digits, places, dimension, _): &Atom| Measure {
        dimension: *dimension,
        times: Decimal::new(*digits, *places),
        over: ONE,
    };
    if let Some(found) = ATOMS.iter().find(|(known, ..)| *known == symbol) {
        return Some(of(found));
    }
    PREFIXES.iter().find_map(|(prefix, exponent)| {
        let rest = symbol.strip_prefix(prefix)?;
        let found = ATOMS.iter().find(|(known, .., takes_prefixes)| *takes_prefixes && *known == rest)?;
        of(found).by(ten(*exponent)?)
    })
}

impl Measure {
    fn by(self, other: Self) -> Option<Self> {
        Some(Self {
            dimension: sum(self.dimension, other.dimension, 1)?,
            times: self.times.times(other.times)?.short(),
            over: self.over.times(other.over)?.short(),
        })
    }

    fn over(self, other: Self) -> Option<Self> {
        Some(Self {
            dimension: sum(self.dimension, other.dimension, -1)?,
            times: self.times.times(other.over)?.short(),
            over: self.over.times(other.times)?.short(),
        })
    }
}

fn sum(left: Dimension, right: Dimension, sign: i8) -> Option<Dimension> {
    let mut found = left;
    for (found, right) in found.iter_mut().zip(right) {
        *found = found.checked_add(right.checked_mul(sign)?)?;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_by_their_parts() {
        for (one, other) in [
            ("cm.m", "10*-2.m2"),
            ("g/m", "g.m-1"),
            ("mg/dL", "g/hL"),
            ("mm[Hg]", "10*-3.m[Hg]"),
            ("/min", "1/min"),
            ("{score}", "1"),
            ("kg/(m2)", "kg.m-2"),
            ("[in_i]", "[in_i]{waist}"),
        ] {
            let (one, other) = (measure(one).unwrap(), measure(other).unwrap());
            assert_eq!(one.dimension, other.dimension);
            let (left, right) = (one.times.times(other.over).unwrap(), other.times.times(one.over).unwrap());
            assert_eq!(left.order(right), std::cmp::Ordering::Equal);
        }
        for unknown in ["[s]", "lbs", "x", "m/", "(m", "m)", "((((((((((m))))))))))", "m99", "{"] {
            assert!(measure(unknown).is_none(), "{unknown}");
        }
    }
}
