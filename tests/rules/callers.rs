//! Callers and facts of the rules' tests.

use std::sync::Arc;

use espace::access::context::Context;
use espace::access::identity::{Caller, Certificate, Person};
use espace::access::permit::Verdict;
use espace::cli::demo::personas::Demo;
use espace::ids::{Ins, RequestId};
use espace::model::caller::{AuthMode, CallerClass, Purpose};
use espace::model::directory::Relation;
use espace::model::document::DocumentStatus;
use espace::model::profile::{RecordState, SpaceState};
use espace::rules::facts::{DocumentFacts, Facts, ProfileFacts};
use jiff::Timestamp;

/// The first start of the demonstration.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

pub(crate) fn demo() -> Demo {
    Demo::load().unwrap()
}

/// A professional of the demonstration, who authenticated himself.
pub(crate) fn direct(name: &str) -> Context {
    let demo = demo();
    let known = demo.professional(name).unwrap();
    let mut ctx = structure(&known.structure);
    ctx.caller.class = CallerClass::ProfessionalDirect;
    ctx.caller.auth_mode = Some(AuthMode::Direct);
    let professional = &known.exercise.professional;
    ctx.caller.person = Some(Person {
        id: professional.id.clone(),
        name: format!("{} {}", professional.given, professional.family),
        profession: professional.profession.clone(),
        roles: vec![],
        habilitation: espace::rules::habilitation::Habilitation::built_in(&professional.profession),
        may_regulate: professional.may_regulate,
    });
    ctx
}

/// The same, vouched for by his structure.
pub(crate) fn indirect(name: &str) -> Context {
    let mut ctx = direct(name);
    ctx.caller.class = CallerClass::ProfessionalIndirect;
    ctx.caller.auth_mode = Some(AuthMode::Indirect);
    ctx
}

/// A person on the patient side.
pub(crate) fn patient(name: &str) -> Context {
    let mut ctx = structure("portail");
    let ins = demo().persona(name).unwrap().ins.clone();
    ctx.caller.class = CallerClass::Patient;
    ctx.caller.patient = Some(ins.clone());
    ctx.caller.record = Some(ins);
    ctx
}

/// A structure in its own name.
pub(crate) fn structure(name: &str) -> Context {
    let demo = demo();
    let structure = &demo.structure(name).unwrap().structure;
    let certificate = Certificate {
        fingerprint: [0; 32],
        subject: String::new(),
        issuer: vec![],
        serial: vec![],
        structure: Some(structure.id.clone()),
        common_name: String::new(),
        der: vec![],
    };
    Context {
        caller: Caller {
            certificate: Arc::new(certificate),
            class: CallerClass::Structure,
            structure: structure.id.clone(),
            structure_name: structure.name.clone(),
            person: None,
            patient: None,
            record: None,
            auth_mode: None,
            scopes: vec![],
            client_id: String::new(),
            software: String::new(),
            token_id: String::new(),
        },
        purpose: Purpose::Normal,
        reason: None,
        request_id: RequestId::from_client("r-1").unwrap(),
        at: now(),
        address: None,
        language: espace::error::Language::French,
    }
}

/// The relations of the caller with a persona, as the store would load them.
pub(crate) fn relations(ctx: &Context, name: &str) -> Vec<Relation> {
    let demo = demo();
    let key = demo.persona(name).unwrap().key;
    let Some(person) = &ctx.caller.person else { return vec![] };
    let mine = |relation: &Relation| relation.patient == key && relation.professional == person.id;
    demo.seed(now()).relations.into_iter().filter(mine).collect()
}

/// What rules know of a persona.
pub(crate) fn profile(name: &str) -> ProfileFacts {
    (&demo().persona(name).unwrap().profile(now())).into()
}

/// `dominique`, put into other states.
pub(crate) fn standing(space: SpaceState, record: RecordState) -> ProfileFacts {
    ProfileFacts { space, record, ..profile("dominique") }
}

/// The facts of a request that names a persona by INS.
pub(crate) fn by_person(ctx: &Context, name: &str) -> Facts {
    let profile = profile(name);
    Facts::of_person(profile.identifiers.first().cloned(), Some(profile)).with_relations(relations(ctx, name))
}

/// The facts of a request that names a resource of a persona.
pub(crate) fn by_id(ctx: &Context, name: &str) -> Facts {
    Facts::of_id(Some(profile(name))).with_relations(relations(ctx, name))
}

/// The facts of a request that names an INS nobody has.
pub(crate) fn unknown() -> Facts {
    Facts::of_person(Ins::parse("1.2.250.1.213.1.4.10", "255069999999934").ok(), None)
}

/// A document of `dr-martin`, made in his practice.
pub(crate) fn document(labels: &[&str]) -> DocumentFacts {
    DocumentFacts {
        persons: vec!["801234567897".into()],
        structures: vec!["401234567897001".into()],
        type_code: "http://loinc.org|11488-4".into(),
        status: DocumentStatus::Current,
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
    }
}

/// A verdict on one line: what it shows and why.
pub(crate) fn shown(verdict: Verdict) -> String {
    match verdict {
        Verdict::Permit(permit) => format!("permit ({})", permit.rule()),
        Verdict::Deny(denial) => {
            format!("{} {} ({})", denial.code.row().status, denial.code.row().name, denial.rule)
        }
    }
}
