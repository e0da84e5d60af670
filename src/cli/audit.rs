//! `espace audit`: verify the hash chains of the traces, export them.

use clap::{Args, Subcommand};

use super::place::Place;
use super::{Failure, output, runtime};
use crate::store::Store;
use crate::workers::SealKey;

/// Hash chains of the traces
#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Walk every chain and seal; exit 3 where a record was changed, removed, reordered or cut off
    Verify {
        #[command(flatten)]
        place: Place,
    },
    /// Print every trace as one line of JSON, chain by chain
    Export {
        #[command(flatten)]
        place: Place,
    },
}

const PAGE: i64 = 1_000;

impl Audit {
    /// Verifies or exports.
    pub(super) fn run(self) -> Result<(), Failure> {
        runtime::block_on(async {
            match self.command {
                Command::Verify { place } => verify(&place).await,
                Command::Export { place } => export(&place.open().await?.1).await,
            }
        })?
    }
}

async fn verify(place: &Place) -> Result<(), Failure> {
    let (config, store) = place.open().await?;
    let key = SealKey::load(&config.token.keys.join("seal.der"));
    let key = key.map_err(|error| Failure::from_error("seal key", &error))?;
    let report = store.verify_audit(|seal| key.verifies(&seal.payload, &seal.signature)).await;
    let report = report.map_err(|error| Failure::from_error("audit verify", &error))?;
    report.findings.iter().for_each(|finding| output::say(&finding.to_string()));
    output::say(&format!(
        "{} records in {} chains, {} seals: {}",
        report.links,
        report.chains,
        report.seals,
        if report.findings.is_empty() { "intact" } else { "NOT INTACT" },
    ));
    if report.findings.is_empty() { Ok(()) } else { Err(Failure::Problems) }
}

async fn export(store: &Store) -> Result<(), Failure> {
    let failed = |error: crate::error::Error| Failure::from_error("audit export", &error);
    let mut after = None;
    loop {
        let heads = store.system_read("audit.chains", move |tx| tx.list_chains(after, PAGE)).await.map_err(failed)?;
        let Some(last) = heads.last() else { return Ok(()) };
        after = Some(last.pt);
        for head in heads {
            let mut sequence = 0;
            loop {
                let (pt, from) = (head.pt, sequence);
                let rows = store.system_read("audit.chain", move |tx| tx.list_chain(pt, from, PAGE));
                let rows = rows.await.map_err(failed)?;
                let Some(end) = rows.last() else { break };
                sequence = end.sequence;
                for row in &rows {
                    output::say(&format!(
                        "{{\"chain\":\"{}\",\"sequence\":{},\"record\":{}}}",
                        row.pt,
                        row.sequence,
                        String::from_utf8_lossy(&row.body),
                    ));
                }
            }
        }
    }
}
