//! IHE: what we publish and what we record, held against the profiles of IHE.

mod audit;
mod cda_rules;
mod fiche;
mod profile;
