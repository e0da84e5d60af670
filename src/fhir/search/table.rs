//! The search parameters of all R4 types, IHE and the ANS, as static data (spec/fhir-r4.md §3), and
//! those an operator adds at start.

use std::sync::OnceLock;

/// What a search parameter compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Several parameters at once, joined by `$`.
    Composite,
    /// An instant, a date or a period.
    Date,
    /// A number.
    Number,
    /// A number with a unit.
    Quantity,
    /// A link to a resource.
    Reference,
    /// Decided elsewhere than in index rows.
    Special,
    /// Folded text, by its beginning.
    String,
    /// A code in a system.
    Token,
    /// A URI, exactly.
    Uri,
}

/// One search parameter of one resource type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// The number stored in index rows; never changes.
    pub number: i32,
    /// The type it belongs to, or `Resource` / `DomainResource`.
    pub resource: &'static str,
    /// Its name in a search.
    pub code: &'static str,
    /// What it compares.
    pub kind: Kind,
    /// The datatypes its expression yields.
    pub datatypes: &'static [&'static str],
    /// The FHIRPath expression, narrowed to the type; choices are marked `[x]`.
    pub expression: &'static str,
    /// For references: the types it may point to; `Resource` is any.
    pub targets: &'static [&'static str],
    /// For composites: kind and expression of each component, from the composite's base.
    pub components: &'static [(Kind, &'static str)],
    /// Its canonical URL; empty for the chains MHD names.
    pub url: &'static str,
    /// Who defines it: `R4`, `MHD …`, `PDSm …`.
    pub source: &'static str,
}

impl Parameter {
    /// Whether it may point to a resource of type `target`.
    pub fn points_to(&self, target: &str) -> bool {
        self.targets.iter().any(|known| *known == target || *known == "Resource")
    }

    /// Whether all its values are bare codes, whose system is not written in the resource.
    pub fn is_bare_code(&self) -> bool {
        self.kind == Kind::Token
            && !self.datatypes.is_empty()
            && self.datatypes.iter().all(|datatype| matches!(*datatype, "code" | "boolean" | "string" | "id" | "uri"))
    }
}

static PARAMETERS: &[Parameter] = include!(concat!(env!("OUT_DIR"), "/search_parameters.rs"));

/// With the operator's, where there are any.
static EXTENDED: OnceLock<Vec<Parameter>> = OnceLock::new();

/// Every parameter, sorted by resource and code.
pub fn all() -> &'static [Parameter] {
    EXTENDED.get().map_or(PARAMETERS, Vec::as_slice)
}

/// Adds the operator's parameters; false if that was done before.
pub(super) fn install(custom: Vec<Parameter>) -> bool {
    let mut all: Vec<Parameter> = PARAMETERS.iter().copied().chain(custom).collect();
    all.sort_by_key(|parameter| (parameter.resource, parameter.code));
    EXTENDED.set(all).is_ok()
}

/// The parameters a type has of its own, without those of `Resource`.
pub fn of(resource: &str) -> &'static [Parameter] {
    let all = all();
    let from = all.partition_point(|parameter| parameter.resource < resource);
    let to = all.partition_point(|parameter| parameter.resource <= resource);
    all.get(from..to).unwrap_or_default()
}

/// The parameter of a name, the type's own or one common to all.
pub fn find(resource: &str, code: &str) -> Option<&'static Parameter> {
    let own = |resource| {
        let rows = of(resource);
        let index = rows.binary_search_by(|parameter| parameter.code.cmp(code)).ok()?;
        rows.get(index)
    };
    own(resource).or_else(|| own("Resource")).or_else(|| own("DomainResource"))
}

/// The parameter of a stored number.
pub fn by_number(number: i32) -> Option<&'static Parameter> {
    all().iter().find(|parameter| parameter.number == number)
}
