//! `espace rules`: the decision tables as the server reads them.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Failure, output};
use crate::rules::habilitation::Matrix;
use crate::rules::print;

/// The decision tables as the server reads them
#[derive(Debug, Args)]
pub(super) struct Rules {
    /// What to do
    #[arg(value_enum, default_value_t = What::Print)]
    what: What,
    /// Folder of an operator's own habilitation.csv, checked too
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// Print every table
    Print,
    /// Exit 3 where a cell is covered by no row or by two
    Check,
}

impl Rules {
    /// Prints or checks.
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.what {
            What::Print => output::emit(print::print().as_bytes()),
            What::Check => {
                let mut problems = print::check();
                if let Some(dir) = &self.dir {
                    problems.extend(faults(dir)?);
                }
                for problem in &problems {
                    output::say(problem);
                }
                if !problems.is_empty() {
                    return Err(Failure::Problems);
                }
                output::say("every cell is covered by exactly one row");
            }
        }
        Ok(())
    }
}

/// The operator's habilitation matrix.
pub(super) fn read_matrix(folder: &Path) -> Result<Matrix, Failure> {
    let path = folder.join("habilitation.csv");
    let text = read(&path)?;
    Matrix::read(&text).map_err(|faults| Failure::Failed(format!("{}: {}", path.display(), faults.join("; "))))
}

/// What is wrong with it.
fn faults(folder: &Path) -> Result<Vec<String>, Failure> {
    let path = folder.join("habilitation.csv");
    let found = Matrix::read(&read(&path)?).err().unwrap_or_default();
    Ok(found.into_iter().map(|fault| format!("{}: {fault}", path.display())).collect())
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::from_error(&path.display().to_string(), &error))
}
