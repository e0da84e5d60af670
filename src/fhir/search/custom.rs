//! The operator's own search parameters: SearchParameter resources read at start, compiled with the
//! same part of FHIRPath as R4's, and indexed like them (R4 searchparameter.html).

use std::collections::HashSet;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::index;
use super::table::{self, Kind, Parameter};
use crate::fhir::path::Expression;

/// The first number of parameters that are not in the table.
const FIRST: i32 = 1_000_000;
/// Numbers from there on; the one for the same URL is always the same.
const NUMBERS: u32 = 1_000_000_000;

/// Why a SearchParameter is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CustomError {
    /// It is no SearchParameter, or a needed element is missing or of another form.
    #[error("no SearchParameter with a usable `{0}`")]
    Element(&'static str),
    /// Its type cannot be given to an operator's parameter.
    #[error("a SearchParameter of type `{0}` cannot be added")]
    Kind(String),
    /// The type has a parameter of this name already.
    #[error("`{0}` has this parameter already")]
    Taken(String),
    /// Its expression is not within what search parameters are compiled from.
    #[error("expression of `{code}`: {cause}")]
    Expression {
        /// The parameter's code.
        code: String,
        /// What was not understood.
        cause: crate::fhir::path::PathError,
    },
    /// It looks at relations of fiches or entries of lists, of which each reader sees his own.
    #[error("`{0}` looks at what a document or a list points to, which not every reader sees")]
    Pointing(String),
    /// Two URLs that would be stored under one number.
    #[error("two parameters have one number: rename `{0}`")]
    Number(String),
    /// Parameters were installed before.
    #[error("search parameters are installed once, at start")]
    Late,
}

/// The parameters that SearchParameter resources (or Bundles of them) define, one for each base type.
///
/// # Errors
/// [`CustomError`] for the first that cannot be taken: none is left out in silence.
pub fn read(resources: &[Value]) -> Result<Vec<Parameter>, CustomError> {
    let mut found = Vec::new();
    for resource in resources {
        match resource.get("resourceType").and_then(Value::as_str) {
            Some("Bundle") => {
                let entries = resource.get("entry").and_then(Value::as_array).into_iter().flatten();
                for entry in entries.filter_map(|entry| entry.get("resource")) {
                    define(entry, &mut found)?;
                }
            }
            _ => define(resource, &mut found)?,
        }
    }
    let mut numbers: HashSet<i32> = table::all().iter().map(|known| known.number).collect();
    match found.iter().find(|parameter: &&Parameter| !numbers.insert(parameter.number)) {
        Some(parameter) => Err(CustomError::Number(parameter.code.to_owned())),
        None => Ok(found),
    }
}

/// Reads parameters and adds them to those of R4, for the life of the process.
///
/// # Errors
/// As [`read`]; [`CustomError::Late`] where it was done before.
pub fn install(resources: &[Value]) -> Result<usize, CustomError> {
    let found = read(resources)?;
    let count = found.len();
    if count > 0 && !table::install(found) {
        return Err(CustomError::Late);
    }
    Ok(count)
}

fn define(resource: &Value, found: &mut Vec<Parameter>) -> Result<(), CustomError> {
    let text = |name: &'static str| {
        resource.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or(CustomError::Element(name))
    };
    if text("resourceType")? != "SearchParameter" {
        return Err(CustomError::Element("resourceType"));
    }
    let (url, code, expression) = (text("url")?, text("code")?, text("expression")?);
    let kind = kind(text("type")?)?;
    if code.starts_with('_') || !code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        return Err(CustomError::Element("code"));
    }
    let list = |name: &str| -> Vec<&'static str> {
        let items = resource.get(name).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(kept).collect()
    };
    let bases = list("base");
    if bases.is_empty() {
        return Err(CustomError::Element("base"));
    }
    for base in bases {
        // An element of every resource would be a row of every resource: R4's own are enough.
        if matches!(base, "Resource" | "DomainResource") || table::of(base).is_empty() {
            return Err(CustomError::Element("base"));
        }
        let is_taken = table::find(base, code).is_some()
            || found.iter().any(|known: &Parameter| known.resource == base && known.code == code);
        if is_taken {
            return Err(CustomError::Taken(format!("{base}.{code}")));
        }
        let expression = narrowed(expression, base);
        if let Err(cause) = Expression::compile(&expression) {
            return Err(CustomError::Expression { code: code.to_owned(), cause });
        }
        let parameter = Parameter {
            number: number(url, base),
            resource: base,
            code: kept(code),
            kind,
            datatypes: &[],
            expression: kept(&expression),
            targets: Vec::leak(list("target")),
            components: &[],
            url: kept(url),
            source: "operator",
        };
        if index::points_within(&parameter) {
            return Err(CustomError::Pointing(code.to_owned()));
        }
        found.push(parameter);
    }
    Ok(())
}

fn kind(name: &str) -> Result<Kind, CustomError> {
    match name {
        "date" => Ok(Kind::Date),
        "number" => Ok(Kind::Number),
        "quantity" => Ok(Kind::Quantity),
        "reference" => Ok(Kind::Reference),
        "string" => Ok(Kind::String),
        "token" => Ok(Kind::Token),
        "uri" => Ok(Kind::Uri),
        other => Err(CustomError::Kind(other.to_owned())),
    }
}

/// Of the branches of an expression those that begin at a type, or at none.
fn narrowed(expression: &str, base: &str) -> String {
    let branches: Vec<&str> = expression.split(" | ").map(str::trim).collect();
    let is_own = |branch: &&&str| branch.trim_start_matches('(').starts_with(&format!("{base}."));
    let own: Vec<&str> = branches.iter().filter(is_own).copied().collect();
    if own.is_empty() { expression.to_owned() } else { own.join(" | ") }
}

/// The number of a parameter's rows: by its URL and type, whatever else is loaded.
fn number(url: &str, base: &str) -> i32 {
    let digest = Sha256::digest(format!("{base}|{url}").as_bytes());
    let bits = digest.iter().take(4).fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte));
    FIRST.saturating_add(i32::try_from(bits % NUMBERS).unwrap_or_default())
}

/// Kept for the life of the process, as the table is: read once, at start.
fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}
