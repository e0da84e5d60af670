//! The elements of a profile as a tree: children by name, slices by slice name (R4 `elementdefinition.html`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::element::Element;

/// Deeper than any element of R4.
const DEEPEST: usize = 40;

/// Nodes by name.
pub(super) type Nodes = BTreeMap<String, Node>;

/// A profile, ready to judge by.
pub(in crate::fhir::validate) struct Definition {
    /// Its canonical URL.
    pub(super) url: String,
    /// The type it constrains.
    pub(super) kind: String,
    /// Its computer name, shown with each issue.
    pub(super) name: String,
    /// The element of the type itself.
    pub(super) root: Node,
}

/// An element, what is asked of it, and what stands below.
#[derive(Clone, Default)]
pub(super) struct Node {
    /// `List.extension:sourceId`.
    pub(super) id: String,
    /// Its place among its siblings in the definition: slices may be ordered.
    pub(super) place: usize,
    pub(super) element: Element,
    pub(super) children: Nodes,
    /// Slices of the element; of a slice, its reslices.
    pub(super) slices: Nodes,
}

impl Node {
    pub(super) fn named(id: &str) -> Self {
        Self { id: id.to_owned(), ..Self::default() }
    }

    /// Lays the elements of a snapshot or differential over what is there.
    pub(super) fn lay(&mut self, elements: &[Value]) {
        for element in elements {
            let id = element.get("id").or_else(|| element.get("path")).and_then(Value::as_str);
            let Some(id) = id.filter(|id| id.split('.').count() <= DEEPEST) else { continue };
            self.at(id).element.lay(element);
        }
    }

    /// The node of an element id, made where it is not there yet. `name:a/b` is the reslice `b` of the slice `a`.
    fn at(&mut self, id: &str) -> &mut Self {
        let mut node = self;
        let mut sofar = String::new();
        for (place, step) in id.split('.').enumerate() {
            sofar = if place == 0 { step.to_owned() } else { format!("{sofar}.{step}") };
            if place == 0 {
                continue;
            }
            let (name, slices) = step.split_once(':').map_or((step, ""), |(name, slices)| (name, slices));
            node = entry(&mut node.children, name, &sofar);
            for slice in slices.split('/').filter(|slice| !slice.is_empty()) {
                node = entry(&mut node.slices, slice, &sofar);
            }
        }
        node
    }

    /// Takes off what asks nothing: a snapshot names every element of its type.
    pub(super) fn prune(&mut self) {
        for node in self.children.values_mut().chain(self.slices.values_mut()) {
            node.prune();
        }
        self.children.retain(|_, child| child.asks());
    }

    /// Whether anything is asked of the element or below it.
    fn asks(&self) -> bool {
        self.element.asks() || !self.children.is_empty() || !self.slices.is_empty()
    }

    /// A child by name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.get(name)
    }
}

/// The node of a name.
fn entry<'n>(nodes: &'n mut Nodes, name: &str, id: &str) -> &'n mut Node {
    let place = nodes.len();
    nodes.entry(name.to_owned()).or_insert_with(|| Node { place, ..Node::named(id) })
}
