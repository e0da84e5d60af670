//! Where the walk stands, written out only when something is at fault (R4 `fhirpath.html`).

use crate::ids::ElementPath;

/// One step of a path, linked to the steps before it.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    pub(super) const fn root(name: &'a str) -> Self {
        Self { parent: None, step: Step::Name(name) }
    }

    /// The child of a name; the `[x]` of a choice is not written.
    pub(super) fn child(&'a self, name: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Name(name.strip_suffix("[x]").unwrap_or(name)) }
    }

    pub(super) const fn index(&'a self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }

    /// The name of the element, without its repetition.
    pub(super) fn name(&self) -> Option<&'a str> {
        match (self.parent, self.step) {
            (_, Step::Name(name)) => Some(name),
            (Some(parent), Step::Index(_)) => parent.name(),
            (None, Step::Index(_)) => None,
        }
    }

    /// The path as FHIRPath.
    pub(super) fn written(&self) -> ElementPath {
        match (self.parent, self.step) {
            (None, Step::Name(name)) => ElementPath::root(name),
            (None, Step::Index(index)) => ElementPath::default().index(index),
            (Some(parent), Step::Name(name)) => parent.written().child(name),
            (Some(parent), Step::Index(index)) => parent.written().index(index),
        }
    }
}

/// A key that came from outside, made safe to show: what no element is called is cut down.
pub(super) fn shown(key: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // Fifteen digits may be an INS, a long key may be a body.
    if key.len() <= 40 && key.chars().all(is_name) && key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        key.to_owned()
    } else {
        "?".to_owned()
    }
}
