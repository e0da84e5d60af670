//! A search as the store runs it: conditions on index rows within one record, an order, a place to
//! go on from. `ops` makes it from `fhir::search`; the store turns it into SQL.

use jiff::Timestamp;
use uuid::Uuid;

use super::resource::{IndexRow, ResourceType};

/// Conditions are ANDed; what stands inside one condition is ORed.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    /// Which resources.
    pub kind: ResourceType,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// The order; ties are broken by id.
    pub order: Order,
    /// Where the page before ended.
    pub after: Option<Position>,
    /// How many rows at most.
    pub limit: i64,
}

/// One condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// `_id`: one of these.
    Id(Vec<Uuid>),
    /// None of these.
    NotId(Vec<Uuid>),
    /// `_lastUpdated`: in one of these intervals.
    LastUpdated(Vec<Interval>),
    /// Some index row of `parameter` matches one of `any_of` (none, if `negated`).
    Index {
        /// The parameter's number.
        parameter: i32,
        /// One of these.
        any_of: Vec<Match>,
        /// `:not`, `ne`.
        negated: bool,
    },
    /// `:missing`.
    Missing {
        /// The parameter's number.
        parameter: i32,
        /// Whether rows must be absent (true) or present.
        missing: bool,
    },
    /// One of these holds.
    Any(Vec<Condition>),
    /// All of these hold: of use within [`Condition::Any`].
    All(Vec<Condition>),
    /// Matches nothing: a value that no resource can have.
    Never,
}

/// How one index row is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// The value is exactly this.
    Exact(String),
    /// The value starts with this.
    Prefix(String),
    /// The value ends with this: asked of all rows of the parameter in the record.
    Suffix(String),
    /// This stands somewhere in the value, letters of both cases alike.
    Contains(String),
    /// The row's [low, high] stands so.
    Interval(Interval),
    /// The value starts with this and [low, high] stands so.
    Measured(String, Interval),
}

/// Bounds on a row's `low` and `high`, each inclusive, each optional.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interval {
    /// `low >=` this.
    pub low_from: Option<i64>,
    /// `low <=` this.
    pub low_to: Option<i64>,
    /// `high >=` this.
    pub high_from: Option<i64>,
    /// `high <=` this.
    pub high_to: Option<i64>,
}

impl Interval {
    /// Whether bounds stand so.
    pub fn holds(&self, low: i64, high: i64) -> bool {
        self.low_from.is_none_or(|bound| low >= bound)
            && self.low_to.is_none_or(|bound| low <= bound)
            && self.high_from.is_none_or(|bound| high >= bound)
            && self.high_to.is_none_or(|bound| high <= bound)
    }
}

impl Match {
    /// Whether a row is so, as the store would judge it.
    pub fn holds(&self, row: &IndexRow) -> bool {
        match self {
            Self::Exact(value) => row.value == *value,
            Self::Prefix(start) => row.value.starts_with(start.as_str()),
            Self::Suffix(end) => row.value.ends_with(end.as_str()),
            Self::Contains(part) => row.value.to_lowercase().contains(&part.to_lowercase()),
            Self::Interval(interval) => interval.holds(row.low, row.high),
            Self::Measured(start, interval) => {
                row.value.starts_with(start.as_str()) && interval.holds(row.low, row.high)
            }
        }
    }
}

/// A version of a resource as conditions see it, when it is not the store that judges.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its id.
    pub id: Uuid,
    /// meta.lastUpdated.
    pub updated_at: Timestamp,
    /// Its rows.
    pub rows: &'a [IndexRow],
}

impl Condition {
    /// Whether a resource fulfils it, as the store would judge it.
    pub fn holds(&self, subject: &Subject<'_>) -> bool {
        let has = |parameter: i32| subject.rows.iter().any(|row| row.parameter == parameter);
        match self {
            Self::Id(ids) => ids.contains(&subject.id),
            Self::NotId(ids) => !ids.contains(&subject.id),
            Self::LastUpdated(intervals) => {
                let at = subject.updated_at.as_microsecond();
                intervals.iter().any(|interval| interval.holds(at, at))
            }
            Self::Index { parameter, any_of, negated } => {
                let mut rows = subject.rows.iter().filter(|row| row.parameter == *parameter);
                rows.any(|row| any_of.iter().any(|wanted| wanted.holds(row))) != *negated
            }
            Self::Missing { parameter, missing } => has(*parameter) != *missing,
            Self::Any(inner) => inner.iter().any(|condition| condition.holds(subject)),
            Self::All(inner) => inner.iter().all(|condition| condition.holds(subject)),
            Self::Never => false,
        }
    }
}

/// The order of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// By a parameter's `low`; by last update where absent.
    pub parameter: Option<i32>,
    /// Newest first.
    pub descending: bool,
}

/// The last row of a page: its sort value and its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Sort value in microseconds; resources without one sort last.
    pub value: Option<i64>,
    /// Its id.
    pub id: Uuid,
}
