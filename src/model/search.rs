//! A search as the store runs it: conditions on index rows within one record, an order, a place to
//! go on from. `ops` makes it from `fhir::search`; the store turns it into SQL.

use uuid::Uuid;

use super::resource::ResourceType;

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
