//! The operations that serve every type of the registry without rules of its own, and what the operations
//! of documents share with them: search, order, stamps (R4 `http.html`).

pub mod create;
pub mod delete;
pub mod draft;
pub mod find;
pub mod find_all;
pub mod history;
pub mod include;
mod measure;
mod order;
pub mod patch;
pub mod reach;
pub mod read;
pub mod reindex;
pub mod resolve;
pub mod scope;
pub mod search;
pub(crate) mod stamp;
pub mod transaction;
pub mod update;
mod within;
pub(crate) mod write;
