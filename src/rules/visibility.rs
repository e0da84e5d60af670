//! Hidden documents (mes-rules §2.5; CSP R1111-49, R1111-50, R1111-53): `visibility.csv`.

use super::facts::Tie;
use super::law;
use super::status::Ruled;
use super::table::{Axis as _, axes};
use crate::model::profile::states;

states! {
    /// The codes of JDV_J08 that a fiche's securityLabel carries.
    Label {
        /// Normal.
        Normal = "N",
        /// Restricted.
        Restricted = "R",
        /// Very restricted.
        VeryRestricted = "V",
        /// Masked to professionals.
        MaskedToProfessionals = "MASQUE_PS",
        /// Not visible to the person.
        InvisibleToPatient = "INVISIBLE_PATIENT",
        /// Not visible to legal representatives.
        InvisibleToRepresentatives = "INVISIBLE_REPRESENTANTS_LEGAUX",
    }
}

axes! { Label = "label" }

states! {
    /// Whether a label shows a document to a reader.
    Visibility {
        /// It shows it.
        Visible = "visible",
        /// It hides it.
        Hidden = "hidden",
    }
}

/// Whether a document that carries `labels` (as `code` or `system|code`) shows itself to a reader
/// who holds `ties`. A code that is not of JDV_J08 hides nothing.
pub fn is_visible(labels: &[impl AsRef<str>], ties: &[Tie]) -> bool {
    let hidden = hidden_labels(ties);
    !labels.iter().any(|label| {
        let code = label.as_ref().rsplit('|').next().unwrap_or_default();
        hidden.iter().any(|hidden| hidden.name() == code)
    })
}

/// The labels that hide a document from a reader who holds `ties`: what a search must exclude.
pub fn hidden_labels(ties: &[Tie]) -> Vec<Label> {
    let ties = if ties.is_empty() { &[Tie::None] } else { ties };
    let hides = |label: &Label| ties.iter().all(|tie| judge(*label, *tie).outcome == Visibility::Hidden);
    Label::ALL.iter().copied().filter(hides).collect()
}

fn judge(label: Label, tie: Tie) -> Ruled<Visibility> {
    Ruled::of(law::VISIBILITY.find([label.place(), tie.place()]), Visibility::Hidden)
}
