//! A resource against the tree of a profile (R4 `profiling.html`).

use std::cell::Cell;
use std::collections::HashMap;

use serde_json::Value;

use super::Package;
use super::element::{Constraint, Element, R4};
use super::slicing::{Member, Rules, is_kind, is_other_resource, members};
use super::tree::{Definition, Node};
use crate::error::{Code, Found, Issue};
use crate::fhir::datatype::DateTime;
use crate::fhir::definition::{Property, Type};
use crate::fhir::terminology::packaged::Membership;
use crate::fhir::validate::expression::Surroundings;
use crate::fhir::validate::path::Path;
use crate::fhir::validate::reference::{Scope, Target};

/// No more issues than this are told of one resource.
const MOST_ISSUES: usize = 200;
/// Profiles lead to profiles: no deeper than this.
const DEEPEST: usize = 12;
/// No more values than this are looked at for one body: slices and profiles multiply.
const MOST_WORK: usize = 2_000_000;
/// Steps that expressions may take over one resource.
const STEPS: usize = 20_000_000;
/// And over one that an expression asks about.
const STEPS_WITHIN: usize = 100_000;

pub(in crate::fhir::validate) struct Judge<'p, 'v> {
    package: &'p Package,
    issues: Vec<Issue>,
    /// The profile being judged by.
    profile: Option<&'p Definition>,
    scope: Scope<'v>,
    /// The resource that stands by itself, `%rootResource`.
    resource: Option<&'v Value>,
    /// The one contained in it that is being judged, which `%resource` names then.
    contained: Option<&'v Value>,
    /// The type of the value being judged, where it can be told.
    kind: Option<Type>,
    is_within_contained: bool,
    depth: usize,
    work: usize,
    /// What is left to expressions.
    steps: usize,
    /// Within a trial nothing is told: faults are weighed.
    trial: Option<usize>,
    /// How far values are from profiles, by their places in memory: each is judged by each once.
    distances: HashMap<(usize, usize), usize>,
}

impl<'p, 'v> Judge<'p, 'v> {
    /// A judge of one body.
    pub(in crate::fhir::validate) fn new(package: &'p Package, scope: Scope<'v>) -> Self {
        Self {
            package,
            issues: Vec::new(),
            profile: None,
            scope,
            resource: None,
            contained: None,
            kind: None,
            is_within_contained: false,
            depth: 0,
            work: 0,
            steps: STEPS,
            trial: None,
            distances: HashMap::new(),
        }
    }

    /// Whether the body stands in another, in whose scope its references are.
    pub(in crate::fhir::validate) const fn within_contained(mut self, is_contained: bool) -> Self {
        self.is_within_contained = is_contained;
        self
    }

    /// Goes on after others: so many profiles deep, after so much work.
    pub(in crate::fhir::validate) const fn after(mut self, depth: usize, work: usize) -> Self {
        (self.depth, self.work, self.steps) = (depth, work, STEPS_WITHIN);
        self
    }

    /// How many values were looked at.
    pub(in crate::fhir::validate) const fn work(&self) -> usize {
        self.work
    }

    /// What was found, and the scope back.
    pub(in crate::fhir::validate) fn finish(self) -> (Vec<Issue>, Scope<'v>) {
        (self.issues, self.scope)
    }

    pub(super) const fn package(&self) -> &'p Package {
        self.package
    }

    /// Judges a value by a whole profile.
    pub(in crate::fhir::validate) fn root(&mut self, profile: &'p Definition, value: &'v Value, path: &Path<'_>) {
        if self.depth >= DEEPEST {
            return;
        }
        let kind = value.get("resourceType").and_then(Value::as_str);
        let outer = (self.profile.replace(profile), self.kind, self.contained);
        self.kind = kind.map_or_else(|| Type::named(&profile.kind), Type::resource);
        if kind.is_some() && self.is_within_contained {
            self.contained = Some(value);
        }
        self.depth += 1;
        if kind.is_some_and(|kind| kind != profile.kind && !is_abstract(&profile.kind)) {
            self.tell(Code::Profile, &profile.root, path, || profile.kind.clone(), found_type(value));
        } else {
            self.within(value, |judge| judge.node(&profile.root, value, path));
        }
        self.depth -= 1;
        (self.profile, self.kind, self.contained) = outer;
    }

    /// Judges in the scope of a resource; what is contained resolves in its container.
    fn within(&mut self, value: &'v Value, judged: impl FnOnce(&mut Self)) {
        let resource = value.as_object().filter(|_| !self.is_within_contained);
        let kind = value.get("resourceType").and_then(Value::as_str).and_then(Type::resource);
        let is_new = self.resource.is_none_or(|known| !std::ptr::eq(known, value));
        let (Some(map), Some(kind), true) = (resource, kind, is_new) else { return judged(self) };
        let (outer, around) = (self.scope.enter(kind, map), self.resource.replace(value));
        judged(self);
        self.resource = around;
        self.scope.leave(outer);
    }

    /// How far a value is from a node, told to nobody; 0 conforms.
    pub(super) fn faults(&mut self, judged: impl FnOnce(&mut Self)) -> usize {
        let outer = self.trial.replace(0);
        judged(self);
        std::mem::replace(&mut self.trial, outer).unwrap_or_default()
    }

    /// How far a value is from a profile; whoever asks again, or while it is being told, is answered from memory.
    pub(super) fn distance(&mut self, profile: &'p Definition, value: &'v Value, path: &Path<'_>) -> usize {
        let key = (std::ptr::from_ref(value).addr(), std::ptr::from_ref(profile).addr());
        if let Some(known) = self.distances.get(&key) {
            return *known;
        }
        self.distances.insert(key, 0);
        let faults = self.faults(|trial| trial.root(profile, value, path));
        self.distances.insert(key, faults);
        faults
    }

    /// The resource a Reference leads to within the body.
    pub(super) fn resolved(&self, reference: &Value) -> Option<&'v Value> {
        self.scope.resource(reference.get("reference")?.as_str()?)
    }

    /// The type of what a Reference leads to, as far as it can be told.
    pub(super) fn target(&self, reference: &Value) -> Option<&'static str> {
        match self.scope.target(reference.as_object()?)? {
            Target::Of(kind) => Some(kind.name()),
            Target::Nowhere(_) | Target::Untold => None,
        }
    }

    fn tell(
        &mut self,
        code: Code,
        node: &Node,
        path: &Path<'_>,
        detail: impl FnOnce() -> String,
        found: Option<Found>,
    ) {
        self.push(Issue::new(code), &node.id, path, detail, found);
    }

    fn push(
        &mut self,
        issue: Issue,
        rule: &str,
        path: &Path<'_>,
        detail: impl FnOnce() -> String,
        found: Option<Found>,
    ) {
        if let Some(weight) = &mut self.trial {
            // What is wrong tells more than what is missing: it parts a folder that lacks its date from a submission set.
            *weight += match issue.code {
                _ if issue.is_warning => 0,
                Code::Missing => 1,
                _ => 3,
            };
        } else if self.issues.len() < MOST_ISSUES {
            let (name, url) = match self.profile {
                Some(profile) => (profile.name.as_str(), profile.url.clone()),
                None => ("", String::new()),
            };
            let issue = issue.rule(format!("{name} {rule}")).at(path.written()).detail(format!("({})", detail()));
            self.issues.push(found.into_iter().fold(issue.written(url), Issue::found));
        }
    }

    /// Judges a value by a node and by all that stands below it.
    pub(super) fn node(&mut self, node: &'p Node, value: &'v Value, path: &Path<'_>) {
        self.work += 1;
        if self.work > MOST_WORK {
            return;
        }
        self.value(node, value, path);
        for (name, child) in &node.children {
            self.child(child, name, value, path);
        }
    }

    /// What is asked of a value itself.
    fn value(&mut self, node: &'p Node, value: &'v Value, path: &Path<'_>) {
        let element = &node.element;
        if let Some(wanted) = element.wanted.as_ref().filter(|wanted| !wanted.admits(value)) {
            self.tell(Code::Profile, node, path, || wanted.shown(), None);
        }
        if let Some((is_required, set)) = &element.binding {
            self.binding(node, *is_required, set, value, path);
        }
        if let Some(most) = element.most_characters
            && value.as_str().is_some_and(|text| text.chars().count() > most)
        {
            self.tell(Code::Profile, node, path, || format!("maxLength {most}"), None);
        }
        if !is_within(value, &element.bounds) {
            let shown = || {
                let [least, most] = element.bounds.each_ref().map(|bound| bound.as_ref().map(Value::to_string));
                format!("{}…{}", least.unwrap_or_default(), most.unwrap_or_default())
            };
            self.tell(Code::Profile, node, path, shown, None);
        }
        if value.is_object() && (element.is_contained || !element.targets.is_empty()) {
            self.reference(node, value, path);
        }
        for constraint in &element.constraints {
            self.constraint(constraint, value, path);
        }
        self.profiles(node, value, path);
    }

    fn binding(&mut self, node: &'p Node, is_required: bool, set: &'p str, value: &Value, path: &Path<'_>) {
        let issue = match self.package.terms().has(set, value) {
            Membership::Out if is_required => Issue::new(Code::Binding),
            Membership::Out => Issue::new(Code::Binding).warning(),
            Membership::Retired => Issue::new(Code::CodeRetired).warning(),
            Membership::In | Membership::Untold => return,
        };
        self.push(issue, &node.id, path, || set.to_owned(), None);
    }

    /// Where a reference leads, and whether it must lead to a contained resource.
    fn reference(&mut self, node: &'p Node, value: &'v Value, path: &Path<'_>) {
        let Some(map) = value.as_object() else { return };
        let element = &node.element;
        let written = map.get("reference").and_then(Value::as_str);
        if element.is_contained && written.is_some_and(|reference| !reference.starts_with('#')) {
            self.tell(Code::Profile, node, path, || "contained".to_owned(), None);
        }
        let (Some(Target::Of(kind)), false) = (self.scope.target(map), element.targets.is_empty()) else { return };
        let package = self.package;
        let admitted = |url: &&'p String| match (package.profile(url), url.strip_prefix(R4)) {
            (Some(profile), _) => profile.kind == kind.name() || is_abstract(&profile.kind),
            (None, Some(name)) => name == kind.name() || is_abstract(name),
            // Nothing tells of which type an unknown profile is.
            (None, None) => true,
        };
        let fitting: Vec<&'p String> = element.targets.iter().filter(admitted).collect();
        let at = path.child("reference");
        if fitting.is_empty() {
            let expected = || element.targets.join(" | ");
            return self.tell(Code::ReferenceTarget, node, &at, expected, Some(Found::Type(kind.name())));
        }
        let Some(target) = self.resolved(value) else { return };
        let profiles: Vec<_> = fitting.iter().filter_map(|url| package.profile(url)).collect();
        let all_known = profiles.len() == fitting.len();
        if all_known && !profiles.iter().any(|profile| self.distance(profile, target, path) == 0) {
            let expected = || fitting.iter().map(|url| url.as_str()).collect::<Vec<_>>().join(" | ");
            self.tell(Code::ReferenceTarget, node, &at, expected, None);
        }
    }

    fn constraint(&mut self, constraint: &Constraint, value: &'v Value, path: &Path<'_>) {
        let resource = self.contained.or(self.resource).unwrap_or(value);
        let around = Surroundings {
            resource,
            root: self.resource.unwrap_or(resource),
            scope: &self.scope,
            package: self.package,
            depth: self.depth,
            work: Cell::new(self.work),
        };
        let told = constraint.expression.holds(value, self.kind, &around, &mut self.steps);
        self.work = around.work.get();
        if told == Some(false) {
            let issue = Issue::new(Code::Profile);
            let issue = if constraint.is_warning { issue.warning() } else { issue };
            self.push(issue, &constraint.key, path, || constraint.human.clone(), None);
        }
    }

    /// One of the profiles of the type must hold; where there is one only, its own issues are told.
    fn profiles(&mut self, node: &'p Node, value: &'v Value, path: &Path<'_>) {
        let package = self.package;
        match node.element.profiles.as_slice() {
            [] => {}
            [only] => match package.profile(only) {
                Some(profile) => self.root(profile, value, path),
                None if is_other_resource(only, value) => {
                    self.tell(Code::Profile, node, path, || only.clone(), found_type(value));
                }
                None => {}
            },
            several => {
                let known: Vec<&Definition> = several.iter().filter_map(|url| package.profile(url)).collect();
                let all_known = known.len() == several.len();
                if all_known && !known.into_iter().any(|profile| self.distance(profile, value, path) == 0) {
                    self.tell(Code::Profile, node, path, || several.join(" | "), None);
                }
            }
        }
    }

    fn child(&mut self, node: &'p Node, name: &str, parent: &'v Value, path: &Path<'_>) {
        let here = path.child(name);
        let found = members(parent, name);
        self.count(node, None, found.len(), &here);
        let outer = self.is_within_contained;
        self.is_within_contained |= name == "contained";
        let is_list = found.iter().any(|found| found.is_item);
        for (index, item) in found.iter().enumerate() {
            let indexed = here.index(index);
            let at = if is_list { &indexed } else { &here };
            self.kind(node, item, at);
            self.member(node, item, at);
        }
        if !node.slices.is_empty() {
            let items: Vec<(usize, Member<'v>)> = found.into_iter().enumerate().collect();
            self.slices(node, &items, is_list, &here);
        }
        self.is_within_contained = outer;
    }

    /// Judges a member by a node, as what it is.
    fn member(&mut self, node: &'p Node, item: &Member<'v>, path: &Path<'_>) {
        let outer = (self.kind, self.contained);
        let resource = item.value.get("resourceType").and_then(Value::as_str).and_then(Type::resource);
        let declared = || self.kind.and_then(|kind| kind.property(item.key)).and_then(Property::kind);
        self.kind = resource.or_else(declared);
        if resource.is_some() && self.is_within_contained {
            self.contained = Some(item.value);
        }
        self.node(node, item.value, path);
        (self.kind, self.contained) = outer;
    }

    /// Whether a choice, or a resource, is of a type admitted.
    fn kind(&mut self, node: &'p Node, item: &Member<'v>, path: &Path<'_>) {
        let element = &node.element;
        let own = item.value.get("resourceType").and_then(Value::as_str).or(item.kind);
        let Some(own) = own.filter(|_| !element.types.is_empty()) else { return };
        if !element.types.iter().any(|code| is_kind(own, code) || is_abstract(code)) {
            let found = Type::named(own).map(|kind| Found::Type(kind.name()));
            self.tell(Code::Profile, node, path, || element.types.join(" | "), found);
        }
    }

    /// Deals the values of an element out to its slices, and those of each slice to its reslices.
    fn slices(&mut self, node: &'p Node, items: &[(usize, Member<'v>)], is_list: bool, here: &Path<'_>) {
        let mut taken: HashMap<&'p str, Vec<(usize, Member<'v>)>> = HashMap::new();
        let (mut last, mut stray): (Option<usize>, Option<usize>) = (None, None);
        for (index, item) in items {
            let indexed = here.index(*index);
            let at = if is_list { &indexed } else { here };
            let Some((name, slice)) = self.slice(node, item, at) else {
                if node.element.rules == Rules::Closed {
                    let names = || node.slices.keys().map(String::as_str).collect::<Vec<_>>().join(" | ");
                    self.tell(Code::Profile, node, at, names, None);
                }
                stray = stray.or(Some(*index));
                continue;
            };
            if let (Rules::OpenAtEnd, Some(_)) = (node.element.rules, stray) {
                self.tell(Code::Profile, node, at, || format!("{name}: openAtEnd"), None);
            }
            if node.element.is_ordered && last.is_some_and(|last| slice.place < last) {
                self.tell(Code::Profile, node, at, || format!("{name}: ordered"), None);
            }
            last = last.max(Some(slice.place));
            taken.entry(name).or_default().push((*index, *item));
            self.kind(slice, item, at);
            self.member(slice, item, at);
        }
        for (name, slice) in &node.slices {
            let own = taken.remove(name.as_str()).unwrap_or_default();
            self.count(slice, Some(name), own.len(), here);
            if !slice.slices.is_empty() {
                self.slices(slice, &own, is_list, here);
            }
        }
    }

    fn count(&mut self, node: &Node, slice: Option<&str>, found: usize, path: &Path<'_>) {
        let Element { min, max, .. } = node.element;
        let named = |text: String| match slice {
            Some(slice) => format!("{slice}: {text}"),
            None => text,
        };
        if found < min {
            self.tell(Code::Missing, node, path, || named(format!("min {min}")), Some(Found::Count(found)));
        }
        if let Some(max) = max.filter(|max| found > *max) {
            self.tell(Code::Profile, node, path, || named(format!("max {max}")), Some(Found::Count(found)));
        }
    }

    /// The slice a value belongs to: where only a profile would tell and none holds, the nearest of its type.
    fn slice(&mut self, node: &'p Node, item: &Member<'v>, path: &Path<'_>) -> Option<(&'p str, &'p Node)> {
        let mut nearest: Option<(usize, &'p str, &'p Node)> = None;
        for (name, slice) in &node.slices {
            // What stands for all the rest takes what no other slice does.
            if name == "@default" {
                continue;
            }
            match self.belongs(node, name, slice, item, path) {
                Some(0) => return Some((name, slice)),
                Some(faults) if nearest.is_none_or(|(least, ..)| faults < least) => {
                    nearest = Some((faults, name, slice));
                }
                _ => {}
            }
        }
        let rest = || node.slices.get_key_value("@default").map(|(name, slice)| (name.as_str(), slice));
        nearest.map(|(_, name, slice)| (name, slice)).or_else(rest)
    }
}

fn is_abstract(kind: &str) -> bool {
    matches!(kind, "Resource" | "DomainResource" | "Element" | "BackboneElement")
}

fn found_type(value: &Value) -> Option<Found> {
    let kind = value.get("resourceType").and_then(Value::as_str).and_then(Type::resource)?;
    Some(Found::Type(kind.name()))
}

/// Whether a number or a date lies within bounds; what cannot be compared does.
fn is_within(value: &Value, bounds: &[Option<Value>; 2]) -> bool {
    let [least, most] = bounds;
    let is_ordered = |low: &Value, high: &Value| match (low, high) {
        (Value::Number(low), Value::Number(high)) => low.as_f64() <= high.as_f64(),
        (Value::String(low), Value::String(high)) => {
            let instant = |text: &str| DateTime::parse(text).and_then(DateTime::interval);
            instant(low).zip(instant(high)).is_none_or(|(low, high)| low.start <= high.start)
        }
        _ => true,
    };
    least.as_ref().is_none_or(|least| is_ordered(least, value))
        && most.as_ref().is_none_or(|most| is_ordered(value, most))
}
