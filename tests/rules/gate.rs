//! Route × class of caller: scopes and profiles (contract §6).

use std::fmt::Write as _;

use espace::model::caller::CallerClass;
use espace::rules::gate::{GateRefusal, Route, allowed_scopes, allows, covers, may_grant, needs_token};

const ALL_PROFILES: [&str; 6] = ["alimentation", "consultation", "webps", "portail", "assurance-maladie", "catalogue"];
const NONE: [&str; 0] = [];

#[test]
fn which_class_may_take_which_route() {
    let mut text = format!("{:<24}", "route");
    for class in CallerClass::ALL {
        let _ = write!(text, "{:<23}", class.name());
    }
    for route in Route::ALL {
        let _ = write!(text, "\n{:<24}", route.name());
        for class in CallerClass::ALL {
            let scopes = allowed_scopes(*class, &ALL_PROFILES);
            let verdict = match allows(*route, *class, &scopes, &ALL_PROFILES) {
                Ok(()) if needs_token(*route) => "token",
                Ok(()) => "certificate",
                Err(_) => "-",
            };
            let _ = write!(text, "{verdict:<23}");
        }
    }
    insta::assert_snapshot!(text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n"));
}

#[test]
fn which_scopes_each_class_may_hold() {
    let mut text = String::new();
    for class in CallerClass::ALL {
        for profile in ALL_PROFILES {
            let scopes = allowed_scopes(*class, &[profile]);
            if !scopes.is_empty() {
                let _ = writeln!(text, "{} with {profile}: {}", class.name(), scopes.join(" "));
            }
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn indirect_and_structure_tokens_never_consult() {
    for class in [CallerClass::ProfessionalIndirect, CallerClass::Structure] {
        let held = ["ITI-66", "ITI-67", "ITI-68", "user/*.cruds", "system/*.cruds"];
        for route in [Route::FindDocumentLists, Route::FindDocumentReferences, Route::RetrieveDocument] {
            assert!(matches!(allows(route, class, &held, &ALL_PROFILES), Err(GateRefusal::Class(_))), "{route:?}");
        }
        for scope in ["ITI-66", "ITI-67", "ITI-68", "user/Binary.r", "system/Binary.r"] {
            assert!(!may_grant(class, &ALL_PROFILES, scope), "{scope}");
        }
    }
}

#[test]
fn software_enrolled_for_feeding_only_does_not_consult() {
    let class = CallerClass::ProfessionalDirect;
    let held = ["ITI-65", "ITI-67", "ITI-68", "user/*.cruds"];
    assert_eq!(allows(Route::ProvideDocumentBundle, class, &held, &["alimentation"]), Ok(()));
    for route in [Route::FindDocumentReferences, Route::RetrieveDocument, Route::PatientRead] {
        assert!(matches!(allows(route, class, &held, &["alimentation"]), Err(GateRefusal::Profile(_))), "{route:?}");
    }
    assert!(matches!(
        allows(Route::ProvideDocumentBundle, class, &held, &["consultation"]),
        Err(GateRefusal::Profile(_))
    ));
}

#[test]
fn a_route_with_a_token_wants_one_of_its_scopes() {
    let class = CallerClass::ProfessionalDirect;
    let pass = |scope: &str| allows(Route::FindDocumentReferences, class, &[scope], &ALL_PROFILES).is_ok();
    assert!(pass("ITI-67"));
    assert!(pass("user/DocumentReference.rs"));
    assert!(pass("user/*.s"));
    for wrong in ["ITI-68", "system/DocumentReference.rs", "user/DocumentReference.r", "user/List.s", "", "user/."] {
        assert!(!pass(wrong), "{wrong}");
    }
    let refused = allows(Route::FindDocumentReferences, class, &NONE, &ALL_PROFILES);
    assert_eq!(refused.map_err(GateRefusal::rule), Err("MES-005"));
}

#[test]
fn the_transaction_that_found_a_fiche_also_reads_it_for_software_that_consults() {
    let class = CallerClass::ProfessionalDirect;
    for route in [Route::DocumentReferenceRead, Route::ListRead, Route::FindByIdentifier] {
        assert_eq!(allows(route, class, &["ITI-67"], &["consultation"]), Ok(()), "{route:?}");
        assert!(
            matches!(allows(route, class, &["ITI-67"], &["alimentation"]), Err(GateRefusal::Scope(_))),
            "{route:?}"
        );
    }
    assert!(!may_grant(class, &["alimentation"], "ITI-67"));
    assert!(may_grant(class, &["alimentation"], "user/DocumentReference.s"), "its own document by identifier");
}

#[test]
fn routes_of_the_certificate_alone_ask_for_nothing_more() {
    for route in Route::ALL {
        let open = CallerClass::ALL.iter().all(|class| allows(*route, *class, &NONE, &NONE).is_ok());
        assert_eq!(open, !needs_token(*route), "{route:?}");
    }
    assert!(!needs_token(Route::Metadata));
    assert!(needs_token(Route::ExistenceTest));
}

#[test]
fn a_compound_scope_is_granted_only_if_all_its_letters_are() {
    let class = CallerClass::ProfessionalDirect;
    assert!(may_grant(class, &["consultation"], "user/DocumentReference.rs"));
    assert!(!may_grant(class, &["consultation"], "user/DocumentReference.crs"));
    assert!(may_grant(class, &["consultation", "alimentation"], "user/DocumentReference.crs"));
    assert!(!may_grant(class, &ALL_PROFILES, "user/*.rs"));
    assert!(!may_grant(class, &ALL_PROFILES, "user/DocumentReference.d"));
    assert!(!may_grant(class, &ALL_PROFILES, "patient/AuditEvent.s"));
    assert!(!covers("user/DocumentReference.rs?category=10", "user/DocumentReference.s"));
}
