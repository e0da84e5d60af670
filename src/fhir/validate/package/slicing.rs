//! What tells the slices of an element apart, and how far a value is from a slice (R4 `profiling.html#discriminator`).

use serde_json::Value;

use super::Package;
use super::element::{R4, holds};
use super::judge::Judge;
use super::tree::Node;
use crate::fhir::definition::Type;
use crate::fhir::terminology::packaged::Membership;
use crate::fhir::validate::path::Path;

/// How much further than by its faults a value is from a profile that it does not claim.
const UNCLAIMED: usize = 1_000;

/// What may stand beside the slices of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Rules {
    /// Anything, anywhere.
    #[default]
    Open,
    /// Anything, after the slices.
    OpenAtEnd,
    /// Nothing.
    Closed,
}

impl Rules {
    pub(super) fn read(word: Option<&str>) -> Self {
        match word {
            Some("closed") => Self::Closed,
            Some("openAtEnd") => Self::OpenAtEnd,
            _ => Self::Open,
        }
    }
}

/// One way to tell slices apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Discriminator {
    way: Way,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// By value; by pattern, which R4 made the same.
    Value,
    /// Whether it is there.
    Exists,
    /// By type.
    Type,
    /// By the profile that holds.
    Profile,
}

/// A move of a discriminator's path (the restricted FHIRPath of R4 `profiling.html#discriminator`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// To an element, of whatever type a choice takes.
    Child(String),
    /// To the extensions of a URL.
    Extension(String),
    /// To what a reference leads to.
    Resolve,
    /// Stays where a choice is of the type.
    OfType(String),
}

impl Discriminator {
    pub(super) fn read(discriminator: &Value) -> Option<Self> {
        let way = match discriminator.get("type")?.as_str()? {
            "value" | "pattern" => Way::Value,
            "exists" => Way::Exists,
            "type" => Way::Type,
            "profile" => Way::Profile,
            _ => return None,
        };
        Some(Self { way, steps: steps(discriminator.get("path")?.as_str()?) })
    }

    /// What slices of extensions are told by where nothing is said.
    fn by_url() -> Self {
        Self { way: Way::Value, steps: vec![Step::Child("url".to_owned())] }
    }

    fn is_url(&self) -> bool {
        matches!(self.steps.as_slice(), [Step::Child(name)] if name == "url")
    }
}

/// A path as its moves; a dot within quotes parts nothing.
fn steps(path: &str) -> Vec<Step> {
    let mut parts: Vec<String> = vec![String::new()];
    let mut is_quoted = false;
    for letter in path.chars() {
        is_quoted ^= letter == '\'';
        match (letter, parts.last_mut()) {
            ('.', _) if !is_quoted => parts.push(String::new()),
            (letter, Some(part)) => part.push(letter),
            (_, None) => {}
        }
    }
    let step = |part: &String| {
        let called = |name: &str| part.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')').map(str::to_owned);
        match part.as_str() {
            "" | "$this" => None,
            "resolve()" => Some(Step::Resolve),
            name => Some(if let Some(url) = called("extension") {
                Step::Extension(url.trim_matches('\'').to_owned())
            } else if let Some(kind) = called("ofType").or_else(|| called("as")) {
                Step::OfType(kind)
            } else {
                Step::Child(name.to_owned())
            }),
        }
    };
    parts.iter().filter_map(step).collect()
}

/// A value of an element.
#[derive(Clone, Copy)]
pub(super) struct Member<'v> {
    /// The key it stands under: `valueString` for `value[x]`.
    pub(super) key: &'v str,
    pub(super) value: &'v Value,
    /// Whether it stands in an array.
    pub(super) is_item: bool,
    /// The type its key tells, of a choice.
    pub(super) kind: Option<&'v str>,
}

/// The values of an element of an object, whatever form a choice takes; `name` may lack the `[x]`.
pub(super) fn members<'v>(parent: &'v Value, name: &str) -> Vec<Member<'v>> {
    let Some(map) = parent.as_object() else { return Vec::new() };
    let mut found = Vec::new();
    let mut take = |key: &'v str, value: &'v Value, kind: Option<&'v str>| match value {
        Value::Array(items) => {
            found.extend(items.iter().map(|value| Member { key, value, is_item: true, kind }));
        }
        value => found.push(Member { key, value, is_item: false, kind }),
    };
    if let Some((key, value)) = map.get_key_value(name) {
        take(key, value, None);
        return found;
    }
    let stem = name.strip_suffix("[x]").unwrap_or(name);
    for (key, value) in map {
        if let Some(kind) = key.strip_prefix(stem).filter(|kind| is_type(kind)) {
            take(key, value, Some(kind));
        }
    }
    found
}

/// Whether what follows the stem of a choice names a datatype: `String`, `CodeableConcept`.
fn is_type(suffix: &str) -> bool {
    suffix.starts_with(|c: char| c.is_ascii_uppercase())
        && (Type::named(suffix).is_some() || Type::named(&lowered(suffix)).is_some())
}

/// `DateTime` as `dateTime`.
fn lowered(suffix: &str) -> String {
    let mut letters = suffix.chars();
    letters.next().map(|first| first.to_ascii_lowercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// Whether a choice's suffix is the type of a code: `String` and `string`.
pub(super) fn is_kind(suffix: &str, code: &str) -> bool {
    suffix.eq_ignore_ascii_case(code)
}

/// What a slice says at the end of a discriminator's path.
enum Said<'p> {
    /// A node, with all that stands below it.
    Node(&'p Node),
    /// Parts of a pattern that was laid higher up: one of them at least.
    Pattern(Vec<&'p Value>),
}

impl<'p, 'v> Judge<'p, 'v> {
    /// How far a value is from a slice: 0 is in it, `None` is out of it or cannot be told.
    pub(super) fn belongs(
        &mut self,
        of: &'p Node,
        name: &str,
        slice: &'p Node,
        item: &Member<'v>,
        path: &Path<'_>,
    ) -> Option<usize> {
        let declared = of.element.discriminators.as_slice();
        if let Some(kind) = item.kind
            && declared.iter().all(|one| one.way == Way::Type && one.steps.is_empty())
        {
            return (item.key == name || slice.element.types.iter().any(|code| is_kind(kind, code))).then_some(0);
        }
        if declared.is_empty() {
            return self.told(&Discriminator::by_url(), slice, item, path);
        }
        let mut distance = 0;
        for discriminator in declared {
            distance += self.told(discriminator, slice, item, path)?;
        }
        Some(distance)
    }

    /// One discriminator: as [`Self::belongs`].
    fn told(&mut self, by: &Discriminator, slice: &'p Node, item: &Member<'v>, path: &Path<'_>) -> Option<usize> {
        let values = self.reach(item, &by.steps);
        match by.way {
            Way::Exists => match below(self.package(), slice, &by.steps) {
                Some(Said::Node(node)) if node.element.max == Some(0) => values.is_empty().then_some(0),
                _ => (!values.is_empty()).then_some(0),
            },
            Way::Type => {
                let Some(Said::Node(node)) = below(self.package(), slice, &by.steps) else { return None };
                if let [before @ .., Step::Resolve] = by.steps.as_slice() {
                    let reference = self.reach(item, before).first()?.value;
                    return self.by_target(node, reference);
                }
                let of_type = |member: &Member<'_>| {
                    let own = member.value.get("resourceType").and_then(Value::as_str).or(member.kind);
                    own.is_some_and(|own| node.element.types.iter().any(|code| is_kind(own, code)))
                };
                values.iter().any(of_type).then_some(0)
            }
            Way::Profile => self.by_profile(by, slice, values.first()?.value, path),
            Way::Value => {
                if by.is_url()
                    && let Some(url) = slice.element.profiles.first()
                {
                    let is_url = |member: &Member<'_>| member.value.as_str() == Some(super::bare(url));
                    return values.iter().any(is_url).then_some(0);
                }
                match below(self.package(), slice, &by.steps) {
                    // What the slice says nothing of tells nothing against it, but for the element itself.
                    None => (by.steps.len() > 1).then_some(0),
                    Some(Said::Pattern(parts)) => {
                        let holds_one = |member: &Member<'_>| parts.iter().any(|part| holds(member.value, part));
                        values.iter().any(holds_one).then_some(0)
                    }
                    Some(Said::Node(node)) => {
                        let is_in = is_telling(node) && values.iter().any(|member| self.is_alike(node, member.value));
                        is_in.then_some(0)
                    }
                }
            }
        }
    }

    /// The type of a reference's target, which the reference itself may tell.
    fn by_target(&self, node: &'p Node, reference: &Value) -> Option<usize> {
        let own = self.target(reference)?;
        let kind = |url: &'p String| match self.package().profile(url) {
            Some(profile) => Some(profile.kind.as_str()),
            None => url.strip_prefix(R4),
        };
        node.element.targets.iter().any(|url| kind(url) == Some(own)).then_some(0)
    }

    fn by_profile(&mut self, by: &Discriminator, slice: &'p Node, value: &'v Value, path: &Path<'_>) -> Option<usize> {
        let Some(Said::Node(node)) = below(self.package(), slice, &by.steps) else { return None };
        // Behind a reference, it is the profile of the target that tells.
        let profiles = if matches!(by.steps.last(), Some(Step::Resolve)) && node.element.profiles.is_empty() {
            &node.element.targets
        } else {
            &node.element.profiles
        };
        let url = profiles.first()?;
        let Some(profile) = self.package().profile(url) else {
            return (url.starts_with(R4) && !is_other_resource(url, value)).then_some(0);
        };
        let kind = value.get("resourceType").and_then(Value::as_str);
        if kind.is_some_and(|kind| kind != profile.kind) {
            return None;
        }
        let faults = self.distance(profile, value, path);
        // Of profiles none of which holds, the one that is claimed is meant.
        Some(if faults > 0 && !claims(value, url) { faults + UNCLAIMED } else { faults })
    }

    /// Whether a value has what a node fixes, at the node or below it: how often and what else is not asked here.
    fn is_alike(&self, node: &Node, value: &Value) -> bool {
        let element = &node.element;
        let wanted = element.wanted.as_ref();
        let is_bound = |(is_required, set): &(bool, String)| {
            !is_required || self.package().terms().has(set, value) != Membership::Out
        };
        wanted.is_none_or(|wanted| wanted.admits(value))
            && (wanted.is_some() || element.binding.as_ref().is_none_or(is_bound))
            && (wanted.is_some()
                || node
                    .children
                    .iter()
                    .filter(|(_, child)| is_telling(child))
                    .all(|(name, child)| members(value, name).iter().any(|member| self.is_alike(child, member.value))))
    }

    /// The values a discriminator's path leads to.
    fn reach(&self, item: &Member<'v>, steps: &[Step]) -> Vec<Member<'v>> {
        steps.iter().fold(vec![*item], |found, step| {
            let onward = |member: Member<'v>| -> Vec<Member<'v>> {
                match step {
                    Step::Child(name) => members(member.value, name),
                    Step::Extension(url) => {
                        let mut extensions = members(member.value, "extension");
                        extensions.retain(|one| one.value.get("url").and_then(Value::as_str) == Some(url));
                        extensions
                    }
                    Step::Resolve => {
                        let target = self.resolved(member.value);
                        target.map(|value| Member { value, kind: None, ..member }).into_iter().collect()
                    }
                    Step::OfType(code) => {
                        let own = member.value.get("resourceType").and_then(Value::as_str).or(member.kind);
                        own.is_none_or(|own| is_kind(own, code)).then_some(member).into_iter().collect()
                    }
                }
            };
            found.into_iter().flat_map(onward).collect()
        })
    }
}

/// What stands below a slice at the end of a path: in the slice, in the pattern of something on the way, or in the
/// profile of its type.
fn below<'p>(package: &'p Package, slice: &'p Node, steps: &[Step]) -> Option<Said<'p>> {
    let mut node = slice;
    for (place, step) in steps.iter().enumerate() {
        let rest = steps.get(place..).unwrap_or_default();
        let next = descend(node, step).or_else(|| {
            let profile = package.profile(node.element.profiles.first()?)?;
            descend(&profile.root, step)
        });
        let Some(next) = next else {
            let pattern = node.element.wanted.as_ref()?;
            let parts = within(&pattern.value, rest);
            return (!parts.is_empty()).then_some(Said::Pattern(parts));
        };
        node = next;
    }
    Some(Said::Node(node))
}

/// One step down the tree.
fn descend<'p>(node: &'p Node, step: &Step) -> Option<&'p Node> {
    match step {
        // The element of a resolved target is that of the reference: its profiles are told by the caller.
        Step::Resolve | Step::OfType(_) => Some(node),
        Step::Extension(url) => {
            let is_it = |slice: &&Node| {
                let by_profile = slice.element.profiles.iter().any(|profile| super::bare(profile) == url);
                let fixed = slice.child("url").and_then(|node| node.element.wanted.as_ref());
                by_profile || fixed.is_some_and(|wanted| wanted.value.as_str() == Some(url))
            };
            node.child("extension")?.slices.values().find(is_it)
        }
        Step::Child(name) => {
            let choice = || node.children.iter().find(|(known, _)| known.strip_suffix("[x]") == Some(name));
            let typed =
                || node.children.iter().find(|(known, _)| known.strip_prefix(name.as_str()).is_some_and(is_type));
            let found = node.child(name).or_else(|| choice().or_else(typed).map(|(_, node)| node))?;
            // A choice that one slice alone constrains is that slice's.
            match (found.slices.len(), found.slices.values().next()) {
                (1, Some(only)) if !is_telling(found) || found.id.ends_with("[x]") => Some(only),
                _ => Some(found),
            }
        }
    }
}

/// The parts of a pattern at a path.
fn within<'p>(pattern: &'p Value, steps: &[Step]) -> Vec<&'p Value> {
    steps.iter().fold(vec![pattern], |found, step| match step {
        Step::Child(name) => {
            found.into_iter().flat_map(|value| members(value, name)).map(|member| member.value).collect()
        }
        Step::Extension(_) => Vec::new(),
        Step::Resolve | Step::OfType(_) => found,
    })
}

/// Whether a node says anything a slice could be told by.
fn is_telling(node: &Node) -> bool {
    node.element.wanted.is_some() || node.element.binding.is_some() || node.children.values().any(is_telling)
}

/// Whether a resource claims a profile.
fn claims(resource: &Value, url: &str) -> bool {
    let claimed = resource.pointer("/meta/profile").and_then(Value::as_array).into_iter().flatten();
    claimed.filter_map(Value::as_str).any(|claimed| super::bare(claimed) == super::bare(url))
}

/// Whether a profile of R4's own names another type than the value's.
pub(super) fn is_other_resource(url: &str, value: &Value) -> bool {
    let kind = value.get("resourceType").and_then(Value::as_str);
    let general = ["Resource", "DomainResource"];
    url.strip_prefix(R4).is_some_and(|wanted| kind.is_some_and(|kind| kind != wanted && !general.contains(&wanted)))
}
