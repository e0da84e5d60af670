//! `espace conformance`: the black-box suite against any server (contract §2).

mod network;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{Failure, output, runtime};
use crate::conformance::run::{ScriptResult, play};
use crate::conformance::script::Script;
use crate::conformance::suite::Files;
use crate::conformance::target::Target as _;
use crate::conformance::{coverage, report};

pub use network::{Credentials, Network};

/// Black-box conformance suite
#[derive(Debug, Args)]
pub(super) struct Conformance {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<Run>),
    /// Print the suites with their scripts, and which requirements have one
    List {
        /// Read the scripts of this folder, not those of the program
        #[arg(long, value_name = "DIR")]
        suites: Option<PathBuf>,
    },
}

/// Run the suites over mutual TLS against a server; exit 3 where checks fail
#[derive(Debug, Args)]
struct Run {
    /// FHIR base of the server
    #[arg(long, value_name = "URL")]
    target: String,
    /// Client certificate (PEM)
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// Its key (PEM)
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Root of the server's certificate (PEM)
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
    /// Only this suite or script (`iti-65`, `iti-65/publish`); may be repeated
    #[arg(long, value_name = "NAME")]
    suite: Vec<String>,
    /// Write a report in HTML
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write a report in JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a report as FHIR TestReports
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Read the scripts of this folder, not those of the program
    #[arg(long, value_name = "DIR")]
    suites: Option<PathBuf>,
    /// Certificates of other structures, NAME.pem and NAME.key; the folder of --cert where absent
    #[arg(long, value_name = "DIR")]
    certs: Option<PathBuf>,
    /// Tokens by persona, for a server that is not ours: a JSON object; personas without one are skipped
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// Values of the scripts' variables for this server: a JSON object
    #[arg(long, value_name = "FILE")]
    environment: Option<PathBuf>,
}

impl Conformance {
    /// Runs or lists.
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Run(run) => runtime::block_on(run.run())?,
            Command::List { suites } => {
                let files = files(suites.as_deref())?;
                output::say(&coverage::page(&files, &scripts(&files, &[])?));
                Ok(())
            }
        }
    }
}

impl Run {
    async fn run(self) -> Result<(), Failure> {
        let files = files(self.suites.as_deref())?;
        let scripts = scripts(&files, &self.suite)?;
        let mut environment = environment(&files)?;
        if let Some(path) = &self.environment {
            environment.extend(texts(path, &read(path)?)?);
        }
        let tokens = self.tokens.as_deref().map(|path| texts(path, &read(path)?)).transpose()?;
        let folder = self.certs.clone().or_else(|| self.cert.parent().map(Path::to_owned)).unwrap_or_default();
        let credentials =
            Credentials { certificate: self.cert.clone(), key: self.key.clone(), ca: self.ca.clone(), folder, tokens };
        let target = Network::new(&self.target, credentials)?;
        let mut results = Vec::new();
        for script in &scripts {
            let result = play(&target, &files, script, &environment).await;
            output::say(&report::text(&result));
            results.push(result);
        }
        self.write(target.base(), &results)?;
        output::say(&report::summary(&results));
        if report::has_problems(&results) { Err(Failure::Problems) } else { Ok(()) }
    }

    fn write(&self, target: &str, results: &[ScriptResult]) -> Result<(), Failure> {
        let put = |path: &Path, text: String| {
            std::fs::write(path, text).map_err(|error| Failure::from_error(&path.display().to_string(), &error))
        };
        if let Some(path) = &self.report {
            put(path, report::html(target, results))?;
        }
        if let Some(path) = &self.junit {
            put(path, report::junit(results))?;
        }
        if let Some(path) = &self.json {
            put(path, report::json(target, results).to_string())?;
        }
        Ok(())
    }
}

/// The embedded files, or those of a folder.
fn files(folder: Option<&Path>) -> Result<Files, Failure> {
    let Some(folder) = folder else { return Ok(Files::embedded()) };
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        let failed = |error: std::io::Error| Failure::from_error(&next.display().to_string(), &error);
        for entry in std::fs::read_dir(&next).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                waiting.push(path);
            } else if let Some(name) = path.strip_prefix(folder).ok().and_then(Path::to_str) {
                found.push((name.replace('\\', "/"), read(&path)?));
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// The scripts asked for; all where none is.
fn scripts(files: &Files, asked: &[String]) -> Result<Vec<Script>, Failure> {
    let scripts = files.scripts().map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Failure::Failed(faults.join("\n"))
    })?;
    let names: BTreeSet<&str> =
        scripts.iter().flat_map(|script| [script.suite(), script.path.trim_end_matches(".json")]).collect();
    if let Some(unknown) = asked.iter().find(|name| !names.contains(name.as_str())) {
        return Err(Failure::Usage(format!("no suite is called {unknown}; see `espace conformance list`")));
    }
    let is_asked = |script: &Script| {
        let path = script.path.trim_end_matches(".json");
        asked.is_empty() || asked.iter().any(|name| name == script.suite() || name == path)
    };
    Ok(scripts.into_iter().filter(is_asked).collect())
}

/// What the scripts call by name on a development server.
fn environment(files: &Files) -> Result<BTreeMap<String, String>, Failure> {
    let name = "environment.json";
    let bytes = files.get(name).ok_or_else(|| Failure::Failed(format!("the suites have no {name}")))?;
    texts(Path::new(name), bytes)
}

/// A JSON object of texts.
fn texts(path: &Path, bytes: &[u8]) -> Result<BTreeMap<String, String>, Failure> {
    serde_json::from_slice(bytes).map_err(|error| Failure::from_error(&path.display().to_string(), &error))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::from_error(&path.display().to_string(), &error))
}
