//! What the driver sends: one prepared request per mode, written anew for each operation.

use std::io::Write as _;

use clap::ValueEnum;

use super::fill::people;
use super::template::Template;
use crate::ids::Ins;

/// What an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// ITI-65: a fresh bundle of one document, kept alive
    Publish,
    /// ITI-67: a search of the record, kept alive
    Search,
    /// ITI-68: one document of the record, kept alive
    Retrieve,
    /// TD0.2: whether the record exists, kept alive
    Exists,
    /// A full handshake, one small request, close
    Handshake,
    /// A resumed handshake, one small request, close
    Resume,
    /// Any server: `--send` bytes to `/--receive`, kept alive
    Echo,
    /// Any server: `--send` bytes to `/--receive` after a full handshake, close
    EchoHandshake,
    /// Any server: `--send` bytes to `/--receive` after a resumed handshake, close
    EchoResume,
}

impl Mode {
    /// Whether every operation has a connection of its own.
    pub(super) const fn closes(self) -> bool {
        matches!(self, Self::Handshake | Self::Resume | Self::EchoHandshake | Self::EchoResume)
    }

    /// Whether sessions are resumed.
    pub(super) const fn resumes(self) -> bool {
        matches!(self, Self::Resume | Self::EchoResume)
    }

    /// Whether it needs an access token.
    pub(super) const fn is_signed(self) -> bool {
        matches!(self, Self::Publish | Self::Search | Self::Retrieve | Self::Exists)
    }

    /// Its name on the command line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Search => "search",
            Self::Retrieve => "retrieve",
            Self::Exists => "exists",
            Self::Handshake => "handshake",
            Self::Resume => "resume",
            Self::Echo => "echo",
            Self::EchoHandshake => "echo-handshake",
            Self::EchoResume => "echo-resume",
        }
    }
}

/// A request line and what follows it.
#[derive(Debug)]
pub(super) struct Load {
    /// `POST /fhir`.
    pub(super) line: String,
    /// Host.
    pub(super) authority: String,
    /// Further header lines, each with its end.
    pub(super) headers: &'static str,
    /// The body.
    pub(super) body: Body,
}

/// The body of a request.
#[derive(Debug)]
pub(super) enum Body {
    /// None.
    Empty,
    /// Always the same.
    Fixed(Vec<u8>),
    /// A form that names another record each time: what stands before the INS and behind it, and how many
    /// followed persons of `bench fill` there are.
    Records(String, String, u32),
    /// A bundle under fresh names; the number tells this run from any other.
    Fresh(Box<Template>, u64),
}

/// Characters of an INS.
const INS: usize = 15;

/// A FHIR body.
pub(super) const FHIR: &str = "Content-Type: application/fhir+json\r\n";
/// A form.
pub(super) const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

impl Load {
    /// Bytes of the body of every request.
    pub(super) fn size(&self) -> usize {
        match &self.body {
            Body::Empty => 0,
            Body::Fixed(body) => body.len(),
            Body::Records(before, behind, _) => before.len() + INS + behind.len(),
            Body::Fresh(template, _) => template.size(),
        }
    }

    /// Writes request `number` over what `out` held.
    pub(super) fn write(&self, token: Option<&str>, number: u64, out: &mut Vec<u8>) {
        out.clear();
        // Writing to a vector cannot fail.
        drop(write!(out, "{} HTTP/1.1\r\nHost: {}\r\n{}", self.line, self.authority, self.headers));
        if let Some(token) = token {
            drop(write!(out, "Authorization: Bearer {token}\r\n"));
        }
        let length = self.size();
        if length > 0 {
            drop(write!(out, "Content-Length: {length}\r\n"));
        }
        out.extend_from_slice(b"\r\n");
        match &self.body {
            Body::Empty => {}
            Body::Fixed(body) => out.extend_from_slice(body),
            Body::Records(before, behind, count) => {
                let place = u32::try_from(number % u64::from(*count)).unwrap_or_default();
                let ins = people::ins(people::followed(place));
                drop(write!(out, "{before}{}{behind}", ins.as_ref().map_or("", Ins::value)));
            }
            Body::Fresh(template, run) => template.write(*run, number, out),
        }
    }
}
