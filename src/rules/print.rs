//! The tables as text, for `espace rules print` and `espace rules check`.

use std::collections::BTreeMap;

use super::change::Change;
use super::facts::Tie;
use super::gate::Route;
use super::law;
use super::registry::Interaction;
use super::table::{Axis, Table};
use super::visibility::Label;
use crate::model::caller::{Action, CallerClass, Purpose};
use crate::model::notification::NotifiedEvent;
use crate::model::profile::{RecordState, SpaceState};
use crate::model::resource::ResourceType;

/// Every table, aligned, with its reasons and rules: what `espace rules print` shows.
pub fn print() -> String {
    let tables = [
        printed(&law::STATES),
        printed(&law::DOCUMENTS),
        printed(&law::MESSAGES),
        printed(&law::NOTIFICATION),
        printed(&law::CONSULTATION),
        printed(&law::METADATA_UPDATE),
        printed(&law::VISIBILITY),
        printed(&law::AUDIT_READERS),
        printed(&law::GATE),
        printed(&law::RESOURCE_GATE),
        printed(&law::RESOURCE_ACCESS),
        list("lifecycle", law::LIFECYCLE),
        list("habilitation", law::HABILITATION),
        list("deposits", law::DEPOSITS),
    ];
    tables.join("\n")
}

/// What is wrong with the tables: cells covered by no row or by two, axes that differ from the
/// words of the code. Empty where all is well; `espace rules check` exits 3 otherwise.
pub fn check() -> Vec<String> {
    let mut faults = Vec::new();
    check_axis::<SpaceState>(&mut faults);
    check_axis::<RecordState>(&mut faults);
    check_axis::<Action>(&mut faults);
    check_axis::<CallerClass>(&mut faults);
    check_axis::<Purpose>(&mut faults);
    check_axis::<Tie>(&mut faults);
    check_axis::<NotifiedEvent>(&mut faults);
    check_axis::<Label>(&mut faults);
    check_axis::<Route>(&mut faults);
    check_axis::<ResourceType>(&mut faults);
    check_axis::<Interaction>(&mut faults);
    check_axis::<Change>(&mut faults);
    check_cover(&law::STATES, &mut faults);
    check_cover(&law::DOCUMENTS, &mut faults);
    check_cover(&law::MESSAGES, &mut faults);
    check_cover(&law::NOTIFICATION, &mut faults);
    check_cover(&law::CONSULTATION, &mut faults);
    check_cover(&law::METADATA_UPDATE, &mut faults);
    check_cover(&law::VISIBILITY, &mut faults);
    check_cover(&law::AUDIT_READERS, &mut faults);
    check_cover(&law::GATE, &mut faults);
    check_cover(&law::RESOURCE_GATE, &mut faults);
    check_cover(&law::RESOURCE_ACCESS, &mut faults);
    faults
}

fn values_of(axis: &str) -> &'static [&'static str] {
    law::AXES.iter().find(|(name, _)| *name == axis).map(|(_, values)| *values).unwrap_or_default()
}

fn check_axis<A: Axis>(faults: &mut Vec<String>) {
    let words: Vec<&str> = A::values().into_iter().map(Axis::word).collect();
    if words != values_of(A::NAME) {
        faults.push(format!("axis {}: axes.csv says {:?}, the code says {words:?}", A::NAME, values_of(A::NAME)));
    }
}

fn check_cover<const N: usize, O>(table: &Table<N, O>, faults: &mut Vec<String>) {
    let values: Vec<&[&str]> = table.axes.iter().map(|axis| values_of(axis)).collect();
    let cells: usize = values.iter().map(|values| values.len()).product();
    for cell in 0..cells {
        let mut rest = cell;
        let mut words: Vec<&str> = Vec::new();
        let mut place = [0; N];
        for (slot, values) in place.iter_mut().zip(&values) {
            *slot = rest.checked_rem(values.len()).unwrap_or(0);
            rest = rest.checked_div(values.len()).unwrap_or(0);
            words.extend(values.get(*slot));
        }
        let covering = table.coverage(place);
        if covering != 1 {
            faults.push(format!("{}: {} is covered by {covering} rows", table.name, words.join(", ")));
        }
    }
}

fn printed<const N: usize, O>(table: &Table<N, O>) -> String {
    let header = table.axes.iter().copied().chain(["=>", "why", "rule"]).collect();
    let rows = table.rows.iter().map(|row| row.cells.iter().copied().chain([row.shown, row.why, row.rule]).collect());
    aligned(table.name, std::iter::once(header).chain(rows).collect())
}

fn list(name: &str, rows: &[&[&str]]) -> String {
    aligned(name, rows.iter().map(|row| row.to_vec()).collect())
}

/// A title, then rows in columns of equal width.
fn aligned(name: &str, rows: Vec<Vec<&str>>) -> String {
    let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
    for (column, cell) in rows.iter().flat_map(|row| row.iter().enumerate()) {
        let width = widths.entry(column).or_default();
        *width = (*width).max(cell.chars().count());
    }
    let line = |row: &Vec<&str>| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = widths.get(&column).copied().unwrap_or(0);
            format!("{cell:<width$}")
        });
        format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    format!("{name}\n{}", rows.iter().map(line).collect::<String>())
}
