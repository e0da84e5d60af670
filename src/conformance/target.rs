//! What a server under test is to the runner: requests go out under an identity, answers come back.

use super::script::Origin;

/// What is sent.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// HTTP method.
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Header fields; a token is the target's to add where `Authorization` is absent.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Header fields, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header field, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The TLS handshake, or the connection right after it, was refused.
    #[error("the connection was refused: {0}")]
    Refused(String),
    /// The identity cannot be had here: no certificate or no token of it was given. Its scripts are skipped.
    #[error("no identity: {0}")]
    NoIdentity(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// A server under test.
pub trait Target {
    /// The FHIR base, without a slash at its end.
    fn base(&self) -> &str;

    /// The token of an identity, for requests that misuse it.
    fn token(&self, who: &Origin) -> impl Future<Output = Result<String, NoAnswer>>;

    /// Sends a request.
    fn exchange(&self, who: &Origin, request: &Request) -> impl Future<Output = Result<Answer, NoAnswer>>;

    /// Random bytes, for identifiers that were never used before.
    fn chance(&self, bytes: &mut [u8]);

    /// The instant, RFC 3339, for the reports.
    fn now(&self) -> String;
}

/// The scheme and authority of a URL: where `/oauth2` and `/.well-known` are.
pub fn origin_of(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(start..).and_then(|rest| rest.find('/')).map_or(url.len(), |at| start + at);
    url.get(..end).unwrap_or(url)
}
