//! What was found in one file, in words or as an OperationOutcome (contract §8).

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::error::{Issue, Language};
use crate::fhir::outcome::{self, Frame};

/// Issues are told under the canonical base of this project: there is no server.
const BASE: &str = "https://localhost:8443/fhir";

/// What was found in one file.
pub(super) struct Report {
    pub(super) issues: Vec<Issue>,
    pub(super) notes: Vec<Note>,
}

/// What the reader should know of how the file was judged.
pub(super) enum Note {
    /// Neither `--profile` nor meta.profile.
    NoProfile,
    /// Neither our tables nor a package know it.
    UnknownProfile(String),
    /// `--profile` says nothing of a CDA.
    ProfileNotLookedAt,
    /// FHIR in XML is not read yet.
    FhirXml,
}

impl Note {
    fn text(&self, language: Language) -> String {
        let french = matches!(language, Language::French);
        match self {
            Self::NoProfile if french => "aucun profil nommé : seule la structure R4 est contrôlée".to_owned(),
            Self::NoProfile => "no profile is named: the structure of R4 alone is checked".to_owned(),
            Self::UnknownProfile(url) if french => format!("profil inconnu, non contrôlé : {url}"),
            Self::UnknownProfile(url) => format!("unknown profile, not checked: {url}"),
            Self::ProfileNotLookedAt if french => "--profile ne s'applique pas à un CDA".to_owned(),
            Self::ProfileNotLookedAt => "--profile does not apply to a CDA".to_owned(),
            Self::FhirXml if french => "FHIR en XML n'est pas encore lu ; l'écrire en JSON".to_owned(),
            Self::FhirXml => "FHIR in XML is not read yet; write it in JSON".to_owned(),
        }
    }
}

impl Report {
    /// How many errors.
    pub(super) fn errors(&self) -> usize {
        self.issues.iter().filter(|issue| !issue.is_warning).count()
    }

    /// One line for the file, one for each issue, errors first.
    pub(super) fn text(&self, file: &str, language: Language) -> String {
        let (errors, warnings) = (self.errors(), self.issues.len() - self.errors());
        let words = match language {
            Language::French => ["erreur", "avertissement", "note"],
            Language::English => ["error", "warning", "note"],
        };
        let [error, warning, note] = words;
        let mut text = match language {
            Language::French => format!("{file} : {errors} erreur(s), {warnings} avertissement(s)"),
            Language::English => format!("{file}: {errors} error(s), {warnings} warning(s)"),
        };
        let ranked = |is_warning: bool| self.issues.iter().filter(move |issue| issue.is_warning == is_warning);
        for issue in ranked(false).chain(ranked(true)) {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n  {}", if issue.is_warning { warning } else { error });
            if let Some(path) = &issue.path {
                let _ = write!(text, " {path}");
            }
            let row = issue.code.row();
            let _ = write!(text, ": {}", issue.text(language));
            let rule = issue.rule.as_deref().unwrap_or_default();
            let _ = write!(text, " [{}{}{rule}]", row.name, if rule.is_empty() { "" } else { "; " });
            if let Some(place) = &issue.written {
                let _ = write!(text, " {place}");
            }
        }
        for told in &self.notes {
            let _ = write!(text, "\n  {note}: {}", told.text(language));
        }
        text
    }

    /// One OperationOutcome on one line.
    pub(super) fn json(&self, language: Language) -> String {
        let frame = Frame { base: BASE, language, request: None };
        let mut outcome = outcome::render(&self.issues, &frame);
        if let Some(Value::Array(issues)) = outcome.get_mut("issue") {
            issues.extend(self.notes.iter().map(|note| {
                json!({"severity": "information", "code": "informational", "details": {"text": note.text(language)}})
            }));
        }
        outcome.to_string()
    }
}
