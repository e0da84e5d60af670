//! Codes against the value sets they are bound to (R4 `terminologies.html#strength`).

use serde_json::Value;

use super::path::Path;
use super::walk::Walk;
use crate::error::Code;
use crate::fhir::datatype::Coding;
use crate::fhir::definition::{Binding, Element, Type, ValueSet};

/// Where the codes come from that an extensible binding leaves room for: IHE's and the French national ones.
const KNOWN_EXTENSIONS: [&str; 5] = [
    "https://hl7.fr/",
    "https://interop.esante.gouv.fr/",
    "https://mos.esante.gouv.fr/",
    "https://profiles.ihe.net/",
    "urn:oid:1.2.250.",
];

/// Judges a value that is valid of its type.
pub(super) fn check(walk: &mut Walk<'_>, value: &Value, element: Element, of: Type, path: &Path<'_>) {
    let (set, is_required) = match element.binding() {
        None => return,
        Some(Binding::Required(set)) => (set, true),
        Some(Binding::Extensible(set)) => (set, false),
    };
    if !set.is_listed() || is_in(set, value, of.name(), is_required) {
        return;
    }
    // The code itself is not told: what stands in the place of a code may be anything.
    if is_required {
        walk.tell(Code::Binding, path, set.url());
    } else {
        walk.warn(Code::Binding, path, set.url());
    }
}

fn is_in(set: ValueSet, value: &Value, kind: &str, is_required: bool) -> bool {
    let coding_is_in = |coding: Coding<'_>| {
        let extends = |system: &str| !is_required && KNOWN_EXTENSIONS.iter().any(|known| system.starts_with(known));
        coding.code.is_some_and(|code| set.has(coding.system, code)) || coding.system.is_some_and(extends)
    };
    match kind {
        "Coding" => Coding::of(value).is_some_and(coding_is_in),
        "CodeableConcept" => {
            let mut codings = Coding::all_of(value).peekable();
            // A text alone may stand where no code fits, but not under a required binding.
            (!is_required && codings.peek().is_none()) || codings.any(coding_is_in)
        }
        "code" | "string" | "uri" => value.as_str().is_none_or(|code| set.has(None, code)),
        "Quantity" | "Age" | "Duration" | "Distance" | "Count" => {
            Coding::of(value).is_none_or(|unit| unit.code.is_none_or(|code| set.has(unit.system, code)))
        }
        _ => true,
    }
}
