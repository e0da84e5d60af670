//! `--package`: the definitions of a folder, or of an npm package of FHIR (`.tgz`: a gzip of a ustar archive).

mod inflate;

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Failure;
use crate::fhir::codec::json;
use crate::fhir::validate::package::Package;

/// A package unpacks to no more.
const MOST_BYTES: usize = 512 * 1024 * 1024;
/// Bytes of a block of ustar (POSIX.1 pax).
const BLOCK: usize = 512;

/// Reads the packages named and those of a folder, where it is there; makes their definitions ready.
pub(super) fn read(folder: Option<&Path>, named: &[PathBuf]) -> Result<Package, Failure> {
    let mut package = Package::default();
    let kept = folder.filter(|folder| folder.is_dir());
    for place in kept.map(of_folder).transpose()?.unwrap_or_default() {
        load(&mut package, &place)?;
    }
    for place in named {
        load(&mut package, place)?;
    }
    package.finish();
    Ok(package)
}

/// The packages of a folder: archives and folders, in the order of their names; the folder itself for loose files.
fn of_folder(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| Failure::Failed(format!("cannot read packages {}: {error}", folder.display()));
    let files = std::fs::read_dir(folder).map_err(failed)?;
    let mut files: Vec<PathBuf> = files.map(|file| Ok(file?.path())).collect::<std::io::Result<_>>().map_err(failed)?;
    files.sort();
    let ends = |file: &PathBuf, end: &str| file.extension().is_some_and(|known| known == end);
    let has_loose = files.iter().any(|file| ends(file, "json"));
    files.retain(|file| file.is_dir() || ends(file, "tgz"));
    // Loose files are the operator's own: they stand over what packages say.
    files.extend(has_loose.then(|| folder.to_owned()));
    Ok(files)
}

/// Takes the definitions of a folder or of a `.tgz` in; one that holds none is an error.
fn load(package: &mut Package, place: &Path) -> Result<(), Failure> {
    let shown = place.display();
    let failed = |why: &dyn std::fmt::Display| Failure::Failed(format!("cannot read package {shown}: {why}"));
    let taken = if place.is_dir() {
        let inner = place.join("package");
        folder(package, if inner.is_dir() { &inner } else { place }).map_err(|error| failed(&error))?
    } else {
        let packed = std::fs::read(place).map_err(|error| failed(&error))?;
        let bytes = inflate::gunzip(&packed, MOST_BYTES).map_err(|error| failed(&error))?;
        let files = archive(&bytes).ok_or_else(|| failed(&"not a tar archive, or a damaged one"))?;
        files.into_iter().filter(|(name, _)| is_definition(name)).filter(|(_, bytes)| take(package, bytes)).count()
    };
    if taken == 0 {
        return Err(failed(&"it holds no StructureDefinition, ValueSet or CodeSystem"));
    }
    Ok(())
}

fn folder(package: &mut Package, place: &Path) -> std::io::Result<usize> {
    let mut files: Vec<_> = std::fs::read_dir(place)?.map(|file| Ok(file?.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    let mut taken = 0;
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if is_definition(&name) && file.is_file() {
            taken += usize::from(take(package, &std::fs::read(&file)?));
        }
    }
    Ok(taken)
}

/// Examples and the package's own papers are not definitions.
fn is_definition(name: &str) -> bool {
    let (folder, name) = name.rsplit_once('/').unwrap_or(("", name));
    let is_json = Path::new(name).extension().is_some_and(|end| end == "json");
    is_json && matches!(folder, "" | "package") && !name.starts_with('.') && name != "package.json"
}

/// A file that is not JSON is left aside: packages hold all sorts of things.
fn take(package: &mut Package, bytes: &[u8]) -> bool {
    json::parse(bytes).is_ok_and(|resource: Value| package.add(resource))
}

/// The plain files of a ustar archive.
fn archive(bytes: &[u8]) -> Option<Vec<(String, &[u8])>> {
    let mut files = Vec::new();
    let mut rest = bytes;
    let mut long: Option<String> = None;
    while let Some((block, after)) = rest.split_at_checked(BLOCK) {
        if block.iter().all(|byte| *byte == 0) {
            break;
        }
        let size = octal(block.get(124..136)?)?;
        let body = after.get(..size)?;
        match block.get(156)? {
            b'0' | 0 => {
                let name = long.take().or_else(|| name(block))?;
                files.push((name, body));
            }
            // The name of the next file, where it is too long for its block.
            b'L' => long = Some(text(body)),
            b'x' => long = pax_path(body),
            _ => {}
        }
        rest = after.get(size.next_multiple_of(BLOCK)..)?;
    }
    Some(files)
}

/// Prefix and name of a block.
fn name(block: &[u8]) -> Option<String> {
    let (name, is_ustar) = (text(block.get(..100)?), block.get(257..262)? == b"ustar");
    let prefix = if is_ustar { text(block.get(345..500)?) } else { String::new() };
    Some(if prefix.is_empty() { name } else { format!("{prefix}/{name}") })
}

/// The `path` record of an extended header: `length path=value`, one record a line.
fn pax_path(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    text.lines().find_map(|line| line.split_once(' ')?.1.strip_prefix("path=").map(str::to_owned))
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

fn octal(field: &[u8]) -> Option<usize> {
    let digits = text(field);
    usize::from_str_radix(digits.trim(), 8).ok()
}
