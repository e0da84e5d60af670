//! Data types parsed and compared: the few that rules and search look into (R4 `datatypes.html`).

mod coded;
mod date_time;
mod reference;

pub use coded::{Coding, Identifier, Period};
pub use date_time::{DateTime, Interval, is_time};
pub use reference::{Reference, is_id};
