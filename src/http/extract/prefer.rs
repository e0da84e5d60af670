//! What the client would rather have, where it may choose (`Prefer`, R4 http.html §2.21.0.5.2, RFC 7240).

use actix_web::HttpRequest;

/// What is answered to a write that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Return {
    /// No body.
    Minimal,
    /// The resource as it is now.
    Representation,
    /// What there is to say about it.
    Outcome,
}

impl Return {
    /// How a request says it.
    pub(crate) const fn header(self) -> &'static str {
        match self {
            Self::Minimal => "return=minimal",
            Self::Representation => "return=representation",
            Self::Outcome => "return=OperationOutcome",
        }
    }
}

/// What a write is to be answered with: the resource unless the client prefers another.
pub(crate) fn wanted_return(request: &HttpRequest) -> Return {
    stated_return(request).unwrap_or(Return::Representation)
}

/// What the client says that a write is to be answered with, if it says so.
pub(crate) fn stated_return(request: &HttpRequest) -> Option<Return> {
    preferences(request).find_map(|preference| match preference {
        Preference::Return(wanted) => Some(wanted),
        Preference::Strict => None,
    })
}

/// Whether a parameter that is not known must refuse a search.
pub(crate) fn is_strict(request: &HttpRequest) -> bool {
    preferences(request).any(|preference| preference == Preference::Strict)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preference {
    Return(Return),
    Strict,
}

/// The preferences that are understood, in their order; others are left out (RFC 7240 §2).
fn preferences(request: &HttpRequest) -> impl Iterator<Item = Preference> {
    let lines = request.headers().get_all("prefer").filter_map(|line| line.to_str().ok());
    lines.flat_map(read)
}

fn read(line: &str) -> impl Iterator<Item = Preference> {
    // R4's own examples part them by a semicolon too.
    line.split([',', ';']).filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "return" if value.eq_ignore_ascii_case("minimal") => Some(Preference::Return(Return::Minimal)),
            "return" if value.eq_ignore_ascii_case("representation") => {
                Some(Preference::Return(Return::Representation))
            }
            "return" if value.eq_ignore_ascii_case("OperationOutcome") => Some(Preference::Return(Return::Outcome)),
            "handling" if value.eq_ignore_ascii_case("strict") => Some(Preference::Strict),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_understood_as_clients_write_them() {
        let all = |line| read(line).collect::<Vec<_>>();
        assert_eq!(all("return=minimal"), [Preference::Return(Return::Minimal)]);
        assert_eq!(
            all("handling=strict, Return=\"OperationOutcome\""),
            [Preference::Strict, Preference::Return(Return::Outcome)]
        );
        assert_eq!(all("respond-async; return = representation"), [Preference::Return(Return::Representation)]);
        assert_eq!(all("handling=lenient, return=all, wait=10"), []);
    }
}
