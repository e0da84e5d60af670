//! A whole body: its structure, its profiles, and those of every resource in it, wherever it stands
//! (R4 `resource-operation-validate.html`, `validation.html`).

use serde_json::Value;

use super::package::Package;
use super::path::Path;
use super::reference::Scope;
use super::{Conformance, Mode, Options, advised, identities, package, profile, structural_with};
use crate::error::{Code, Issue};
use crate::fhir::definition::Type;

/// Parts of parameters lead to parts, bundles to bundles: no deeper than this.
const DEEPEST: usize = 40;
/// No more unknown profiles than this are named.
const MOST_UNKNOWN: usize = 20;

/// What a body is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Whole<'a> {
    /// How strictly.
    pub mode: Mode,
    /// Definitions of packages, which come before ours.
    pub package: &'a Package,
    /// The profile the body itself is held to, besides those its resources claim.
    pub profile: Option<&'a str>,
    /// What may be taken for granted.
    pub options: Options,
    /// Whether R4's good advice is told as well.
    pub advises: bool,
}

/// What was found in a whole body.
#[derive(Debug, Default)]
pub struct Report {
    /// Everything that is wrong, each thing once.
    pub issues: Vec<Issue>,
    /// Profiles that are claimed and not known here.
    pub unknown: Vec<String>,
    /// Whether the body was held to any profile at all.
    pub has_profile: bool,
}

impl Whole<'_> {
    /// Whether a profile is known here.
    pub fn knows(&self, canonical: &str) -> bool {
        self.package.knows(canonical) || profile::find(canonical, self.mode).is_some()
    }

    fn structure(&self, body: &Value) -> Vec<Issue> {
        if self.advises { advised(body, self.options) } else { structural_with(body, self.options) }
    }

    /// Judges a body.
    pub fn judge(&self, body: &Value) -> Report {
        let mut report = Report { issues: self.structure(body), ..Report::default() };
        if body.get("resourceType").is_none() && report.issues.is_empty() {
            report.issues.push(Issue::new(Code::Missing));
        }
        report.issues.extend(identities(body, self.mode.mode));
        let structural = report.issues.len();
        let kind = body.get("resourceType").and_then(Value::as_str).and_then(Type::resource);
        let mut deep = Deep { whole: *self, report, scope: Scope::default(), structural };
        deep.resource(body, &Path::root(kind.map_or("Resource", Type::name)), self.profile, DEEPEST);
        deep.report
    }
}

struct Deep<'a, 'v> {
    whole: Whole<'a>,
    report: Report,
    scope: Scope<'v>,
    /// How many of the issues told the structure.
    structural: usize,
}

impl<'a: 'v, 'v> Deep<'a, 'v> {
    /// A resource that stands by itself, and those within it.
    fn resource(&mut self, value: &'v Value, path: &Path<'_>, asked: Option<&'v str>, depth: usize) {
        let kind = value.get("resourceType").and_then(Value::as_str).and_then(Type::resource);
        let (Some(kind), Some(map), true) = (kind, value.as_object(), depth > 0) else { return };
        let judges_entries = self.profiles(value, path, asked, false);
        let outer = self.scope.enter(kind, map);
        let all = path.child("contained");
        for (index, contained) in list(value, "contained").iter().enumerate() {
            self.profiles(contained, &all.index(index), None, true);
        }
        match kind.name() {
            "Bundle" if !judges_entries => {
                let all = path.child("entry");
                for (index, entry) in list(value, "entry").iter().enumerate() {
                    if let Some(resource) = entry.get("resource") {
                        self.resource(resource, &all.index(index).child("resource"), None, depth - 1);
                    }
                }
            }
            "Parameters" => self.parameters(list(value, "parameter"), &path.child("parameter"), depth - 1),
            _ => {}
        }
        self.scope.leave(outer);
    }

    fn parameters(&mut self, parameters: &'v [Value], path: &Path<'_>, depth: usize) {
        for (index, parameter) in parameters.iter().enumerate() {
            let here = path.index(index);
            if let Some(resource) = parameter.get("resource") {
                self.resource(resource, &here.child("resource"), None, depth);
            }
            if depth > 0 {
                self.parameters(list(parameter, "part"), &here.child("part"), depth - 1);
            }
        }
    }

    /// The profile that was asked for, and those the resource claims. Answers whether one judged the entries too.
    fn profiles(&mut self, value: &'v Value, path: &Path<'_>, asked: Option<&'v str>, is_contained: bool) -> bool {
        let claimed = value.pointer("/meta/profile").and_then(Value::as_array).into_iter().flatten();
        let mut named: Vec<&'v str> = asked.into_iter().chain(claimed.filter_map(Value::as_str)).collect();
        named.dedup();
        let mut judges_entries = false;
        for canonical in named {
            self.report.has_profile = true;
            judges_entries |= self.profile(value, canonical, path, is_contained);
        }
        judges_entries
    }

    fn profile(&mut self, value: &'v Value, canonical: &str, path: &Path<'_>, is_contained: bool) -> bool {
        let Whole { mode, package, .. } = self.whole;
        if let Some(own) = package.profile(canonical) {
            let mut judge =
                package::Judge::new(package, std::mem::take(&mut self.scope)).within_contained(is_contained);
            judge.root(own, value, path);
            let (issues, scope) = judge.finish();
            self.scope = scope;
            self.add(issues);
            return false;
        }
        if let Some(own) = profile::find(canonical, mode) {
            let frame = profile::Frame { mode, package, scope: std::mem::take(&mut self.scope), is_contained };
            let (issues, scope) = profile::judge(value, own, frame, path);
            self.scope = scope;
            self.add(issues);
            return own.is_bundle();
        }
        // Profiles of R4 itself without constraints of their own are the types.
        let is_type = canonical.strip_prefix("http://hl7.org/fhir/StructureDefinition/").and_then(Type::resource);
        if is_type.is_none() && self.report.unknown.len() < MOST_UNKNOWN {
            let canonical = canonical.to_owned();
            if !self.report.unknown.contains(&canonical) {
                self.report.unknown.push(canonical);
            }
        }
        false
    }

    /// Adds what was not told before: by the structure at the same place, or by another profile in the same words.
    fn add(&mut self, issues: Vec<Issue>) {
        for issue in issues {
            let (structural, others) = self.report.issues.split_at(self.structural.min(self.report.issues.len()));
            let is_told = structural.iter().any(|known| known.code == issue.code && known.path == issue.path)
                || others
                    .iter()
                    .any(|known| (known.code, &known.path, &known.detail) == (issue.code, &issue.path, &issue.detail));
            if !is_told {
                self.report.issues.push(issue);
            }
        }
    }
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

impl Default for Whole<'static> {
    fn default() -> Self {
        let mode = Mode { mode: Conformance::default(), ..Mode::default() };
        Self { mode, package: Package::none(), profile: None, options: Options::default(), advises: false }
    }
}
