//! The face of a refusal in FHIR (contract §8).

use espace::error::{Code, Issue, Language};
use espace::fhir::codec::json;
use espace::fhir::outcome::{self, Frame};
use espace::fhir::validate;
use espace::ids::{ElementPath, RequestId};
use serde_json::json;

#[test]
fn an_issue_shows_its_codes_its_text_its_rule_and_its_place() {
    let request = RequestId::from_client("req-1").unwrap();
    let frame = Frame { base: "https://localhost:8443/fhir", language: Language::French, request: Some(&request) };
    let issues = [
        Issue::new(Code::Missing)
            .rule("MHD 1.3 authenticator")
            .detail("(min 1)")
            .at(ElementPath::root("DocumentReference").child("authenticator")),
        Issue::new(Code::Binding).warning(),
        Issue::new(Code::Forbidden),
    ];
    let system = "https://localhost:8443/fhir/CodeSystem/mes-error";
    assert_eq!(
        outcome::render(&issues, &frame),
        json!({"resourceType": "OperationOutcome", "issue": [
            {"severity": "error", "code": "required",
             "details": {"coding": [{"system": system, "code": "element-manquant"},
                {"system": "urn:ihe:iti:xds", "code": "XDSRegistryMetadataError"}],
                "text": "Un élément obligatoire manque. (min 1)"},
             "diagnostics": "MHD 1.3 authenticator req-1", "expression": ["DocumentReference.authenticator"]},
            {"severity": "warning", "code": "code-invalid",
             "details": {"coding": [{"system": system, "code": "code-invalide"},
                {"system": "urn:ihe:iti:xds", "code": "XDSRegistryMetadataError"}],
                "text": "Ce code n'appartient pas au jeu de valeurs exigé."},
             "diagnostics": "req-1"},
            {"severity": "error", "code": "forbidden",
             "details": {"coding": [{"system": system, "code": "forbidden"}],
                "text": "Vous n'êtes pas autorisé à effectuer cette action."},
             "diagnostics": "req-1"}
        ]})
    );
}

#[test]
fn every_code_of_the_catalogue_renders_as_a_valid_outcome_in_both_languages() {
    for language in [Language::French, Language::English] {
        let frame = Frame { base: "https://localhost:8443/fhir", language, request: None };
        for code in Code::ALL {
            let issue = Issue::new(*code);
            let bytes = outcome::bytes(&[issue.clone(), issue.warning()], &frame);
            let value = json::parse(&bytes).unwrap();
            assert_eq!(validate::structural(&value), [], "{code:?}");
            assert_eq!(value["issue"][0]["details"]["text"], code.row().text(language));
        }
        assert_eq!(validate::structural(&outcome::render(&[], &frame)), []);
    }
}
