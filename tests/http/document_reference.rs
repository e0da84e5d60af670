//! ITI-67 Find Document References: every parameter, pages, refusals, TD3.1b, hidden documents (MHD §1.5).

use std::collections::BTreeSet;

use espace::cda::pdf_of_lines;
use espace::cli::demo::Document;
use espace::clock::{Clock as _, SystemClock};
use espace::ids::{IdSource as _, SystemIds};
use espace::model::profile::{RecordState, SpaceState};
use jiff::SignedDuration;
use serde_json::Value;

use super::{DOMINIQUE, faults, label, master};
use crate::support::client::{Actor, Answer};
use crate::support::db::{Db, block_on, stories};
use crate::support::pki::pki;
use crate::support::server::TestServer;

stories! {
    ds_38_39_40_41_every_parameter_finds_what_it_names_by_get_and_by_post,
    the_pages_of_a_search_are_its_snapshot_while_documents_are_added,
    an_author_finds_his_own_document_by_its_identifier_and_nothing_else,
    a_closed_record_is_shut_to_its_authors_too,
    a_hidden_document_is_absent_from_searches_totals_and_pages,
}

pub(super) fn titled(title: &str, at: &str) -> Document {
    Document { title: title.to_owned(), ..Document::note(at.parse().unwrap()) }
}

pub(super) fn titles(answer: &Answer) -> String {
    let title = |fiche: Value| fiche["content"][0]["attachment"]["title"].as_str().unwrap().to_owned();
    answer.matches().into_iter().map(title).collect::<Vec<_>>().join(" ")
}

pub(super) fn total(answer: &Answer) -> i64 {
    answer.json()["total"].as_i64().unwrap()
}

/// Three documents of `dominique`: A and B by dr-martin, C by dr-petit.
pub(super) async fn three_documents(server: &TestServer) -> [Value; 3] {
    let (martin, petit) = (server.professional("dr-martin").await, server.professional("dr-petit").await);
    let pdf = Document {
        title: "B".to_owned(),
        ..Document::pdf("2026-03-15T09:30:00Z".parse().unwrap(), pdf_of_lines(&["B"]))
    };
    let bundles = [
        server.bundle_of(&titled("A", "2026-01-10T08:00:00Z"), "dominique", "dr-martin"),
        server.bundle_of(&pdf, "dominique", "dr-martin"),
        server.bundle_of(&titled("C", "2026-06-20T16:00:00Z"), "dominique", "dr-petit"),
    ];
    for (bundle, author) in bundles.iter().zip([&martin, &martin, &petit]) {
        author.post("/fhir", bundle).await.locations();
        server.clock.advance(SignedDuration::from_secs(1));
    }
    bundles
}

async fn ds_38_39_40_41_every_parameter_finds_what_it_names_by_get_and_by_post(db: Db) {
    let server = TestServer::start_on(db).await;
    let bundles = three_documents(&server).await;
    let martin = server.professional("dr-martin").await;
    let key = server.persona("dominique").key;
    let all = format!("/fhir/DocumentReference?patient={key}&status=current");
    let found = martin.get(&all).await;
    assert_eq!(titles(&found), "C B A", "newest first where no order is asked");
    let ids: Vec<String> = found.matches().iter().map(|fiche| fiche["id"].as_str().unwrap().to_owned()).collect();

    for (query, expected) in forms_of_the_patient(&server).into_iter().chain(filters(&bundles, &ids)) {
        let get = martin.get(&format!("/fhir/DocumentReference?{query}")).await;
        assert_eq!(titles(&get), expected, "{query}");
        let post = posted(&martin, &query).await;
        assert_eq!(titles(&post), expected, "POST {query}");
        assert_eq!(without_id(&post), without_id(&get), "{query}");
        let fiche_ids: BTreeSet<_> = get.matches().iter().map(|fiche| fiche["id"].to_string()).collect();
        assert_eq!(fiche_ids.len(), get.matches().len());
    }

    let included = martin.get(&format!("{all}&_include=DocumentReference:patient")).await;
    let entries = included.json()["entry"].as_array().unwrap().clone();
    let last = entries.last().unwrap();
    assert_eq!((entries.len(), &last["search"]["mode"]), (4, &Value::from("include")));
    assert_eq!(last["resource"]["resourceType"], "Patient");
    assert_eq!(last["fullUrl"], format!("{}/Patient/{key}", server.base()));
    assert_eq!(total(&included), 3, "what is included is not counted");
    assert_eq!(faults(&included.json()), []);
    let nothing = martin.get(&format!("{all}&type=1-1&_include=DocumentReference:patient")).await;
    assert_eq!(nothing.json()["entry"], Value::Null);

    for shape in ["_count=0", "_summary=count"] {
        let counted = martin.get(&format!("{all}&{shape}")).await;
        assert_eq!((total(&counted), &counted.json()["entry"]), (3, &Value::Null), "{shape}");
    }
    crate::story::traces_are_whole(&server).await;
}

/// Every way to name the person.
fn forms_of_the_patient(server: &TestServer) -> Vec<(String, &'static str)> {
    let (key, base) = (server.persona("dominique").key, server.base());
    let forms = [
        format!("patient=Patient/{key}"),
        format!("patient:Patient={key}"),
        format!("patient={base}/Patient/{key}"),
        format!("subject=Patient/{key}"),
        DOMINIQUE.to_owned(),
        DOMINIQUE.replace("patient.identifier", "patient:identifier"),
        DOMINIQUE.replace("patient.identifier", "subject.identifier"),
    ];
    forms.into_iter().map(|form| (format!("{form}&status=current"), "C B A")).collect()
}

/// Conditions beside `status=current`, and what they find.
const FILTERS: [(&str, &str); 37] = [
    ("status=current,superseded", "C B A"),
    ("type=34112-3", "B"),
    ("type=http://loinc.org%7C11488-4", "C A"),
    ("type=urn:oid:2.16.840.1.113883.6.1%7C11488-4", "C A"),
    ("type=34112-3,11488-4", "C B A"),
    ("type=urn:oid:1.2.3%7C11488-4", ""),
    ("type:not=34112-3", "C A"),
    ("date=2026-03-15", "B"),
    ("date=ge2026-03-15", "C B"),
    ("date=ge2026-02&date=lt2026-06", "B"),
    ("date=2026-01,2026-06", "C A"),
    ("creation=2026-06-20", "C"),
    ("creation=lt2026-06-20", "B A"),
    ("period=2026-01-10", "A"),
    ("period=gt2026-01-11", "C B"),
    ("facility=SA01", "C"),
    ("setting=AMBULATOIRE", "C B A"),
    ("format:missing=true", ""),
    ("security-label=N", "C B A"),
    ("contenttype=text/xml", "C B A"),
    ("author.family=petit", "C"),
    ("author.given=charles", "B A"),
    ("author.family:exact=PETIT", "C"),
    ("author.family:exact=Petit", ""),
    ("author.given:contains=arle", "B A"),
    ("author:PractitionerRole.name=martin", "B A"),
    ("author:PractitionerRole.practitioner.family=petit", "C"),
    ("author:Patient.family=martin", ""),
    ("period-start=ge2026-03&period-end=le2026-04", "B"),
    ("date=ge2026-03-15T10:30:00%2B01:00&date=lt2026-06", "B"),
    ("isArchived=false&custodian:missing=false", "C B A"),
    ("related:missing=true&relatesto:missing=true", "C B A"),
    ("_lastUpdated=gt2026-11-22T10:00:01Z", "C"),
    ("_sort=date", "A B C"),
    ("_sort=-date", "C B A"),
    ("_sort=_lastUpdated", "A B C"),
    ("_sort=-creation&_count=2", "C B"),
];

/// [`FILTERS`], and the conditions that name what this run made.
fn filters(bundles: &[Value; 3], ids: &[String]) -> Vec<(String, &'static str)> {
    let class = |number: usize| {
        let coding = &bundles[number]["entry"][1]["resource"]["category"][0]["coding"][0];
        format!("{}%7C{}", coding["system"].as_str().unwrap(), coding["code"].as_str().unwrap())
    };
    let same_class = if class(0) == class(1) { "C B A" } else { "C A" };
    let own = [
        ("status=superseded".to_owned(), ""),
        (format!("identifier={}", master(&bundles[1])), "B"),
        (format!("identifier={},{}", master(&bundles[0]), master(&bundles[2])), "C A"),
        ("identifier=urn:ietf:rfc:3986%7Curn:oid:1.2.3".to_owned(), ""),
        (format!("status=current&_id={}", ids[0]), "C"),
        (format!("status=current&category={}", class(0)), same_class),
    ];
    let fixed = FILTERS.iter().map(|(filter, expected)| (format!("status=current&{filter}"), *expected));
    let all = fixed.chain(own);
    all.map(|(query, expected)| (format!("{DOMINIQUE}&{query}"), expected)).collect()
}

/// The same query by POST: the first half in the URL, the rest as a form.
async fn posted(actor: &Actor, query: &str) -> Answer {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let (url, form) = query.split_once('&').unwrap();
    let path = format!("/fhir/DocumentReference/_search?{url}");
    actor.send(reqwest::Method::POST, &path, &headers, form.as_bytes().to_vec()).await
}

/// A searchset without what no two answers share.
pub(super) fn without_id(answer: &Answer) -> Value {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("id");
    for link in body["link"].as_array_mut().unwrap() {
        if link["relation"] == "next" {
            link["url"] = "sealed".into();
        }
    }
    body
}

#[test]
fn links_that_a_search_cannot_follow_are_refused() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let long = format!("{}type=x", "_has:DocumentReference:relatesto:".repeat(6));
        let many = format!("type={}", ["a"; 501].join(","));
        for (query, expected) in [
            ("_revinclude=List:code", "400 parametre-non-pris-en-charge"),
            ("_has:List:item:nothing=x", "400 parametre-non-pris-en-charge"),
            ("_filter=status%20eq%20current", "400 parametre-non-pris-en-charge"),
            (many.as_str(), "400 trop-couteux"),
            (long.as_str(), "400 trop-couteux"),
        ] {
            let answer = martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&{query}")).await;
            assert_eq!(answer.outcome(), expected, "{query}");
        }
    });
}

#[test]
fn ds_46_a_status_has_no_system_and_one_that_is_right_is_tolerated() {
    block_on(async {
        let server = TestServer::start().await;
        three_documents(&server).await;
        let martin = server.professional("dr-martin").await;
        let system = "http://hl7.org/fhir/document-reference-status";
        let path = format!("/fhir/DocumentReference?{DOMINIQUE}&status={system}%7Ccurrent");
        assert_eq!(titles(&martin.get(&path).await), "C B A");
        let strict = martin.get_with(&path, &[("prefer", "handling=strict")]).await;
        assert_eq!(strict.outcome(), "400 parametre-non-pris-en-charge");
    });
}

#[test]
fn ds_37_what_a_search_cannot_honour_is_refused_and_what_it_does_not_know_is_told() {
    block_on(async {
        let server = TestServer::start().await;
        three_documents(&server).await;
        let martin = server.professional("dr-martin").await;
        for (query, expected) in [
            ("status=current".to_owned(), "400 required patient"),
            (DOMINIQUE.to_owned(), "400 required status"),
            (format!("{DOMINIQUE}&status:exact=current"), "400 parametre-non-pris-en-charge"),
            (format!("{DOMINIQUE}&status=current&type:below=1"), "400 parametre-non-pris-en-charge"),
            (format!("{DOMINIQUE}&status=current&date=zz2026"), "400 parametre-non-pris-en-charge"),
            (format!("{DOMINIQUE}&status=current&date=2026-13"), "400 parametre-non-pris-en-charge"),
            (format!("{DOMINIQUE}&status=current&_sort=relationship"), "400 parametre-non-pris-en-charge"),
            (format!("{DOMINIQUE}&status=current&_count=-1"), "400 parametre-non-pris-en-charge"),
            (
                format!("{DOMINIQUE}&status=current&_include=DocumentReference:nothing"),
                "400 parametre-non-pris-en-charge",
            ),
            (format!("{DOMINIQUE}&patient=Patient/0000000000000&status=current"), "400 parametre-non-pris-en-charge"),
            (
                "patient.identifier=urn:oid:1.2.250.1.213.1.4.9%7C791069913904243&status=current".to_owned(),
                "400 ins-cle patient",
            ),
            (
                "patient.identifier=urn:oid:1.2.250.1.213.1.4.8%7C279035121518988&status=current".to_owned(),
                "400 ins-domaine patient",
            ),
            ("patient.identifier=urn:oid:1.2.3%7C279035121518989&status=current".to_owned(), "400 ins-domaine patient"),
            ("patient.identifier=279035121518989&status=current".to_owned(), "400 parametre-non-pris-en-charge"),
            (format!("{DOMINIQUE}&status=current&_page=AAAA"), "400 lien-de-page"),
        ] {
            let answer = martin.get(&format!("/fhir/DocumentReference?{query}")).await;
            assert_eq!(answer.outcome(), expected, "{query}");
            assert!(!answer.text().contains("279035121518989"), "{query}: an INS in a refusal");
        }

        let path = format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&autor=x");
        let lenient = martin.get(&path).await;
        assert_eq!(titles(&lenient), "C B A");
        let body = lenient.json();
        let outcome = &body["entry"][3];
        assert_eq!(outcome["search"]["mode"], "outcome");
        assert_eq!(outcome["resource"]["issue"][0]["severity"], "warning");
        assert!(outcome["resource"]["issue"][0]["details"]["text"].as_str().unwrap().contains("author"));
        let own = body["link"][0]["url"].as_str().unwrap();
        assert!(
            body["link"][0]["relation"] == "self" && !own.contains("autor") && own.contains("status=current"),
            "{own}"
        );
        assert!(!lenient.text().contains("%7C279035121518989"), "the INS in a link");
        assert_eq!(titles(&martin.get(own).await), "C B A", "the self link is the search that was made");
        let strict = martin.get_with(&path, &[("prefer", "handling=strict")]).await;
        assert_eq!(strict.outcome(), "400 parametre-inconnu");
        assert_eq!(martin.get_with(&path, &[("accept", "text/turtle")]).await.outcome(), "406 not-acceptable");

        // A wrong key is tolerated under the test domains, an unknown person is nobody one may search.
        let unknown =
            "/fhir/DocumentReference?patient.identifier=urn:oid:1.2.250.1.213.1.4.10%7C255069999999934&status=current";
        assert_eq!(martin.get(unknown).await.outcome(), "403 forbidden");
    });
}

async fn the_pages_of_a_search_are_its_snapshot_while_documents_are_added(db: Db) {
    let server = TestServer::start_on(db).await;
    let martin = server.professional("dr-martin").await;
    for number in 0..5 {
        let at = format!("2026-0{}-10T08:00:00Z", number + 1);
        let bundle = server.bundle_of(&titled(&format!("D{number}"), &at), "dominique", "dr-martin");
        martin.post("/fhir", &bundle).await.locations();
        server.clock.advance(SignedDuration::from_millis(3));
    }
    for sort in ["", "&_sort=-date", "&_sort=date", "&_sort=_lastUpdated"] {
        let start = format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&creation=lt2026-11&_count=2{sort}");
        let snapshot = titles(&martin.get(&start.replace("&_count=2", "")).await);
        let mut next = Some(start);
        let mut seen = Vec::new();
        let mut pages = 0;
        while let Some(url) = next {
            let page = martin.get(&url).await;
            assert_eq!(total(&page), 5);
            assert!(!page.text().contains("%7C279035121518989"), "the INS in a link");
            seen.push(titles(&page));
            let body = page.json();
            let link = body["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next");
            next = link.map(|link| link["url"].as_str().unwrap().to_owned());
            let added = server.bundle_of(&titled("N", "2026-11-21T08:00:00Z"), "dominique", "dr-martin");
            martin.post("/fhir", &added).await.locations();
            server.clock.advance(SignedDuration::from_millis(3));
            pages += 1;
        }
        assert_eq!((pages, seen.join(" ")), (3, snapshot), "{sort}");
    }
    let newest = martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&_count=500")).await;
    assert_eq!(newest.matches().len(), 17);

    // A page link is its owner's, and of its type.
    let first = martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current&_count=1")).await;
    let next = first.json()["link"][1]["url"].as_str().unwrap().to_owned();
    let petit = server.professional("dr-petit").await;
    assert_eq!(petit.get(&next).await.outcome(), "400 lien-de-page");
    assert_eq!(martin.get(&next.replace("DocumentReference", "AuditEvent")).await.outcome(), "400 lien-de-page");
    // What stands beside the sealed query is not looked at.
    assert_eq!(martin.get(&format!("{next}&status=superseded")).await.matches().len(), 1);
}

async fn an_author_finds_his_own_document_by_its_identifier_and_nothing_else(db: Db) {
    let server = TestServer::start_on(db).await;
    let (martin, laurent) = (server.professional("dr-martin").await, server.professional("bio-laurent").await);
    let (own, foreign) = (server.bundle("dominique", "bio-laurent"), server.bundle("dominique", "dr-martin"));
    let locations = laurent.post("/fhir", &own).await.locations();
    martin.post("/fhir", &foreign).await.locations();
    let find = |identifiers: &str| format!("/fhir/DocumentReference?{DOMINIQUE}&identifier={identifiers}");
    let (mine, other, unknown) = (master(&own), master(&foreign), "urn:ietf:rfc:3986%7Curn:oid:1.2.3");

    let labo = server.structure("labo").await;
    let indirect = vouched_for(&server, "bio-laurent", "labo").await;
    let narrow =
        server.certificate("labo").as_professional("bio-laurent", &[("scope", "user/DocumentReference.rs")]).await;
    for (caller, name) in [(&laurent, "direct"), (&narrow, "narrow"), (&labo, "structure"), (&indirect, "indirect")] {
        for (identifiers, count) in [
            (mine.clone(), 1),
            (format!("{mine},{unknown}"), 1),
            // What exists of others is not told: it counts as unknown.
            (format!("{mine},{other}"), 1),
        ] {
            let found = caller.get(&find(&identifiers)).await;
            assert_eq!(found.matches().len(), count, "{name} {identifiers}");
            assert_eq!(
                format!("DocumentReference/{}", found.matches()[0]["id"].as_str().unwrap()),
                locations[1],
                "{name}"
            );
            assert_eq!(total(&found), 1, "{name}");
        }
        let neutral = caller.get_with(&find(unknown), &[("x-request-id", "one")]).await;
        assert_eq!(neutral.outcome(), "403 forbidden", "{name}");
        let same = caller.get_with(&find(&other), &[("x-request-id", "one")]).await;
        assert_eq!((same.status, same.text()), (neutral.status, neutral.text()), "{name}");
        let whole = caller.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current")).await;
        assert_eq!(whole.outcome(), "403 forbidden", "{name}");
        let form = [
            ("patient.identifier", "urn:oid:1.2.250.1.213.1.4.10|279035121518989"),
            ("identifier", &mine.replace("%7C", "|")),
        ];
        assert_eq!(caller.form("/fhir/DocumentReference/_search", &form).await.matches().len(), 1, "{name} POST");
        assert_eq!(caller.get(&format!("/fhir/{}", locations[1])).await.status, 200, "{name} reads the fiche");
    }
    for (caller, name) in [(&labo, "structure"), (&indirect, "indirect")] {
        assert_eq!(
            caller.get(&format!("/fhir/{}", locations[2])).await.outcome(),
            "403 forbidden",
            "{name}: no content"
        );
    }
    assert_eq!(laurent.get(&format!("/fhir/{}", locations[2])).await.status, 200);
    // Who may consult finds anybody's.
    assert_eq!(martin.get(&find(&format!("{mine},{other}"))).await.matches().len(), 2);
    assert_eq!(martin.get(&find(&mine)).await.matches().len(), 1);
    // Without a patient nothing is found, one's own or not.
    let lone = laurent.get(&format!("/fhir/DocumentReference?identifier={mine}")).await;
    assert_eq!(lone.outcome(), "400 required patient");
    crate::story::traces_are_whole(&server).await;
}

async fn a_closed_record_is_shut_to_its_authors_too(db: Db) {
    let server = TestServer::start_on(db).await;
    let laurent = server.professional("bio-laurent").await;
    let own = server.bundle("dominique", "bio-laurent");
    let locations = laurent.post("/fhir", &own).await.locations();
    let find = format!("/fhir/DocumentReference?{DOMINIQUE}&identifier={}", master(&own));
    assert_eq!(laurent.get(&find).await.matches().len(), 1);
    let key = server.persona("dominique").key;
    let closed = server.app.service.store.system("test.close", move |tx| {
        let mut profile = tx.fact_profile(key)?.unwrap();
        (profile.space, profile.record) = (SpaceState::Closed, RecordState::Closed);
        tx.put_profile(&profile)
    });
    closed.await.unwrap();
    for caller in [laurent, server.structure("labo").await, vouched_for(&server, "bio-laurent", "labo").await] {
        assert_eq!(caller.get(&find).await.outcome(), "403 forbidden");
        assert_eq!(caller.get(&format!("/fhir/{}", locations[1])).await.outcome(), "404 not-found");
    }
}

/// A professional for whom his structure vouches: INDIRECTE.
async fn vouched_for(server: &TestServer, name: &str, structure: &str) -> Actor {
    let certificate = server.certificate(structure);
    let id = server.author(name).exercise.professional.id.to_string();
    let endpoint = format!("{}/oauth2/token", server.origin);
    let at = (SystemClock.now(), SystemIds::default().uuid(SystemClock.now()));
    let assertion = pki().client_key(structure).assertion(&id, &endpoint, None, at).unwrap();
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("assertion", assertion.expose()),
        ("scope", "ITI-65 user/DocumentReference.crs"),
    ];
    let answer = certificate.form("/oauth2/token", &form).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    certificate.with_token(answer.json()["access_token"].as_str().unwrap())
}

async fn a_hidden_document_is_absent_from_searches_totals_and_pages(db: Db) {
    let server = TestServer::start_on(db).await;
    let (martin, petit, leroy) = (
        server.professional("dr-martin").await,
        server.professional("dr-petit").await,
        server.professional("inf-leroy").await,
    );
    let shown = server.bundle("dominique", "dr-petit");
    let mut masked = server.bundle("dominique", "dr-petit");
    label(&mut masked, "MASQUE_PS");
    let mut unannounced = server.bundle("dominique", "dr-petit");
    label(&mut unannounced, "INVISIBLE_PATIENT");
    petit.post("/fhir", &shown).await.locations();
    let locations = petit.post("/fhir", &masked).await.locations();
    petit.post("/fhir", &unannounced).await.locations();

    let all = format!("/fhir/DocumentReference?{DOMINIQUE}&status=current");
    let by_identifier = format!("/fhir/DocumentReference?{DOMINIQUE}&identifier={}", master(&masked));
    let labelled = format!("{all}&security-label=MASQUE_PS");
    let seen = martin.get(&all).await;
    assert_eq!((seen.matches().len(), total(&seen)), (3, 3), "the treating physician sees masked documents");
    assert_eq!(martin.get(&labelled).await.matches().len(), 1);
    let seen = petit.get(&all).await;
    assert_eq!((seen.matches().len(), total(&seen)), (3, 3), "its author keeps sight of his masked document");
    assert_eq!(petit.get(&labelled).await.matches().len(), 1);
    for (reader, name) in [(&leroy, "inf-leroy")] {
        let seen = reader.get(&all).await;
        assert_eq!((seen.matches().len(), total(&seen)), (2, 2), "{name}");
        assert_eq!(total(&reader.get(&format!("{all}&_summary=count")).await), 2, "{name}");
        assert_eq!(reader.get(&labelled).await.matches().len(), 0, "{name}");
        let first = reader.get(&format!("{all}&_count=1")).await;
        let second = reader.get(first.json()["link"][1]["url"].as_str().unwrap()).await;
        assert_eq!((second.matches().len(), second.json()["link"].as_array().unwrap().len()), (1, 1), "{name}");
    }
    for location in &locations {
        assert_eq!(leroy.get(&format!("/fhir/{location}")).await.outcome(), "404 not-found");
        assert_eq!(petit.get(&format!("/fhir/{location}")).await.status, 200, "its author reads it");
        assert_eq!(martin.get(&format!("/fhir/{location}")).await.status, 200);
    }
    assert_eq!(leroy.get(&by_identifier).await.matches().len(), 0);
    assert_eq!(petit.get(&by_identifier).await.matches().len(), 1, "its author finds it by its identifier");
    crate::story::traces_are_whole(&server).await;
}

#[test]
fn software_enrolled_to_feed_alone_reads_back_what_its_user_wrote() {
    block_on(async {
        let server = TestServer::start().await;
        let petit = server.professional("dr-petit").await;
        let bundles = [server.bundle("dominique", "dr-martin"), server.bundle("dominique", "dr-petit")];
        let narrowed = server.app.service.store.system("test.narrow", |tx| {
            let mut software = tx.find_client("dev-cabinet")?.unwrap();
            software.profiles = vec!["alimentation".to_owned()];
            tx.put_client(&software)
        });
        narrowed.await.unwrap();
        let scopes = [("scope", "ITI-65 user/DocumentReference.crs user/List.r")];
        let martin = server.certificate("cabinet").as_professional("dr-martin", &scopes).await;
        let own = martin.post("/fhir", &bundles[0]).await.locations();
        let foreign = petit.post("/fhir", &bundles[1]).await.locations();
        let find = |bundle: &Value| format!("/fhir/DocumentReference?{DOMINIQUE}&identifier={}", master(bundle));
        assert_eq!(martin.get(&find(&bundles[0])).await.matches().len(), 1);
        assert_eq!(martin.get(&find(&bundles[1])).await.outcome(), "403 forbidden");
        for number in 0..2 {
            assert_eq!(martin.get(&format!("/fhir/{}", own[number])).await.status, 200, "{}", own[number]);
            assert_eq!(martin.get(&format!("/fhir/{}", foreign[number])).await.outcome(), "404 not-found");
        }
        let all = martin.get(&format!("/fhir/DocumentReference?{DOMINIQUE}&status=current")).await;
        assert_eq!(all.outcome(), "403 forbidden");
        assert_eq!(martin.get(&format!("/fhir/{}", own[2])).await.outcome(), "403 forbidden");
    });
}

#[test]
fn a_fiche_is_read_by_id_and_version_with_its_validators() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let locations = martin.post("/fhir", &server.bundle("dominique", "dr-martin")).await.locations();
        super::list::assert_readable(&server, &martin, &locations[1]).await;
        let fiche = martin.get(&format!("/fhir/{}", locations[1])).await.json();
        assert_eq!(faults(&fiche), []);
        assert_eq!(fiche["content"][0]["attachment"]["url"], format!("{}/{}", server.base(), locations[2]));
        assert_eq!(fiche["subject"]["reference"], format!("Patient/{}", server.persona("dominique").key));
    });
}
