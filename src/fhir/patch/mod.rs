//! Patches of a resource, pure over its JSON: JSON Patch, XML Patch, FHIRPath Patch, merge patch
//! (R4 `http.html#patch`, RFC 6902, RFC 5261, RFC 7396; document-sharing T9).
//!
//! A patch is read before the resource is known and applied to a copy of it. Both are bounded: a
//! small patch never makes a large resource nor long work.

mod fhirpath_patch;
mod json_patch;
mod locate;
mod merge;
mod pointer;
mod tree;
mod xml_content;
mod xml_patch;
mod xpath;

use std::fmt;

use serde_json::Value;

use self::tree::Tree;
use super::codec::{json, xml};
use crate::error::{Code, Error, Issue};

/// The largest patch that is read, in bytes.
pub const MOST_BYTES: usize = 256 * 1024;
/// Most operations of one patch.
pub const MOST_OPERATIONS: usize = 100;

/// The forms a patch comes in, each under a media type of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `application/json-patch+json`, RFC 6902.
    Json,
    /// `application/xml-patch+xml`, the subset of RFC 5261 that names FHIR elements.
    Xml,
    /// `application/fhir+json`: a Parameters resource (R4 `fhirpatch.html`).
    FhirPath,
    /// `application/fhir+xml`: the same in XML.
    FhirPathXml,
    /// `application/merge-patch+json`, RFC 7396.
    Merge,
}

impl Form {
    /// Every form.
    pub const ALL: &'static [Self] = &[Self::Json, Self::Xml, Self::FhirPath, Self::FhirPathXml, Self::Merge];

    /// The media type it is sent under.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Xml => "application/xml-patch+xml",
            Self::FhirPath => "application/fhir+json",
            Self::FhirPathXml => "application/fhir+xml",
            Self::Merge => "application/merge-patch+json",
        }
    }
}

/// A patch that has been read. What it says may be personal: `Debug` tells its form only.
pub struct Patch(Kind);

enum Kind {
    Json(Vec<json_patch::Operation>),
    Xml(Vec<xml_patch::Operation>),
    FhirPath(Vec<fhirpath_patch::Operation>),
    Merge(Value),
}

impl fmt::Debug for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Patch({:?})", self.form())
    }
}

/// Why an operation cannot be done. Never carries a piece of patch or resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// What it names is not there, or not of that kind.
    Inapplicable(&'static str),
    /// The result would be too large or too deep, or too much would be copied.
    TooLarge,
}

impl Fault {
    /// The refusal, with the number of the operation at fault, from 0.
    fn of_operation(self, number: usize) -> Error {
        match self {
            Self::Inapplicable(rule) => {
                Issue::new(Code::PatchFailed).rule(rule).detail(format!("(operation[{number}])")).into()
            }
            Self::TooLarge => too_large(),
        }
    }
}

fn too_large() -> Error {
    Issue::new(Code::TooLarge).rule("patch limits").into()
}

/// A body that is no patch of its form: 400.
fn malformed(rule: &'static str) -> Error {
    Issue::new(Code::Structure).rule(rule).into()
}

impl Patch {
    /// Reads a patch. What is no patch of that form is [`Code::Structure`]; more than
    /// [`MOST_BYTES`] or [`MOST_OPERATIONS`] is [`Code::TooLarge`].
    pub fn read(form: Form, bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MOST_BYTES {
            return Err(too_large());
        }
        let kind = match form {
            Form::Json => Kind::Json(json_patch::read(json::parse(bytes)?)?),
            Form::Xml => Kind::Xml(xml_patch::read(bytes)?),
            Form::FhirPath => Kind::FhirPath(fhirpath_patch::read(&json::parse(bytes)?)?),
            Form::FhirPathXml => Kind::FhirPath(fhirpath_patch::read(&xml::read(bytes)?)?),
            Form::Merge => Kind::Merge(merge::read(json::parse(bytes)?)?),
        };
        Ok(Self(kind))
    }

    /// The form it came in, whatever its syntax.
    pub const fn form(&self) -> Form {
        match self.0 {
            Kind::Json(_) => Form::Json,
            Kind::Xml(_) => Form::Xml,
            Kind::FhirPath(_) => Form::FhirPath,
            Kind::Merge(_) => Form::Merge,
        }
    }

    /// The elements of the resource that its operations say they change, as far as it tells before
    /// the resource is known. A merge patch may name what it leaves as it is: it tells nothing.
    pub fn elements(&self) -> Vec<&str> {
        match &self.0 {
            Kind::Json(operations) => operations.iter().flat_map(json_patch::Operation::elements).collect(),
            Kind::Xml(operations) => operations.iter().flat_map(xml_patch::Operation::elements).collect(),
            Kind::FhirPath(operations) => operations.iter().flat_map(fhirpath_patch::Operation::elements).collect(),
            Kind::Merge(_) => Vec::new(),
        }
    }

    /// The resource as patched; the one given stays as it is. An operation that cannot be done is
    /// [`Code::PatchFailed`], growth beyond bounds [`Code::TooLarge`]; nothing is judged of the
    /// result.
    pub fn apply(&self, resource: &Value) -> Result<Value, Error> {
        let mut tree = Tree::of(resource);
        match &self.0 {
            Kind::Json(operations) => in_order(operations, |operation| operation.apply(&mut tree))?,
            Kind::Xml(operations) => in_order(operations, |operation| operation.apply(&mut tree))?,
            Kind::FhirPath(operations) => in_order(operations, |operation| operation.apply(&mut tree))?,
            Kind::Merge(patch) => merge::apply(&mut tree, patch).map_err(|fault| fault.of_operation(0))?,
        }
        Ok(tree.finish())
    }
}

fn in_order<T>(operations: &[T], mut apply: impl FnMut(&T) -> Result<(), Fault>) -> Result<(), Error> {
    for (number, operation) in operations.iter().enumerate() {
        apply(operation).map_err(|fault| fault.of_operation(number))?;
    }
    Ok(())
}
