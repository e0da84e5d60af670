//! `espace bench parts`: what a transaction cannot do without, each part measured alone with the
//! server's own code, in microseconds of CPU (docs/PERFORMANCE.md).

mod search;
mod stage;
mod storage;
mod transaction;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};

use super::drive::bytes;
use super::process;
use crate::cli::{Failure, output, runtime};
use crate::clock::Stopwatch;

/// Measure the fixed parts of the limits, here and now
#[derive(Debug, Args)]
pub(super) struct Parts {
    /// An empty folder for the state; removed at the end
    #[arg(long, value_name = "DIR", default_value = "bench-state")]
    state: PathBuf,
    /// Milliseconds spent on each part
    #[arg(long, value_name = "N", default_value_t = 700)]
    spend: u64,
    /// Callers that share a commit
    #[arg(long, value_name = "N", default_value_t = 64)]
    callers: usize,
    /// Size of the document: bytes, or `60k`. One that is kept in a file is sealed by `aes`; writing the file is no part
    #[arg(long, value_name = "BYTES", default_value = "60k", value_parser = bytes)]
    size: usize,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

impl Parts {
    /// Measures and prints.
    pub(super) fn run(&self) -> Result<(), Failure> {
        if self.state.exists() {
            return Err(Failure::Usage(format!("{} exists already", self.state.display())));
        }
        let measured = runtime::serve(self.measure());
        let removed = std::fs::remove_dir_all(&self.state);
        let parts = measured?;
        removed.map_err(|error| Failure::from_error(&self.state.display().to_string(), &error))?;
        output::say(&if self.json { json(&parts) } else { text(&parts) });
        Ok(())
    }

    async fn measure(&self) -> Result<Vec<Part>, Failure> {
        let stage = stage::Stage::set(&self.state, self.size).await?;
        let meter = Meter { spend: Duration::from_millis(self.spend), callers: self.callers.max(1) };
        let mut parts = work::measure(&stage, &meter).await?;
        parts.extend(storage::measure(&stage, &meter).await?);
        parts.extend(transaction::measure(&stage, &meter).await?);
        stage.strike().await;
        Ok(parts)
    }
}

/// One part and its cost.
#[derive(Debug)]
struct Part {
    name: &'static str,
    what: &'static str,
    micros: f64,
    per_second: f64,
}

fn text(parts: &[Part]) -> String {
    let line =
        |part: &Part| format!("{:<24} {:>9.1} us {:>10.0}/s  {}", part.name, part.micros, part.per_second, part.what);
    parts.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn json(parts: &[Part]) -> String {
    let rounded = |part: &Part| (part.name.to_owned(), Value::from((part.micros * 10.0).round() / 10.0));
    Value::Object(parts.iter().map(rounded).collect::<Map<_, _>>()).to_string()
}

/// Repeats a piece of work until enough time has passed.
#[derive(Debug, Clone, Copy)]
struct Meter {
    spend: Duration,
    callers: usize,
}

impl Meter {
    /// A part that one thread does alone.
    fn alone(
        self,
        name: &'static str,
        what: &'static str,
        mut work: impl FnMut() -> Result<(), Failure>,
    ) -> Result<Part, Failure> {
        work()?;
        let (since, before) = (Stopwatch::start(), process::cpu("self")?);
        let mut done = 0_u32;
        while since.elapsed() < self.spend {
            // Few looks at the clock: the shortest parts take a microsecond.
            for _ in 0..8 {
                work()?;
            }
            done = done.saturating_add(8);
        }
        finish(name, what, since, before, done)
    }

    /// A part that many callers ask of the store at once.
    async fn together<F>(
        self,
        name: &'static str,
        what: &'static str,
        work: impl Fn() -> F + Clone + 'static,
    ) -> Result<Part, Failure>
    where
        F: Future<Output = Result<(), Failure>> + 'static,
    {
        work().await?;
        let (since, before) = (Stopwatch::start(), process::cpu("self")?);
        let caller = || {
            let work = work.clone();
            async move {
                let mut done = 0_u32;
                while since.elapsed() < self.spend {
                    work().await?;
                    done = done.saturating_add(1);
                }
                Ok::<u32, Failure>(done)
            }
        };
        let counts = futures_util::future::join_all((0..self.callers).map(|_| caller())).await;
        let mut done = 0_u32;
        for count in counts {
            done = done.saturating_add(count?);
        }
        finish(name, what, since, before, done)
    }
}

fn finish(
    name: &'static str,
    what: &'static str,
    since: Stopwatch,
    before: Duration,
    done: u32,
) -> Result<Part, Failure> {
    let elapsed = since.elapsed().as_secs_f64();
    let spent = process::cpu("self")?.saturating_sub(before).as_secs_f64();
    let done = f64::from(done.max(1));
    Ok(Part { name, what, micros: spent * 1e6 / done, per_second: done / elapsed })
}
