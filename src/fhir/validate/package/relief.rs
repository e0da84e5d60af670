//! Takes off a profile what its type asks already: that is judged once, with the type (R4 `profiling.html#snapshot`).

use super::bare;
use super::element::R4;
use super::tree::Node;
use crate::fhir::definition::{Binding, Element, Property, Type};

/// Deeper than any element of R4.
const DEEPEST: usize = 40;

/// Relieves what stands below the node of a type.
pub(super) fn relieve(node: &mut Node, kind: Type) {
    below(node, kind, DEEPEST);
    node.prune();
}

fn below(node: &mut Node, owner: Type, depth: usize) {
    if depth == 0 {
        return;
    }
    for (name, child) in &mut node.children {
        let Some(element) = owner.elements().find(|element| element.name() == name).or_else(|| {
            // A choice by one of its forms: `valueString`.
            owner.property(name).and_then(Property::element)
        }) else {
            continue;
        };
        let content = content(owner, name, child);
        of_element(child, owner, element);
        if let Some(content) = content {
            below(child, content, depth - 1);
        }
        for slice in child.slices.values_mut() {
            of_slice(slice, owner, element, name, depth);
        }
    }
}

fn of_slice(slice: &mut Node, owner: Type, element: Element, name: &str, depth: usize) {
    if depth == 0 {
        return;
    }
    let content = content(owner, name, slice);
    let types = slice.element.types.clone();
    of_element(slice, owner, element);
    // By its type a slice may be told from the others.
    slice.element.types = types;
    if let Some(content) = content {
        below(slice, content, depth - 1);
    }
    for reslice in slice.slices.values_mut() {
        of_slice(reslice, owner, element, name, depth - 1);
    }
}

/// The type of what stands in a node: of the property, or the one type that a profile leaves of a choice.
fn content(owner: Type, name: &str, node: &Node) -> Option<Type> {
    let of_property = owner.property(name).and_then(Property::kind).filter(|kind| kind.name() != "Resource");
    of_property.or_else(|| match node.element.types.as_slice() {
        [only] => Type::named(only),
        _ => None,
    })
}

fn of_element(node: &mut Node, owner: Type, element: Element) {
    let own = &mut node.element;
    if element.is_required() && own.min <= 1 {
        own.min = 0;
    }
    if !element.is_array() && own.max.is_some_and(|max| max >= 1) {
        own.max = None;
    }
    let lineage = std::iter::successors(Some(owner), |kind| kind.base());
    let forms: Vec<&str> = lineage
        .flat_map(Type::own_properties)
        .filter(|property| property.element() == Some(element))
        .filter_map(Property::kind)
        .map(Type::name)
        .collect();
    let is_open = element.is_choice() || forms == ["Resource"];
    if !is_open || own.types.len() >= forms.len() && own.types.iter().all(|code| forms.contains(&code.as_str())) {
        own.types.clear();
    }
    let targets: Vec<&str> = element.targets().filter_map(Type::numbered).map(Type::name).collect();
    let is_base = |url: &String| url.strip_prefix(R4).is_some_and(|name| name == "Resource" || targets.contains(&name));
    if own.targets.len() >= targets.len() && own.targets.iter().all(is_base) {
        own.targets.clear();
    }
    let base = element.binding().map(|binding| match binding {
        Binding::Required(set) => (true, set),
        Binding::Extensible(set) => (false, set),
    });
    if let (Some((is_required, url)), Some((base_is_required, set))) = (&own.binding, base)
        && bare(url) == set.url()
        && (base_is_required || !is_required)
    {
        own.binding = None;
    }
}
