//! ITI-66 Find Document Lists: every parameter, inclusions, refusals, hidden documents (MHD §1.4, T15).

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::document_reference::{three_documents, titled, without_id};
use super::{DOMINIQUE, faults, label};
use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, block_on, stories};
use crate::support::server::TestServer;

stories! {
    ds_47_submission_sets_are_found_by_what_is_asked_of_them,
    ds_45_the_pages_of_lists_are_a_snapshot_while_documents_are_added,
    a_set_of_nothing_but_hidden_documents_is_absent_and_others_do_not_show_them,
}

const SETS: &str = "code=https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes%7Csubmissionset&status=current";

pub(super) fn titles(answer: &Answer) -> String {
    answer.matches().iter().map(|list| list["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
}

fn total(answer: &Answer) -> i64 {
    answer.json()["total"].as_i64().unwrap()
}

/// Conditions beside the patient, the code and the status, and what they find.
const FILTERS: [(&str, &str); 28] = [
    ("", "C B A"),
    ("date=ge2026-03-15", "C B"),
    ("date=lt2026-02", "A"),
    ("date=2026-01,2026-06", "C A"),
    ("date=ge2026-02&date=le2026-04", "B"),
    ("date=2026-01-10T09:00:00%2B01:00", "A"),
    ("title=c", "C"),
    ("title:exact=B", "B"),
    ("title:exact=b", ""),
    ("title:contains=a", "A"),
    ("source.family=petit", "C"),
    ("source.given=charles", "B A"),
    ("source:PractitionerRole.name=martin", "B A"),
    ("source:PractitionerRole.name:contains=ARTI", "B A"),
    ("source:PractitionerRole.practitioner.family:exact=PETIT", "C"),
    ("source:PractitionerRole.given=martin", ""),
    ("source:Patient.family=martin", ""),
    ("source:missing=true", ""),
    ("sourceId=urn:ietf:rfc:3986%7Curn:oid:1.2.250.1.999.1.1.1", "C B A"),
    ("sourceId=urn:oid:1.2.3", ""),
    ("designationType:missing=true", ""),
    ("isArchived=false", "C B A"),
    ("isArchived=true", ""),
    ("_lastUpdated=gt2026-11-22T10:00:01Z", "C"),
    ("_sort=date", "A B C"),
    ("_sort=-date,_lastUpdated", "C B A"),
    ("_sort=_lastUpdated&_count=2", "A B"),
    ("code=folder", ""),
];

async fn ds_47_submission_sets_are_found_by_what_is_asked_of_them(db: Db) {
    let server = TestServer::start_on(db).await;
    let bundles = three_documents(&server).await;
    let martin = server.professional("dr-martin").await;
    for (filter, expected) in own_filters(&server, &martin, &bundles).await {
        let query = format!("{DOMINIQUE}&{SETS}&{filter}");
        let get = martin.get(&format!("/fhir/List?{query}")).await;
        assert_eq!(titles(&get), expected, "{filter}");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let body = query.into_bytes();
        let post = martin.send(reqwest::Method::POST, "/fhir/List/_search", &form, body).await;
        assert_eq!(without_id(&post), without_id(&get), "POST {filter}");
    }

    let all = format!("/fhir/List?{DOMINIQUE}&{SETS}");
    let found = martin.get(&all).await;
    assert_eq!((total(&found), faults(&found.json())), (3, vec![]));
    let entry = &found.json()["entry"][0];
    let id = entry["resource"]["id"].as_str().unwrap();
    assert_eq!(entry["fullUrl"], format!("{}/List/{id}", server.base()));
    assert!(!found.text().contains("%7C279035121518989"), "the INS in a link");
    let own = found.json()["link"][0]["url"].as_str().unwrap().to_owned();
    assert_eq!(titles(&martin.get(&own).await), "C B A", "the self link is the search that was made");

    for (include, kinds) in [
        ("List:item", "DocumentReference DocumentReference DocumentReference"),
        ("List:item:DocumentReference", "DocumentReference DocumentReference DocumentReference"),
        ("List:item:List", ""),
        ("List:patient", "Patient"),
        ("List:subject&_include=List:source", "Patient"),
    ] {
        let answer = martin.get(&format!("{all}&_include={include}")).await;
        let body = answer.json();
        let entries = body["entry"].as_array().unwrap().iter().filter(|entry| entry["search"]["mode"] == "include");
        let found: Vec<_> = entries.map(|entry| entry["resource"]["resourceType"].as_str().unwrap()).collect();
        assert_eq!((found.join(" "), total(&answer)), (kinds.to_owned(), 3), "{include}");
        assert_eq!(faults(&body), [], "{include}");
    }
    for shape in ["_count=0", "_summary=count"] {
        let counted = martin.get(&format!("{all}&{shape}")).await;
        assert_eq!((total(&counted), &counted.json()["entry"]), (3, &Value::Null), "{shape}");
    }
    let parts = martin.get(&format!("{all}&_elements=title")).await;
    for list in parts.matches() {
        assert_eq!(list["meta"]["tag"][0]["code"], "SUBSETTED");
        assert!(list["title"].is_string() && list["status"].is_string() && list["entry"].is_null());
    }
    assert!(server.traces("dominique").await.iter().any(|trace| trace == "find-document-lists 0"));
    crate::story::traces_are_whole(&server).await;
}

/// [`FILTERS`], and those that name what this run made.
async fn own_filters(server: &TestServer, martin: &Actor, bundles: &[Value; 3]) -> Vec<(String, &'static str)> {
    let list = |number: usize| &bundles[number]["entry"][0]["resource"];
    let unique = |number: usize| list(number)["identifier"][0]["value"].as_str().unwrap();
    let designation = list(2)["extension"][0]["valueCodeableConcept"]["coding"][0]["code"].as_str().unwrap();
    let same = list(0)["extension"][0]["valueCodeableConcept"] == list(2)["extension"][0]["valueCodeableConcept"];
    let cabinet = &server.author("dr-martin").exercise;
    let fiches = martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current")).await.matches();
    let petits = fiches[0]["id"].as_str().unwrap();
    let own = [
        (format!("identifier=urn:ietf:rfc:3986%7C{}", unique(1)), "B"),
        (format!("identifier={}", list(0)["identifier"][1]["value"].as_str().unwrap()), "A"),
        (format!("identifier={},{}", unique(0), unique(2)), "C A"),
        (format!("designationType={designation}&source.family=petit"), "C"),
        (format!("designationType:not={designation}"), if same { "" } else { "B A" }),
        (format!("source.identifier={}", cabinet.professional.id), "B A"),
        (format!("source:identifier={}", cabinet.professional.id), "B A"),
        // Trap T15: the organisation stands on List.source.
        (format!("authorOrg.identifier={}", cabinet.structure.id), "B A"),
        (format!("authorOrg:identifier={}", cabinet.structure.id), "B A"),
        (format!("authorOrg.name={}", cabinet.structure.name.replace(' ', "%20")), "B A"),
        (format!("item=DocumentReference/{petits}"), "C"),
        (format!("item={}/DocumentReference/{petits}", server.base()), "C"),
    ];
    FILTERS.iter().map(|(filter, expected)| ((*filter).to_owned(), *expected)).chain(own).collect()
}

#[test]
fn ds_48_t15_what_a_search_of_lists_lacks_or_cannot_honour_is_refused() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
        martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
        for (query, expected) in [
            (format!("{DOMINIQUE}&status=current"), "400 required code"),
            ("code=submissionset&status=current".to_owned(), "400 required patient"),
            (format!("{DOMINIQUE}&code:exact=submissionset"), "400 parametre-non-pris-en-charge"),
            (format!("{DOMINIQUE}&{SETS}&date=zz2026"), "400 parametre-non-pris-en-charge"),
            (format!("{DOMINIQUE}&{SETS}&isArchived=perhaps"), "400 parametre-non-pris-en-charge"),
            (format!("{DOMINIQUE}&{SETS}&authorOrg.nothing=x"), "400 parametre-non-pris-en-charge"),
            (format!("{DOMINIQUE}&{SETS}&source:Device.nothing=x"), "400 parametre-non-pris-en-charge"),
            (format!("{DOMINIQUE}&{SETS}&_sort=patient"), "400 parametre-non-pris-en-charge"),
            (format!("{DOMINIQUE}&{SETS}&_include=List:nothing"), "400 parametre-non-pris-en-charge"),
            (format!("{DOMINIQUE}&{SETS}&_page=AAAA"), "400 lien-de-page"),
        ] {
            let answer = martin.get(&format!("/fhir/List?{query}")).await;
            assert_eq!(answer.outcome(), expected, "{query}");
            assert!(!answer.text().contains("279035121518989"), "{query}: an INS in a refusal");
        }
        let strict = [("prefer", "handling=strict")];
        let with_system =
            format!("/fhir/List?{DOMINIQUE}&code=submissionset&status=http://hl7.org/fhir/list-status%7Ccurrent");
        assert_eq!(martin.get_with(&with_system, &strict).await.outcome(), "400 parametre-non-pris-en-charge");
        assert_eq!(martin.get(&with_system).await.matches().len(), 2, "tolerated otherwise");
        // A page link is of its type and of its owner.
        let first = martin.get(&format!("/fhir/List?{DOMINIQUE}&{SETS}&_count=1")).await;
        let next = first.json()["link"][1]["url"].as_str().unwrap().to_owned();
        assert_eq!(martin.get(&next).await.matches().len(), 1);
        assert_eq!(martin.get(&next.replace("/List?", "/DocumentReference?")).await.outcome(), "400 lien-de-page");
        assert_eq!(server.professional("dr-petit").await.get(&next).await.outcome(), "400 lien-de-page");

        // Who may not consult gets one and the same refusal, whoever is named.
        let same = [("x-request-id", "one")];
        let outsider = server.professional("dr-externe").await;
        let neutral = outsider.get_with(&format!("/fhir/List?{DOMINIQUE}&{SETS}"), &same).await;
        assert_eq!(neutral.outcome(), "403 forbidden");
        let nobody = DOMINIQUE.replace("279035121518989", "255069999999934");
        let unknown = outsider.get_with(&format!("/fhir/List?{nobody}&{SETS}"), &same).await;
        assert_eq!((unknown.status, unknown.text()), (neutral.status, neutral.text()));
        let labo = server.structure("labo").await;
        assert_eq!(labo.get(&format!("/fhir/List?{DOMINIQUE}&{SETS}")).await.outcome(), "403 forbidden");
        let feeder = server.certificate("cabinet").as_professional("dr-martin", &[("scope", "ITI-65 ITI-67")]).await;
        assert_eq!(feeder.get(&format!("/fhir/List?{DOMINIQUE}&{SETS}")).await.outcome(), "403 forbidden");
    });
}

async fn ds_45_the_pages_of_lists_are_a_snapshot_while_documents_are_added(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    for number in 0..5 {
        let bundle = server.bundle_of(&titled(&format!("D{number}"), "2026-03-10T08:00:00Z"), "dominique", "dr-martin");
        martin.post("/fhir", &bundle).await.locations();
        server.clock.advance(SignedDuration::from_millis(3));
    }
    // One date for all: the second key decides.
    for (sort, snapshot) in
        [("_sort=-date,_lastUpdated", "D0 D1 D2 D3 D4"), ("_sort=date,-_lastUpdated", "D4 D3 D2 D1 D0")]
    {
        let mut next = Some(format!("/fhir/List?{DOMINIQUE}&{SETS}&date=lt2026-11&_count=2&{sort}"));
        let (mut seen, mut pages) = (Vec::new(), 0);
        while let Some(url) = next {
            let page = martin.get(&url).await;
            seen.push(titles(&page));
            let body = page.json();
            let link = body["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next");
            next = link.map(|link| link["url"].as_str().unwrap().to_owned());
            let added = server.bundle_of(&titled("N", "2026-11-21T08:00:00Z"), "dominique", "dr-martin");
            martin.post("/fhir", &added).await.locations();
            pages += 1;
        }
        assert_eq!((pages, seen.join(" ").as_str()), (3, snapshot), "{sort}");
    }
}

/// A submission set of two documents.
fn pair(server: &TestServer, title: &str, author: &str) -> Value {
    let mut one = server.bundle_of(&titled(title, "2026-03-10T08:00:00Z"), "dominique", author);
    let other = server.bundle_of(&titled("second", "2026-03-10T08:00:00Z"), "dominique", author);
    let url = other["entry"][1]["fullUrl"].clone();
    one["entry"][0]["resource"]["entry"].as_array_mut().unwrap().push(json!({ "item": { "reference": url } }));
    let entries = one["entry"].as_array_mut().unwrap();
    entries.extend([other["entry"][1].clone(), other["entry"][2].clone()]);
    one
}

async fn a_set_of_nothing_but_hidden_documents_is_absent_and_others_do_not_show_them(db: Db) {
    let server = TestServer::start_on(db).await;
    let (martin, petit, leroy, moreau) = (
        server.professional("dr-martin").await,
        server.professional("dr-petit").await,
        server.professional("inf-leroy").await,
        server.professional("dent-moreau").await,
    );
    let shown = server.bundle_of(&titled("shown", "2026-03-10T08:00:00Z"), "dominique", "dr-petit");
    let mut masked = server.bundle_of(&titled("masked", "2026-03-10T08:00:00Z"), "dominique", "dr-petit");
    label(&mut masked, "MASQUE_PS");
    let mut mixed = pair(&server, "mixed", "dr-petit");
    label(&mut mixed, "MASQUE_PS");
    petit.post("/fhir", &shown).await.locations();
    server.clock.advance(SignedDuration::from_secs(1));
    let alone = petit.post("/fhir", &masked).await.locations();
    server.clock.advance(SignedDuration::from_secs(1));
    let both = petit.post("/fhir", &mixed).await.locations();

    let all = format!("/fhir/List?{DOMINIQUE}&{SETS}");
    let whole = martin.get(&all).await;
    assert_eq!((titles(&whole), total(&whole)), ("mixed masked shown".to_owned(), 3), "the treating physician");
    assert_eq!(whole.matches()[0]["entry"].as_array().unwrap().len(), 2);
    let own = petit.get(&all).await;
    assert_eq!(own.matches(), whole.matches(), "the author sees what he masked");
    for (reader, name) in [(&leroy, "inf-leroy"), (&moreau, "dent-moreau")] {
        let seen = reader.get(&all).await;
        assert_eq!((titles(&seen), total(&seen)), ("mixed shown".to_owned(), 2), "{name}");
        assert_eq!(total(&reader.get(&format!("{all}&_summary=count")).await), 2, "{name}");
        let entries = seen.matches()[0]["entry"].as_array().unwrap().clone();
        assert_eq!(entries.len(), 1, "{name}: the hidden entry is not shown");
        assert!(!seen.text().contains(&both[1]) && !seen.text().contains(&alone[1]), "{name}");
        for hidden in [&both[1], &alone[1]] {
            let by_item = reader.get(&format!("{all}&item={hidden}")).await;
            assert_eq!(total(&by_item), 0, "{name}: a hidden document is no way to its set");
            assert_eq!(total(&martin.get(&format!("{all}&item={hidden}")).await), 1);
            let beside = reader.get(&format!("{all}&item={hidden},{}", both[3])).await;
            assert_eq!(titles(&beside), "mixed", "{name}");
        }
        let included = reader.get(&format!("{all}&_include=List:item")).await;
        let modes =
            included.json()["entry"].as_array().unwrap().iter().filter(|e| e["search"]["mode"] == "include").count();
        assert_eq!(modes, 2, "{name}: nothing hidden is included");
        let by_identifier = masked["entry"][0]["resource"]["identifier"][0]["value"].as_str().unwrap().to_owned();
        assert_eq!(total(&reader.get(&format!("{all}&identifier={by_identifier}")).await), 0, "{name}");
        let page = reader.get(&format!("{all}&_count=1&_sort=date,_lastUpdated")).await;
        assert_eq!((titles(&page), total(&page)), ("shown".to_owned(), 2), "{name}");
    }
    crate::story::traces_are_whole(&server).await;
}
