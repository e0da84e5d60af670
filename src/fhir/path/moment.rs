//! Dates, times and moments of FHIRPath, as exact as they were written (N1 §date, §datetime, §time).

use std::cmp::Ordering;
use std::fmt;

use jiff::{Span, civil};

use super::decimal::{Decimal, Rounding};
use super::unit::Calendar;

/// What a literal or an element tells of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// A day, a month or a year.
    Date,
    /// A date with a time of day.
    DateTime,
    /// A time of day.
    Time,
}

/// How far a moment is told, by the place of the last part that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grain {
    /// `2026`
    Year,
    /// `2026-01`
    Month,
    /// `2026-01-01`
    Day,
    /// `T10`
    Hour,
    /// `T10:00`
    Minute,
    /// `T10:00:00`
    Second,
    /// `T10:00:00.0`
    Fraction,
}

/// A moment as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) sort: Sort,
    at: civil::DateTime,
    grain: Grain,
    /// Digits after the point of the second.
    digits: u8,
    /// Minutes east of UTC, where told.
    offset: Option<i16>,
}

/// The furthest zones (N1 §datetime): what has no zone may be in any of them.
const EAST: i16 = 14 * 60;
const WEST: i16 = -12 * 60;
const MINUTE: i128 = 60_000_000_000;

impl Moment {
    /// Reads a date, a dateTime or a time as FHIRPath writes them, without the `@`.
    pub(super) fn parse(sort: Sort, text: &str) -> Option<Self> {
        match sort {
            Sort::Date => date(text),
            Sort::Time => time(civil::date(1, 1, 1), text).map(|found| Self { sort, ..found }),
            Sort::DateTime => {
                let Some((day, rest)) = text.split_once('T') else {
                    return date(text).map(|found| Self { sort, ..found });
                };
                let day = date(day)?;
                if rest.is_empty() {
                    return Some(Self { sort, ..day });
                }
                let zone = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
                let (clock, zone) = rest.split_at_checked(zone)?;
                let offset = if zone.is_empty() { None } else { Some(offset(zone)?) };
                let found = time(day.at.date(), clock)?;
                (day.grain == Grain::Day).then_some(Self { sort, offset, ..found })
            }
        }
    }

    /// The order of two moments; `None` where it cannot be told, or where they are of another sort.
    pub(super) fn order(self, other: Self) -> Option<Ordering> {
        if (self.sort == Sort::Time) != (other.sort == Sort::Time) {
            return None;
        }
        if self.offset.is_some() != other.offset.is_some() {
            let ((start, end), (from, to)) = (self.span()?, other.span()?);
            let before = (end <= from).then_some(Ordering::Less);
            return before.or_else(|| (to <= start).then_some(Ordering::Greater));
        }
        let (left, right) = (self.in_utc()?, other.in_utc()?);
        let parts = left.parts().into_iter().zip(right.parts());
        let told = |(place, _): &(usize, (i64, i64))| *place <= self.rank().min(other.rank());
        let order = parts.enumerate().take_while(told).map(|(_, (left, right))| left.cmp(&right));
        let order = order.into_iter().find(|order| *order != Ordering::Equal);
        order.or_else(|| (self.rank() == other.rank()).then_some(Ordering::Equal))
    }

    /// Whether another is of a sort this can be compared with.
    pub(super) fn is_like(self, other: Self) -> bool {
        (self.sort == Sort::Time) == (other.sort == Sort::Time)
    }

    /// Later by a duration (earlier, where it is negative); decimals of what is longer than a second do not count.
    pub(super) fn plus(self, amount: Decimal, unit: Calendar) -> Option<Self> {
        let whole = amount.to(0, Rounding::Zero)?.integer()?;
        let (count, unit) = self.coarsened(whole, unit)?;
        let span = match unit {
            Calendar::Year => Span::new().try_years(count),
            Calendar::Month => Span::new().try_months(count),
            Calendar::Week => Span::new().try_weeks(count),
            Calendar::Day => Span::new().try_days(count),
            Calendar::Hour => Span::new().try_hours(count),
            Calendar::Minute => Span::new().try_minutes(count),
            Calendar::Second | Calendar::Millisecond => {
                let scale = if unit == Calendar::Second { 1_000_000_000 } else { 1_000_000 };
                let exact = if self.grain == Grain::Fraction { amount } else { Decimal::from(count) };
                Span::new().try_nanoseconds(exact.times(Decimal::from(scale))?.to(0, Rounding::Zero)?.integer()?)
            }
        };
        let span = span.ok()?;
        let at = match self.sort {
            Sort::Time => civil::DateTime::from_parts(self.at.date(), self.at.time().wrapping_add(span)),
            _ => self.at.checked_add(span).ok()?,
        };
        Some(Self { at, ..self })
    }

    /// A duration in units this is told in: a month holds 30 days, a year 365 (N1 §date arithmetic).
    fn coarsened(self, count: i64, unit: Calendar) -> Option<(i64, Calendar)> {
        let days = |count: i64| match unit {
            Calendar::Week => count.checked_mul(7),
            Calendar::Day => Some(count),
            Calendar::Hour => Some(count / 24),
            Calendar::Minute => Some(count / 1_440),
            Calendar::Second => Some(count / 86_400),
            _ => Some(count / 86_400_000),
        };
        if self.sort == Sort::Time && matches!(unit, Calendar::Year | Calendar::Month | Calendar::Week | Calendar::Day)
        {
            return None;
        }
        match (self.grain, unit) {
            (_, Calendar::Year) | (Grain::Month | Grain::Day, Calendar::Month) => Some((count, unit)),
            (Grain::Year, Calendar::Month) => Some((count / 12, Calendar::Year)),
            (Grain::Year, _) => Some((days(count)? / 365, Calendar::Year)),
            (Grain::Month, _) => Some((days(count)? / 30, Calendar::Month)),
            (Grain::Day, _) => Some((days(count)?, Calendar::Day)),
            _ => Some((count, unit)),
        }
    }

    /// The first moment this may mean, told to so many digits; `None` where there is no such precision.
    pub(super) fn low(self, digits: Option<i64>) -> Option<Self> {
        self.filled(digits, self.at, EAST)
    }

    /// The last moment this may mean, told to so many digits.
    pub(super) fn high(self, digits: Option<i64>) -> Option<Self> {
        let (mut at, day) = (self.at, self.at.date());
        if self.grain < Grain::Month {
            at = at.with().month(12).build().ok()?;
        }
        if self.grain < Grain::Day {
            let last = civil::Date::new(day.year(), at.month(), 1).ok()?.days_in_month();
            at = at.with().day(last).build().ok()?;
        }
        if self.grain < Grain::Hour {
            at = at.with().hour(23).build().ok()?;
        }
        if self.grain < Grain::Minute {
            at = at.with().minute(59).build().ok()?;
        }
        if self.grain < Grain::Second {
            at = at.with().second(59).build().ok()?;
        }
        if self.grain < Grain::Fraction {
            at = at.with().subsec_nanosecond(999_000_000).build().ok()?;
        }
        self.filled(digits, at, WEST)
    }

    fn filled(self, digits: Option<i64>, at: civil::DateTime, zone: i16) -> Option<Self> {
        let (default, grains): (_, &[(i64, Grain)]) = match self.sort {
            Sort::Date => (8, &DATE_DIGITS),
            Sort::DateTime => (17, &DATE_TIME_DIGITS),
            Sort::Time => (9, &TIME_DIGITS),
        };
        let wanted = digits.unwrap_or(default);
        let (_, grain) = *grains.iter().find(|(known, _)| *known == wanted)?;
        let zoned = self.sort == Sort::DateTime && grain >= Grain::Hour;
        let offset = if zoned { self.offset.or(Some(zone)) } else { None };
        Some(Self { at, grain, offset, digits: if grain == Grain::Fraction { 3 } else { 0 }, ..self })
    }

    /// How many digits tell it: 4 of a year, 17 of a moment to the millisecond (FHIRPath `precision()`).
    pub(super) fn precision(self) -> i64 {
        let grains: &[(i64, Grain)] = if self.sort == Sort::Time { &TIME_DIGITS } else { &DATE_TIME_DIGITS };
        grains.iter().find(|(_, grain)| *grain == self.grain).map_or(0, |(digits, _)| *digits)
    }

    /// The place of the last part told; a second and its parts are one.
    const fn rank(self) -> usize {
        match self.grain {
            Grain::Year => 0,
            Grain::Month => 1,
            Grain::Day => 2,
            Grain::Hour => 3,
            Grain::Minute => 4,
            Grain::Second | Grain::Fraction => 5,
        }
    }

    fn parts(self) -> [i64; 6] {
        let at = self.at;
        let second = i64::from(at.second()) * 1_000_000_000 + i64::from(at.subsec_nanosecond());
        let whole = [i64::from(at.month()), i64::from(at.day()), i64::from(at.hour()), i64::from(at.minute())];
        let [month, day, hour, minute] = whole;
        [i64::from(at.year()), month, day, hour, minute, second]
    }

    fn in_utc(self) -> Option<Self> {
        let Some(offset) = self.offset else { return Some(self) };
        let at = self.at.checked_sub(Span::new().minutes(offset)).ok()?;
        Some(Self { at, ..self })
    }

    /// All instants it may mean, in nanoseconds: those of every zone where none is told.
    fn span(self) -> Option<(i128, i128)> {
        let instant =
            |at: civil::DateTime| Some(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_nanosecond());
        let (first, last) = (instant(self.at)?, instant(self.high(None).map_or(self.at, |high| high.at))? + 1);
        let shift = |offset: i16| i128::from(offset) * MINUTE;
        Some((first - shift(self.offset.unwrap_or(EAST)), last - shift(self.offset.unwrap_or(WEST))))
    }
}

const DATE_DIGITS: [(i64, Grain); 3] = [(4, Grain::Year), (6, Grain::Month), (8, Grain::Day)];
const DATE_TIME_DIGITS: [(i64, Grain); 7] = [
    (4, Grain::Year),
    (6, Grain::Month),
    (8, Grain::Day),
    (10, Grain::Hour),
    (12, Grain::Minute),
    (14, Grain::Second),
    (17, Grain::Fraction),
];
const TIME_DIGITS: [(i64, Grain); 4] = [(2, Grain::Hour), (4, Grain::Minute), (6, Grain::Second), (9, Grain::Fraction)];

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        if self.sort != Sort::Time {
            write!(f, "{:04}", at.year())?;
            if self.grain >= Grain::Month {
                write!(f, "-{:02}", at.month())?;
            }
            if self.grain >= Grain::Day {
                write!(f, "-{:02}", at.day())?;
            }
            if self.grain >= Grain::Hour {
                f.write_str("T")?;
            }
        }
        if self.grain >= Grain::Hour {
            write!(f, "{:02}", at.hour())?;
        }
        if self.grain >= Grain::Minute {
            write!(f, ":{:02}", at.minute())?;
        }
        if self.grain >= Grain::Second {
            write!(f, ":{:02}", at.second())?;
        }
        if self.grain == Grain::Fraction {
            let fraction = format!("{:09}", at.subsec_nanosecond());
            write!(f, ".{}", fraction.get(..usize::from(self.digits)).unwrap_or(&fraction))?;
        }
        match self.offset {
            None => Ok(()),
            Some(0) => f.write_str("Z"),
            Some(offset) => {
                let sign = if offset < 0 { '-' } else { '+' };
                write!(f, "{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60)
            }
        }
    }
}

fn date(text: &str) -> Option<Moment> {
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4)?;
    let month = parts.next().map(|part| number(part, 2)).map_or(Some(None), |found| found.map(Some))?;
    let day = parts.next().map(|part| number(part, 2)).map_or(Some(None), |found| found.map(Some))?;
    let grain = match (month, day) {
        (None, _) => Grain::Year,
        (_, None) => Grain::Month,
        _ => Grain::Day,
    };
    let small = |part: Option<i32>| i8::try_from(part.unwrap_or(1)).ok();
    let day = civil::Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    let at = day.to_datetime(civil::Time::midnight());
    parts.next().is_none().then_some(Moment { sort: Sort::Date, at, grain, digits: 0, offset: None })
}

fn time(day: civil::Date, text: &str) -> Option<Moment> {
    let (clock, fraction) = text.split_once('.').map_or((text, None), |(clock, part)| (clock, Some(part)));
    let mut parts = [0_i8; 3];
    let mut count = 0;
    for (place, part) in clock.split(':').enumerate() {
        *parts.get_mut(place)? = i8::try_from(number(part, 2)?).ok()?;
        count = place;
    }
    let grain = match (count, fraction) {
        (0, None) => Grain::Hour,
        (1, None) => Grain::Minute,
        (2, None) => Grain::Second,
        (2, Some(_)) => Grain::Fraction,
        _ => return None,
    };
    let fraction = fraction.map_or(Some(String::new()), |part| {
        (!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.chars().take(9).collect())
    })?;
    let digits = u8::try_from(fraction.len()).ok()?;
    let nanoseconds = format!("{fraction:0<9}").parse().ok()?;
    let [hour, minute, second] = parts;
    let clock = civil::Time::new(hour, minute, second.min(59), nanoseconds).ok().filter(|_| second <= 60)?;
    Some(Moment { sort: Sort::Time, at: civil::DateTime::from_parts(day, clock), grain, digits, offset: None })
}

fn offset(text: &str) -> Option<i16> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let offset = number(hours, 2)? * 60 + number(minutes, 2)?;
    i16::try_from(sign * offset).ok().filter(|offset| offset.abs() <= EAST)
}

/// A number of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<i32> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}
