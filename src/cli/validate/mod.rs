//! `espace validate`: FHIR JSON against its profile, the header of a CDA against the CI-SIS, without a server
//! (contract §2; document-sharing §1.2, §4.1).

mod judge;
mod report;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Failure, output, package, runtime};
use crate::error::Language;
use crate::fhir::validate::{self, Conformance, Mode, Pdsm};
use report::Report;

/// Validate FHIR JSON and the headers of CDA documents, offline
#[derive(Debug, Args)]
pub(super) struct Validate {
    /// Files: FHIR resources or bundles in JSON, CDA documents; told apart by what they hold
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Profile the resources are held to, besides the ones they name in meta.profile
    #[arg(long, value_name = "URL")]
    profile: Option<String>,
    /// Definitions to know besides: a folder of JSON files, or a package of FHIR as .tgz; may be repeated
    #[arg(long, value_name = "FILE.tgz|DIR")]
    package: Vec<PathBuf>,
    /// How strictly profiles and the CI-SIS are held to
    #[arg(long, value_enum, default_value_t = Strictness::CiSis)]
    mode: Strictness,
    /// Pack of PDSm: the tag 3.1.1, or the main branch of the guide
    #[arg(long, value_enum, default_value_t = Pack::Tag)]
    pdsm: Pack,
    /// Language of the texts; else that of LC_ALL, LC_MESSAGES or LANG, else English
    #[arg(long, value_enum)]
    lang: Option<Tongue>,
    /// Print OperationOutcomes: one a line, in the order of the files
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Strictness {
    /// All that a profile says refuses
    Strict,
    /// French practice: what the CI-SIS leaves open warns
    CiSis,
    /// The official examples pass, with warnings
    Lenient,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Pack {
    /// Tag 3.1.1, and warnings for what main adds
    #[value(name = "3.1.1")]
    Tag,
    /// The main branch
    Main,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Tongue {
    /// French
    Fr,
    /// English
    En,
}

impl Validate {
    /// Judges every file; exit 3 where an error was found, 1 where a file cannot be read.
    pub(super) fn run(self) -> Result<(), Failure> {
        let package = package::read(None, &self.package)?;
        if let Some(profile) = self.profile.as_deref().filter(|url| !validate::knows(url) && !package.knows(url)) {
            return Err(Failure::Usage(format!("no profile is called {profile}; --package brings more")));
        }
        let language = self.language();
        let judge = judge::Judge { mode: self.mode(), package: &package, profile: self.profile.as_deref() };
        let mut problems = false;
        for file in &self.files {
            let bytes = std::fs::read(file);
            let shown = file.display().to_string();
            let bytes = bytes.map_err(|error| Failure::Failed(format!("cannot read {shown}: {error}")))?;
            let report: Report = judge.file(&bytes);
            problems |= report.errors() > 0;
            let printed = if self.json { report.json(language) } else { report.text(&shown, language) };
            output::say(&printed);
        }
        if problems { Err(Failure::Problems) } else { Ok(()) }
    }

    const fn mode(&self) -> Mode {
        let mode = match self.mode {
            Strictness::Strict => Conformance::Strict,
            Strictness::CiSis => Conformance::CiSis,
            Strictness::Lenient => Conformance::Lenient,
        };
        let pdsm = match self.pdsm {
            Pack::Tag => Pdsm::V311,
            Pack::Main => Pdsm::Main,
        };
        Mode::of(mode, pdsm)
    }

    fn language(&self) -> Language {
        match self.lang {
            Some(Tongue::Fr) => Language::French,
            None if runtime::is_french() => Language::French,
            Some(Tongue::En) | None => Language::English,
        }
    }
}
