//! Dates as intervals of microseconds: index rows and search values (R4 search §date).
//!
//! A date stands for all the time it covers: `2024-05` for that month. A date without a zone is
//! read in UTC. `eq` means that the search value contains the row, not that they overlap.

use jiff::civil::{Date, DateTime, Time};
use serde_json::Value;

use super::plan::{IndexEntry, Interval};

/// The first and the last microsecond of what a date covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) low: i64,
    pub(super) high: i64,
}

/// Reads `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, and these with `Thh:mm[:ss[.fraction]]` and a zone or none.
pub(super) fn span(text: &str) -> Option<Span> {
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = i16::try_from(digits(parts.next()?, 4)?).ok()?;
    let month = match parts.next() {
        Some(part) => Some(two_digits(part)?),
        None => None,
    };
    let day = match parts.next() {
        Some(part) => Some(two_digits(part)?),
        None => None,
    };
    if parts.next().is_some() {
        return None;
    }
    let Some(time) = time else { return calendar(year, month, day) };
    let day = Date::new(year, month?, day?).ok()?;
    clock(day, time)
}

fn two_digits(text: &str) -> Option<i8> {
    i8::try_from(digits(text, 2)?).ok()
}

fn digits(text: &str, length: usize) -> Option<i64> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// A year, a month or a day, whole.
fn calendar(year: i16, month: Option<i8>, day: Option<i8>) -> Option<Span> {
    let first = Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).ok()?;
    let last = match (month, day) {
        (None, _) => first.last_of_year(),
        (Some(_), None) => first.last_of_month(),
        (Some(_), Some(_)) => first,
    };
    let low = micros(first.to_datetime(Time::midnight()), 0)?;
    let end = micros(last.to_datetime(Time::midnight()), 0)?;
    Some(Span { low, high: end + 86_399_999_999 })
}

/// A time of day, to the precision it is written in.
fn clock(day: Date, time: &str) -> Option<Span> {
    let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (time, zone) = time.split_at_checked(zone_at)?;
    let mut parts = time.split(':');
    let hour = two_digits(parts.next()?)?;
    let minute = two_digits(parts.next()?)?;
    let (mut second, mut fraction, mut width) = (0_i8, 0_i64, 60_000_000_i64);
    if let Some(part) = parts.next() {
        let (whole, decimals) = part.split_once('.').map_or((part, None), |(whole, rest)| (whole, Some(rest)));
        second = two_digits(whole)?;
        width = 1_000_000;
        if let Some(decimals) = decimals {
            let kept = decimals.get(..decimals.len().min(6))?;
            let number = digits(kept, kept.len()).filter(|_| !kept.is_empty())?;
            decimals.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
            width = 10_i64.pow(u32::try_from(6 - kept.len()).ok()?);
            fraction = number * width;
        }
    }
    if parts.next().is_some() {
        return None;
    }
    // A leap second is the last second of its minute.
    let time = Time::new(hour, minute, second.min(59), 0).ok().filter(|_| second <= 60)?;
    let low = micros(day.to_datetime(time), offset(zone)?)? + fraction;
    Some(Span { low, high: low + width - 1 })
}

/// Seconds east of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    if zone.is_empty() || zone == "Z" {
        return Some(0);
    }
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3600 + minutes * 60;
    Some(if zone.starts_with('-') { -seconds } else { seconds })
}

/// Microseconds since the epoch, beyond what a `Timestamp` can hold too: 9999-12-31 is a date.
fn micros(at: DateTime, offset: i64) -> Option<i64> {
    let since = at.duration_since(DateTime::constant(1970, 1, 1, 0, 0, 0, 0));
    i64::try_from(since.as_micros()).ok()?.checked_sub(offset * 1_000_000)
}

/// The row of a date, an instant, a Period or a Timing; open ends reach as far as time does.
pub(super) fn row(parameter: i32, node: &Value) -> Option<IndexEntry> {
    let span = node_span(node)?;
    Some(IndexEntry { parameter, value: String::new(), low: span.low, high: span.high })
}

fn node_span(node: &Value) -> Option<Span> {
    if let Some(text) = node.as_str() {
        return span(text);
    }
    let (start, end) = (node.get("start").and_then(Value::as_str), node.get("end").and_then(Value::as_str));
    if start.is_some() || end.is_some() {
        let low = match start {
            Some(start) => span(start)?.low,
            None => i64::MIN,
        };
        let high = match end {
            Some(end) => span(end)?.high,
            None => i64::MAX,
        };
        return Some(Span { low, high });
    }
    let events = node.get("event").and_then(Value::as_array).into_iter().flatten();
    let events = events.filter_map(Value::as_str).filter_map(span);
    let all = events.reduce(|one, two| Span { low: one.low.min(two.low), high: one.high.max(two.high) });
    all.or_else(|| node_span(node.get("repeat")?.get("boundsPeriod")?))
}

/// The comparisons of R4: `eq ne gt ge lt le sa eb ap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefix {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    StartsAfter,
    EndsBefore,
    Approximately,
}

impl Prefix {
    /// The prefix of a value and what follows it; no prefix is `eq`. Two letters that are no
    /// prefix are left for the value's own reader to refuse.
    pub(super) fn split(value: &str) -> (Self, &str) {
        let prefix = match value.get(..2) {
            Some("eq") => Self::Equal,
            Some("ne") => Self::NotEqual,
            Some("gt") => Self::Greater,
            Some("ge") => Self::GreaterOrEqual,
            Some("lt") => Self::Less,
            Some("le") => Self::LessOrEqual,
            Some("sa") => Self::StartsAfter,
            Some("eb") => Self::EndsBefore,
            Some("ap") => Self::Approximately,
            _ => return (Self::Equal, value),
        };
        (prefix, value.get(2..).unwrap_or_default())
    }

    /// The rows that stand so to a value; `slack` widens `ap` on both sides. `ge` and `le` take
    /// every row that reaches the value, as XDS's From and To do (MHD §1.5).
    pub(super) fn intervals(self, span: Span, slack: i64) -> Vec<Interval> {
        let any = Interval::default();
        let before = Some(span.low.saturating_sub(1));
        let after = Some(span.high.saturating_add(1));
        match self {
            Self::Equal => vec![Interval { low_from: Some(span.low), high_to: Some(span.high), ..any }],
            Self::NotEqual => vec![Interval { low_to: before, ..any }, Interval { high_from: after, ..any }],
            Self::Greater => vec![Interval { high_from: after, ..any }],
            Self::GreaterOrEqual => vec![Interval { high_from: Some(span.low), ..any }],
            Self::Less => vec![Interval { low_to: before, ..any }],
            Self::LessOrEqual => vec![Interval { low_to: Some(span.high), ..any }],
            Self::StartsAfter => vec![Interval { low_from: after, ..any }],
            Self::EndsBefore => vec![Interval { high_to: before, ..any }],
            Self::Approximately => vec![Interval {
                low_to: Some(span.high.saturating_add(slack)),
                high_from: Some(span.low.saturating_sub(slack)),
                ..any
            }],
        }
    }
}

/// The rows a search value asks for. `now` is in microseconds: `ap` is within a tenth of the time
/// between then and the value.
pub(super) fn intervals(value: &str, now: i64) -> Option<Vec<Interval>> {
    let (prefix, rest) = Prefix::split(value);
    let span = span(rest)?;
    let slack = now.abs_diff(span.low).checked_div(10).and_then(|tenth| i64::try_from(tenth).ok());
    Some(prefix.intervals(span, slack.unwrap_or(i64::MAX)))
}
