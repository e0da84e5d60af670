//! The three lines that the README shows, with the curl of this machine over mutual TLS.

use std::process::{Command, Output};

use crate::support::db::block_on;
use crate::support::server::TestServer;
use crate::support::shared::skipped;

fn curl(server: &TestServer, token: &str, more: &[&str]) -> Option<Output> {
    let file = |name: &str| server.certs.path().join(name).display().to_string();
    let mut command = Command::new("curl");
    command.args(["-sS", "--max-time", "20", "--cacert", &file("ca.pem"), "--cert", &file("cabinet.pem")]);
    command.args(["--key", &file("cabinet.key"), "-H", &format!("Authorization: Bearer {token}")]);
    command.args(more).output().ok()
}

#[test]
fn curl_publishes_finds_and_reads_over_mutual_tls() {
    block_on(async {
        let server = TestServer::start().await;
        let martin = server.professional("dr-martin").await;
        let bundle = server.bundle("dominique", "dr-martin");
        let file = server.state.write("bundle.json", bundle.to_string());
        let (base, data) = (server.base(), format!("@{}", file.display()));
        let publish = ["-H", "Content-Type: application/fhir+json", "--data-binary", &data, &base];
        let Some(published) = curl(&server, martin.token(), &publish) else { return skipped("curl") };
        let text = String::from_utf8_lossy(&published.stdout);
        assert!(text.contains("transaction-response"), "{text}{}", String::from_utf8_lossy(&published.stderr));

        let search = format!("{base}/DocumentReference/_search");
        let ins = "patient.identifier=urn:oid:1.2.250.1.213.1.4.10|279035121518989";
        let find =
            ["--data-urlencode", ins, "-d", "status=current", "-d", "_sort=-_lastUpdated", "-d", "_count=1", &search];
        let found = curl(&server, martin.token(), &find).unwrap();
        let found: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
        let url = found["entry"][0]["resource"]["content"][0]["attachment"]["url"].as_str().unwrap();

        let read = curl(&server, martin.token(), &[url]).unwrap();
        let sent = bundle["entry"][2]["resource"]["data"].as_str().unwrap();
        assert!(read.stdout == base64_simd::STANDARD.decode_to_vec(sent).unwrap());

        let file = |name: &str| server.certs.path().join(name).display().to_string();
        let bare = Command::new("curl").args(["-sS", "--max-time", "20", "--cacert", &file("ca.pem"), url]).output();
        assert!(!bare.unwrap().status.success(), "a client without a certificate was answered");
        super::traces_are_whole(&server).await;
    });
}
