//! Parameters that shape the answer: `_sort`, `_count`, `_include`… (R4 search §2.1.1.9.5).

use super::plan::{Options, Search, Sort, Total};
use super::table::{self, Kind, Parameter};
use super::{PAGE_PARAMETER, include, index, subset};

/// What became of a parameter.
pub(super) enum Reading {
    /// Not a parameter of this kind.
    Other,
    /// Honoured; part of the self link or not.
    Honoured { in_self_link: bool },
    /// Known, but this value cannot be honoured.
    Refused,
}

/// The parameters honoured here, for capability statements and nearest names.
pub const RESULT_PARAMETERS: [&str; 9] =
    ["_count", "_elements", "_format", "_include", "_pretty", "_revinclude", "_sort", "_summary", "_total"];

/// Reads a parameter into the search, if it is one of this kind.
pub(super) fn read(search: &mut Search, name: &str, value: &str, options: &Options<'_>) -> Reading {
    let in_self_link = name != PAGE_PARAMETER;
    let honoured = match name {
        "_sort" => sort(search, value),
        "_count" => count(search, value, options),
        _ if is_inclusion(name) => include::read(search, name, value),
        "_total" => total(search, value),
        "_summary" => summary(search, value),
        "_elements" => elements(search, value),
        "_format" => once(&mut search.format, value),
        PAGE_PARAMETER => once(&mut search.page, value),
        "_pretty" => truth(value).map(|pretty| search.pretty = pretty),
        // Contained resources are part of their container's answer, which is the default.
        "_contained" => (value == "false").then_some(()),
        _ if is_refused(name) => None,
        _ => return Reading::Other,
    };
    if honoured.is_some() { Reading::Honoured { in_self_link } } else { Reading::Refused }
}

fn is_inclusion(name: &str) -> bool {
    matches!(name.split(':').next().unwrap_or_default(), "_include" | "_revinclude")
}

/// Known to R4, not served: never ignored, for the answer would hold what was not asked.
fn is_refused(name: &str) -> bool {
    let base = name.split(':').next().unwrap_or_default();
    matches!(base, "_filter" | "_type" | "_containedType" | "_score" | "_contained" | "_query")
}

fn once(place: &mut Option<String>, value: &str) -> Option<()> {
    if value.is_empty() || place.as_ref().is_some_and(|known| known != value) {
        return None;
    }
    *place = Some(value.to_owned());
    Some(())
}

fn truth(value: &str) -> Option<bool> {
    match value {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Most keys of an order.
const KEYS: usize = 10;

/// Whether resources can be put in the order of a parameter: of the values that it keeps rows of, unless
/// these may name what not every reader sees, whom the order would tell of it.
fn is_sortable(parameter: &Parameter) -> bool {
    index::has_rows(parameter) && parameter.kind != Kind::Composite && !index::points_within(parameter)
}

/// Keys by their weight: parameters or `_lastUpdated`, each `-` for the greatest first.
fn sort(search: &mut Search, value: &str) -> Option<()> {
    let mut keys: Vec<Sort> = Vec::new();
    for key in value.split(',') {
        let (descending, name) = key.strip_prefix('-').map_or((false, key), |name| (true, name));
        let parameter = if name == "_lastUpdated" {
            None
        } else {
            Some(table::find(&search.kind, name).filter(|known| is_sortable(known))?.number)
        };
        if keys.iter().any(|known| known.parameter == parameter) {
            return None;
        }
        keys.push(Sort { parameter, descending });
    }
    if keys.len() > KEYS || (!search.sort.is_empty() && search.sort != keys) {
        return None;
    }
    search.sort = keys;
    Some(())
}

fn count(search: &mut Search, value: &str, options: &Options<'_>) -> Option<()> {
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) || search.count.is_some() {
        return None;
    }
    let count = value.parse().unwrap_or(u32::MAX);
    search.count = Some(count.min(options.max_count));
    Some(())
}

fn total(search: &mut Search, value: &str) -> Option<()> {
    search.total = match value {
        "none" => Total::None,
        "estimate" => Total::Estimate,
        "accurate" => Total::Accurate,
        _ => return None,
    };
    Some(())
}

fn summary(search: &mut Search, value: &str) -> Option<()> {
    search.summary = subset::summary(value)?;
    Some(())
}

fn elements(search: &mut Search, value: &str) -> Option<()> {
    search.elements.extend(subset::elements(value)?);
    Some(())
}
