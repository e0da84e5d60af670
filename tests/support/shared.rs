//! The published samples and packages, kept outside the project: tests that need them skip aloud
//! where they are absent.

use std::io::Write as _;
use std::path::PathBuf;

/// The folder of samples: `ESPACE_SHARED`, else `shared` beside the package.
pub(crate) fn shared() -> Option<PathBuf> {
    let named = std::env::var_os("ESPACE_SHARED").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"));
    folder.is_dir().then_some(folder)
}

/// The bytes of a file of the shared folder; `None`, said aloud, where it is absent.
pub(crate) fn sample(path: &str) -> Option<Vec<u8>> {
    let bytes = shared().and_then(|folder| std::fs::read(folder.join(path)).ok());
    if bytes.is_none() {
        skipped(path);
    }
    bytes
}

/// Says that something was not tested: past the capture of the test harness, so that it is seen.
pub(crate) fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what} is not here");
}
