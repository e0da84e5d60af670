//! `espace import`: resources of the directory from a file, a unit of work at a time; how far it came is
//! kept with what it kept, so that whoever is interrupted goes on from there.

use jiff::Timestamp;

use super::put::{Became, put};
use crate::error::{Code, Error};
use crate::ops::resource::draft::Draft;
use crate::store::{Store, Tx};

/// Resources of one unit of work.
pub const UNIT: usize = 200;

/// How far an import came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes of the file that are done with; of a bundle, entries.
    pub position: u64,
    /// Lines or entries read.
    pub read: u64,
    /// Resources that are new.
    pub made: u64,
    /// Resources of which another version is current now.
    pub changed: u64,
    /// Resources that were there word for word.
    pub unchanged: u64,
    /// Lines or entries refused.
    pub refused: u64,
}

impl Progress {
    fn count(&mut self, became: Became) {
        match became {
            Became::Made => self.made += 1,
            Became::Changed => self.changed += 1,
            Became::Unchanged => self.unchanged += 1,
        }
    }

    fn written(self) -> String {
        let Self { position, read, made, changed, unchanged, refused } = self;
        format!("{position} {read} {made} {changed} {unchanged} {refused}")
    }

    fn parse(text: &str) -> Option<Self> {
        let numbers: Vec<u64> = text.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [position, read, made, changed, unchanged, refused] = numbers.try_into().ok()?;
        Some(Self { position, read, made, changed, unchanged, refused })
    }
}

/// A line or an entry: its number, from 1, and the resource, or why there is none.
pub type Item = (u64, Result<Draft, Error>);

/// What was refused: the line or entry, and why.
pub type Refused = (u64, Error);

/// How far an import of this name came before it was interrupted.
///
/// # Errors
/// Those of the store.
pub async fn resume(store: &Store, name: &str) -> Result<Progress, Error> {
    let name = setting(name);
    let kept = store.system_read("import.resume", move |tx| tx.find_setting(&name)).await?;
    Ok(kept.as_deref().and_then(Progress::parse).unwrap_or_default())
}

/// Keeps a unit of resources together with how far the import came: `after` is the position behind them.
/// What cannot be kept is refused by itself.
///
/// # Errors
/// Those of the store: nothing of the unit is kept.
pub async fn keep(
    store: &Store,
    name: &str,
    items: Vec<Item>,
    before: Progress,
    after: u64,
    at: Timestamp,
) -> Result<(Progress, Vec<Refused>), Error> {
    let (mut drafts, mut refused) = (Vec::new(), Vec::new());
    let read = u64::try_from(items.len()).unwrap_or(u64::MAX);
    for (number, item) in items {
        match item {
            Ok(draft) => drafts.push((number, draft)),
            Err(error) => refused.push((number, error)),
        }
    }
    let start = Progress {
        position: after,
        read: before.read.saturating_add(read),
        refused: before.refused.saturating_add(u64::try_from(refused.len()).unwrap_or(u64::MAX)),
        ..before
    };
    let name = setting(name);
    let unit = store.system("import.keep", move |tx| unit(tx, &name, &drafts, start, at));
    let (progress, more) = unit.await?;
    refused.extend(more);
    refused.sort_by_key(|(number, _)| *number);
    Ok((progress, refused))
}

/// Forgets how far an import came: it is done.
///
/// # Errors
/// Those of the store.
pub async fn finish(store: &Store, name: &str) -> Result<(), Error> {
    let name = setting(name);
    store.system("import.finish", move |tx| tx.put_setting(&name, "")).await
}

fn unit(
    tx: &mut Tx<'_>,
    name: &str,
    drafts: &[(u64, Draft)],
    mut progress: Progress,
    at: Timestamp,
) -> Result<(Progress, Vec<Refused>), Error> {
    let mut refused = Vec::new();
    for (number, draft) in drafts {
        match put(tx, draft, at) {
            Ok(became) => progress.count(became),
            // What the resource itself is at fault for; a fault of the store undoes the unit.
            Err(error) if matches!(error.code(), Code::ReferenceTarget | Code::Conflict) => {
                progress.refused += 1;
                refused.push((*number, error));
            }
            Err(error) => return Err(error),
        }
    }
    tx.put_setting(name, &progress.written())?;
    Ok((progress, refused))
}

fn setting(name: &str) -> String {
    format!("import.{name}")
}
