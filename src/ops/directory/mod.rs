//! The directory: resources that belong to no record, and the professionals, structures and exercises that
//! tokens are given by, fed from them (contract §6, §7; mes-rules §9).

pub mod import;
pub mod put;
