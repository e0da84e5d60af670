//! Bodies are stored packed, and what was stored before they were is read as it is (docs/decisions/0016).

use espace::model::resource::{NewResource, ResourceType};
use espace::store::{Settled, Store};

use super::actors::{MARIE, context, fiche, id, permit, trace};
use crate::support::db::{Db, stories};

stories! {
    a_body_takes_a_fraction_of_its_room_and_every_version_reads_back,
    a_trace_is_packed_and_its_chain_is_whole,
    rows_of_before_read_as_they_are,
    a_body_that_does_not_unpack_is_never_handed_out,
}

const FICHE: ResourceType = ResourceType::DocumentReference;

fn large(version: i32) -> NewResource {
    let coding = r#"{"coding":[{"system":"https://mos.esante.gouv.fr/NOS/TRE_A03-ClasseDocument/FHIR/TRE-A03-ClasseDocument","code":"10","display":"Compte rendu"}]}"#;
    let body = format!(
        r#"{{"resourceType":"DocumentReference","id":"1","meta":{{"versionId":"{version}"}},"status":"current","category":[{coding}],"securityLabel":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":"N","display":"Normal"}}]}}]}}"#
    );
    NewResource { body: body.into_bytes(), ..fiche(1, version, vec![]) }
}

async fn read(store: &Store, version: i32) -> Option<Vec<u8>> {
    let found = store.system_read("vread", move |tx| tx.find_version(&permit(MARIE), FICHE, id(1), version));
    found.await.unwrap().map(|found| found.body)
}

async fn a_body_takes_a_fraction_of_its_room_and_every_version_reads_back(db: Db) {
    let store = db.open().await;
    for version in 1..=2 {
        store.system("put", move |tx| tx.put_resource(&permit(MARIE), &large(version))).await.unwrap();
    }
    let plain = i64::try_from(large(1).body.len()).unwrap();
    for table in ["resource", "resource_history"] {
        let stored = db.count(&format!("SELECT CAST(length(body) AS BIGINT) FROM {table}")).await;
        assert!(stored * 3 < plain, "{table}: {stored} of {plain}");
    }
    for version in 1..=2 {
        assert_eq!(read(&store, version).await, Some(large(version).body));
    }
    let listed = store.system_read("list", |tx| tx.list_resources(None, 10)).await.unwrap();
    assert_eq!(listed[0].resource.body, large(2).body);
}

async fn a_trace_is_packed_and_its_chain_is_whole(db: Db) {
    let store = db.open().await;
    let record = trace(MARIE, 1);
    let plain = i64::try_from(serde_json::to_vec(&record).unwrap().len()).unwrap();
    let write = move |_tx: &mut espace::store::Tx<'_>| Ok(Settled::done((), trace(MARIE, 1)));
    store.write("act", context(), write).await.unwrap();
    let stored = db.count("SELECT CAST(length(body) AS BIGINT) FROM audit").await;
    assert!(stored < plain, "{stored} of {plain}");
    let (id, expected) = (record.id, record);
    let found = store.system_read("find", move |tx| tx.find_audit(&permit(MARIE), id)).await.unwrap();
    assert_eq!(found.unwrap().record, expected);
    assert_eq!(store.verify_audit(|_seal| true).await.unwrap().findings, []);
}

async fn rows_of_before_read_as_they_are(db: Db) {
    let store = db.open().await;
    store.system("put", |tx| tx.put_resource(&permit(MARIE), &large(1))).await.unwrap();
    db.execute(&format!("UPDATE resource SET body = {}", literal(&db, br#"{"id":"1","old":true}"#))).await;
    assert_eq!(read(&store, 1).await.as_deref(), Some(&br#"{"id":"1","old":true}"#[..]));
    store.system("put", |tx| tx.put_resource(&permit(MARIE), &large(2))).await.unwrap();
    assert_eq!(read(&store, 1).await.as_deref(), Some(&br#"{"id":"1","old":true}"#[..]));
    assert_eq!(read(&store, 2).await, Some(large(2).body));
}

async fn a_body_that_does_not_unpack_is_never_handed_out(db: Db) {
    let store = db.open().await;
    store.system("put", |tx| tx.put_resource(&permit(MARIE), &large(1))).await.unwrap();
    for broken in [&[1][..], &[1, 2, 3, 4, 5, 6, 7, 8, 9], &[31, b'{', b'}']] {
        db.execute(&format!("UPDATE resource SET body = {}", literal(&db, broken))).await;
        let found = store.system_read("read", |tx| tx.find_resource(&permit(MARIE), FICHE, id(1)));
        assert_eq!(found.await.unwrap_err().code(), espace::error::Code::Internal);
    }
}

/// Bytes as each back end writes them.
fn literal(db: &Db, bytes: &[u8]) -> String {
    let hex = bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    if db.is_sqlite() { format!("X'{hex}'") } else { format!("'\\x{hex}'") }
}
