//! The runtime of a command, the environment of a process, and the signals that end it.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment, for config::load")]

use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use crate::config::{self, Config};

/// Runs a future on an actix system: what servers need.
pub(super) fn serve<F: Future>(future: F) -> F::Output {
    crate::http::block_on(future)
}

/// Runs a future on a runtime of one thread: what other commands need.
pub(super) fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::from_error("cannot start", &error))?;
    Ok(runtime.block_on(future))
}

/// The configuration of a file and of the process's environment.
pub(super) fn configuration(file: Option<&Path>) -> Result<Config, Failure> {
    config::load(file, std::env::vars()).map_err(|error| Failure::from_error("configuration", &error))
}

/// Whether the locale of the process is a French one: the first that is set of `LC_ALL`, `LC_MESSAGES`, `LANG`.
pub(super) fn is_french() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set).is_some_and(|locale| locale.starts_with("fr"))
}

/// Resolves at SIGTERM or Ctrl-C. Both are caught from the call on: call it before anybody is told
/// that the server is ready. Must be called inside a tokio runtime.
pub(super) fn ended() -> Result<impl Future<Output = ()>, Failure> {
    let caught = |kind| signal(kind).map_err(|error| Failure::from_error("signals cannot be caught", &error));
    let (mut terminated, mut interrupted) = (caught(SignalKind::terminate())?, caught(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    })
}
