//! The same bytes in one record are kept once, and each document has its own rights
//! (docs/decisions/0015).

use reqwest::Method;
use serde_json::json;

use super::conditional::deposit;
use super::label;
use crate::refusal::kept;
use crate::support::client::Actor;
use crate::support::db::{Db, stories};
use crate::support::server::TestServer;

stories! { the_same_bytes_in_a_record_are_kept_once_and_each_document_has_its_own_rights }

async fn withdraw(actor: &Actor, fiche: &str) {
    let patch = json!([{ "op": "replace", "path": "/status", "value": "entered-in-error" }]).to_string();
    let headers = [("content-type", "application/json-patch+json")];
    let answer = actor.send(Method::PATCH, fiche, &headers, patch.into_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

async fn the_same_bytes_in_a_record_are_kept_once_and_each_document_has_its_own_rights(db: Db) {
    let server = TestServer::start_on(db).await;
    let (martin, petit) = (server.professional("dr-martin").await, server.professional("dr-petit").await);
    let noise: Vec<u8> = (0_u32..400_000).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    for bytes in [b"%PDF-1.4 beside the row".to_vec(), noise] {
        let own = async || {
            let (all, beside) = (
                "SELECT count(*) FROM blob WHERE origin IS NULL",
                "SELECT count(*) FROM blob WHERE origin IS NOT NULL AND content IS NULL",
            );
            (server.db.count(all).await, server.db.count(beside).await, *kept(&server).await.last().unwrap())
        };
        let before = own().await;
        let bundle = server.bundle("dominique", "dr-petit");
        let (first, first_bytes) = deposit(&petit, &bundle, "application/pdf", &bytes).await;
        let once = own().await;
        let is_file = i64::from(bytes.len() > 262_144);
        assert_eq!(once, (before.0 + 1, before.1, before.2 + is_file));

        // Under another uniqueId, of another type, hidden from professionals but its author.
        let mut bundle = server.bundle("dominique", "dr-martin");
        label(&mut bundle, "MASQUE_PS");
        let (second, second_bytes) = deposit(&martin, &bundle, "text/plain", &bytes).await;
        assert_eq!(own().await, (once.0, once.1 + 1, once.2), "the bytes are not kept again");
        assert!(first != second && first_bytes != second_bytes);
        for (actor, path, media) in [
            (&petit, &first_bytes, "application/pdf"),
            (&martin, &first_bytes, "application/pdf"),
            (&martin, &second_bytes, "text/plain"),
        ] {
            let read = actor.get(path).await;
            assert_eq!((read.status.as_u16(), read.header("content-type")), (200, media), "{path}");
            assert!(read.body == bytes, "{path}");
            let part = actor.get_with(path, &[("range", "bytes=3-9")]).await;
            assert!(part.status == 206 && part.body == bytes[3..=9], "{path}");
        }
        assert_eq!(petit.get(&second_bytes).await.outcome(), "404 not-found", "masked");

        // Another record keeps its own.
        let bundle = server.bundle("corse", "dr-martin");
        deposit(&martin, &bundle, "application/pdf", &bytes).await;
        assert_eq!(own().await, (once.0 + 1, once.1 + 1, once.2 + is_file));

        // The one that brought the bytes goes: the other is read as before, and no file is an orphan.
        withdraw(&petit, &first).await;
        assert_eq!(petit.get(&first_bytes).await.outcome(), "410 deleted");
        assert!(martin.get(&second_bytes).await.body == bytes);
        let files =
            server.app.service.store.system_read("test.files", |tx| tx.list_blob_files(None, 10)).await.unwrap();
        for file in &files {
            assert!(server.app.service.folder.path_of(file.id).is_file());
        }
        assert_eq!(i64::try_from(files.len()).unwrap(), own().await.2, "every file is named, once");
    }
    // A change of the master key looks at each run of bytes once, and both documents are read after it.
    let (keys, ids) = (server.app.service.keys.clone(), server.app.ids.clone());
    let opened = espace::ops::document::rewrap::rewrap(&server.app.service.store, keys, ids).await.unwrap();
    let runs = server.db.count("SELECT count(*) FROM blob WHERE origin IS NULL").await;
    assert_eq!(i64::try_from(opened.changed + opened.kept).unwrap(), runs);
    crate::story::traces_are_whole(&server).await;
}
