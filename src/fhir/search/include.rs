//! `_include` and `_revinclude`, with `:iterate`, `*` and a type (R4 search §include).

use super::index;
use super::plan::{Include, Search};
use super::table::{self, Kind, Parameter};

/// Inclusions of one search.
const MOST: usize = 20;

/// Reads `_include[:iterate]` or `_revinclude[:iterate]`; `None` where it cannot be honoured.
pub(super) fn read(search: &mut Search, name: &str, value: &str) -> Option<()> {
    let (base, modifier) = name.split_once(':').map_or((name, None), |(base, modifier)| (base, Some(modifier)));
    let iterates = match modifier {
        None => false,
        // The name R4 gives it, and that of the versions before.
        Some("iterate" | "recurse") => true,
        Some(_) => return None,
    };
    let is_reverse = base == "_revinclude";
    let include = parse(&search.kind, value, is_reverse, iterates)?;
    let list = if is_reverse { &mut search.reverse_includes } else { &mut search.includes };
    if !list.contains(&include) {
        list.push(include);
    }
    (list.len() <= MOST).then_some(())
}

/// `*`, `Source:*`, `Source:parameter` or `Source:parameter:Target`.
fn parse(kind: &str, value: &str, is_reverse: bool, iterates: bool) -> Option<Include> {
    if value == "*" && !is_reverse {
        return parse(kind, &format!("{kind}:*"), is_reverse, iterates);
    }
    let mut parts = value.split(':');
    let (source, name, target) = (parts.next()?, parts.next()?, parts.next());
    let source = table::of(source).first()?.resource;
    let may_start = is_reverse || iterates || source == kind;
    if parts.next().is_some() || !may_start {
        return None;
    }
    let target = target.map(str::to_owned);
    let leads = |parameter: &&'static Parameter| {
        let is_target = target.as_deref().is_none_or(|target| parameter.points_to(target));
        let reaches = !is_reverse || iterates || parameter.points_to(kind);
        parameter.kind == Kind::Reference && is_target && reaches
    };
    let parameters: Vec<&'static Parameter> = if name == "*" {
        table::of(source).iter().filter(leads).collect()
    } else {
        table::find(source, name).filter(leads).into_iter().collect()
    };
    // A target other than the type searched makes no sense of what points to it.
    let is_aimed = !is_reverse || iterates || target.as_deref().is_none_or(|target| target == kind);
    (!parameters.is_empty() && is_aimed).then_some(Include { source, parameters, target, iterates })
}

/// Everything of a type that `_include` may name, as `Type:parameter`: for capability statements.
pub fn inclusions(kind: &str) -> Vec<String> {
    let references = table::of(kind).iter().filter(|parameter| parameter.kind == Kind::Reference);
    references.map(|parameter| format!("{kind}:{}", parameter.code)).collect()
}

/// Everything of these types that `_revinclude` may name in a search on a type.
pub fn reverse_inclusions(kind: &str, sources: &[&str]) -> Vec<String> {
    let of = |source: &&str| {
        let leading = table::of(source).iter().filter(|parameter| {
            parameter.kind == Kind::Reference && index::has_rows(parameter) && parameter.points_to(kind)
        });
        leading.map(|parameter| format!("{}:{}", parameter.resource, parameter.code)).collect::<Vec<_>>()
    };
    sources.iter().flat_map(of).collect()
}
