//! What a search means once read, and one row of the index: neutral forms that `ops` turns into
//! `model::search` one to one (contract §7, §8).

use std::fmt;

use jiff::Timestamp;

use super::reading::Reading;
use super::table::Parameter;
use super::term;
use super::token::Token;
use crate::error::Issue;
use crate::ids::BusinessIdentifier;

/// One value under which a resource is found; becomes `model::resource::IndexRow`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexEntry {
    /// The parameter's number.
    pub parameter: i32,
    /// Token: the code, U+001F and the mark of its system; string: folded; reference: `Type/id`, a URL
    /// or `identifier=` and the token; composite: components joined by `$`; empty for dates and numbers.
    pub value: String,
    /// Dates: first microsecond covered; numbers: scaled low bound; else 0.
    pub low: i64,
    /// Dates: last microsecond covered; numbers: scaled high bound; else 0.
    pub high: i64,
}

/// Values are names and identifiers of people: never shown.
impl fmt::Debug for IndexEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexEntry").field("parameter", &self.parameter).finish_non_exhaustive()
    }
}

/// How names of the outside are brought to one form, for the index and for queries alike.
#[derive(Clone, Copy)]
pub struct Naming<'a> {
    /// The FHIR base of this server, without a final `/`: its own absolute references become
    /// relative. Empty: none is ours.
    pub base: &'a str,
    /// The FHIR URL of a code system named otherwise (`urn:oid:…`, an alias), where one is known.
    pub canonical_system: &'a dyn Fn(&str) -> Option<&'static str>,
}

impl Naming<'_> {
    /// The one form of a system's name.
    pub(super) fn system<'b>(&self, system: &'b str) -> &'b str {
        (self.canonical_system)(system).unwrap_or(system)
    }
}

impl fmt::Debug for Naming<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Naming").field("base", &self.base).finish_non_exhaustive()
    }
}

/// How a query is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// `Prefer: handling=strict` or `search.unknown=refuse`: what else is ignored is refused.
    pub strict: bool,
    /// The largest `_count` that is granted.
    pub max_count: u32,
    /// The instant that `ap` measures from.
    pub now: Timestamp,
    /// The forms of names.
    pub naming: Naming<'a>,
}

/// A query, read and checked.
#[derive(Clone, Default)]
pub struct Search {
    /// The resource type searched.
    pub kind: String,
    /// The record searched, taken from `patient`, `subject`, `patient.identifier`,
    /// `subject.identifier` or, on Patient, `identifier`. No term repeats it.
    pub patient: Option<PatientClause>,
    /// All must hold.
    pub terms: Vec<Term>,
    /// The order asked for: by the first key, what it leaves equal by the next.
    pub sort: Vec<Sort>,
    /// The page size asked for, at most [`Options::max_count`]; 0 asks for the total alone.
    pub count: Option<u32>,
    /// What is to be included of what the matches point to.
    pub includes: Vec<Include>,
    /// What is to be included of what points to the matches.
    pub reverse_includes: Vec<Include>,
    /// Whether the total is wanted.
    pub total: Total,
    /// How much of each resource is wanted.
    pub summary: Summary,
    /// `_elements`: the only elements wanted, if any is named.
    pub elements: Vec<String>,
    /// `_format`, unjudged.
    pub format: Option<String>,
    /// `_pretty`.
    pub pretty: bool,
    /// The sealed page position, to be opened with [`super::page::Sealer`].
    pub page: Option<String>,
    /// What was ignored or tolerated.
    pub warnings: Vec<Issue>,
    /// The parameters honoured, as given, for the self link; without the patient clause, which
    /// the caller renders (contract §8), and without `_page`.
    pub applied: Vec<(String, String)>,
    /// The names honoured, without modifier (`patient.identifier`, `status`…).
    pub(super) names: Vec<String>,
}

impl Search {
    /// Whether the query names this parameter (without its modifier) and it was honoured.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Whether it names resources one by one, by `identifier` or by `_id`.
    pub fn names_one_by_one(&self) -> bool {
        self.applied.iter().any(|(name, _)| matches!(name.as_str(), "identifier" | "_id"))
    }

    /// The business identifiers that `identifier` names with their system, as given.
    pub fn identifiers(&self) -> Vec<BusinessIdentifier> {
        let values = self.applied.iter().filter(|(name, _)| name == "identifier");
        let tokens = values.flat_map(|(_, value)| term::split(value, ',')).filter_map(|value| Token::read(&value));
        let named = |token: Token| Some(BusinessIdentifier { system: token.system?, value: token.code });
        tokens.filter_map(named).collect()
    }

    /// What `identifier` asks, in any of its forms (with a system or without, masterIdentifier or
    /// entryUUID), and nothing else of the search.
    pub fn identifier_terms(&self) -> Vec<Term> {
        let number = super::find(&self.kind, "identifier").map(|parameter| parameter.number);
        let is_identifier =
            |term: &&Term| matches!(term, Term::Index { parameter, negated: false, .. } if Some(*parameter) == number);
        self.terms.iter().filter(is_identifier).cloned().collect()
    }

    /// Whether archived resources are asked for (document-sharing §7 case 42): they come only then.
    pub fn wants_archived(&self) -> bool {
        let names = |value: &str, truth: &str| term::split(value, ',').iter().any(|value| value == truth);
        self.applied.iter().any(|(name, value)| match name.as_str() {
            "isArchived" => names(value, "true"),
            "isArchived:not" => names(value, "false"),
            _ => false,
        })
    }

    /// Whether the answer is the total alone: `_summary=count` or `_count=0`.
    pub fn wants_total_only(&self) -> bool {
        self.summary == Summary::Count || self.count == Some(0)
    }
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search").field("kind", &self.kind).field("names", &self.names).finish_non_exhaustive()
    }
}

/// The one patient whose record is searched.
#[derive(Clone, PartialEq, Eq)]
pub enum PatientClause {
    /// The id of a Patient on this server.
    Id(String),
    /// An identifier, its system as given.
    Identifier {
        /// The assigning authority.
        system: String,
        /// The value within it.
        value: String,
    },
}

impl fmt::Debug for PatientClause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id(_) => "Id(***)",
            Self::Identifier { .. } => "Identifier(***)",
        })
    }
}

/// One condition of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// `_id`: one of these ids.
    Id(Vec<String>),
    /// `_lastUpdated`: the instant stands in one of these ways.
    LastUpdated(Vec<Interval>),
    /// Some row of the parameter matches one of `any_of` (none, if `negated`).
    Index {
        /// The parameter's number.
        parameter: i32,
        /// One of these.
        any_of: Vec<Match>,
        /// `:not`.
        negated: bool,
    },
    /// `:missing`.
    Missing {
        /// The parameter's number.
        parameter: i32,
        /// Whether the resource must have no row (true) or some.
        missing: bool,
    },
    /// One of these holds.
    Any(Vec<Term>),
    /// A reference leads to a resource that fulfils a term.
    Chain(Chain),
    /// Some resource points here and fulfils a term.
    Has(Has),
    /// A reference leads into a tree.
    Tree(Tree),
    /// Looked up in the resource itself: no row is kept of it.
    Read(Reading),
}

/// `author:Practitioner.name=x` (R4 search §chaining).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The reference parameter to follow.
    pub parameter: &'static Parameter,
    /// The types it may lead to, each with what a resource of it must fulfil.
    pub targets: Vec<(&'static str, Term)>,
    /// Whether contained resources are followed by reading the resource; else rows say it already.
    pub contained: bool,
}

/// `_has:List:item:code=x` (R4 search §has).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Has {
    /// The type of what points here.
    pub kind: &'static str,
    /// By which reference parameter of that type.
    pub parameter: &'static Parameter,
    /// What it must fulfil.
    pub term: Box<Term>,
}

/// `:below` and `:above` on references to types that are parts of each other (R4 search §modifiers).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The reference parameter.
    pub parameter: &'static Parameter,
    /// The parameter by which a resource of the tree names what it is part of.
    pub part_of: &'static Parameter,
    /// Where to start, as `Type/id`: itself is of the answer.
    pub root: String,
    /// Down to its parts, or up to what it is part of.
    pub down: bool,
}

/// How one row is compared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// The value is this.
    Exact(String),
    /// The value starts with this.
    Prefix(String),
    /// The value ends with this.
    Suffix(String),
    /// This stands somewhere in the value.
    Contains(String),
    /// The bounds stand so.
    Interval(Interval),
    /// The value starts with this and the bounds stand so: a number in a unit, a part of a composite.
    Measured(String, Interval),
}

/// Values are names and identifiers of people: never shown.
impl fmt::Debug for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(_) => f.write_str("Exact(***)"),
            Self::Prefix(_) => f.write_str("Prefix(***)"),
            Self::Suffix(_) => f.write_str("Suffix(***)"),
            Self::Contains(_) => f.write_str("Contains(***)"),
            Self::Interval(interval) => interval.fmt(f),
            Self::Measured(_, interval) => f.debug_tuple("Measured").field(&"***").field(interval).finish(),
        }
    }
}

/// Bounds on a row's `low` and `high`, each inclusive, each optional.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
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

/// The order asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// The parameter's number; `None` is `_lastUpdated`.
    pub parameter: Option<i32>,
    /// Whether `-` stood before the name.
    pub descending: bool,
}

/// One `_include` or `_revinclude`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// The type whose references are followed.
    pub source: &'static str,
    /// The reference parameters to follow; all of the type for `*`.
    pub parameters: Vec<&'static Parameter>,
    /// The only type wanted (of what is pointed to, or of what is pointed at), if one is named.
    pub target: Option<String>,
    /// `:iterate`: what is included is followed too.
    pub iterates: bool,
}

/// `_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Total {
    /// Not asked.
    #[default]
    Unstated,
    /// `none`.
    None,
    /// `estimate`.
    Estimate,
    /// `accurate`.
    Accurate,
}

/// `_summary`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Summary {
    /// `false`, or not asked.
    #[default]
    Whole,
    /// `true`.
    Summary,
    /// `text`.
    Text,
    /// `data`.
    Data,
    /// `count`.
    Count,
}
