//! The tables as text, for `espace rules print` and `espace rules check`.

use std::fmt::Write as _;

use super::law;
use super::table::{Axis, Table};

/// Every table, aligned, with its reasons and rules.
pub fn print() -> String {
    String::new()
}

/// What is wrong with the tables: cells covered by no row or by two, axes that differ from the enums.
pub fn check() -> Vec<String> {
    vec![]
}
