//! The `espace` program as a process of its own: exit codes, what is printed, and `kill -9`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use super::pki::{Scratch, pki};

/// A folder with a test PKI (`certs`), where the state of a server (`data`) is to be.
pub(crate) struct Home {
    folder: Scratch,
    environment: Vec<(String, String)>,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code.
    pub(crate) code: i32,
    /// What it printed.
    pub(crate) out: String,
    /// What it complained of.
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Home {
    /// A home whose PKI is the one of this process. Servers take free ports.
    pub(crate) fn new() -> Self {
        let home = Self::without_pki();
        let made = pki().scratch();
        std::fs::create_dir(home.certs()).unwrap();
        for file in std::fs::read_dir(made.path()).unwrap().map(Result::unwrap) {
            std::fs::copy(file.path(), home.certs().join(file.file_name())).unwrap();
        }
        home
    }

    /// A home with nothing in it.
    pub(crate) fn without_pki() -> Self {
        let ports = ["SERVER", "OPERATIONS"].map(|section| (format!("ESPACE__{section}__PORT"), "0".to_owned()));
        Self { folder: Scratch::empty(), environment: ports.to_vec() }
    }

    /// The same with another setting.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// The folder itself, where commands run.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the PKI.
    pub(crate) fn certs(&self) -> PathBuf {
        self.path().join("certs")
    }

    /// The folder of a server's state.
    pub(crate) fn state(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The program, to be run here; arguments are separated by blanks.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_espace"));
        command.args(arguments.split_whitespace()).current_dir(self.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ESPACE_")) {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &str) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    /// Starts `espace dev`, which may be killed before it is ready.
    pub(crate) fn spawn_dev(&self, arguments: &str) -> Unready {
        let mut command = self.command("dev --state data --certs certs");
        let log = std::fs::File::create(self.path().join("log")).unwrap();
        let child = command.args(arguments.split_whitespace()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        Unready { child: Some(child), log: self.path().join("log") }
    }

    /// Starts `espace dev` and waits until it is ready.
    pub(crate) fn dev(&self, arguments: &str) -> Dev {
        self.spawn_dev(arguments).ready()
    }
}

/// A server that starts; killed with the value.
pub(crate) struct Unready {
    child: Option<Child>,
    log: PathBuf,
}

impl Unready {
    /// Waits for the ready line and what follows it.
    pub(crate) fn ready(mut self) -> Dev {
        let mut child = self.child.take().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut announced = Vec::new();
        while announced.len() < 9 {
            let mut line = String::new();
            if out.read_line(&mut line).unwrap() == 0 {
                let ended = child.wait().unwrap();
                panic!("no ready line, {ended}: {}", std::fs::read_to_string(&self.log).unwrap());
            }
            announced.push(line.trim_end().to_owned());
        }
        let base = announced[0].strip_prefix("espace ready: ").unwrap();
        let origin = base.strip_suffix("/fhir").unwrap().to_owned();
        Dev { origin, announced, child, out }
    }

    /// `kill -9`.
    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for Unready {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

/// A server that answers; killed with the value.
pub(crate) struct Dev {
    /// `https://localhost:PORT`.
    pub(crate) origin: String,
    /// The lines it printed.
    pub(crate) announced: Vec<String>,
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Dev {
    /// The most memory it has held so far, in kB; nothing where the system does not tell.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        peak.trim().trim_end_matches(" kB").parse().ok()
    }

    /// `kill -9`.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// Asks it to end, and waits until it has; nothing more may have been printed.
    pub(crate) fn stop(mut self) -> i32 {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        let mut more = String::new();
        self.out.read_to_string(&mut more).unwrap();
        assert_eq!(more, "");
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
