//! The header of a CDA against the rules of the CI-SIS (document-sharing §4.1, §7 rows 71, 72, 74, 80).

use espace::cda::{self, Content, Section};
use espace::fhir::validate::Conformance;
use espace::ihe::cda_rules::judge;

use crate::cda::builders::header;
use crate::support::shared::{sample, shared};

fn document() -> String {
    let sections = [Section {
        code: cda::Code::new("51848-0", "2.16.840.1.113883.6.1", "Evaluation note"),
        title: "Note".into(),
        paragraphs: vec!["Rien.".into()],
    }];
    cda::compose(&header(), &Content::Sections(&sections))
}

/// Rules broken, an error marked by `!`.
fn broken(document: &str, mode: Conformance) -> Vec<String> {
    let issues = judge(document.as_bytes(), mode);
    let mark = |is_warning: bool| if is_warning { "" } else { "!" };
    issues.iter().map(|issue| format!("{}{}", mark(issue.is_warning), issue.rule.as_ref().unwrap())).collect()
}

#[test]
fn a_document_of_our_own_breaks_no_rule() {
    assert_eq!(broken(&document(), Conformance::Strict), Vec::<String>::new());
    let file = cda::compose(
        &cda::Header {
            template_ids: cda::TEMPLATES_UNSTRUCTURED.into_iter().map(cda::Identifier::root).collect(),
            ..header()
        },
        &Content::File { media_type: "application/pdf", bytes: &cda::pdf_of_lines(&["Rien."]) },
    );
    assert_eq!(broken(&file, Conformance::Strict), Vec::<String>::new());
    for (found, put, rule) in [
        ("application/pdf", "application/zip", "cda-level-1-media"),
        ("1.3.6.1.4.1.19376.1.2.20", "1.3.6.1.4.1.19376.1.5.3.1.1.1", "cda-level-1-template"),
    ] {
        assert!(file.contains(found), "{found}");
        assert_eq!(broken(&file.replace(found, put), Conformance::CiSis), [format!("!{rule}")], "{rule}");
    }
}

#[test]
fn each_rule_is_told_at_its_place_and_weighs_what_the_mode_says() {
    let sound = document();
    for (found, put, rule, weights) in [
        (r#"realmCode code="FR""#, r#"realmCode code="BE""#, "cda-realm", "!!-"),
        ("POCD_HD000040", "POCD_HD000041", "cda-type-id", "!!-"),
        ("1.2.250.1.213.1.1.1.1\"", "1.2.250.1.213.1.1.1.9\"", "cda-template", "!!-"),
        ("2.16.840.1.113883.2.8.2.1", "2.16.840.1.113883.2.8.2.9", "cda-template", "!!-"),
        ("<id root=\"1.2.250.1.999.1.1.1234\"/>", "", "cda-id", "!!!"),
        ("<title>Compte rendu de consultation</title>", "", "cda-title", "!!-"),
        (r#"languageCode code="fr-FR""#, r#"languageCode code="fr""#, "cda-language", "!!-"),
        (r#"versionNumber value="1""#, r#"versionNumber value="0""#, "cda-version", "!!-"),
        ("<setId root=\"1.2.250.1.999.1.2.1234\"/>", "", "cda-set-id", "!!-"),
        (r#"signatureCode code="S""#, r#"signatureCode code="X""#, "cda-signature-code", "!!-"),
        ("11488-4", "0-0", "cda-code-set", "!--"),
        ("SA07", "SA99", "cda-facility-set", "!--"),
        ("AMBULATOIRE", "AMBULANT", "cda-practice-setting-set", "!--"),
        (r#"administrativeGenderCode code="F""#, r#"administrativeGenderCode code="UN""#, "cda-patient-gender", "!!-"),
        ("<county>51215</county>", "", "cda-ins-trait", "!--"),
        ("1.2.250.1.213.1.4.10", "1.2.250.1.999.4", "cda-ins", "!--"),
        ("componentOf", "componentIf", "cda-encounter", "!!-"),
    ] {
        assert!(sound.contains(found), "{found}");
        let document = sound.replace(found, put);
        for (mode, weight) in
            [Conformance::Strict, Conformance::CiSis, Conformance::Lenient].into_iter().zip(weights.chars())
        {
            let told = broken(&document, mode);
            let expected = if weight == '!' { format!("!{rule}") } else { rule.to_owned() };
            assert!(told.contains(&expected), "{rule} {mode:?}: {told:?}");
        }
    }
}

#[test]
fn ds_74_a_document_that_lacks_a_trait_of_the_ins_is_an_error_in_strict_alone() {
    let document = document().replace("<county>51215</county>", "");
    assert_eq!(broken(&document, Conformance::Strict), ["!cda-ins-trait"]);
    assert_eq!(broken(&document, Conformance::CiSis), ["cda-ins-trait"]);
}

#[test]
fn t17_a_wrong_key_in_the_record_target_binds_in_production_domains() {
    let wrong = document().replace("279035121518989", "279035121518988");
    assert_eq!(broken(&wrong, Conformance::Strict), ["cda-ins-key"]);
    let production = wrong.replace("1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.8");
    assert_eq!(broken(&production, Conformance::CiSis), ["!cda-ins-key"]);
    assert_eq!(broken(&production, Conformance::Lenient), ["cda-ins-key"]);
    let told = format!("{:?}", judge(production.as_bytes(), Conformance::Strict));
    assert!(!told.contains("27903512151898"), "{told}");
}

#[test]
fn the_published_documents_break_no_rule_but_a_key() {
    let Some(folder) = shared() else { return crate::support::shared::skipped("samples/cda") };
    let mut judged = 0;
    for file in std::fs::read_dir(folder.join("samples/cda")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let Some(bytes) = sample(&format!("samples/cda/{name}")) else { return };
        let issues = judge(&bytes, Conformance::Strict);
        let rules: Vec<_> = issues.iter().filter_map(|issue| issue.rule.as_deref()).collect();
        // 203022541611404 and the like, under .8: trap T17.
        let expected: &[&str] = if name == "CSE-MDE_2023.01.xml" { &["cda-ins-key"] } else { &[] };
        assert_eq!(rules, expected, "{name}");
        judged += 1;
    }
    assert_eq!(judged, 8);
}

#[test]
fn what_is_no_cda_has_one_issue() {
    for hostile in [
        "",
        "<a/>",
        "<ClinicalDocument/>",
        "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
        "<ClinicalDocument xmlns=\"urn:hl7-org:v3\">",
        "\u{0}",
    ] {
        let issues = judge(hostile.as_bytes(), Conformance::Lenient);
        assert_eq!(issues.len(), 1, "{hostile}");
        assert!(!issues[0].is_warning && issues[0].code == espace::error::Code::Document, "{hostile}");
    }
}
