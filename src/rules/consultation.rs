//! Who reads documents (mes-rules §2.4; CSP L1110-12, L1111-16, R1111-46, R1111-49): `consultation.csv`.

use super::facts::Tie;
use super::law;
use super::status::Ruled;
use super::table::Axis as _;
use crate::model::caller::{Action, CallerClass, Purpose};
use crate::model::profile::states;

states! {
    /// The verdict on a consultation.
    Consultation {
        /// Allowed.
        Permit = "permit",
        /// Refused.
        Deny = "deny",
    }
}

/// One tie's verdict.
pub fn judge(caller: CallerClass, tie: Tie, purpose: Purpose, action: Action) -> Ruled<Consultation> {
    let cell = [caller.place(), tie.place(), purpose.place(), action.place()];
    Ruled::of(law::CONSULTATION.find(cell), Consultation::Deny)
}

/// The verdict on a caller who holds these ties: one that opens is enough; without any, `none` decides.
pub fn permits(caller: CallerClass, ties: &[Tie], purpose: Purpose, action: Action) -> Ruled<Consultation> {
    ties.iter()
        .map(|tie| judge(caller, *tie, purpose, action))
        .find(|ruled| ruled.outcome == Consultation::Permit)
        .unwrap_or_else(|| judge(caller, Tie::None, purpose, action))
}

/// Whether the reason of a closure is told: to the médecin traitant and to who closed it (contract §8).
pub fn tells_closure_reason(ties: &[Tie], is_closure_author: bool) -> bool {
    is_closure_author || ties.contains(&Tie::TreatingPhysician)
}
