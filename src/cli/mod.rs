//! The command line: one file per command (contract §2). Exit codes: 0 ok, 1 failure, 2 usage,
//! 3 a check found problems.

mod audit;
mod bench;
mod client;
pub mod conformance;
pub mod demo;
mod dev;
mod doctor;
mod import;
mod keys;
mod later;
mod migrate;
mod outbox;
mod output;
mod package;
pub mod pki;
mod place;
mod rules;
mod runtime;
mod search_parameters;
mod serve;
mod start;
mod tls_client;
mod token;
mod validate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use start::{StartOptions, Started, start};

/// An open FHIR/IHE server for Mon espace santé.
#[derive(Debug, Parser)]
#[command(name = "espace", version, about, arg_required_else_help = true, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// A command says what it does in its own file; here, what comes later.
#[derive(Debug, Subcommand)]
enum Command {
    Dev(dev::Dev),
    Serve(serve::Serve),
    /// Background work only (many machines, PostgreSQL): a later delivery
    Worker(later::Later),
    Migrate(migrate::Migrate),
    Keys(keys::Keys),
    Pki(pki::Pki),
    Token(token::Token),
    Client(client::Client),
    Demo(demo::Demo),
    Conformance(conformance::Conformance),
    Validate(validate::Validate),
    Import(import::Import),
    /// Monthly activity report: a later delivery
    Report(later::Later),
    Rules(rules::Rules),
    Audit(audit::Audit),
    Outbox(outbox::Outbox),
    /// Paper activity statements: a later delivery
    Letters(later::Later),
    Bench(bench::Bench),
    Doctor(doctor::Doctor),
}

/// What a command ends with when it does not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something went wrong: exit 1.
    #[error("{0}")]
    Failed(String),
    /// The command was called wrongly: exit 2.
    #[error("{0}")]
    Usage(String),
    /// A check found problems, already printed: exit 3.
    #[error("problems were found")]
    Problems,
}

impl Failure {
    /// A failure with its chain of causes in one line.
    pub(crate) fn from_error(what: &str, error: &dyn std::error::Error) -> Self {
        let mut text = format!("{what}: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        Self::Failed(text)
    }
}

/// Runs the command of the process's arguments.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap prints help and usage itself: help to stdout with 0, usage errors with 2.
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let outcome = match cli.command {
        Command::Dev(dev) => dev.run(),
        Command::Serve(serve) => serve.run(),
        Command::Migrate(migrate) => migrate.run(),
        Command::Keys(keys) => keys.run(),
        Command::Pki(pki) => pki.run(),
        Command::Token(token) => token.run(),
        Command::Client(client) => client.run(),
        Command::Demo(demo) => demo.run(),
        Command::Rules(rules) => rules.run(),
        Command::Audit(audit) => audit.run(),
        Command::Outbox(outbox) => outbox.run(),
        Command::Bench(bench) => bench.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Worker(later) => later.run("worker"),
        Command::Conformance(conformance) => conformance.run(),
        Command::Validate(validate) => validate.run(),
        Command::Import(import) => import.run(),
        Command::Report(later) => later.run("report"),
        Command::Letters(later) => later.run("letters"),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !matches!(failure, Failure::Problems) {
                output::complain(&format!("espace: {failure}"));
            }
            match failure {
                Failure::Failed(_) => ExitCode::from(1),
                Failure::Usage(_) => ExitCode::from(2),
                Failure::Problems => ExitCode::from(3),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn no_command_contradicts_itself() {
        Cli::command().debug_assert();
    }
}
