//! Whose traces a caller reads (MES-084, CSP R1111-43): `audit-readers.csv`.

use super::facts::Tie;
use super::law;
use super::status::Ruled;
use super::table::Axis as _;
use crate::model::caller::CallerClass;
use crate::model::profile::states;

states! {
    /// The traces of a record that a caller reads.
    Traces {
        /// All of them.
        Whole = "whole",
        /// Those of his own acts (of his structure's, where no person is named).
        Own = "own",
        /// None.
        Nothing = "nothing",
    }
}

/// What a caller who holds these ties reads; the widest tie decides, and the absence of ties is one.
pub fn readable(caller: CallerClass, ties: &[Tie]) -> Ruled<Traces> {
    let judged = ties.iter().copied().chain([Tie::None]).map(|tie| judge(caller, tie));
    // `Traces` is ordered from the widest to the narrowest.
    judged.min_by_key(|ruled| ruled.outcome).unwrap_or(Ruled { outcome: Traces::Nothing, rule: "none" })
}

fn judge(caller: CallerClass, tie: Tie) -> Ruled<Traces> {
    Ruled::of(law::AUDIT_READERS.find([caller.place(), tie.place()]), Traces::Nothing)
}
