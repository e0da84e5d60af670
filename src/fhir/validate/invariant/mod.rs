//! R4's own invariants, all of them, by FHIRPath (R4 `conformance-rules.html#constraints`).
//!
//! An expression is compiled when its element is first met. What can be told from one object is told without
//! collections ([`Quick`]); a few that every fiche meets have a function of their own ([`own`]). A test proves both
//! equal to the plain language over all published examples.

mod own;
mod table;

use std::sync::OnceLock;

use serde_json::Value;

use self::table::TABLE;
use super::path::Path;
use super::walk::Walk;
use super::written;
use crate::error::{Code, Issue};
use crate::fhir::definition::{self, Element, Type};
use crate::fhir::path::{Environment, Query, Quick};

/// An invariant, and how it is told.
struct Rule {
    key: &'static str,
    is_warning: bool,
    /// Good advice that R4 itself does not ask for: told where it is asked for.
    is_advice: bool,
    expression: &'static str,
    /// The type of the objects it is stated of.
    kind: Type,
    own: Option<own::Own>,
    compiled: OnceLock<Compiled>,
}

/// What an expression became.
struct Compiled {
    quick: Option<Quick>,
    /// None: what is published cannot be read.
    query: Option<Query>,
}

/// How invariants are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Manner {
    /// By the plain language alone.
    pub(super) is_plain: bool,
    /// Advice as well.
    pub(super) advises: bool,
}

/// Where an object stands.
#[derive(Clone, Copy)]
pub(super) struct Around<'v> {
    /// The resource it is part of.
    pub(super) resource: &'v Value,
    /// What contains that resource; itself, unless it is contained.
    pub(super) root: &'v Value,
}

/// The invariants that are told here: type and key.
pub(super) fn keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    definition::invariants()
        .filter(|invariant| !table::BY_THE_WALK.contains(&invariant.key))
        .map(|invariant| (invariant.path, invariant.key))
}

impl<'v> Walk<'v> {
    /// Holds an object to the invariants of its type.
    pub(super) fn invariants(&mut self, value: &'v Value, kind: Type, path: &Path<'_>) {
        for rule in TABLE.of_type(kind) {
            self.hold(rule, value, path);
        }
    }

    /// Holds a value to the invariants that are stated of its element alone.
    pub(super) fn element_invariants(&mut self, value: &'v Value, element: Element, path: &Path<'_>) {
        for rule in TABLE.of_element(element) {
            self.hold(rule, value, path);
        }
    }

    fn hold(&mut self, rule: &'static Rule, value: &'v Value, path: &Path<'_>) {
        let Some(around) = self.around else { return };
        if rule.is_advice && !self.manner.advises {
            return;
        }
        match rule.told(value, around, self.manner, &mut self.steps) {
            Verdict::Holds => {}
            Verdict::Broken => self.broken(rule, path),
            Verdict::Unknown => self.warn(Code::Profile, path, rule.key),
        }
    }

    fn broken(&mut self, rule: &Rule, path: &Path<'_>) {
        let issue = Issue::new(Code::Profile).rule(rule.key).at(path.written());
        let issue = issue.written(written::of(self.kind.unwrap_or(rule.kind), None));
        self.add(if rule.is_warning { issue.warning() } else { issue });
    }
}

enum Verdict {
    Holds,
    Broken,
    /// It took too long, or met what it cannot work on.
    Unknown,
}

impl Rule {
    fn told<'v>(&self, value: &'v Value, around: Around<'v>, manner: Manner, steps: &mut usize) -> Verdict {
        let of = |truth: bool| if truth { Verdict::Holds } else { Verdict::Broken };
        if let Some(truth) = self.own.filter(|_| !manner.is_plain).and_then(|own| own(value)) {
            return of(truth);
        }
        let compiled = self.compiled.get_or_init(|| {
            let query = Query::compile(self.expression).ok();
            let quick = query.as_ref().and_then(|query| Quick::of(query, self.kind));
            Compiled { quick, query }
        });
        if let Some(Ok(told)) =
            compiled.quick.as_ref().filter(|_| !manner.is_plain).map(|quick| quick.holds(value, around.resource))
        {
            return of(told == Some(true));
        }
        let Some(query) = &compiled.query else { return Verdict::Unknown };
        let environment = Environment::of(around.resource).within(around.root).with_steps(*steps);
        let told = query.is_true(&environment, value, Some(self.kind));
        *steps = environment.steps_left();
        told.map_or(Verdict::Unknown, of)
    }
}
