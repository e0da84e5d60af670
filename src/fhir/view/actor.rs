//! Who an author, an authenticator or a custodian is: the national ids a reference leads to
//! without leaving the resource (MHD §1.3, document-sharing §3.3, contract §6).

use serde_json::Value;

use super::patient::ins_of;
use super::{items, registers, text};
use crate::fhir::path::contained;
use crate::ids::{Ins, NationalId, StructureId};

/// References followed inside one resource: role, practitioner, organization.
const DEPTH: u8 = 4;

/// What an actor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// A Practitioner or a PractitionerRole.
    Professional,
    /// An Organization.
    Organization,
    /// A Device.
    Device,
    /// A Patient.
    Patient,
    /// A RelatedPerson.
    RelatedPerson,
    /// The reference does not tell.
    Unknown,
}

/// An actor as far as the resource tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor<'a> {
    /// What it is.
    pub kind: ActorKind,
    /// National ids of the person.
    pub persons: Vec<NationalId>,
    /// National ids of the structure it acts for, or is.
    pub structures: Vec<StructureId>,
    /// INS of a patient who is an author.
    pub ins: Vec<Ins>,
    /// References that leave the resource (`Practitioner/…`, URLs), for who can resolve them.
    pub references: Vec<&'a str>,
    /// Whether the actor itself is contained, as Comprehensive metadata demand.
    pub is_contained: bool,
}

impl<'a> Actor<'a> {
    /// Reads the Reference `reference` of `resource`.
    pub(super) fn read(resource: &'a Value, reference: &'a Value) -> Self {
        let is_contained = contained(resource, reference).is_some();
        let kind = ActorKind::Unknown;
        let mut actor =
            Self { kind, persons: vec![], structures: vec![], ins: vec![], references: vec![], is_contained };
        actor.follow(resource, reference, DEPTH);
        actor.kind = kind_of(resource, reference, &actor);
        actor
    }

    fn follow(&mut self, resource: &'a Value, reference: &'a Value, depth: u8) {
        if let Some(identifier) = reference.get("identifier") {
            self.take(identifier);
        }
        if let Some(target) = contained(resource, reference) {
            items(target, "identifier").for_each(|identifier| self.take(identifier));
            let Some(depth) = depth.checked_sub(1) else { return };
            let next = ["practitioner", "organization", "owner"].into_iter().filter_map(|name| target.get(name));
            next.for_each(|reference| self.follow(resource, reference, depth));
        } else if let Some(reference) = text(reference, "reference").filter(|text| !text.starts_with('#')) {
            self.references.push(reference);
        }
    }

    fn take(&mut self, identifier: &Value) {
        push_new(&mut self.persons, registers::person(identifier));
        push_new(&mut self.structures, registers::structure(identifier));
        push_new(&mut self.ins, ins_of(identifier));
    }
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: Option<T>) {
    list.extend(item.filter(|item| !list.contains(item)));
}

fn kind_of(resource: &Value, reference: &Value, actor: &Actor<'_>) -> ActorKind {
    let target = contained(resource, reference).and_then(|target| text(target, "resourceType"));
    let stated = target.or_else(|| text(reference, "type")).or_else(|| {
        let path = text(reference, "reference")?;
        path.split(['/', '?']).rev().find(|part| part.starts_with(|first: char| first.is_ascii_uppercase()))
    });
    match stated {
        Some("Practitioner" | "PractitionerRole") => ActorKind::Professional,
        Some("Organization") => ActorKind::Organization,
        Some("Device") => ActorKind::Device,
        Some("Patient") => ActorKind::Patient,
        Some("RelatedPerson") => ActorKind::RelatedPerson,
        _ if !actor.persons.is_empty() => ActorKind::Professional,
        _ if !actor.structures.is_empty() => ActorKind::Organization,
        _ if !actor.ins.is_empty() => ActorKind::Patient,
        _ => ActorKind::Unknown,
    }
}
