//! `espace import`: resources of the directory, from newline-delimited JSON or from a Bundle (contract
//! §2; the Annuaire Santé FHIR export among them).

mod file;

use std::path::PathBuf;

use clap::Args;

use super::place::Place;
use super::{Failure, output, runtime};
use crate::clock::{Clock as _, SystemClock};
use crate::ops::directory::import::{self, Progress, Refused};
use crate::store::Store;
use file::{Source, Unit};

/// Lines of refusals that are printed; the rest is counted.
const MOST_TOLD: u64 = 1_000;

/// Import resources of the directory: Practitioner, PractitionerRole, Organization, Location, ...
#[derive(Debug, Args)]
pub(super) struct Import {
    /// Newline-delimited JSON (.ndjson), or a Bundle (.json); interrupted, it goes on where it was
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Begin anew, although the import of this file was interrupted
    #[arg(long)]
    from_start: bool,
    /// Replace a French value set: a later delivery
    #[arg(long)]
    terminology: bool,
    #[command(flatten)]
    place: Place,
}

impl Import {
    /// Imports the file; exits 3 where lines were refused.
    pub(super) fn run(self) -> Result<(), Failure> {
        if self.terminology {
            let text = "`espace import --terminology` comes with a later delivery; see CHANGELOG.md";
            return Err(Failure::Usage(text.to_owned()));
        }
        let progress = runtime::block_on(async {
            let (_, store) = self.place.open().await?;
            self.import(&store).await
        })??;
        let Progress { read, made, changed, unchanged, refused, .. } = progress;
        output::say(&format!("{read} read: {made} new, {changed} changed, {unchanged} unchanged, {refused} refused"));
        if refused == 0 { Ok(()) } else { Err(Failure::Problems) }
    }

    async fn import(&self, store: &Store) -> Result<Progress, Failure> {
        let shown = self.file.display().to_string();
        let failed = |error: crate::error::Error| Failure::from_error("the import", &error);
        let mut source = Source::open(&self.file).map_err(|error| Failure::from_error(&shown, &error))?;
        let name = source.name().to_owned();
        let mut progress = Progress::default();
        if !self.from_start {
            progress = import::resume(store, &name).await.map_err(failed)?;
        }
        if progress.read > 0 {
            output::complain(&format!("{shown}: goes on after {} lines", progress.read));
        }
        source.skip(progress.position).map_err(|error| Failure::from_error(&shown, &error))?;
        let mut told = 0;
        loop {
            let unit = source.unit(progress.read).map_err(|error| Failure::from_error(&shown, &error))?;
            let Some(Unit { items, position }) = unit else { break };
            let at = SystemClock.now();
            let (after, refused) = import::keep(store, &name, items, progress, position, at).await.map_err(failed)?;
            progress = after;
            tell(&refused, &mut told);
            output::complain(&bar(&source, progress));
        }
        import::finish(store, &name).await.map_err(failed)?;
        Ok(progress)
    }
}

/// Says what was refused: the code and the element, never what stands there.
fn tell(refused: &[Refused], told: &mut u64) {
    for (number, error) in refused {
        *told += 1;
        if *told > MOST_TOLD {
            return;
        }
        let issue = error.issues().iter().find(|issue| !issue.is_warning);
        let place = issue.and_then(|issue| issue.path.as_ref()).map(ToString::to_string).unwrap_or_default();
        output::complain(&format!("line {number}: {} {place}", error.code().row().name));
    }
}

/// `[#####.....] 52 %, 12000 read, 3 refused`.
fn bar(source: &Source, progress: Progress) -> String {
    let percent = source.percent(progress.position).min(100);
    let full = usize::try_from(percent / 10).unwrap_or(10);
    let bar = format!("{}{}", "#".repeat(full), ".".repeat(10_usize.saturating_sub(full)));
    format!("[{bar}] {percent} %, {} read, {} refused", progress.read, progress.refused)
}
