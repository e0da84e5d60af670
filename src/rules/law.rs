//! The committed tables of `schemas/rules` as statics, made by `schemas/build/rules.rs`.

use super::table::{Row, Table};

include!(concat!(env!("OUT_DIR"), "/rules.rs"));
