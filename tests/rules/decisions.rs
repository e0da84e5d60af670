//! The composed decision: order of the checks, neutrality of refusals, authorship (EX_2.1-1140).

use espace::access::context::Context;
use espace::access::decide::{decide, is_author, tells_closure_reason, ties, trace_scope};
use espace::model::caller::{Action, CallerClass, Purpose};
use espace::model::directory::{Relation, RelationKind};
use espace::model::document::DocumentStatus;
use espace::model::profile::SpaceState;
use espace::rules::facts::{Facts, Tie};
use espace::rules::traces::Traces;
use espace::rules::visibility::{Label, hidden_labels, is_visible};

use super::callers::{by_id, by_person, demo, direct, document, indirect, patient, shown, structure, unknown};

/// Personas without an open record, by what contract §5 says of them.
const WITHOUT_OPEN_RECORD: [&str; 5] = ["oppose", "informe", "non-informe", "ferme", "decede"];

#[test]
fn a_feed_is_refused_alike_whatever_the_reason_that_there_is_no_open_record() {
    let ctx = direct("dr-martin");
    let fed =
        |facts: Facts| shown(decide(&ctx, Action::ProvideDocument, &facts.with_documents(vec![document(&["N"])])));
    let expected = "422 dmp-inexistant (MES-048)";
    for name in WITHOUT_OPEN_RECORD {
        assert_eq!(fed(by_person(&ctx, name)), expected, "{name}");
    }
    assert_eq!(fed(unknown()), expected);
}

#[test]
fn an_existence_test_answers_alike_for_opposed_informed_uninformed_and_unknown() {
    let ctx = structure("hopital");
    let tested = |facts: Facts| shown(decide(&ctx, Action::ExistenceTest, &facts));
    for name in ["oppose", "informe", "non-informe"] {
        assert_eq!(tested(by_person(&ctx, name)), tested(unknown()), "{name}");
    }
    for name in ["ferme", "oppose-dmp", "ancien-dmp", "cree-mail", "suspendu", "dominique"] {
        assert!(tested(by_person(&ctx, name)).starts_with("permit"), "{name}");
    }
}

#[test]
fn a_search_without_right_and_one_on_no_record_show_the_same_403() {
    let ctx = direct("dr-externe");
    for action in [Action::FindDocuments, Action::ReadPatient] {
        for name in WITHOUT_OPEN_RECORD.into_iter().chain(["dominique", "cree-mail"]) {
            assert!(shown(decide(&ctx, action, &by_person(&ctx, name))).starts_with("403 forbidden"), "{name}");
        }
        assert!(shown(decide(&ctx, action, &unknown())).starts_with("403 forbidden"));
    }
}

#[test]
fn a_read_by_id_without_right_and_one_of_an_unknown_id_show_the_same_404() {
    let ctx = direct("dr-externe");
    for action in [Action::ReadDocument, Action::RetrieveDocument, Action::ReadPatient, Action::ReadAudit] {
        for name in ["ferme", "oppose"] {
            assert!(shown(decide(&ctx, action, &by_id(&ctx, name))).starts_with("404 not-found"), "{name}");
        }
        assert!(shown(decide(&ctx, action, &Facts::of_id(None))).starts_with("404 not-found"));
    }
    let facts = by_id(&ctx, "dominique").with_documents(vec![document(&["N"])]);
    assert!(shown(decide(&ctx, Action::RetrieveDocument, &facts)).starts_with("404 not-found"));
}

#[test]
fn an_authorisation_opens_the_record_only_while_it_is_in_force() {
    let find = |name: &str| {
        let ctx = direct(name);
        shown(decide(&ctx, Action::FindDocuments, &by_person(&ctx, "dominique")))
    };
    assert_eq!(find("dent-moreau"), "permit (CSP-R1111-46)");
    assert!(find("pharm-garcia").starts_with("403"));
    assert!(find("as-durand").starts_with("403"));

    let mut later = direct("dent-moreau");
    later.at = "2026-12-23T10:00:00Z".parse().unwrap();
    assert!(shown(decide(&later, Action::FindDocuments, &by_person(&later, "dominique"))).starts_with("403"));
}

#[test]
fn a_relation_with_one_record_opens_no_other() {
    let ctx = direct("dr-martin");
    let mut facts = by_person(&ctx, "corse");
    facts.relations = by_person(&ctx, "dominique").relations;
    assert!(shown(decide(&ctx, Action::FindDocuments, &facts)).starts_with("403"));
}

#[test]
fn a_token_for_one_record_serves_no_other() {
    let mut ctx = direct("dr-martin");
    ctx.caller.record = Some(demo().persona("dominique").unwrap().ins.clone());
    assert!(shown(decide(&ctx, Action::ExistenceTest, &by_person(&ctx, "dominique"))).starts_with("permit"));
    for action in Action::ALL {
        assert!(shown(decide(&ctx, *action, &by_person(&ctx, "cree-mail"))).starts_with("403"), "{action:?}");
        assert!(shown(decide(&ctx, *action, &by_id(&ctx, "cree-mail"))).starts_with("404"), "{action:?}");
        assert!(shown(decide(&ctx, *action, &unknown())).starts_with("403"), "{action:?}");
    }
}

#[test]
fn a_token_for_a_record_still_serves_it_under_a_former_ins() {
    let mut ctx = direct("dr-martin");
    ctx.caller.record = Some(demo().persona("temporaire").unwrap().ins.clone());
    let mut facts = by_id(&ctx, "dominique").with_documents(vec![document(&["N"])]);
    assert!(shown(decide(&ctx, Action::ReadDocument, &facts)).starts_with("404"));
    facts.profile.as_mut().unwrap().identifiers.push(ctx.caller.record.clone().unwrap());
    assert!(shown(decide(&ctx, Action::ReadDocument, &facts)).starts_with("permit"));
}

#[test]
fn authors_are_compared_by_person_when_direct_and_by_structure_otherwise() {
    let persons = ["801234567897"];
    let structures = ["401234567897001"];
    let author = |ctx: &espace::access::context::Context| is_author(&ctx.caller, &persons, &structures);
    assert!(author(&direct("dr-martin")));
    assert!(!author(&direct("dr-petit")));
    assert!(author(&indirect("dr-martin")));
    assert!(author(&structure("cabinet")));
    assert!(!author(&structure("hopital")));
    assert!(!author(&patient("dominique")));
    // Direct: the structure does not make an author, even his own.
    assert!(!is_author(&direct("dr-martin").caller, &[""; 0], &structures));
    // Indirect: his own name does not make an author where the structure is another.
    assert!(!is_author(&indirect("dr-martin").caller, &persons, &["1750803447"]));
}

#[test]
fn only_its_author_feeds_a_document_and_only_if_all_are_his() {
    let ctx = direct("dr-petit");
    let feed = |ctx: &espace::access::context::Context, documents| {
        shown(decide(ctx, Action::ProvideDocument, &by_person(ctx, "dominique").with_documents(documents)))
    };
    assert_eq!(feed(&ctx, vec![document(&["N"])]), "403 non-auteur (EX_2.1-1140)");
    let ctx = direct("dr-martin");
    assert_eq!(feed(&ctx, vec![document(&["N"])]), "permit (MES-041)");
    let mut foreign = document(&["N"]);
    foreign.persons = vec!["810001234563".into()];
    assert_eq!(feed(&ctx, vec![document(&["N"]), foreign]), "403 non-auteur (EX_2.1-1140)");
    assert_eq!(feed(&ctx, vec![]), "403 non-auteur (EX_2.1-1140)");
}

#[test]
fn who_is_not_the_author_learns_nothing_of_the_record_by_feeding() {
    let ctx = direct("dr-petit");
    let feed =
        |facts: Facts| shown(decide(&ctx, Action::ProvideDocument, &facts.with_documents(vec![document(&["N"])])));
    assert_eq!(feed(by_person(&ctx, "dominique")), feed(unknown()));
    assert_eq!(feed(by_person(&ctx, "dominique")), feed(by_person(&ctx, "oppose")));
}

#[test]
fn an_author_structure_reads_its_own_fiche_by_id_but_neither_its_content_nor_the_record() {
    let ctx = structure("cabinet");
    let own = by_id(&ctx, "dominique").with_documents(vec![document(&["N", "MASQUE_PS"])]);
    assert_eq!(shown(decide(&ctx, Action::ReadDocument, &own)), "permit (CSP-R1111-49)");
    assert!(shown(decide(&ctx, Action::RetrieveDocument, &own)).starts_with("404"), "the fiche, not the content");
    assert!(shown(decide(&ctx, Action::FindDocuments, &by_person(&ctx, "dominique"))).starts_with("403"));
    let closed = by_id(&ctx, "ferme").with_documents(vec![document(&["N"])]);
    assert!(shown(decide(&ctx, Action::ReadDocument, &closed)).starts_with("404"));
}

#[test]
fn a_search_that_names_ones_own_document_by_its_identifier_is_allowed() {
    let ctx = structure("cabinet");
    let named = by_person(&ctx, "dominique").with_documents(vec![document(&["N"])]);
    assert!(shown(decide(&ctx, Action::FindDocuments, &named)).starts_with("permit"));
    let ctx = structure("hopital");
    let named = by_person(&ctx, "dominique").with_documents(vec![document(&["N"])]);
    assert!(shown(decide(&ctx, Action::FindDocuments, &named)).starts_with("403"));
}

#[test]
fn a_deleted_document_is_gone_for_who_could_read_it_and_unknown_to_others() {
    let mut deleted = document(&["N"]);
    deleted.status = DocumentStatus::Deleted;
    let read = |name: &str| {
        let ctx = direct(name);
        shown(decide(&ctx, Action::RetrieveDocument, &by_id(&ctx, "dominique").with_documents(vec![deleted.clone()])))
    };
    assert!(read("dr-petit").starts_with("410"));
    assert!(read("dr-externe").starts_with("404"));
    let mut superseded = document(&["N"]);
    superseded.status = DocumentStatus::Superseded;
    let ctx = direct("dr-petit");
    let facts = by_id(&ctx, "dominique").with_documents(vec![superseded]);
    assert!(shown(decide(&ctx, Action::RetrieveDocument, &facts)).starts_with("permit"));
}

#[test]
fn a_masked_document_shows_itself_to_its_author_and_the_treating_physician_only() {
    let masked = "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR/x|MASQUE_PS";
    let mut own = document(&["N", masked]);
    own.persons = vec!["810103456789".into()];
    let read = |name: &str| {
        let ctx = direct(name);
        shown(decide(&ctx, Action::ReadDocument, &by_id(&ctx, "dominique").with_documents(vec![own.clone()])))
    };
    assert!(read("inf-leroy").starts_with("permit"), "the author");
    assert!(read("dr-martin").starts_with("permit"), "the treating physician");
    assert!(read("dr-petit").starts_with("404"), "the care team");
    assert!(read("dent-moreau").starts_with("404"), "an authorised professional");
}

#[test]
fn labels_hide_from_readers_as_the_table_says() {
    assert_eq!(hidden_labels(&[Tie::CareTeam]), [Label::MaskedToProfessionals]);
    assert_eq!(hidden_labels(&[]), [Label::MaskedToProfessionals]);
    assert_eq!(hidden_labels(&[Tie::CareTeam, Tie::Author]), []);
    assert_eq!(hidden_labels(&[Tie::Holder]), [Label::InvisibleToPatient]);
    assert!(is_visible(&["N", "INVISIBLE_PATIENT"], &[Tie::CareTeam]));
    assert!(!is_visible(&["N", "INVISIBLE_PATIENT"], &[Tie::Holder]));
    assert!(is_visible(&["x|U"], &[Tie::None]));
}

#[test]
fn an_emergency_opens_the_reading_of_documents_to_a_professional_without_a_tie_and_nothing_else() {
    for purpose in [Purpose::BreakGlass, Purpose::Regulation] {
        let judged = |mut ctx: Context, action: Action, of: &str| {
            ctx.purpose = purpose;
            shown(decide(&ctx, action, &by_person(&ctx, of)))
        };
        let external = || direct("dr-externe");
        for action in [Action::FindDocuments, Action::ReadDocument, Action::RetrieveDocument, Action::ReadPatient] {
            assert!(judged(external(), action, "dominique").starts_with("permit"), "{action:?}");
            assert!(judged(external(), action, "ferme").starts_with("403 forbidden"), "{action:?}: no open record");
        }
        assert!(judged(external(), Action::UpdateMetadata, "dominique").starts_with("403 forbidden"));
        for ctx in [indirect("dr-martin"), structure("hopital"), patient("dominique")] {
            assert!(judged(ctx, Action::FindDocuments, "dominique").starts_with("403"));
        }
    }
}

#[test]
fn a_blocked_professional_reads_nothing_in_any_mode_and_still_feeds() {
    for purpose in [Purpose::Normal, Purpose::BreakGlass, Purpose::Regulation] {
        let mut ctx = direct("dr-martin");
        ctx.purpose = purpose;
        let mut facts = by_person(&ctx, "dominique");
        let block = Relation { kind: RelationKind::Block, ..facts.relations[0].clone() };
        facts.relations.push(block);
        for action in [Action::FindDocuments, Action::ReadAudit, Action::ReadPatient, Action::UpdateMetadata] {
            assert!(shown(decide(&ctx, action, &facts)).starts_with("403 forbidden"), "{purpose:?} {action:?}");
        }
    }
    let ctx = direct("dr-martin");
    let mut facts = by_person(&ctx, "dominique");
    facts.relations.push(Relation { kind: RelationKind::Block, ..facts.relations[0].clone() });
    let mut own = document(&["N"]);
    own.persons = vec![ctx.caller.person.as_ref().unwrap().id.to_string()];
    let fed = decide(&ctx, Action::ProvideDocument, &facts.with_documents(vec![own]));
    assert!(shown(fed).starts_with("permit"));
}

#[test]
fn indirect_authentication_never_consults_even_for_the_treating_physician() {
    let ctx = indirect("dr-martin");
    for action in [Action::FindDocuments, Action::ReadPatient] {
        assert!(shown(decide(&ctx, action, &by_person(&ctx, "dominique"))).starts_with("403"));
    }
}

#[test]
fn the_patient_side_is_refused_before_activation_whatever_it_names() {
    let ctx = patient("cree-mail");
    for facts in [by_person(&ctx, "cree-mail"), by_id(&ctx, "cree-mail"), by_person(&ctx, "dominique"), unknown()] {
        for holder in [None, Some(SpaceState::AutoCreated), Some(SpaceState::Suspended), Some(SpaceState::Closed)] {
            let facts = Facts { holder, ..facts.clone() };
            for action in Action::ALL {
                assert_eq!(shown(decide(&ctx, *action, &facts)), "403 non-active (MES-028)");
            }
        }
    }
}

#[test]
fn traces_are_read_whole_by_holder_and_treating_physician_and_own_by_each_author() {
    let scope = |ctx: &espace::access::context::Context, name: &str| {
        let mut facts = by_person(ctx, name);
        facts.holder = Some(SpaceState::Activated);
        (shown(decide(ctx, Action::ReadAudit, &facts)), trace_scope(ctx, &facts))
    };
    let allowed = "permit (MES-084)".to_owned();
    assert_eq!(scope(&patient("dominique"), "dominique"), (allowed.clone(), Traces::Whole));
    assert_eq!(scope(&direct("dr-martin"), "dominique"), (allowed.clone(), Traces::Whole));
    for ctx in [direct("dr-petit"), direct("dr-externe"), indirect("dr-martin"), structure("labo")] {
        assert_eq!(scope(&ctx, "dominique"), (allowed.clone(), Traces::Own));
    }
    assert!(scope(&direct("dr-martin"), "oppose").0.starts_with("403"));
    let mut operator = structure("assurance-maladie");
    operator.caller.class = CallerClass::AssuranceMaladie;
    assert_eq!(scope(&operator, "dominique"), ("403 forbidden (MES-084)".into(), Traces::Nothing));
}

#[test]
fn a_patient_token_without_a_record_or_for_another_serves_nothing() {
    let mut ctx = patient("dominique");
    ctx.caller.record = None;
    let facts = Facts { holder: Some(SpaceState::Activated), ..by_person(&ctx, "dominique") };
    assert!(shown(decide(&ctx, Action::ReadAudit, &facts)).starts_with("403"));
    ctx.caller.record = Some(demo().persona("mineur").unwrap().ins.clone());
    let facts = Facts { holder: Some(SpaceState::Activated), ..by_person(&ctx, "mineur") };
    assert!(ties(&ctx, &facts).is_empty(), "nobody's holder, and without a delegation nobody's representative");
}

#[test]
fn the_reason_of_a_closure_is_told_to_who_closed_it_and_to_the_treating_physician() {
    let reason = |name: &str, author: Option<&str>, patient: &str| {
        let ctx = direct(name);
        let mut facts = by_person(&ctx, patient);
        facts.profile.as_mut().unwrap().closure_author = author.map(str::to_owned);
        tells_closure_reason(&ctx, &facts)
    };
    assert!(reason("dr-petit", Some("810001234563"), "ferme"));
    assert!(!reason("dr-petit", Some("801234567897"), "ferme"));
    assert!(!reason("dr-martin", None, "ferme"));
    assert!(reason("dr-martin", None, "dominique"));
    assert!(!reason("dr-petit", None, "dominique"));
}
