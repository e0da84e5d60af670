//! The seam between profiles and FHIRPath: an expression and an element in, a truth out (R4 `fhirpath.html`).

use std::cell::Cell;

use serde_json::Value;

use super::package::{Judge, Package, R4};
use super::path::Path;
use super::reference::Scope;
use crate::fhir::definition::Type;
use crate::fhir::path::{Environment, Outside, Query};
use crate::fhir::terminology::packaged::Membership;

/// A compiled invariant of a profile.
#[derive(Clone)]
pub(super) struct Expression(Query);

/// Where an element stands, and what its expressions may ask of the rest.
pub(super) struct Surroundings<'s, 'v> {
    /// The resource it is part of.
    pub(super) resource: &'v Value,
    /// What contains that resource; itself, unless it is contained.
    pub(super) root: &'v Value,
    /// What references lead to.
    pub(super) scope: &'s Scope<'v>,
    /// Who knows value sets and profiles.
    pub(super) package: &'s Package,
    /// Profiles that led here: one that is asked for within itself is asked no more.
    pub(super) depth: usize,
    /// Values looked at so far, over the whole body.
    pub(super) work: Cell<usize>,
}

impl Expression {
    /// Compiles an expression; `None` where it is not FHIRPath as we read it.
    pub(super) fn compile(text: &str) -> Option<Self> {
        Query::compile(text).ok().map(Self)
    }

    /// Whether it is true of an element of a type; `None` where it cannot be evaluated, or takes more than `steps`, of
    /// which what is left stays.
    pub(super) fn holds(
        &self,
        value: &Value,
        kind: Option<Type>,
        around: &Surroundings<'_, '_>,
        steps: &mut usize,
    ) -> Option<bool> {
        let environment = Environment::of(around.resource).within(around.root).outside(around).with_steps(*steps);
        let told = self.0.is_true(&environment, value, kind).ok();
        *steps = environment.steps_left();
        told
    }
}

impl Outside for Surroundings<'_, '_> {
    fn resolve(&self, reference: &str) -> Option<&Value> {
        self.scope.resource(reference)
    }

    fn is_member(&self, value_set: &str, coded: &Value) -> Option<bool> {
        match self.package.terms().has(value_set, coded) {
            Membership::In | Membership::Retired => Some(true),
            Membership::Out => Some(false),
            Membership::Untold => None,
        }
    }

    fn conforms(&self, resource: &Value, profile: &str) -> Option<bool> {
        let kind = resource.get("resourceType").and_then(Value::as_str).and_then(Type::resource);
        let Some(known) = self.package.profile(profile) else {
            let wanted = profile.strip_prefix(R4).and_then(Type::resource)?;
            return Some(kind == Some(wanted));
        };
        let mut judge = Judge::new(self.package, Scope::default()).after(self.depth, self.work.get());
        judge.root(known, resource, &Path::root(kind.map_or("Resource", Type::name)));
        self.work.set(judge.work());
        Some(judge.finish().0.iter().all(|issue| issue.is_warning))
    }
}
