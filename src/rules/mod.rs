//! The law as tables: pure functions over `schemas/rules`. No I/O.
