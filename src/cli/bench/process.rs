//! The processor time of a process, as Linux counts it (proc(5), `/proc/PID/stat`).

use std::time::Duration;

use crate::cli::Failure;

/// One tick of `utime` and `stime`: `USER_HZ` is 100 on every Linux architecture Rust runs on.
const TICK: Duration = Duration::from_millis(10);

/// User and system time of a process, all its threads together, to 10 ms.
pub(super) fn cpu(pid: &str) -> Result<Duration, Failure> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path).map_err(|error| Failure::from_error(&path, &error))?;
    ticks(&stat).map(|ticks| TICK * ticks).ok_or_else(|| Failure::Failed(format!("{path} is not as proc(5) says")))
}

/// `utime` + `stime`: fields 14 and 15; the name in parentheses may hold anything.
fn ticks(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

#[cfg(test)]
mod tests {
    use super::ticks;

    #[test]
    fn a_process_name_may_hold_spaces_and_parentheses() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 9";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks("7 (a"), None);
    }
}
