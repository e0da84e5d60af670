//! The one door to standard output and standard error.

use std::io::Write as _;

/// Prints a line on standard output. A reader that went away is no failure of ours.
pub(crate) fn say(line: &str) {
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// Prints bytes on standard output, as they are.
pub(crate) fn emit(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    drop(out.write_all(bytes));
    drop(out.flush());
}

/// Prints a line on standard error.
pub(crate) fn complain(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}
