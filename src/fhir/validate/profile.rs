//! A resource against the rules of a profile, one after the other (document-sharing §1.2, ihe §1.3, R4 `profiling.html`).

use serde_json::Value;

use super::package::Package;
use super::path::Path;
use super::reference::{Scope, Target};
use super::{Conformance, Mode, Pdsm, provide, wording};
use crate::error::{Code, Issue};
use crate::fhir::datatype::Coding;
use crate::fhir::definition::Type;
use crate::fhir::definition::profile::{Constraint, Level, Profile, Rule, discriminators};
use crate::fhir::terminology::packaged::Membership;
use crate::fhir::terminology::{self, Set, Standing, class_of_type};

/// The code system that types MHD's identifiers.
const MHD_IDENTIFIER_TYPE: &str = "https://profiles.ihe.net/ITI/MHD/CodeSystem/IHE.MHD.MHDIdentifierType";
/// No more warnings than this are told of one body.
const MOST_WARNINGS: usize = 100;
/// Nor more issues: so many that warnings never keep an error from being told.
const MOST_ISSUES: usize = 200;
/// No more codings than this are paired: two lists multiply.
const MOST_PAIRED: usize = 16;

pub(super) fn find(canonical: &str, mode: Mode) -> Option<Profile> {
    let pack = match mode.pdsm {
        Pdsm::V311 => 1,
        Pdsm::Main => 2,
    };
    Profile::find(bare(canonical), pack)
}

/// A canonical URL without its version.
fn bare(canonical: &str) -> &str {
    canonical.split_once('|').map_or(canonical, |(url, _)| url)
}

/// What a resource is judged within.
pub(super) struct Frame<'v> {
    pub(super) mode: Mode,
    /// Brings terms, and profiles that stand in for ours.
    pub(super) package: &'v Package,
    pub(super) scope: Scope<'v>,
    /// Whether the resource stands in another, in whose scope its references are.
    pub(super) is_contained: bool,
}

/// Judges a resource by a profile of our tables; answers what was found, and the scope back.
pub(super) fn judge<'v>(
    resource: &'v Value,
    profile: Profile,
    frame: Frame<'v>,
    path: &Path<'_>,
) -> (Vec<Issue>, Scope<'v>) {
    let Frame { mode, package, scope, is_contained } = frame;
    let mut judge = Judge { mode, package, scope, is_contained, issues: Vec::new(), canonical: profile.canonical() };
    judge.resource(resource, profile, path);
    if profile.is_bundle() {
        provide::entries(&mut judge, resource, profile.canonical(), path);
    }
    (judge.issues, judge.scope)
}

pub(super) struct Judge<'v> {
    pub(super) mode: Mode,
    pub(super) package: &'v Package,
    pub(super) scope: Scope<'v>,
    pub(super) issues: Vec<Issue>,
    is_contained: bool,
    /// The profile being judged by.
    canonical: &'static str,
}

impl<'v> Judge<'v> {
    /// Judges one resource by the profile of a canonical URL: the package's, where it has one.
    pub(super) fn by(&mut self, resource: &'v Value, canonical: &'static str, path: &Path<'_>) {
        if let Some(profile) = self.package.profile(canonical) {
            let mut judge = super::package::Judge::new(self.package, std::mem::take(&mut self.scope));
            judge.root(profile, resource, path);
            let (issues, scope) = judge.finish();
            self.scope = scope;
            self.issues.extend(issues);
        } else if let Some(profile) = find(canonical, self.mode) {
            self.resource(resource, profile, path);
        }
    }

    /// Judges one resource by the rules of one profile.
    pub(super) fn resource(&mut self, resource: &'v Value, profile: Profile, path: &Path<'_>) {
        let kind = resource.get("resourceType").and_then(Value::as_str).and_then(Type::resource);
        let (Some(map), Some(kind)) = (resource.as_object(), kind) else { return };
        let outer = (!self.is_contained).then(|| self.scope.enter(kind, map));
        let around = std::mem::replace(&mut self.canonical, profile.canonical());
        for rule in profile.rules() {
            self.rule(resource, &rule, path);
        }
        self.canonical = around;
        if let Some(outer) = outer {
            self.scope.leave(outer);
        }
    }

    fn level(&self, rule: &Rule) -> Level {
        let [strict, ci_sis, lenient] = rule.levels;
        match self.mode.mode {
            Conformance::Strict => strict,
            Conformance::CiSis => ci_sis,
            Conformance::Lenient => lenient,
        }
    }

    /// Tells that a rule is broken, as heavily as the mode has it.
    fn tell(&mut self, code: Code, rule: &Rule, path: &Path<'_>, detail: &str) {
        self.push(self.level(rule), code, rule.rule, path, detail);
    }

    /// Tells an issue, unless enough were told.
    pub(super) fn push(&mut self, level: Level, code: Code, rule: &'static str, path: &Path<'_>, detail: &str) {
        let most = if level == Level::Error { MOST_ISSUES } else { MOST_WARNINGS };
        if level == Level::None || self.issues.len() >= most {
            return;
        }
        let issue =
            Issue::new(code).rule(rule).at(path.written()).detail(format!("({detail})")).written(self.canonical);
        self.issues.push(if level == Level::Warning { issue.warning() } else { issue });
    }

    fn rule(&mut self, resource: &Value, rule: &Rule, path: &Path<'_>) {
        if self.level(rule) == Level::None {
            return;
        }
        match rule.constraint {
            Constraint::Min(_) | Constraint::Max(_) => {
                let (parent, last) = rule.path.rsplit_once('.').unwrap_or(("", rule.path));
                each(resource, parent, path, &mut |value, at| self.count(value, last, rule, at));
            }
            Constraint::Pairs(name, _) => self.pair(resource, rule, path, name),
            _ => each(resource, rule.path, path, &mut |value, at| self.value(value, rule, at)),
        }
    }

    fn count(&mut self, parent: &Value, last: &str, rule: &Rule, path: &Path<'_>) {
        let (name, slice) = step(last);
        let found = match parent.get(name) {
            None => 0,
            Some(Value::Array(items)) => items.iter().filter(|item| is_member(item, slice)).count(),
            Some(value) => usize::from(is_member(value, slice)),
        };
        match rule.constraint {
            Constraint::Min(min) if found < usize::from(min) => {
                self.tell(Code::Missing, rule, &path.child(name), &of_slice(slice, &format!("min {min}")));
            }
            Constraint::Max(max) if found > usize::from(max) => {
                self.tell(Code::Profile, rule, &path.child(name), &of_slice(slice, &format!("max {max}")));
            }
            _ => {}
        }
    }

    fn value(&mut self, value: &Value, rule: &Rule, path: &Path<'_>) {
        let text = value.as_str();
        match rule.constraint {
            Constraint::Fixed(fixed) if text != Some(fixed) => self.tell(Code::Profile, rule, path, fixed),
            Constraint::Starts(start) if !text.is_some_and(|text| text.starts_with(start)) => {
                self.tell(Code::Profile, rule, path, &format!("{start}…"));
            }
            Constraint::Codes(codes) if !text.is_some_and(|text| codes.split(' ').any(|code| code == text)) => {
                self.tell(Code::Binding, rule, path, codes);
            }
            Constraint::Pattern(system, code) if !any_coding(value, |coding| coding.is(system, code)) => {
                self.tell(Code::Profile, rule, path, &format!("{system}|{code}"));
            }
            Constraint::Systems(systems) => {
                let is_known = |coding: Coding<'_>| systems.split(' ').any(|system| coding.system == Some(system));
                if !any_coding(value, is_known) {
                    self.tell(Code::Binding, rule, path, systems);
                }
            }
            Constraint::Set(name, set) => {
                if let Some(replaced) = self.mode.replaced.set(name) {
                    return self.replaced(value, rule, path, (name, replaced));
                }
                let is_in = |coding: Coding<'_>| coding.code.is_some_and(|code| set.has(coding.system, code));
                match self.of_package(name, value) {
                    Membership::Untold if !any_coding(value, is_in) => self.tell(Code::Binding, rule, path, name),
                    Membership::Out => self.tell(Code::Binding, rule, path, name),
                    Membership::Retired => self.push(Level::Warning, Code::CodeRetired, rule.rule, path, name),
                    Membership::In | Membership::Untold => {}
                }
            }
            Constraint::Targets(targets) => {
                let target = value.as_object().and_then(|map| self.scope.target(map));
                if matches!(target, Some(Target::Of(kind)) if !targets.split(" | ").any(|target| target == kind.name()))
                {
                    self.tell(Code::ReferenceTarget, rule, path, targets);
                }
            }
            Constraint::Contained => {
                let reference = value.get("reference").and_then(Value::as_str);
                if !reference.is_some_and(|reference| reference.starts_with('#')) {
                    self.tell(Code::Profile, rule, path, "contained");
                }
            }
            Constraint::Invariant(name) => {
                match wording::broken(name, value) {
                    // T13: it is the hash that is wrong, as where the bytes tell it.
                    Some(expected) if name == "zero-hash" => {
                        self.tell(Code::HashDiffers, rule, &path.child("hash"), expected);
                    }
                    Some(expected) => self.tell(Code::Profile, rule, path, expected),
                    None => {}
                }
            }
            _ => {}
        }
    }

    /// A code against the set that an operator put in the place of ours: a retired one is told of, no more.
    fn replaced(&mut self, value: &Value, rule: &Rule, path: &Path<'_>, (name, set): (&str, &Set)) {
        let mut best = Standing::Absent;
        let mut look = |coding: Coding<'_>| {
            let (system, code) = (coding.system.unwrap_or_default(), coding.code.unwrap_or_default());
            match set.standing(system, code) {
                Standing::Current => best = Standing::Current,
                Standing::Retired if best == Standing::Absent => best = Standing::Retired,
                _ => {}
            }
            best == Standing::Current
        };
        any_coding(value, &mut look);
        match best {
            Standing::Current => {}
            Standing::Retired => self.push(Level::Warning, Code::CodeRetired, rule.rule, path, name),
            Standing::Absent => self.tell(Code::Binding, rule, path, name),
        }
    }

    /// What a set of a package says that replaces one of our tables.
    fn of_package(&self, name: &str, value: &Value) -> Membership {
        let terms = self.package.terms();
        if terms.sets().next().is_none() {
            return Membership::Untold;
        }
        // Rules name the file, which has `_` where the set has `-`.
        let is_it = |known: &&terminology::ValueSet| known.name.replace('-', "_") == name;
        match terminology::value_sets().iter().find(is_it).filter(|known| terms.set(known.url).is_some()) {
            Some(known) => terms.has(known.url, value),
            None => Membership::Untold,
        }
    }

    /// The category must be the one the association gives to the type, where it knows the type.
    fn pair(&mut self, document: &Value, rule: &Rule, path: &Path<'_>, name: &str) {
        let Constraint::Pairs(_, set) = rule.constraint else { return };
        let (Some(kind), Some(categories)) = (document.get("type"), document.get("category").and_then(Value::as_array))
        else {
            return;
        };
        let classes = || categories.iter().flat_map(Coding::all_of).filter_map(|coding| coding.code).take(MOST_PAIRED);
        let goes_together = |kind: Coding<'_>| {
            kind.code.is_some_and(|code| classes().any(|class| set.has(kind.system, &format!("{code}/{class}"))))
        };
        // A type that an operator brought in stands in no association of ours.
        let is_new = |kind: Coding<'_>| {
            let class = class_of_type(kind.system.unwrap_or_default(), kind.code.unwrap_or_default());
            self.mode.replaced.is_any() && class.is_none()
        };
        if !Coding::all_of(kind).take(MOST_PAIRED).any(|kind| goes_together(kind) || is_new(kind)) {
            self.tell(Code::Binding, rule, &path.child("category"), name);
        }
    }
}

/// Whether a Coding, or a coding of a CodeableConcept, is as wanted.
fn any_coding(value: &Value, mut is_wanted: impl FnMut(Coding<'_>) -> bool) -> bool {
    let own = Coding::of(value).filter(|coding| coding.code.is_some());
    own.into_iter().chain(Coding::all_of(value)).any(&mut is_wanted)
}

/// Goes to every value of a path, array by array.
fn each(value: &Value, path: &str, at: &Path<'_>, then: &mut dyn FnMut(&Value, &Path<'_>)) {
    if path.is_empty() {
        return then(value, at);
    }
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let (name, slice) = step(first);
    let here = at.child(name);
    match value.get(name) {
        Some(Value::Array(items)) => {
            for (index, item) in items.iter().enumerate().filter(|(_, item)| is_member(item, slice)) {
                each(item, rest, &here.index(index), then);
            }
        }
        Some(value) if is_member(value, slice) => each(value, rest, &here, then),
        _ => {}
    }
}

/// `name[slice]` as its parts.
fn step(step: &str) -> (&str, Option<&str>) {
    step.strip_suffix(']')
        .and_then(|step| step.split_once('['))
        .map_or((step, None), |(name, slice)| (name, Some(slice)))
}

fn of_slice(slice: Option<&str>, expected: &str) -> String {
    slice.map_or_else(|| expected.to_owned(), |slice| format!("{slice}: {expected}"))
}

/// Whether an item belongs to a slice; without a slice, every item does.
fn is_member(item: &Value, slice: Option<&str>) -> bool {
    let Some(slice) = slice else { return true };
    for discriminator in discriminators(slice).into_iter().flat_map(|text| text.split(" or ")) {
        let Some((element, wanted)) = discriminator.split_once('=') else { continue };
        if element == "type" {
            // MHD 4.2.4 tells by type, 4.2.3 by use: where a type of MHD is given, it decides (T5).
            let typed = item.get("type").into_iter().flat_map(Coding::all_of);
            if let Some(code) =
                typed.filter(|coding| coding.system == Some(MHD_IDENTIFIER_TYPE)).find_map(|coding| coding.code)
            {
                return wanted.split_once('|').is_some_and(|(_, wanted)| wanted == code);
            }
        } else if item.get(element).and_then(Value::as_str) == Some(wanted) {
            return true;
        }
    }
    false
}
