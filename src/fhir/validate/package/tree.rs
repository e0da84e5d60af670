//! The elements of a profile as a tree: children by name, slices by slice name (R4 `elementdefinition.html`).

use std::collections::BTreeMap;

use serde_json::Value;

/// Deeper than any element of R4.
const DEEPEST: usize = 40;

/// Nodes by name.
type Nodes = BTreeMap<String, Node>;

/// A profile, ready to judge by.
pub(super) struct Definition {
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
    pub(super) element: Element,
    pub(super) children: Nodes,
    pub(super) slices: Nodes,
}

/// What is asked of an element.
#[derive(Clone, Default)]
pub(super) struct Element {
    pub(super) min: usize,
    /// None: as many as one likes.
    pub(super) max: Option<usize>,
    /// A fixed value, or a pattern.
    pub(super) wanted: Option<Wanted>,
    /// Whether the binding is required, and to which value set.
    pub(super) binding: Option<(bool, String)>,
    /// Profiles of the type: one of them must hold.
    pub(super) profiles: Vec<String>,
    /// Codes of the types admitted.
    pub(super) types: Vec<String>,
    /// Kind and path of what tells the slices apart.
    pub(super) discriminators: Vec<(String, String)>,
    /// No value outside the slices.
    pub(super) is_closed: bool,
    /// What a text must start with.
    pub(super) start: Option<(String, String)>,
    /// A reference to a contained resource.
    pub(super) is_contained: bool,
}

/// A value an element must have, or hold.
#[derive(Clone)]
pub(super) struct Wanted {
    pub(super) value: Value,
    pub(super) is_fixed: bool,
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

    /// The node of an element id, made where it is not there yet.
    fn at(&mut self, id: &str) -> &mut Self {
        let mut node = self;
        let mut sofar = String::new();
        for (place, step) in id.split('.').enumerate() {
            sofar = if place == 0 { step.to_owned() } else { format!("{sofar}.{step}") };
            if place == 0 {
                continue;
            }
            let (name, slice) = step.split_once(':').map_or((step, None), |(name, slice)| (name, Some(slice)));
            node = entry(&mut node.children, name, &sofar);
            if let Some(slice) = slice {
                node = entry(&mut node.slices, slice, &sofar);
            }
        }
        node
    }

    /// A child by name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.get(name)
    }
}

/// The node of a name.
fn entry<'n>(nodes: &'n mut Nodes, name: &str, id: &str) -> &'n mut Node {
    nodes.entry(name.to_owned()).or_insert_with(|| Node::named(id))
}

impl Element {
    fn lay(&mut self, element: &Value) {
        let text = |pointer: &str| element.pointer(pointer).and_then(Value::as_str);
        if let Some(min) = element.get("min").and_then(Value::as_u64) {
            self.min = usize::try_from(min).unwrap_or(usize::MAX);
        }
        if let Some(max) = text("/max") {
            self.max = max.parse().ok();
        }
        let mut keys = element.as_object().into_iter().flatten();
        if let Some((key, value)) = keys.find(|(key, _)| key.starts_with("fixed") || key.starts_with("pattern")) {
            self.wanted = Some(Wanted { value: value.clone(), is_fixed: key.starts_with("fixed") });
        }
        if let (Some(strength), Some(set)) = (text("/binding/strength"), text("/binding/valueSet")) {
            let is_told = matches!(strength, "required" | "extensible");
            self.binding = is_told.then(|| (strength == "required", set.to_owned()));
        }
        let list = |pointer: &str| element.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        if element.get("type").is_some() {
            let words = |value: Option<&Value>| -> Vec<String> {
                let words = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
                words.map(str::to_owned).collect()
            };
            self.types = list("/type").filter_map(|kind| kind.get("code")?.as_str().map(str::to_owned)).collect();
            self.profiles = list("/type").flat_map(|kind| words(kind.get("profile"))).collect();
            let aggregations: Vec<String> = list("/type").flat_map(|kind| words(kind.get("aggregation"))).collect();
            self.is_contained = !aggregations.is_empty() && aggregations.iter().all(|way| way == "contained");
        }
        if element.get("slicing").is_some() {
            let told =
                |one: &Value| Some((one.get("type")?.as_str()?.to_owned(), one.get("path")?.as_str()?.to_owned()));
            self.discriminators = list("/slicing/discriminator").filter_map(told).collect();
            self.is_closed = text("/slicing/rules") == Some("closed");
        }
        for constraint in list("/constraint") {
            let start = constraint.get("expression").and_then(Value::as_str).and_then(started);
            if let (Some(start), Some(key)) = (start, constraint.get("key").and_then(Value::as_str)) {
                self.start = Some((key.to_owned(), start.to_owned()));
            }
        }
    }
}

/// The text of `startsWith('…')`.
fn started(expression: &str) -> Option<&str> {
    expression.strip_prefix("startsWith('")?.strip_suffix("')").filter(|text| !text.contains('\''))
}
