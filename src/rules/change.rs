//! Who changes which metadata of a document (document-sharing §1.5 TD3.3, mes-rules §2.5):
//! `metadata-update.csv`.

use super::consultation::Consultation;
use super::facts::Tie;
use super::law;
use super::status::Ruled;
use super::table::{Axis as _, axes};
use crate::model::caller::CallerClass;
use crate::model::profile::states;

states! {
    /// What a metadata update changes.
    Change {
        /// `MASQUE_PS` comes (TD3.3a).
        MaskToProfessionals = "mask-professionals",
        /// `MASQUE_PS` goes.
        UnmaskToProfessionals = "unmask-professionals",
        /// `INVISIBLE_PATIENT` comes (TD3.3b).
        HideFromPatient = "hide-from-patient",
        /// `INVISIBLE_PATIENT` goes.
        ShowToPatient = "show-to-patient",
        /// `INVISIBLE_REPRESENTANTS_LEGAUX` comes (TD3.3b).
        HideFromRepresentatives = "hide-from-representatives",
        /// `INVISIBLE_REPRESENTANTS_LEGAUX` goes.
        ShowToRepresentatives = "show-to-representatives",
        /// N, R, V, or another code that hides nothing.
        Confidentiality = "confidentiality",
        /// isArchived, either way (TD3.3d).
        Archive = "archive",
        /// Status entered-in-error: deletion (TD3.3c).
        Withdraw = "withdraw",
        /// Status superseded.
        Supersede = "supersede",
    }
}

axes! { Change = "change" }

/// One tie's verdict.
pub fn judge(caller: CallerClass, tie: Tie, change: Change) -> Ruled<Consultation> {
    Ruled::of(law::METADATA_UPDATE.find([caller.place(), tie.place(), change.place()]), Consultation::Deny)
}

/// The verdict on a caller who holds these ties: one that opens is enough; without any, `none` decides.
pub fn permits(caller: CallerClass, ties: &[Tie], change: Change) -> Ruled<Consultation> {
    let mut judged = ties.iter().map(|tie| judge(caller, *tie, change));
    let opened = judged.find(|ruled| ruled.outcome == Consultation::Permit);
    opened.unwrap_or_else(|| judge(caller, Tie::None, change))
}
