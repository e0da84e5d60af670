//! The entries of a Provide Document Bundle: a closed list of kinds, each under its profile (ihe §1.2, ITI-65).

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::Conformance;
use super::path::Path;
use super::profile::Judge;
use crate::error::Code;
use crate::fhir::datatype::{Coding, Reference};
use crate::fhir::definition::Type;
use crate::fhir::definition::profile::{Level, Slot, slots};

const LIST_TYPES: &str = "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes";

/// What a slot without a bound says for it.
const UNBOUNDED: usize = 255;

/// Judges the entries of a bundle by the slots of its profile.
pub(super) fn entries<'v>(judge: &mut Judge<'v>, bundle: &'v Value, canonical: &str, path: &Path<'_>) {
    let (Some(map), Some(kind)) = (bundle.as_object(), Type::resource("Bundle")) else { return };
    let slots: Vec<Slot> = slots(canonical).collect();
    let entries = map.get("entry").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut counts = vec![0_usize; slots.len()];
    let documents = documents(entries);
    let outer = judge.scope.enter(kind, map);
    let all = path.child("entry");
    for (index, entry) in entries.iter().enumerate() {
        let here = all.index(index);
        let Some((slot, count)) = slots.iter().zip(&mut counts).find(|(slot, _)| holds(slot, entry)) else {
            foreign(judge, &slots, &here, entry);
            continue;
        };
        *count += 1;
        if slot.max != UNBOUNDED && *count > slot.max {
            let detail = format!("{}: max {}", slot.slice, slot.max);
            judge.push(Level::Error, Code::BundleEntry, slot.rule, &here, &detail);
        }
        if let Some(resource) = entry.get("resource") {
            self::resource(judge, resource, slot, &here.child("resource"), &documents);
        }
    }
    judge.scope.leave(outer);
    for (slot, _) in slots.iter().zip(counts).filter(|(slot, count)| *count < slot.min) {
        // The guides say in words only that a submission holds a document.
        let is_said = slot.slice == "SubmissionSet" || judge.mode.mode == Conformance::Strict;
        let level = if is_said { Level::Error } else { Level::Warning };
        judge.push(level, Code::BundleMissing, slot.rule, &all, &format!("{}: min {}", slot.slice, slot.min));
    }
}

/// Whether an entry is of a slot's kind and method.
fn holds(slot: &Slot, entry: &Value) -> bool {
    let request = entry.get("request");
    let text = |name: &str| request.and_then(|request| request.get(name)).and_then(Value::as_str);
    let resource = entry.get("resource");
    let named = match resource {
        Some(resource) => resource.get("resourceType").and_then(Value::as_str),
        // A GET carries no resource: its address tells the type.
        None => text("url").and_then(|url| url.split(['/', '?']).next()),
    };
    let method_holds = text("method").is_some_and(|method| slot.methods.split(' ').any(|known| known == method));
    let is_folder = || resource.is_some_and(is_folder);
    let list_holds = match slot.slice {
        "Folders" => is_folder(),
        "SubmissionSet" => !is_folder(),
        _ => true,
    };
    named == Some(slot.resource) && method_holds && list_holds
}

fn is_folder(list: &Value) -> bool {
    list.get("code").into_iter().flat_map(Coding::all_of).any(|coding| coding.is(LIST_TYPES, "folder"))
}

/// Tells of an entry no slot holds: of its method, where only that is wrong.
fn foreign(judge: &mut Judge<'_>, slots: &[Slot], path: &Path<'_>, entry: &Value) {
    let kind = kind_of(entry);
    let methods: Vec<&str> = slots.iter().filter(|slot| Some(slot.resource) == kind).map(|slot| slot.methods).collect();
    let rule = slots.first().map_or("MHD 1.2 entry", |slot| slot.rule);
    if methods.is_empty() {
        let mut known: Vec<&str> = slots.iter().map(|slot| slot.resource).collect();
        known.dedup();
        judge.push(Level::Error, Code::BundleEntry, rule, path, &known.join(" | "));
    } else {
        let request = path.child("request");
        judge.push(Level::Error, Code::BundleEntry, rule, &request.child("method"), &methods.join(" | "));
    }
}

fn resource<'v>(judge: &mut Judge<'v>, resource: &'v Value, slot: &Slot, path: &Path<'_>, documents: &Documents<'v>) {
    match slot.slice {
        "UpdateDocumentRefs" => patch(judge, resource, slot, path),
        "DocumentRefs" => {
            let before = judge.issues.len();
            judge.by(resource, slot.profile, path);
            attachments(judge, resource, path, documents, before);
        }
        _ => judge.by(resource, slot.profile, path),
    }
}

/// Exactly one operation: replace the status by superseded (`IHE.MHD.Patch.Parameters`).
fn patch(judge: &mut Judge<'_>, parameters: &Value, slot: &Slot, path: &Path<'_>) {
    let operations = parameters.get("parameter").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let part = |operation: &Value, name: &str, form: &str| {
        let parts = operation.get("part")?.as_array()?;
        let part = parts.iter().find(|part| part.get("name").and_then(Value::as_str) == Some(name))?;
        part.get(form)?.as_str().map(str::to_owned)
    };
    let holds = match operations {
        [operation] => {
            operation.get("name").and_then(Value::as_str) == Some("operation")
                && part(operation, "type", "valueCode").as_deref() == Some("replace")
                && part(operation, "path", "valueString").as_deref() == Some("DocumentReference.status")
                && part(operation, "value", "valueCode").as_deref() == Some("superseded")
        }
        _ => false,
    };
    if !holds {
        let expected = "replace DocumentReference.status superseded";
        judge.push(Level::Error, Code::Profile, slot.rule, &path.child("parameter"), expected);
    }
}

/// The document an attachment points to stands in the bundle; one that is a FHIR document has no hash and no size.
fn attachments(judge: &mut Judge<'_>, document: &Value, path: &Path<'_>, documents: &Documents<'_>, before: usize) {
    let contents = document.get("content").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let all = path.child("content");
    for (index, content) in contents.iter().enumerate() {
        let Some(attachment) = content.get("attachment") else { continue };
        let Some(url) = attachment.get("url").and_then(Value::as_str) else { continue };
        let content = all.index(index);
        let here = content.child("attachment");
        match named(documents, url) {
            None => {
                let level = if judge.mode.mode == Conformance::Lenient { Level::Warning } else { Level::Error };
                judge.push(level, Code::BundleMissing, "MHD 1.2 attachment", &here.child("url"), "Binary");
            }
            Some("Bundle") => {
                let moot = ["hash", "size"].map(|name| here.child(name).written());
                let mut place = 0;
                judge.issues.retain(|issue| {
                    place += 1;
                    let is_moot = issue.path.as_ref().is_some_and(|path| moot.contains(path));
                    place <= before || issue.code != Code::Missing || !is_moot
                });
                for name in ["hash", "size"].into_iter().filter(|name| attachment.get(name).is_some()) {
                    judge.push(Level::Error, Code::Profile, "MHD 1.2 attachment", &here.child(name), "max 0");
                }
            }
            Some(_) => {}
        }
    }
}

fn kind_of(entry: &Value) -> Option<&str> {
    entry.get("resource")?.get("resourceType")?.as_str()
}

/// The documents of a bundle by what may name them: fullUrl, or type and id.
type Documents<'v> = HashMap<Cow<'v, str>, &'v str>;

fn documents(entries: &[Value]) -> Documents<'_> {
    let mut documents = HashMap::new();
    for entry in entries {
        let Some(kind @ ("Binary" | "Bundle")) = kind_of(entry) else { continue };
        if let Some(url) = entry.get("fullUrl").and_then(Value::as_str) {
            documents.insert(Cow::Borrowed(url), kind);
        }
        if let Some(id) = entry.pointer("/resource/id").and_then(Value::as_str) {
            documents.insert(Cow::Owned(format!("{kind}/{id}")), kind);
        }
    }
    documents
}

/// The type of the document an address names: by fullUrl, or by `Binary/id`, `Bundle/id` at its end.
fn named<'v>(documents: &Documents<'v>, url: &str) -> Option<&'v str> {
    let tail = || match Reference::parse(url)? {
        Reference::Relative { kind, id, .. } | Reference::Absolute { target: Some((kind, id)), .. } => {
            documents.get(format!("{kind}/{id}").as_str())
        }
        _ => None,
    };
    documents.get(url).or_else(tail).copied()
}
