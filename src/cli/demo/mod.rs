//! Demonstration data of a development server (contract §5).

pub mod personas;
mod table;
