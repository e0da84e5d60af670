//! What a crash may not do: `kill -9` at random moments, under load and during the start.

mod first_start;
mod ledger;
mod load;
mod survival;

use std::io::Write as _;

use espace::ids::{IdSource as _, SeededIds};

/// How many times a server is killed: `ESPACE_KILLS`, else 20.
fn kills() -> u32 {
    let given = std::env::var_os("ESPACE_KILLS").map(|given| given.to_str().unwrap().parse().unwrap());
    given.unwrap_or(20)
}

/// Random numbers of a seed: `ESPACE_SEED`, else this process's own. The seed is told, so that what
/// was found once can be looked for again.
struct Dice(SeededIds);

impl Dice {
    fn of(what: &str) -> Self {
        let given = std::env::var_os("ESPACE_SEED").map(|given| given.to_str().unwrap().parse().unwrap());
        let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
        tell(&format!("{what}: ESPACE_SEED={seed}"));
        Self(SeededIds::new(seed))
    }

    /// A number below `end`.
    fn below(&self, end: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) % end
    }
}

/// Says something past the capture of the test harness.
fn tell(what: &str) {
    let _ = writeln!(std::io::stderr(), "{what}");
}
