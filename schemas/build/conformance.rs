//! Embeds the conformance scripts, fixtures and requirement lists, so that the runner needs no checkout.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Writes `conformance.rs`: `EMBEDDED`, every file but pages of text, by path.
pub(crate) fn generate(folder: &Path, out: &Path) {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    let mut text = String::from("/// Path from `conformance/`, and bytes.\nstatic EMBEDDED: &[(&str, &[u8])] = &[\n");
    for file in files {
        let path = file.strip_prefix(folder).expect("below the folder").to_str().expect("a name in UTF-8");
        let line =
            format!("    ({path:?}, include_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/conformance/{path}\"))),");
        writeln!(text, "{line}").expect("a String takes everything");
    }
    text.push_str("];\n");
    std::fs::write(out.join("conformance.rs"), text).expect("OUT_DIR can be written");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("conformance/ can be read") {
        let path = entry.expect("conformance/ can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension != "md") {
            files.push(path);
        }
    }
}
