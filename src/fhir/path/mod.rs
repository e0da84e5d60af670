//! The FHIRPath of search parameters, compiled once into walkers over JSON (spec/fhir-r4.md §3).
//!
//! Read: paths, `name[x]` (a choice element), `name[n]`, `|`, `as`, `ofType`, `where(x = 'y')`,
//! `where(resolve() is T)`, `resolve()` (contained resources only), `extension('url')`,
//! `extension.where(url = 'url')`, `a.exists() and a != false`.
//!
//! [`Query`] is the whole language: invariants, profiles, patches, tests.

mod decimal;
mod environment;
mod evaluate;
mod expression;
mod function;
mod item;
mod lex;
mod moment;
mod operator;
mod parse;
mod quantity;
mod quick;
mod syntax;
mod token;
mod typing;
mod unit;
mod walk;

pub use environment::{Environment, Outside};
pub use evaluate::EvaluationError;
pub use expression::Query;
pub use function::FUNCTIONS;
pub use item::Item;
pub use quick::{Quick, Several};
pub(crate) use walk::contained;

/// A compiled expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    branches: Vec<Branch>,
}

/// What stands between two `|`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Branch {
    /// The nodes a path leads to.
    Path(Vec<Step>),
    /// True or false.
    Test(Test),
}

/// One move from a node to others.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// To an element; repetitions are flattened.
    Field(String),
    /// To an element of any of its datatypes: the key is this and a datatype's name.
    Choice(String),
    /// To one repetition of an element.
    Nth(String, usize),
    /// To the extensions of a URL.
    Extension(String),
    /// Stays where the test holds.
    Where(Test),
    /// To the contained resource a reference names.
    Resolve,
    /// Stays on resources of a type.
    OfType(String),
}

/// What is asked of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    /// The path leads to a text or a truth value equal (or not) to this; to nothing: false.
    Compare { path: Vec<Step>, equal: bool, literal: Literal },
    /// The path leads somewhere.
    Exists(Vec<Step>),
    /// The node is a reference to a resource of this type, or to one of unknown type.
    TargetIs(String),
    /// Both hold.
    And(Box<Test>, Box<Test>),
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Literal {
    /// `'text'`.
    Text(String),
    /// `true`, `false`.
    Truth(bool),
}

/// What an expression cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expression not understood at character {at}: {expected} expected")]
pub struct PathError {
    /// Where, in bytes.
    pub at: usize,
    /// What would have been read.
    pub expected: &'static str,
}
