//! The law as tables: pure functions over `schemas/rules`. No I/O.
//!
//! Each file below reads one table. What a table does not answer cannot happen (the build proves
//! every cell covered once); should it happen all the same, the answer is the most restrictive one.

pub mod change;
pub mod consultation;
pub mod deposit;
pub mod facts;
pub mod gate;
pub mod habilitation;
mod law;
pub mod notification;
pub mod print;
pub mod registry;
pub mod resource;
pub mod status;
pub mod table;
pub mod traces;
pub mod visibility;
