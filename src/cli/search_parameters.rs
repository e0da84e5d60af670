//! The operator's own search parameters, from the folder that `search.parameters` names.

use std::path::Path;

use serde_json::Value;

use super::Failure;
use crate::config::Config;
use crate::fhir::codec;
use crate::fhir::search::custom;

/// Largest file of one SearchParameter or of a Bundle of them, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Reads every `*.json` of the folder and adds what they define, before the index is looked at.
pub(super) fn install(config: &Config) -> Result<(), Failure> {
    let Some(folder) = &config.search.parameters else { return Ok(()) };
    let failed =
        |error: &std::io::Error| Failure::from_error(&format!("search.parameters: {}", folder.display()), error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| failed(&error))? {
        let path = entry.map_err(|error| failed(&error))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    let resources = files.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let added = custom::install(&resources).map_err(|error| Failure::from_error("search.parameters", &error))?;
    tracing::debug!(added, "search parameters of the operator");
    Ok(())
}

fn read(path: &Path) -> Result<Value, Failure> {
    let failed = |text: &str| Failure::Failed(format!("search.parameters: {}: {text}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| failed(&error.to_string()))?.len();
    if size > LARGEST {
        return Err(failed("too large"));
    }
    let bytes = std::fs::read(path).map_err(|error| failed(&error.to_string()))?;
    codec::json::parse(&bytes).map_err(|error| failed(&error.to_string()))
}
