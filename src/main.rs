//! The `espace` command.

fn main() {}
