//! The three lines that `espace dev` prints, pasted into a shell in some other folder.

use std::process::Command;

use crate::support::pki::Scratch;
use crate::support::process::{Ended, Home};
use crate::support::shared::skipped;

fn paste(folder: &Scratch, line: &str) -> Ended {
    let line = format!("set -euo pipefail; {line}");
    Command::new("bash").args(["-c", &line]).current_dir(folder.path()).output().unwrap().into()
}

#[test]
fn the_three_lines_work_when_pasted_and_again_when_pasted_again() {
    if Command::new("curl").arg("--version").output().is_err() {
        return skipped("curl");
    }
    let (home, elsewhere) = (Home::new(), Scratch::empty());
    let server = home.dev("");
    let lines: Vec<_> = server.announced.iter().filter(|line| line.starts_with("curl ")).collect();
    assert_eq!(lines.len(), 3);
    for turn in 1..=2 {
        let published = paste(&elsewhere, lines[0]);
        assert!(published.out.contains("transaction-response"), "{turn}: {published:?}");
        let answer: serde_json::Value = serde_json::from_str(&published.out).unwrap();
        let location = answer["entry"][1]["response"]["location"].as_str().unwrap();
        let fiche = location.split("/_history/").next().unwrap();

        let found = paste(&elsewhere, lines[1]);
        let found: serde_json::Value = serde_json::from_str(&found.out).unwrap();
        assert_eq!(found["total"], turn);
        let newest = found["entry"][0]["resource"]["id"].as_str().unwrap();
        assert_eq!(format!("DocumentReference/{newest}"), fiche, "the line does not find what was just published");

        let document = paste(&elsewhere, lines[2]);
        assert!(document.out.contains("<ClinicalDocument"), "{turn}: {document:?}");
    }
}
