//! A decision table: every cell of its axes is covered by exactly one row (house rule, `schemas/rules/README.md`).

use crate::model::caller::{Action, CallerClass, Purpose};
use crate::model::notification::NotifiedEvent;
use crate::model::profile::{RecordState, SpaceState};

/// One decision.
#[derive(Debug)]
pub struct Row<const N: usize, O: 'static> {
    /// The line of the CSV file.
    pub line: u32,
    /// For each axis the set of values it covers, one bit each.
    pub masks: [u32; N],
    /// For each axis the cell as written.
    pub cells: [&'static str; N],
    /// What is decided.
    pub outcome: O,
    /// The outcome as written.
    pub shown: &'static str,
    /// The reason in words.
    pub why: &'static str,
    /// The rule or article cited.
    pub rule: &'static str,
}

/// A table of decisions over `N` axes.
#[derive(Debug)]
pub struct Table<const N: usize, O: 'static> {
    /// The file's name without `.csv`.
    pub name: &'static str,
    /// The names of its axes.
    pub axes: [&'static str; N],
    /// Its rows, in the order of the file.
    pub rows: &'static [Row<N, O>],
}

impl<const N: usize, O> Table<N, O> {
    /// The row that decides a cell, given by the position of each axis' value.
    pub fn find(&self, cell: [usize; N]) -> Option<&Row<N, O>> {
        self.rows.iter().find(|row| row.covers(cell))
    }

    /// How many rows cover a cell: one, in a table that the build accepted.
    pub fn coverage(&self, cell: [usize; N]) -> usize {
        self.rows.iter().filter(|row| row.covers(cell)).count()
    }
}

impl<const N: usize, O> Row<N, O> {
    fn covers(&self, cell: [usize; N]) -> bool {
        self.masks.iter().zip(cell).all(|(mask, place)| {
            let bit = u32::try_from(place).ok().and_then(|place| 1_u32.checked_shl(place)).unwrap_or(0);
            mask & bit != 0
        })
    }
}

/// An enum whose values are an axis of some table, in the order of `schemas/rules/axes.csv`.
pub trait Axis: Copy + Eq + 'static {
    /// The axis' name.
    const NAME: &'static str;

    /// Its values, in order.
    fn values() -> Vec<Self>;

    /// The value's name, as written in tables.
    fn word(self) -> &'static str;

    /// The value's place among its fellows.
    fn place(self) -> usize {
        Self::values().iter().position(|value| *value == self).unwrap_or(usize::MAX)
    }
}

macro_rules! axes {
    ($($name:ty = $axis:literal),* $(,)?) => { $(
        impl $crate::rules::table::Axis for $name {
            const NAME: &'static str = $axis;

            fn values() -> Vec<Self> {
                Self::ALL.to_vec()
            }

            fn word(self) -> &'static str {
                self.name()
            }

            fn place(self) -> usize {
                Self::ALL.iter().position(|value| *value == self).unwrap_or(usize::MAX)
            }
        }
    )* };
}
pub(crate) use axes;

axes! {
    SpaceState = "space",
    RecordState = "record",
    Action = "action",
    CallerClass = "caller",
    Purpose = "purpose",
    NotifiedEvent = "event",
}

/// The place of a yes-or-no value on its axis.
pub const fn flag(yes: bool) -> usize {
    if yes { 0 } else { 1 }
}
