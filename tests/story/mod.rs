//! Long narratives over a whole server.

mod consultation;
mod curl;
pub(crate) mod folders;
mod lots;
mod numbered;
mod numbered_more;
mod patient_side;
mod pointing;
mod publication;
mod published;
mod replacement;
mod round_trip;
mod samples;
mod status;
mod synchronisation;
mod visibility;
mod web_channel;
mod worlds;

use crate::support::server::TestServer;

/// Every chain of traces is whole: what every story ends with.
pub(crate) async fn traces_are_whole(server: &TestServer) {
    let report = server.app.service.store.verify_audit(|_seal| true).await.unwrap();
    assert_eq!(report.findings, []);
    assert!(report.links > 0, "a story without a trace");
}
