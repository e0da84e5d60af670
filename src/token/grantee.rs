//! Whom a token is made out to, and with which scopes: the limits of contract §6.

use super::grant::TokenRequest;
use super::issue::{Facts, Identified, ScopeGate, Who};
use super::refusal::{OAuthCode, Refusal, invalid_client, invalid_grant, invalid_request};
use super::scope::{Level, Scope, Transaction, Verb};
use crate::access::identity::Certificate;
use crate::ids::{Ins, NationalId, StructureId};
use crate::model::caller::{AuthMode, CallerClass, Purpose};
use crate::model::directory::{ClientSoftware, Exercise, Structure};

/// Whom a token is made out to.
pub(super) struct Grantee<'a> {
    pub(super) class: CallerClass,
    pub(super) sub: String,
    pub(super) structure: &'a Structure,
    pub(super) exercise: Option<&'a Exercise>,
    pub(super) mode: Option<AuthMode>,
    pub(super) record: Option<&'a Ins>,
}

/// The enrolment must be that of this very certificate, whatever the look-up found.
pub(super) fn enrolled<'a>(
    facts: &Facts<'a>,
    identified: &Identified,
    certificate: &Certificate,
) -> Result<&'a ClientSoftware, Refusal> {
    let software = facts.software.ok_or(invalid_client("this certificate's software is not enrolled"))?;
    let fingerprint = format!("{:?}", crate::ids::Digest256(certificate.fingerprint));
    let by_subject = software.subject_dn.as_ref() == Some(&certificate.subject);
    let by_fingerprint = software.fingerprint.as_ref().is_some_and(|found| found.eq_ignore_ascii_case(&fingerprint));
    if software.structure != identified.structure || !(by_subject || by_fingerprint) {
        return Err(invalid_client("this certificate's software is not enrolled"));
    }
    if software.suspended_at.is_some() {
        return Err(invalid_client("this software is suspended"));
    }
    Ok(software)
}

fn has(software: &ClientSoftware, profile: &str) -> bool {
    software.profiles.iter().any(|found| found == profile)
}

pub(super) fn grantee<'a>(
    request: &'a TokenRequest,
    identified: &'a Identified,
    facts: &Facts<'a>,
    software: &ClientSoftware,
) -> Result<Grantee<'a>, Refusal> {
    let own = facts.structure.filter(|structure| structure.id == identified.structure);
    let own = own.ok_or(invalid_client("this structure is not in the directory"));
    let record = request.person_id.as_ref();
    match &identified.who {
        Who::Structure => {
            let class = if has(software, "assurance-maladie") {
                CallerClass::AssuranceMaladie
            } else if has(software, "catalogue") {
                CallerClass::Service
            } else {
                CallerClass::Structure
            };
            let sub = identified.structure.to_string();
            Ok(Grantee { class, sub, structure: own?, exercise: None, mode: None, record })
        }
        Who::Professional { id, mode, situation } => {
            let speaks_for_all = has(software, "webps");
            if speaks_for_all && record.is_none() {
                return Err(invalid_request("person_id is required of the web channel"));
            }
            let exercise = exercise(id, situation.as_deref(), facts, &identified.structure, speaks_for_all)?;
            let class = match mode {
                AuthMode::Direct => CallerClass::ProfessionalDirect,
                AuthMode::Indirect | AuthMode::IndirectReinforced => CallerClass::ProfessionalIndirect,
            };
            let structure = &exercise.structure;
            Ok(Grantee { class, sub: id.to_string(), structure, exercise: Some(exercise), mode: Some(*mode), record })
        }
        Who::Patient(ins) => {
            if !has(software, "portail") {
                return Err(Refusal::new(OAuthCode::UnauthorizedClient, "only the portal speaks for patients"));
            }
            let served = record.unwrap_or(ins);
            if served != ins && !facts.represents {
                return Err(invalid_grant("the person connected does not act for the person of person_id"));
            }
            let class = CallerClass::Patient;
            Ok(Grantee { class, sub: ins.to_cx(), structure: own?, exercise: None, mode: None, record: Some(served) })
        }
    }
}

/// The one exercise that is meant: of this professional, in the certificate's structure (any
/// structure for the web channel), the one that was named where there are several.
fn exercise<'a>(
    id: &NationalId,
    situation: Option<&str>,
    facts: &Facts<'a>,
    structure: &StructureId,
    anywhere: bool,
) -> Result<&'a Exercise, Refusal> {
    let mut found = facts.exercises.iter().filter(|exercise| {
        exercise.professional.id == *id
            && (anywhere || exercise.structure.id == *structure)
            && situation.is_none_or(|situation| exercise.situation == situation)
    });
    let first = found.next().ok_or(invalid_grant("this professional has no such exercise in this structure"))?;
    if found.next().is_some() {
        return Err(invalid_request("situation_exercice is required: this professional has several exercises"));
    }
    Ok(first)
}

pub(super) fn check_purpose(purpose: Purpose, grantee: &Grantee<'_>) -> Result<(), Refusal> {
    match (purpose, grantee.exercise) {
        (Purpose::Normal, _) => Ok(()),
        (_, None) => Err(invalid_request("this purpose_of_use is a professional's")),
        (Purpose::Regulation, Some(exercise)) if !exercise.professional.may_regulate => {
            Err(invalid_grant("this professional has no access for medical regulation"))
        }
        (_, Some(_)) => Ok(()),
    }
}

/// What is left of the scopes asked for (RFC 6749 §3.3): those the contract does not forbid to the
/// class, the gate admits, and the enrolment names.
pub(super) fn narrowed(
    asked: &[Scope],
    class: CallerClass,
    software: &ClientSoftware,
    gate: &dyn ScopeGate,
) -> Result<Vec<Scope>, Refusal> {
    let enrolled: Vec<Scope> = software.scopes.iter().filter_map(|text| text.parse().ok()).collect();
    let granted: Vec<Scope> = asked
        .iter()
        .filter(|scope| !is_forbidden(class, scope))
        .filter(|scope| enrolled.iter().any(|held| held.covers(scope)))
        .filter(|scope| gate.admits(class, &software.profiles, scope))
        .cloned()
        .collect();
    if granted.is_empty() {
        return Err(Refusal::new(OAuthCode::InvalidScope, "none of the scopes asked for may be given"));
    }
    Ok(granted)
}

/// The limits that hold whatever the gate's table says (contract §6). TD3.1b, the structure's or
/// author's own documents by identifier, is `DocumentReference.s` of one's level, never ITI-67;
/// one's own fiche and submission set are read by id (`.r`); TD3.3 (`.u`) is refused.
fn is_forbidden(class: CallerClass, scope: &Scope) -> bool {
    let level = match class {
        CallerClass::ProfessionalDirect | CallerClass::ProfessionalIndirect => Level::User,
        CallerClass::Patient => Level::Patient,
        CallerClass::Structure | CallerClass::AssuranceMaladie | CallerClass::Service => Level::System,
    };
    if scope.level().is_some_and(|found| found != level) {
        return true;
    }
    match (class, scope) {
        (CallerClass::ProfessionalDirect, _) | (CallerClass::Patient, Scope::Resource { .. }) => false,
        (CallerClass::Patient, Scope::Transaction(_)) => true,
        (_, Scope::Transaction(transaction)) => {
            matches!(transaction, Transaction::Iti66 | Transaction::Iti67 | Transaction::Iti68)
        }
        (_, Scope::Resource { kind, verbs, .. }) => match kind.as_str() {
            "*" | "Binary" | "Bundle" => true,
            "List" => verbs.iter().any(|verb| *verb != Verb::Read),
            "DocumentReference" => verbs.iter().any(|verb| matches!(verb, Verb::Update | Verb::Delete)),
            _ => false,
        },
    }
}
