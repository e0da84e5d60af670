//! A resource against the tree of a profile (R4 `profiling.html#slicing`).

use serde_json::Value;

use super::Package;
use super::tree::{Definition, Node, Wanted};
use crate::error::{Code, Issue};
use crate::fhir::validate::path::Path;

/// No more issues than this are told of one resource.
const MOST_ISSUES: usize = 200;
/// Profiles lead to profiles: no deeper than this.
const DEEPEST: usize = 12;
/// Where R4's own types are defined.
const R4: &str = "http://hl7.org/fhir/StructureDefinition/";

pub(super) struct Judge<'p> {
    package: &'p Package,
    issues: Vec<Issue>,
    name: &'p str,
    depth: usize,
}

impl<'p> Judge<'p> {
    pub(super) const fn new(package: &'p Package) -> Self {
        Self { package, issues: Vec::new(), name: "", depth: 0 }
    }

    pub(super) fn into_issues(self) -> Vec<Issue> {
        self.issues
    }

    /// Judges a value by a whole profile.
    pub(super) fn root(&mut self, profile: &'p Definition, value: &Value, path: &Path<'_>) {
        if self.depth >= DEEPEST {
            return;
        }
        let kind = value.get("resourceType").and_then(Value::as_str);
        let outer = std::mem::replace(&mut self.name, &profile.name);
        self.depth += 1;
        if kind.is_some_and(|kind| kind != profile.kind) {
            self.tell(Code::Profile, &profile.root, path, &profile.kind);
        } else {
            self.node(&profile.root, value, path);
        }
        self.depth -= 1;
        self.name = outer;
    }

    /// How far a value is from a profile or node, told to nobody; 0 conforms.
    fn faults(&self, judged: impl FnOnce(&mut Self)) -> usize {
        let mut trial = Self { package: self.package, issues: Vec::new(), name: self.name, depth: self.depth };
        judged(&mut trial);
        // What is wrong tells more than what is missing: it parts a folder that lacks its date from a submission set.
        let weight = |issue: &Issue| if issue.code == Code::Missing { 1 } else { 3 };
        trial.issues.iter().filter(|issue| !issue.is_warning).map(weight).sum()
    }

    fn tell(&mut self, code: Code, node: &Node, path: &Path<'_>, detail: &str) {
        self.push(Issue::new(code), format!("{} {}", self.name, node.id), path, detail);
    }

    fn push(&mut self, issue: Issue, rule: String, path: &Path<'_>, detail: &str) {
        if self.issues.len() < MOST_ISSUES {
            self.issues.push(issue.rule(rule).at(path.written()).detail(format!("({detail})")));
        }
    }

    fn node(&mut self, node: &'p Node, value: &Value, path: &Path<'_>) {
        self.value(node, value, path);
        for (name, child) in &node.children {
            self.child(child, name, value, path);
        }
    }

    /// What is asked of a value itself.
    fn value(&mut self, node: &'p Node, value: &Value, path: &Path<'_>) {
        let element = &node.element;
        if let Some(wanted) = element.wanted.as_ref().filter(|wanted| !wanted.admits(value)) {
            self.tell(Code::Profile, node, path, &shown(&wanted.value));
        }
        if let Some((is_required, set)) = &element.binding
            && self.package.terms.has(set, value) == Some(false)
        {
            let issue = Issue::new(Code::Binding);
            let issue = if *is_required { issue } else { issue.warning() };
            self.push(issue, format!("{} {}", self.name, node.id), path, set);
        }
        if let Some((key, start)) = &element.start
            && value.as_str().is_some_and(|text| !text.starts_with(start.as_str()))
        {
            self.push(Issue::new(Code::Profile), key.clone(), path, &format!("{start}…"));
        }
        if element.is_contained
            && value.get("reference").and_then(Value::as_str).is_some_and(|reference| !reference.starts_with('#'))
        {
            self.tell(Code::Profile, node, path, "contained");
        }
        self.profiles(node, value, path);
    }

    /// One of the profiles of the type must hold; where there is one only, its own issues are told.
    fn profiles(&mut self, node: &'p Node, value: &Value, path: &Path<'_>) {
        let package = self.package;
        match node.element.profiles.as_slice() {
            [] => {}
            [only] => match package.profile(only) {
                Some(profile) => self.root(profile, value, path),
                None if is_other_resource(only, value) => self.tell(Code::Profile, node, path, only),
                None => {}
            },
            several => {
                let known: Vec<&Definition> = several.iter().filter_map(|url| package.profile(url)).collect();
                let all_known = known.len() == several.len();
                let holds = |profile: &&Definition| self.faults(|trial| trial.root(profile, value, path)) == 0;
                if all_known && !known.iter().any(holds) {
                    self.tell(Code::Profile, node, path, &several.join(" | "));
                }
            }
        }
    }

    fn child(&mut self, node: &'p Node, name: &str, parent: &Value, path: &Path<'_>) {
        let here = path.child(name);
        let found = members(parent, name);
        self.count(node, None, found.len(), &here);
        let is_list = found.iter().any(|found| found.is_item);
        let mut taken = vec![0_usize; node.slices.len()];
        for (index, item) in found.iter().enumerate() {
            let indexed = here.index(index);
            let at = if is_list { &indexed } else { &here };
            self.node(node, item.value, at);
            let Some((place, slice)) = self.slice(node, item, at) else {
                if node.element.is_closed && !node.slices.is_empty() {
                    let names: Vec<&str> = node.slices.keys().map(String::as_str).collect();
                    self.tell(Code::Profile, node, at, &names.join(" | "));
                }
                continue;
            };
            if let Some(count) = taken.get_mut(place) {
                *count += 1;
            }
            self.node(slice, item.value, at);
        }
        for ((name, slice), count) in node.slices.iter().zip(taken) {
            self.count(slice, Some(name), count, &here);
        }
    }

    fn count(&mut self, node: &Node, slice: Option<&str>, found: usize, path: &Path<'_>) {
        let named = |text: String| slice.map_or_else(|| text.clone(), |slice| format!("{slice}: {text}"));
        let element = &node.element;
        if found < element.min {
            self.tell(Code::Missing, node, path, &named(format!("min {}", element.min)));
        }
        if let Some(max) = element.max.filter(|max| found > *max) {
            self.tell(Code::Profile, node, path, &named(format!("max {max}")));
        }
    }

    /// The slice a value belongs to: where only a profile would tell and none holds, the nearest of its type.
    fn slice(&self, node: &'p Node, item: &Member<'_>, path: &Path<'_>) -> Option<(usize, &'p Node)> {
        let mut nearest: Option<(usize, usize, &'p Node)> = None;
        for (place, (name, slice)) in node.slices.iter().enumerate() {
            match self.belongs(node, name, slice, item, path) {
                Some(0) => return Some((place, slice)),
                Some(faults) if nearest.is_none_or(|(least, ..)| faults < least) => {
                    nearest = Some((faults, place, slice));
                }
                _ => {}
            }
        }
        nearest.map(|(_, place, slice)| (place, slice))
    }

    /// How far a value is from a slice: 0 is in it, `None` is out of it or cannot be told.
    fn belongs(
        &self,
        node: &'p Node,
        name: &str,
        slice: &'p Node,
        item: &Member<'_>,
        path: &Path<'_>,
    ) -> Option<usize> {
        if item.is_choice {
            let of_type = |kind: &String| item.key.to_ascii_lowercase().ends_with(&kind.to_ascii_lowercase());
            return (item.key == name || slice.element.types.iter().any(of_type)).then_some(0);
        }
        let by_url = [("value".to_owned(), "url".to_owned())];
        let declared = node.element.discriminators.as_slice();
        let mut distance = 0;
        for (kind, at) in if declared.is_empty() { &by_url } else { declared } {
            distance += self.told(kind, at, slice, item.value, path)?;
        }
        Some(distance)
    }

    /// One discriminator: as [`Self::belongs`].
    fn told(&self, kind: &str, at: &str, slice: &'p Node, value: &Value, path: &Path<'_>) -> Option<usize> {
        let values = reach(value, at);
        let node = self.below(slice, at);
        match kind {
            "profile" => {
                let (value, url) = (values.first()?, node?.element.profiles.first()?);
                let Some(profile) = self.package.profile(url) else {
                    return (url.starts_with(R4) && !is_other_resource(url, value)).then_some(0);
                };
                let is_of_type = value.get("resourceType").and_then(Value::as_str) == Some(profile.kind.as_str());
                // Of profiles none of which holds, the one that is claimed is meant.
                let far = |faults: usize| if faults > 0 && !claims(value, url) { faults + UNCLAIMED } else { faults };
                is_of_type.then(|| far(self.faults(|trial| trial.root(profile, value, path))))
            }
            "type" => {
                let kind = values.first()?.get("resourceType").and_then(Value::as_str)?;
                node?.element.types.iter().any(|known| known == kind).then_some(0)
            }
            "exists" => (values.is_empty() == (node?.element.max == Some(0))).then_some(0),
            _ => {
                if at == "url"
                    && let Some(url) = slice.element.profiles.first()
                {
                    return values.iter().any(|value| value.as_str() == Some(super::bare(url))).then_some(0);
                }
                let Some(node) = node else {
                    // A method not constrained in this slice tells nothing against it.
                    return at.contains('.').then_some(0);
                };
                let holds = |value: &&Value| self.faults(|trial| trial.node(node, value, path)) == 0;
                (is_telling(node) && values.iter().any(holds)).then_some(0)
            }
        }
    }

    /// The node at a path below a slice, in the slice itself or in the profile of its type.
    fn below(&self, slice: &'p Node, at: &str) -> Option<&'p Node> {
        if at == "$this" {
            return Some(slice);
        }
        let descend = |node: &'p Node| at.split('.').try_fold(node, |node, step| node.child(step));
        descend(slice).or_else(|| {
            let profile = self.package.profile(slice.element.profiles.first()?)?;
            descend(&profile.root)
        })
    }
}

/// Whether a node says anything a slice could be told by.
fn is_telling(node: &Node) -> bool {
    node.element.wanted.is_some() || node.element.binding.is_some() || node.children.values().any(is_telling)
}

/// How much further than by its faults a value is from a profile that it does not claim.
const UNCLAIMED: usize = 1_000;

/// Whether a resource claims a profile.
fn claims(resource: &Value, url: &str) -> bool {
    let claimed = resource.pointer("/meta/profile").and_then(Value::as_array).into_iter().flatten();
    claimed.filter_map(Value::as_str).any(|claimed| super::bare(claimed) == super::bare(url))
}

/// Whether a profile of R4's own names another type than the value's.
fn is_other_resource(url: &str, value: &Value) -> bool {
    let kind = value.get("resourceType").and_then(Value::as_str);
    url.strip_prefix(R4).is_some_and(|wanted| kind.is_some_and(|kind| kind != wanted && wanted != "Resource"))
}

/// A value of an element.
struct Member<'v> {
    key: &'v str,
    value: &'v Value,
    is_item: bool,
    is_choice: bool,
}

/// The values of an element of an object, whatever form a choice takes.
fn members<'v>(parent: &'v Value, name: &str) -> Vec<Member<'v>> {
    let Some(map) = parent.as_object() else { return Vec::new() };
    let stem = name.strip_suffix("[x]");
    let is_it = |key: &str| match stem {
        Some(stem) => key.strip_prefix(stem).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase())),
        None => key == name,
    };
    let mut members = Vec::new();
    for (key, value) in map.iter().filter(|(key, _)| is_it(key)) {
        let member = |value, is_item| Member { key, value, is_item, is_choice: stem.is_some() };
        match value {
            Value::Array(items) => members.extend(items.iter().map(|item| member(item, true))),
            value => members.push(member(value, false)),
        }
    }
    members
}

/// The values a discriminator's path leads to.
fn reach<'v>(value: &'v Value, at: &str) -> Vec<&'v Value> {
    if at == "$this" {
        return vec![value];
    }
    at.split('.').fold(vec![value], |values, step| {
        values.into_iter().flat_map(|value| members(value, step)).map(|member| member.value).collect()
    })
}

impl Wanted {
    fn admits(&self, value: &Value) -> bool {
        if self.is_fixed { *value == self.value } else { holds(value, &self.value) }
    }
}

/// A pattern: all that it has must be in the value (R4 `elementdefinition.html#pattern`). Displays are not compared.
fn holds(value: &Value, pattern: &Value) -> bool {
    match (value, pattern) {
        (Value::Object(value), Value::Object(pattern)) => pattern
            .iter()
            .all(|(name, wanted)| name == "display" || value.get(name).is_some_and(|value| holds(value, wanted))),
        (Value::Array(values), Value::Array(patterns)) => {
            patterns.iter().all(|wanted| values.iter().any(|value| holds(value, wanted)))
        }
        (value, pattern) => value == pattern,
    }
}

/// What was wanted, in short.
fn shown(wanted: &Value) -> String {
    let coding = wanted.pointer("/coding/0").unwrap_or(wanted);
    let text = |name: &str| coding.get(name).and_then(Value::as_str);
    match (text("system"), text("code")) {
        (system, Some(code)) => format!("{}|{code}", system.unwrap_or_default()),
        _ => wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned),
    }
}
