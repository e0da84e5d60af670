//! The scripts and their fixtures: those embedded in this program, or those of a folder.

use std::collections::BTreeMap;
use std::path::Path;

use super::parse::ScriptFault;
use super::script::Script;

include!(concat!(env!("OUT_DIR"), "/conformance.rs"));

/// Scripts, fixtures, the environment and the requirement lists, by their path from `conformance/`.
#[derive(Debug, Clone, Default)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// The files embedded in this program.
    pub fn embedded() -> Self {
        EMBEDDED.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect()
    }

    /// The bytes of a file.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// Puts a file in the place of another, or adds it.
    pub fn put(&mut self, path: impl Into<String>, bytes: Vec<u8>) {
        self.0.insert(path.into(), bytes);
    }

    /// The files of a folder, with their names.
    pub fn under<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.0.iter().filter(move |(path, _)| path.starts_with(folder)).map(|(path, b)| (path.as_str(), b.as_slice()))
    }

    /// Every script, by path: `SUITE/NAME.json`, fixtures and the environment apart.
    ///
    /// # Errors
    /// Every script that cannot be played, with the reason.
    pub fn scripts(&self) -> Result<Vec<Script>, Vec<ScriptFault>> {
        let is_json = |path: &str| Path::new(path).extension().is_some_and(|kind| kind == "json");
        let is_script =
            |path: &&String| is_json(path) && path.matches('/').count() == 1 && !path.starts_with("fixtures/");
        let (mut scripts, mut faults) = (Vec::new(), Vec::new());
        for path in self.0.keys().filter(is_script) {
            match Script::parse(path, self.get(path).unwrap_or_default()) {
                Ok(script) => scripts.push(script),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(scripts) } else { Err(faults) }
    }
}

impl FromIterator<(String, Vec<u8>)> for Files {
    fn from_iter<I: IntoIterator<Item = (String, Vec<u8>)>>(files: I) -> Self {
        Self(files.into_iter().collect())
    }
}

impl Script {
    /// The folder it stands in.
    pub fn suite(&self) -> &str {
        self.path.split_once('/').map_or("", |(suite, _)| suite)
    }
}
