//! FHIRPath as tests and rules write it (FHIRPath N1; FHIR R4 §2.9).

use espace::fhir::path::Query;
use serde_json::{Value, json};

fn patient() -> Value {
    json!({
        "resourceType": "Patient", "id": "p1", "active": true, "multipleBirthInteger": 2,
        "name": [
            { "use": "official", "family": "PAT-TROIS", "given": ["DOMINIQUE", "MARIE"] },
            { "use": "usual", "family": "Martin", "given": ["Dominique"] },
        ],
        "contained": [{ "resourceType": "Organization", "id": "o", "name": "Hôpital" }],
        "managingOrganization": { "reference": "#o" },
        "extension": [{ "url": "urn:a", "valueDecimal": 1.5 }, { "url": "urn:b", "valueString": "x" }],
        "birthDate": "1979-03-28",
    })
}

/// What an expression leads to, as JSON texts.
fn found(expression: &str) -> String {
    let resource = patient();
    let query = Query::compile(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    match query.evaluate(&resource) {
        Ok(items) => items.iter().map(|item| item.json().to_string()).collect::<Vec<_>>().join(" "),
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn expressions_lead_where_the_language_says() {
    for (expression, expected) in [
        ("Patient.name.family", r#""PAT-TROIS" "Martin""#),
        ("name.given[1]", r#""MARIE""#),
        ("Observation.name", ""),
        ("Patient.name.where(use = 'usual').family", r#""Martin""#),
        ("name.where(given.count() > 1).exists()", "true"),
        ("name.exists(family = 'Nobody')", "false"),
        ("name.all(given.exists())", "true"),
        ("name.given.count()", "3"),
        ("name.select(given.first())", r#""DOMINIQUE" "Dominique""#),
        ("name.given.last()", r#""Dominique""#),
        ("name.given.tail().count()", "2"),
        ("name.given.skip(2) | name.given.take(1)", r#""Dominique" "DOMINIQUE""#),
        ("(name.given | name.given).count()", "3"),
        ("name.family.first() = 'PAT-TROIS'", "true"),
        ("name.family = 'PAT-TROIS'", "false"),
        ("'MARIE' in name.given", "true"),
        ("name.given contains 'PAUL'", "false"),
        ("name.family.first() ~ 'pat-trois'", "true"),
        ("active and multipleBirth = 2", "true"),
        ("active.not()", "false"),
        ("{} and true", ""),
        ("{} or true", "true"),
        ("{} implies false", ""),
        ("false implies {}", "true"),
        ("true xor true", "false"),
        ("deceased = true", ""),
        ("deceased.empty()", "true"),
        ("multipleBirth.ofType(integer) + 3 * 2", "8"),
        ("7 div 2 & 'x'", r#""3x""#),
        ("-1 < 0", "true"),
        ("5 / 0", ""),
        ("9223372036854775807 + 1 > 0", "true"),
        ("birthDate >= @1979-03-28 and birthDate < '1979-04'", "true"),
        ("extension('urn:a').value > 1.4", "true"),
        ("extension.where(url = 'urn:b').value.startsWith('x')", "true"),
        ("managingOrganization.resolve().name", r#""Hôpital""#),
        ("contained.ofType(Organization).name.length()", "7"),
        ("contained.where($this is Organization).exists()", "true"),
        ("name.family.first().matches('^[A-Z]+-(TROIS|DEUX)$')", "true"),
        ("name.family.first().matches('^PAT$')", "false"),
        ("name.family.first().replace('-', ' ').lower().substring(4, 3)", r#""tro""#),
        ("name.given.join(',').split(',').count()", "3"),
        ("iif(active, 'yes', 'no')", r#""yes""#),
        ("name.given.distinct().isDistinct()", "true"),
        ("Patient.descendants().where($this = 'MARIE').count()", "1"),
        ("%resource.id = 'p1'", "true"),
        ("`name`.family.first().indexOf('T')", "2"),
        ("name.family.first() is string", "true"),
        ("'it''s' = 'it'", "error"),
        ("'a\\'b'", r#""a'b""#),
    ] {
        if expected == "error" {
            assert!(Query::compile(expression).is_err(), "{expression}");
        } else {
            assert_eq!(found(expression), expected, "{expression}");
        }
    }
}

#[test]
fn what_cannot_be_is_said_and_never_guessed() {
    for expression in
        ["", "name.", "name.where(", "name..family", "name.unheard()", "name.first(1)", "1 +", "'open", "%"]
    {
        assert!(Query::compile(expression).is_err(), "{expression}");
    }
    let deep = format!("{}1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(Query::compile(&deep).is_err());
    let chain = format!("1{}", " + 1".repeat(200));
    assert_eq!(found(&chain), "201");
    for expression in ["%x", "name and true", "name.given.substring(1)", "name.first() < 1", "'a'.matches('(')"] {
        assert!(found(expression).starts_with("error"), "{expression}: {}", found(expression));
    }
    let bomb = format!("'{}'.matches('^(a+)+$')", "a".repeat(40) + "b");
    assert!(found(&bomb).starts_with("error") || found(&bomb) == "false");
    assert_eq!(found(&format!("'{}'.matches('^.*a$')", "a".repeat(20_000))), "true");
}
