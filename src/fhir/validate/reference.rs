//! References: whether what they point to may stand there (R4 `references.html`).

use serde_json::{Map, Value};

use super::path::Path;
use super::walk::Walk;
use crate::error::Code;
use crate::fhir::datatype::Reference;
use crate::fhir::definition::{Element, Type};

/// What references of the resource being walked may resolve to.
#[derive(Clone, Default)]
pub(super) struct Scope<'v> {
    /// The contained resources by id, sorted: a body may hold very many.
    contained: Vec<(&'v str, &'v Value)>,
    /// The type of the container, which `#` points to.
    container: &'static str,
    /// The resources of the innermost bundle's entries by fullUrl, sorted.
    entries: Vec<(&'v str, &'v Value)>,
}

impl<'v> Scope<'v> {
    /// Enters a resource; answers the scope to go back to.
    pub(super) fn enter(&mut self, kind: Type, map: &'v Map<String, Value>) -> Self {
        let list = |name: &str| map.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let contained = list("contained")
            .iter()
            .filter_map(|resource| text(resource, "resourceType").and(Some((text(resource, "id")?, resource))));
        let entries = if kind.name() == "Bundle" {
            let entry = |entry: &'v Value| Some((text(entry, "fullUrl")?, entry.get("resource")?));
            let mut entries: Vec<_> = list("entry").iter().filter_map(entry).collect();
            entries.sort_unstable_by_key(|(url, _)| *url);
            entries
        } else {
            Vec::new()
        };
        let mut contained: Vec<_> = contained.collect();
        contained.sort_unstable_by_key(|(id, _)| *id);
        let inner = Self { contained, container: kind.name(), entries };
        let mut outer = std::mem::replace(self, inner);
        if kind.name() != "Bundle" {
            // Entries resolve against the bundle around them: it is lent to them.
            self.entries = std::mem::take(&mut outer.entries);
        }
        outer
    }

    /// Goes back to the resource around.
    pub(super) fn leave(&mut self, mut outer: Self) {
        if self.container != "Bundle" {
            outer.entries = std::mem::take(&mut self.entries);
        }
        *self = outer;
    }

    /// Whether several contained resources have this id.
    pub(super) fn is_repeated(&self, id: &str) -> bool {
        let start = self.contained.partition_point(|(known, _)| *known < id);
        self.contained.get(start + 1).is_some_and(|(known, _)| *known == id)
    }

    /// The type of the contained resource of an id; the container's own where the id is empty.
    pub(super) fn contained(&self, id: &str) -> Option<&'v str> {
        if id.is_empty() {
            return Some(self.container);
        }
        find(&self.contained, id).and_then(|resource| text(resource, "resourceType"))
    }

    /// The type of the bundle entry of a fullUrl.
    pub(super) fn entry(&self, url: &str) -> Option<&'v str> {
        find(&self.entries, url).and_then(|resource| text(resource, "resourceType"))
    }

    /// The resource of the body that a reference names: contained, or of the bundle around.
    pub(super) fn resource(&self, reference: &str) -> Option<&'v Value> {
        match reference.strip_prefix('#') {
            Some(id) => find(&self.contained, id),
            None => find(&self.entries, reference),
        }
    }
}

/// The value of a key in a sorted list.
fn find<'v>(sorted: &[(&'v str, &'v Value)], key: &str) -> Option<&'v Value> {
    let start = sorted.partition_point(|(known, _)| *known < key);
    sorted.get(start).filter(|(known, _)| *known == key).map(|(_, value)| *value)
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

/// Where a Reference leads.
pub(super) enum Target {
    /// To nothing that can be; what was expected.
    Nowhere(&'static str),
    /// To something whose type nothing here tells.
    Untold,
    /// To a resource of this type.
    Of(Type),
}

impl Scope<'_> {
    /// Where the content of a Reference leads; `None` where it names nothing at all.
    pub(super) fn target(&self, map: &Map<String, Value>) -> Option<Target> {
        let named = map.get("type").and_then(Value::as_str);
        let Some(written) = map.get("reference").and_then(Value::as_str) else {
            return named.map(|named| Type::resource(named).map_or(Target::Untold, Target::Of));
        };
        let kind = match Reference::parse(written) {
            None => return Some(Target::Nowhere("Type/id")),
            Some(Reference::Contained(id)) => match self.contained(id) {
                None => return Some(Target::Nowhere("contained")),
                found => found,
            },
            Some(reference @ Reference::Absolute { url, .. }) => self.entry(url).or(reference.kind()),
            Some(Reference::Urn(urn)) => self.entry(urn),
            Some(reference) => reference.kind(),
        };
        let kind = kind.or(named).and_then(Type::resource);
        Some(kind.map_or(Target::Untold, Target::Of))
    }
}

impl Walk<'_> {
    /// Judges the content of a Reference.
    pub(super) fn reference(&mut self, map: &Map<String, Value>, element: Element, path: &Path<'_>) {
        let at = if map.contains_key("reference") { "reference" } else { "type" };
        match self.scope.target(map) {
            Some(Target::Nowhere(expected)) => self.tell(Code::ReferenceTarget, &path.child(at), expected),
            Some(Target::Of(kind)) if !admits(element, kind) => {
                self.tell(Code::ReferenceTarget, &path.child(at), &targets(element));
            }
            Some(Target::Of(_) | Target::Untold) | None => {}
        }
    }
}

fn admits(element: Element, kind: Type) -> bool {
    let mut targets = element.targets();
    targets.len() == 0 || targets.any(|target| target == kind.id())
}

fn targets(element: Element) -> String {
    element.targets().filter_map(Type::numbered).map(Type::name).collect::<Vec<_>>().join(" | ")
}
