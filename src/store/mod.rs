//! The storage seam: one query source for SQLite and PostgreSQL.

pub mod blob;
