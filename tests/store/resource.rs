//! What is kept is found again: resources, documents, bytes, persons, directory, notices.

use espace::error::Code;
use espace::ids::{Digest256, PatientKey};
use espace::model::directory::{ClientSoftware, Professional, Relation, RelationKind, Structure};
use espace::model::document::{BlobPlace, DocumentStatus};
use espace::model::notification::NotificationState;
use espace::model::profile::{Closure, RecordState};
use espace::model::resource::ResourceType;
use espace::store::BlobFile;

use super::actors::{DOCTOR, MARIE, PAUL, at, blob, document, fiche, id, notification, permit, profile, token};
use crate::support::db::{Db, stories};

stories! {
    a_resource_is_found_by_its_own_record_only,
    a_new_version_moves_the_one_before_to_history,
    a_version_out_of_turn_is_a_conflict,
    a_withdrawn_resource_is_gone_but_its_history_stays,
    a_document_is_found_by_each_of_its_keys,
    an_identifier_belongs_to_one_document_of_a_record,
    the_status_of_a_document_may_change,
    bytes_are_kept_beside_the_row_or_named_in_a_file,
    a_first_access_is_first_once,
    a_notice_is_queued_once_for_an_event_and_channel,
    a_person_reads_back_whole_and_by_former_identifiers,
    the_ties_of_a_professional_are_kept_and_ended,
    exercises_name_professional_and_structure,
    software_is_found_by_its_certificate_and_suspended,
    an_assertion_is_used_once,
    a_setting_is_remembered,
}

const FICHE: ResourceType = ResourceType::DocumentReference;

async fn a_resource_is_found_by_its_own_record_only(db: Db) {
    let store = db.open().await;
    store.system("put", |tx| tx.put_resource(&permit(MARIE), &fiche(1, 1, vec![]))).await.unwrap();
    let found = store.system_read("find", |tx| {
        Ok((tx.find_resource(&permit(MARIE), FICHE, id(1))?, tx.find_resource(&permit(PAUL), FICHE, id(1))?))
    });
    let (own, foreign) = found.await.unwrap();
    let own = own.unwrap();
    assert_eq!((own.version, own.body, own.updated_at), (1, fiche(1, 1, vec![]).body, fiche(1, 1, vec![]).updated_at));
    assert_eq!(foreign, None);
    let exists = store.system_read("fact", |tx| tx.fact_resource_exists(MARIE, FICHE, id(1))).await.unwrap();
    let list = store.system_read("fact", |tx| tx.fact_resource_exists(MARIE, ResourceType::List, id(1))).await.unwrap();
    assert!(exists && !list);
}

async fn a_new_version_moves_the_one_before_to_history(db: Db) {
    let store = db.open().await;
    store.system("put", |tx| tx.put_resource(&permit(MARIE), &fiche(1, 1, vec![token(1, "a")]))).await.unwrap();
    store.system("put", |tx| tx.put_resource(&permit(MARIE), &fiche(1, 2, vec![token(1, "b")]))).await.unwrap();
    for (version, expected) in [(1, Some(fiche(1, 1, vec![]).body)), (2, Some(fiche(1, 2, vec![]).body)), (3, None)] {
        let found = store.system_read("vread", move |tx| tx.find_version(&permit(MARIE), FICHE, id(1), version));
        assert_eq!(found.await.unwrap().map(|found| found.body), expected);
    }
    let current = store.system_read("read", |tx| tx.find_resource(&permit(MARIE), FICHE, id(1))).await.unwrap();
    assert_eq!(current.unwrap().version, 2);
}

async fn a_version_out_of_turn_is_a_conflict(db: Db) {
    let store = db.open().await;
    store.system("put", |tx| tx.put_resource(&permit(MARIE), &fiche(1, 1, vec![]))).await.unwrap();
    for version in [1, 3] {
        let refused = store.system("put", move |tx| tx.put_resource(&permit(MARIE), &fiche(1, version, vec![]))).await;
        assert_eq!(refused.unwrap_err().code(), Code::Conflict, "{version}");
    }
}

async fn a_withdrawn_resource_is_gone_but_its_history_stays(db: Db) {
    let store = db.open().await;
    store.system("put", |tx| tx.put_resource(&permit(MARIE), &fiche(1, 1, vec![]))).await.unwrap();
    let withdraw =
        |tx: &mut espace::store::Tx<'_>| tx.withdraw_resource(&permit(MARIE), FICHE, id(1), &[token(1, "z")], at(9));
    assert!(store.system("withdraw", withdraw).await.unwrap());
    assert!(!store.system("withdraw", withdraw).await.unwrap());
    let (current, first, second) = store
        .system_read("read", |tx| {
            let permit = permit(MARIE);
            Ok((
                tx.find_resource(&permit, FICHE, id(1))?,
                tx.find_version(&permit, FICHE, id(1), 1)?,
                tx.find_version(&permit, FICHE, id(1), 2)?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(current, None);
    assert_eq!(first.unwrap().body, fiche(1, 1, vec![]).body);
    assert_eq!(second, None);
}

async fn a_document_is_found_by_each_of_its_keys(db: Db) {
    let store = db.open().await;
    store
        .system("put", |tx| {
            tx.put_document(&permit(MARIE), &document(MARIE, 1), at(0))?;
            tx.put_document(&permit(MARIE), &document(MARIE, 2), at(1))?;
            tx.put_document(&permit(PAUL), &document(PAUL, 1), at(2))
        })
        .await
        .unwrap();
    let expected = document(MARIE, 1);
    let digest = expected.unique_id;
    store
        .system_read("facts", move |tx| {
            assert_eq!(tx.fact_document(MARIE, id(1))?.as_ref(), Some(&expected));
            assert_eq!(tx.fact_document_by_identifier(MARIE, &digest)?.as_ref(), Some(&expected));
            assert_eq!(tx.fact_binary_document(MARIE, expected.binary)?.as_ref(), Some(&expected));
            let of_submission = tx.fact_documents_of_submission(MARIE, expected.submission)?;
            assert_eq!(of_submission, [document(MARIE, 1), document(MARIE, 2)]);
            assert_eq!(tx.fact_records_of_identifier(&digest)?, [MARIE, PAUL]);
            assert_eq!(tx.fact_document(MARIE, id(9))?, None);
            assert_eq!(tx.fact_document_by_identifier(MARIE, &Digest256([9; 32]))?, None);
            Ok(())
        })
        .await
        .unwrap();
}

async fn an_identifier_belongs_to_one_document_of_a_record(db: Db) {
    let store = db.open().await;
    store.system("put", |tx| tx.put_document(&permit(MARIE), &document(MARIE, 1), at(0))).await.unwrap();
    let refused = store.system("put", |tx| {
        let mut other = document(MARIE, 2);
        other.unique_id = document(MARIE, 1).unique_id;
        tx.put_document(&permit(MARIE), &other, at(1))
    });
    assert_eq!(refused.await.unwrap_err().code(), Code::Conflict);
    let kept = store.system_read("fact", |tx| tx.fact_document(MARIE, id(2))).await.unwrap();
    assert_eq!(kept, None);
}

async fn the_status_of_a_document_may_change(db: Db) {
    let store = db.open().await;
    store.system("put", |tx| tx.put_document(&permit(MARIE), &document(MARIE, 1), at(0))).await.unwrap();
    let superseded = espace::model::document::Document { status: DocumentStatus::Superseded, ..document(MARIE, 1) };
    let changed = superseded.clone();
    store.system("put", move |tx| tx.put_document(&permit(MARIE), &changed, at(5))).await.unwrap();
    let found = store.system_read("fact", |tx| tx.fact_document(MARIE, id(1))).await.unwrap();
    assert_eq!(found, Some(superseded));
}

async fn bytes_are_kept_beside_the_row_or_named_in_a_file(db: Db) {
    let store = db.open().await;
    let small = blob(MARIE, 1, BlobPlace::Inline(vec![1, 2, 3]));
    let large = blob(MARIE, 2, BlobPlace::File);
    let (first, second) = (small.clone(), large.clone());
    let put = move |tx: &mut espace::store::Tx<'_>| {
        tx.put_blob(&permit(MARIE), &first)?;
        tx.put_blob(&permit(MARIE), &second)
    };
    store.system("put", put.clone()).await.unwrap();
    assert_eq!(store.system("put", put).await.unwrap_err().code(), Code::Conflict);
    let found = store.system_read("find", |tx| {
        Ok((tx.find_blob(&permit(MARIE), id(1))?, tx.find_blob(&permit(MARIE), id(2))?, tx.list_blob_files(None, 10)?))
    });
    let (first, second, files) = found.await.unwrap();
    assert_eq!((first, second), (Some(small), Some(large)));
    let only = BlobFile { pt: MARIE.into(), id: id(2) };
    assert_eq!(files, [only]);
    let rest = store.system_read("page", move |tx| tx.list_blob_files(Some(only), 10)).await.unwrap();
    assert_eq!(rest, []);
}

async fn a_first_access_is_first_once(db: Db) {
    let store = db.open().await;
    for (patient, expected) in [(MARIE, true), (MARIE, false), (PAUL, true)] {
        let is_first =
            store.system("access", move |tx| tx.record_first_access(&permit(patient), DOCTOR, at(0))).await.unwrap();
        assert_eq!(is_first, expected);
    }
}

async fn a_notice_is_queued_once_for_an_event_and_channel(db: Db) {
    let store = db.open().await;
    let added = store
        .system("notify", |tx| {
            tx.put_notifications(&permit(MARIE), &[notification(1, 9), notification(2, 9), notification(3, 10)])
        })
        .await
        .unwrap();
    assert_eq!(added, 2);
    let pending = store.system_read("list", |tx| tx.list_outbox(NotificationState::Pending, 10)).await.unwrap();
    let ids: Vec<_> = pending.iter().map(|item| item.notification.id).collect();
    assert_eq!(ids, [id(1), id(3)]);
    assert_eq!(pending[0].notification, notification(1, 9));
    let sent = store.system_read("list", |tx| tx.list_outbox(NotificationState::Sent, 10)).await.unwrap();
    assert!(sent.is_empty());
}

async fn a_person_reads_back_whole_and_by_former_identifiers(db: Db) {
    let store = db.open().await;
    let mut marie = profile(MARIE, "279035121518989");
    marie.closure = Some(Closure {
        on: "2026-10-01".parse().unwrap(),
        motive: "1".to_owned(),
        reason: Some("demande".to_owned()),
        author: None,
    });
    marie.informed_on = Some("2026-01-02".parse().unwrap());
    let kept = marie.clone();
    store.system("put", move |tx| tx.put_profile(&kept)).await.unwrap();
    marie.record = RecordState::Closed;
    marie.closure = None;
    marie.version = 2;
    let kept = marie.clone();
    store.system("put", move |tx| tx.put_profile(&kept)).await.unwrap();
    store.system("put", |tx| tx.put_identifier(MARIE, "urn:oid:1.2.3", "former")).await.unwrap();
    let taken = store.system("put", |tx| tx.put_identifier(PAUL, "urn:oid:1.2.3", "former")).await;
    assert_eq!(taken.unwrap_err().code(), Code::Conflict);
    let taken = store.system("put", |tx| tx.put_profile(&profile(PAUL, "279035121518989"))).await;
    assert_eq!(taken.unwrap_err().code(), Code::Conflict);
    let found = store
        .system_read("facts", |tx| {
            let former = tx.fact_patient_by_identifier("urn:oid:1.2.3", "former")?;
            let current = tx.fact_patient(&profile(MARIE, "279035121518989").ins)?;
            let unknown = tx.fact_patient_by_identifier("urn:oid:1.2.3", "other")?;
            Ok((former, current, unknown, tx.fact_profile(MARIE)?, tx.fact_profile(PAUL)?, tx.count_profiles()?))
        })
        .await
        .unwrap();
    assert_eq!(found, (Some(MARIE), Some(MARIE), None, Some(marie), None, 1));
}

async fn the_ties_of_a_professional_are_kept_and_ended(db: Db) {
    let store = db.open().await;
    let tie = |kind, until: Option<i64>| Relation {
        patient: MARIE,
        professional: DOCTOR.parse().unwrap(),
        kind,
        from_at: at(0),
        until_at: until.map(at),
    };
    let ties = [tie(RelationKind::CareTeam, None), tie(RelationKind::TreatingPhysician, None)];
    let (first, second) = (ties[0].clone(), ties[1].clone());
    let ended = tie(RelationKind::CareTeam, Some(60));
    let last = ended.clone();
    store
        .system("relations", move |tx| {
            tx.put_relation(&first)?;
            tx.put_relation(&second)?;
            tx.put_relation(&last)
        })
        .await
        .unwrap();
    let found = store.system_read("facts", |tx| {
        let doctor = DOCTOR.parse().unwrap();
        Ok((tx.fact_relations(MARIE, &doctor)?, tx.fact_relations(PatientKey::from_bits(3), &doctor)?))
    });
    assert_eq!(found.await.unwrap(), (vec![ended, ties[1].clone()], vec![]));
}

async fn exercises_name_professional_and_structure(db: Db) {
    let store = db.open().await;
    let structure =
        Structure { id: "401234567897001".parse().unwrap(), name: "Cabinet".to_owned(), sector: "SA07".to_owned() };
    let professional = Professional {
        id: DOCTOR.parse().unwrap(),
        family: "MARTIN".to_owned(),
        given: "Anne".to_owned(),
        profession: "10".to_owned(),
        speciality: None,
        may_regulate: true,
    };
    let (cabinet, doctor) = (structure.clone(), professional.clone());
    store
        .system("directory", move |tx| {
            for _again in 0..2 {
                tx.put_structure(&cabinet)?;
                tx.put_professional(&doctor)?;
                tx.put_exercise(&doctor.id, &cabinet.id, "situation-1")?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let (id, doctor) = (structure.id.clone(), professional.id.clone());
    let found = store.system_read("directory", move |tx| Ok((tx.find_structure(&id)?, tx.find_exercises(&doctor)?)));
    let (kept, exercises) = found.await.unwrap();
    assert_eq!(kept.as_ref(), Some(&structure));
    assert_eq!(exercises.len(), 1);
    assert_eq!((&exercises[0].professional, &exercises[0].structure), (&professional, &structure));
}

fn software(name: &str, subject_dn: Option<&str>, fingerprint: Option<&str>) -> ClientSoftware {
    ClientSoftware {
        id: name.to_owned(),
        structure: "401234567897001".parse().unwrap(),
        subject_dn: subject_dn.map(str::to_owned),
        fingerprint: fingerprint.map(str::to_owned),
        name: name.to_owned(),
        version: "1".to_owned(),
        homologation: None,
        profiles: vec!["alimentation".to_owned()],
        scopes: vec!["patient/*.read".to_owned()],
        suspended_at: None,
    }
}

async fn software_is_found_by_its_certificate_and_suspended(db: Db) {
    let store = db.open().await;
    let put = |client: ClientSoftware| store.system("enrol", move |tx| tx.put_client(&client));
    put(software("a", Some("CN=a"), None)).await.unwrap();
    put(software("b", None, Some("ff"))).await.unwrap();
    put(software("b", None, Some("ff"))).await.unwrap();
    assert_eq!(put(software("c", Some("CN=a"), None)).await.unwrap_err().code(), Code::Conflict);
    assert!(store.system("suspend", |tx| tx.suspend_client("a", Some(at(7)))).await.unwrap());
    assert!(!store.system("suspend", |tx| tx.suspend_client("z", None)).await.unwrap());
    let found = store.system_read("find", |tx| {
        Ok((
            tx.find_client_by_certificate("CN=a", "00")?,
            tx.find_client_by_certificate("CN=a", "ff")?,
            tx.find_client_by_certificate("CN=z", "00")?,
            tx.list_clients()?.into_iter().map(|client| client.id).collect::<Vec<_>>(),
            tx.find_client("b")?,
        ))
    });
    let (by_subject, by_fingerprint, unknown, all, b) = found.await.unwrap();
    assert_eq!(by_subject, Some(ClientSoftware { suspended_at: Some(at(7)), ..software("a", Some("CN=a"), None) }));
    assert_eq!(by_fingerprint, Some(software("b", None, Some("ff"))));
    assert_eq!((unknown, all), (None, vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(b, Some(software("b", None, Some("ff"))));
    assert!(store.system("resume", |tx| tx.suspend_client("a", None)).await.unwrap());
    let resumed = store.system_read("find", |tx| tx.find_client("a")).await.unwrap();
    assert_eq!(resumed, Some(software("a", Some("CN=a"), None)));
}

async fn an_assertion_is_used_once(db: Db) {
    let store = db.open().await;
    let used = |tx: &mut espace::store::Tx<'_>| tx.use_assertion(&"401234567897001".parse().unwrap(), "jti-1", at(60));
    assert!(store.system("token", used).await.unwrap());
    assert!(!store.system("token", used).await.unwrap());
    assert_eq!(store.system("purge", |tx| tx.purge_assertions(at(60))).await.unwrap(), 0);
    assert_eq!(store.system("purge", |tx| tx.purge_assertions(at(61))).await.unwrap(), 1);
    assert!(store.system("token", used).await.unwrap());
}

async fn a_setting_is_remembered(db: Db) {
    let store = db.open().await;
    store
        .system("set", |tx| {
            tx.put_setting("clock.origin", "1")?;
            tx.put_setting("clock.origin", "2")
        })
        .await
        .unwrap();
    let found = store.system_read("get", |tx| Ok((tx.find_setting("clock.origin")?, tx.find_setting("other")?)));
    assert_eq!(found.await.unwrap(), (Some("2".to_owned()), None));
}
