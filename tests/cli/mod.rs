//! The command line (contract §2): help, exit codes, and `espace dev` from its first start on.

mod bench;
mod dev;
mod help;
mod import;
mod keys;
mod pasted;
mod refusals;
mod state;
mod validate;
