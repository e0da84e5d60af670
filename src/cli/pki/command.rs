//! `espace pki`: the command around [`super::create_dev_pki`].

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Options, create_dev_pki};
use crate::cli::{Failure, output};
use crate::clock::SystemClock;
use crate::ids::SystemIds;

/// Make the test PKI
#[derive(Debug, Args)]
pub(in crate::cli) struct Pki {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Test CA tree, server and client certificates; makes what is missing, renews the CRL
    Dev {
        /// Folder
        #[arg(long, value_name = "DIR", default_value = "certs/dev")]
        out: PathBuf,
        /// Also RSA-2048 twins, NAME-rsa.pem and NAME-rsa.key
        #[arg(long)]
        rsa: bool,
        /// Also NAME.p12 of each client; the password is `espace`
        #[arg(long)]
        p12: bool,
    },
}

impl Pki {
    /// Makes what is missing.
    pub(in crate::cli) fn run(self) -> Result<(), Failure> {
        let Command::Dev { out, rsa, p12 } = self.command;
        let report = create_dev_pki(&out, Options { rsa, p12 }, &SystemClock, &SystemIds::default());
        let report = report.map_err(|error| Failure::from_error("the test PKI", &error))?;
        output::say(&format!("{}: {} made, {} kept", out.display(), report.created.len(), report.kept.len()));
        Ok(())
    }
}
