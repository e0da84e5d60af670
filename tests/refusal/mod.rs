//! Bad input over a whole server: each case gets the answer of contract §8 and changes nothing but
//! the trace.

mod absence;
mod bodies;
mod bundles;
mod certificates;
mod documents;
mod interface;
mod logs;
mod oauth;
mod production;
mod tokens;
mod wire;

use std::collections::BTreeMap;

use diesel::{Connection as _, QueryableByName, RunQueryDsl as _};
use espace::ids::ShardKey;
use serde_json::Value;

use crate::support::client::Answer;
use crate::support::server::TestServer;

/// Everything that a refusal must leave as it was.
const KEPT: [&str; 8] = [
    "resource",
    "resource_history",
    "search_index",
    "document",
    "document_identifier",
    "blob",
    "first_access",
    "outbox",
];

/// What a server keeps, to see that a refusal changed nothing but the trace.
pub(crate) struct Watch<'a> {
    server: &'a TestServer,
    kept: Vec<i64>,
    chains: BTreeMap<ShardKey, i64>,
}

impl<'a> Watch<'a> {
    pub(crate) async fn over(server: &'a TestServer) -> Self {
        Self { server, kept: kept(server).await, chains: chains(server).await }
    }

    /// What chains have grown by since, as `act outcome refusal`.
    async fn traced(&mut self) -> Vec<String> {
        let now = chains(self.server).await;
        let mut new = Vec::new();
        for (chain, sequence) in &now {
            let before = self.chains.get(chain).copied().unwrap_or_default();
            let traces = self.server.chain(*chain).await;
            new.extend(traces.into_iter().skip(usize::try_from(before).unwrap()));
            assert!(*sequence >= before);
        }
        self.chains = now;
        // Tokens that the clients of a test ask for on the way.
        new.retain(|trace| trace != "get-access-token 0");
        new
    }

    /// The answer is this refusal (`status code expression`, one issue a line: the first is told),
    /// one trace of it is there, and nothing else.
    pub(crate) async fn refused(&mut self, case: &str, answer: &Answer, outcome: &str, trace: &str) {
        let told = answer.outcome();
        let first = told.lines().next().unwrap_or_default();
        let place = first.strip_prefix(outcome);
        assert!(place.is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')), "{case}: {told}");
        assert_eq!(self.traced().await, [trace], "{case}");
        assert_eq!(kept(self.server).await, self.kept, "{case}");
    }

    /// One trace comes, soon, of a request whose answer the client did not wait for; nothing else.
    pub(crate) async fn traced_once(&mut self, case: &str, trace: &str) {
        let mut traced = self.traced().await;
        for _ in 0..500 {
            if !traced.is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            traced = self.traced().await;
        }
        assert_eq!(traced, [trace], "{case}");
        assert_eq!(kept(self.server).await, self.kept, "{case}");
    }

    /// Neither a trace nor anything else is there.
    pub(crate) async fn untouched(&mut self, case: &str) {
        assert_eq!(self.traced().await, [""; 0], "{case}");
        assert_eq!(kept(self.server).await, self.kept, "{case}");
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// How many rows of each table, and how many files of documents.
pub(crate) async fn kept(server: &TestServer) -> Vec<i64> {
    let mut counts = Vec::new();
    if let Some(path) = server.db.config.url.strip_prefix("sqlite:") {
        let mut connection = diesel::SqliteConnection::establish(path).unwrap();
        for table in KEPT {
            let query = diesel::sql_query(format!("SELECT count(*) AS count FROM {table}"));
            counts.push(query.get_result::<Count>(&mut connection).unwrap().count);
        }
    } else {
        let connected = tokio_postgres::connect(&server.db.config.url, tokio_postgres::NoTls).await;
        let (client, connection) = connected.unwrap();
        let driver = tokio::spawn(connection);
        for table in KEPT {
            let row = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap();
            counts.push(row.get(0));
        }
        drop(client);
        driver.await.unwrap().unwrap();
    }
    counts.push(files(&server.state.path().join("documents")));
    counts
}

/// Files under a folder, however deep.
fn files(folder: &std::path::Path) -> i64 {
    let entries = std::fs::read_dir(folder).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    entries.iter().map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

async fn chains(server: &TestServer) -> BTreeMap<ShardKey, i64> {
    let heads = server.app.service.store.system_read("test.chains", |tx| tx.list_chains(None, 10_000)).await;
    heads.unwrap().into_iter().map(|head| (head.pt, head.sequence)).collect()
}

/// The document of a demo bundle.
pub(crate) fn document(bundle: &Value) -> Vec<u8> {
    base64_simd::STANDARD.decode_to_vec(bundle["entry"][2]["resource"]["data"].as_str().unwrap()).unwrap()
}

/// A demo bundle around other bytes, its hash and size made to agree.
pub(crate) fn with_document(mut bundle: Value, bytes: &[u8]) -> Value {
    use sha1::Digest as _;
    bundle["entry"][2]["resource"]["data"] = base64_simd::STANDARD.encode_to_string(bytes).into();
    let attachment = &mut bundle["entry"][1]["resource"]["content"][0]["attachment"];
    attachment["hash"] = base64_simd::STANDARD.encode_to_string(sha1::Sha1::digest(bytes)).into();
    attachment["size"] = bytes.len().into();
    bundle
}

/// The trace of a refused submission.
pub(crate) fn provide(outcome: u8, code: &str) -> String {
    format!("provide-document-bundle {outcome} {code}")
}
