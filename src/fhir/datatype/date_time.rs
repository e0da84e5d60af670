//! `date`, `dateTime`, `instant` and `time`: their grammar, and the interval a partial one covers
//! (R4 `datatypes.html#dateTime`, `search.html#date`).

use jiff::{Timestamp, civil};

/// A moment as written, with the precision it was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime {
    first_day: civil::Date,
    precision: Precision,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Precision {
    Year,
    Month,
    Day,
    /// Nanoseconds since midnight, nanoseconds the last digit stands for, seconds east of UTC.
    Time {
        since_midnight: i64,
        unit: i64,
        offset: i64,
    },
}

/// All instants a written moment may mean: `start <= t < end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

const SECOND: i64 = 1_000_000_000;

impl DateTime {
    /// Reads a `dateTime`: year, month, day, or a time with seconds and zone. `None` where the grammar or the
    /// calendar refuses; a leap second is read as the second before it.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let mut partial = Self::parse_date(date)?;
        if let Some(time) = time {
            if partial.precision != Precision::Day {
                return None;
            }
            let zone = time.find(['Z', '+', '-'])?;
            let (clock, zone) = time.split_at_checked(zone)?;
            let (since_midnight, unit) = parse_clock(clock)?;
            partial.precision = Precision::Time { since_midnight, unit, offset: parse_zone(zone)? };
        }
        Some(partial)
    }

    /// Reads a `date`: year, month or day.
    pub fn parse_date(text: &str) -> Option<Self> {
        let (year, rest) = digits(text, 4)?;
        let year = i16::try_from(year).ok().filter(|year| *year > 0)?;
        if rest.is_empty() {
            return Some(Self { first_day: civil::Date::new(year, 1, 1).ok()?, precision: Precision::Year });
        }
        let (month, rest) = digits(rest.strip_prefix('-')?, 2)?;
        let month = i8::try_from(month).ok()?;
        if rest.is_empty() {
            return Some(Self { first_day: civil::Date::new(year, month, 1).ok()?, precision: Precision::Month });
        }
        let (day, rest) = digits(rest.strip_prefix('-')?, 2)?;
        let first_day = civil::Date::new(year, month, i8::try_from(day).ok()?).ok()?;
        rest.is_empty().then_some(Self { first_day, precision: Precision::Day })
    }

    /// Reads an `instant`: a `dateTime` to the second at least.
    pub fn parse_instant(text: &str) -> Option<Self> {
        Self::parse(text).filter(|moment| matches!(moment.precision, Precision::Time { .. }))
    }

    /// What it may mean. A moment without a zone is one of UTC. `None` beyond the range of instants.
    pub fn interval(self) -> Option<Interval> {
        let midnight = |day: civil::Date| day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
        let start = midnight(self.first_day)?;
        let end = match self.precision {
            Precision::Year => self.first_day.checked_add(jiff::Span::new().years(1)),
            Precision::Month => self.first_day.checked_add(jiff::Span::new().months(1)),
            Precision::Day => self.first_day.tomorrow(),
            Precision::Time { since_midnight, unit, offset } => {
                let shift = since_midnight.checked_sub(offset.checked_mul(SECOND)?)?;
                let start = start.checked_add(jiff::Span::new().nanoseconds(shift)).ok()?;
                return Some(Interval { start, end: start.checked_add(jiff::Span::new().nanoseconds(unit)).ok()? });
            }
        };
        Some(Interval { start, end: midnight(end.ok()?)? })
    }
}

/// Whether a text is a `time`: `hh:mm:ss`, with fractions or not.
pub fn is_time(text: &str) -> bool {
    parse_clock(text).is_some()
}

/// The first `count` octets as digits, and the rest.
fn digits(text: &str, count: usize) -> Option<(i32, &str)> {
    let (head, rest) = text.split_at_checked(count)?;
    if !head.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((head.parse().ok()?, rest))
}

/// `hh:mm:ss(.f+)?` as nanoseconds since midnight, with what its last digit stands for.
fn parse_clock(text: &str) -> Option<(i64, i64)> {
    let (hour, rest) = digits(text, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let (second, rest) = digits(rest.strip_prefix(':')?, 2)?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let whole = i64::from(hour * 3600 + minute * 60 + second.min(59)) * SECOND;
    if rest.is_empty() {
        return Some((whole, SECOND));
    }
    let fraction = rest.strip_prefix('.')?;
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Beyond nanoseconds nothing can be told apart.
    let (mut unit, mut nanoseconds) = (SECOND, 0);
    for digit in fraction.bytes().take(9) {
        unit /= 10;
        nanoseconds += i64::from(digit - b'0') * unit;
    }
    Some((whole + nanoseconds, unit))
}

/// Seconds east of UTC.
fn parse_zone(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let (hours, rest) = digits(rest, 2)?;
    let (minutes, rest) = digits(rest.strip_prefix(':')?, 2)?;
    let valid = rest.is_empty() && minutes < 60 && (hours < 14 || (hours == 14 && minutes == 0));
    valid.then(|| i64::from(sign * (hours * 3600 + minutes * 60)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(text: &str) -> (String, String) {
        let found = DateTime::parse(text).unwrap().interval().unwrap();
        (found.start.to_string(), found.end.to_string())
    }

    #[test]
    fn a_partial_date_covers_all_it_may_mean() {
        for (text, start, end) in [
            ("2024", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"),
            ("2024-02", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
            ("2024-12-31", "2024-12-31T00:00:00Z", "2025-01-01T00:00:00Z"),
            ("2026-06-12T10:00:00+02:00", "2026-06-12T08:00:00Z", "2026-06-12T08:00:01Z"),
            ("2026-06-12T23:59:60Z", "2026-06-12T23:59:59Z", "2026-06-13T00:00:00Z"),
            ("2026-06-12T10:00:00.25-14:00", "2026-06-13T00:00:00.25Z", "2026-06-13T00:00:00.26Z"),
        ] {
            assert_eq!(interval(text), (start.to_owned(), end.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_the_grammar_or_the_calendar_refuses_is_refused() {
        for text in [
            "",
            "24",
            "0000",
            "2024-13",
            "2024-2",
            "2023-02-29",
            "2024-01-01T10:00Z",
            "2024-01-01T10:00:00",
            "2024-01T10:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T10:00:00+15:00",
            "2024-01-01T10:00:00.Z",
            "2024-01-01 10:00:00Z",
            "2024-01-01T10:00:00+0200",
            "２０２４",
            "2024-01-01T10:00:00z",
            "2024-01-01T",
        ] {
            assert!(DateTime::parse(text).is_none(), "{text}");
        }
        assert!(DateTime::parse_instant("2024-01-01").is_none() && is_time("10:00:00.5") && !is_time("10:00"));
    }
}
