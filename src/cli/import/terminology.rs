//! `espace import --terminology`: value sets and code systems in the place of the committed ones, and
//! how a server takes them up at its start (issue 4 §5).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::{Failure, output};
use crate::fhir::terminology::{Change, Library};

/// Larger files are refused, in bytes.
const LARGEST: u64 = 32 * 1024 * 1024;

/// Checks files against what is known and what was imported before, then keeps copies of them.
pub(super) fn import(folder: &Path, files: &[PathBuf]) -> Result<(), Failure> {
    let mut library = Library::over_built_in();
    take_folder(&mut library, folder)?;
    let mut read = Vec::new();
    // All are checked before any is kept.
    for path in files {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| Failure::Usage(format!("{} is not a file", path.display())))?;
        let text = text_of(path)?;
        for change in take(&mut library, path, name, &text)? {
            output::say(&told(&change));
        }
        read.push((folder.join(name), text));
    }
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    for (target, text) in read {
        // A server that starts meanwhile reads the old file or the new one.
        let fresh = target.with_extension("part");
        fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, &target)).map_err(|error| failed(&target, &error))?;
    }
    output::say(&format!("kept in {}; a server takes them up at its next start", folder.display()));
    Ok(())
}

/// What a server knows: its own codes, and what lies in the folder over the committed tables.
pub(in crate::cli) fn library(folder: &Path, base: &str) -> Result<Arc<Library>, Failure> {
    let mut library = Library::over_built_in().of_server(base);
    take_folder(&mut library, folder)?;
    Ok(Arc::new(library))
}

/// Code systems and bundles first, then value sets, then tables, each by name: sets may take systems whole.
fn take_folder(library: &mut Library, folder: &Path) -> Result<(), Failure> {
    let listed = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        listed => listed.map_err(|error| failed(folder, &error))?,
    };
    let mut files = Vec::new();
    for entry in listed {
        let path = entry.map_err(|error| failed(folder, &error))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let is_table = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let is_resource = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        if is_table || is_resource {
            let text = text_of(&path)?;
            let rank = if is_table { 2 } else { usize::from(!text.contains("\"CodeSystem\"")) };
            files.push((rank, name, path, text));
        }
    }
    files.sort();
    for (_, name, path, text) in files {
        take(library, &path, &name, &text)?;
    }
    Ok(())
}

fn take(library: &mut Library, path: &Path, name: &str, text: &str) -> Result<Vec<Change>, Failure> {
    let loaded = library.read(name, text).map_err(|error| failed(path, &error))?;
    Ok(loaded.into_iter().map(|loaded| library.load(loaded)).collect())
}

fn text_of(path: &Path) -> Result<String, Failure> {
    let size = fs::metadata(path).map_err(|error| failed(path, &error))?.len();
    if size > LARGEST {
        return Err(Failure::Failed(format!("{}: larger than {LARGEST} bytes", path.display())));
    }
    fs::read_to_string(path).map_err(|error| failed(path, &error))
}

fn told(change: &Change) -> String {
    let Change { url, codes, added, retired } = change;
    format!("{url}: {codes} codes, {added} new, {retired} retired")
}

fn failed(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::from_error(&path.display().to_string(), error)
}
