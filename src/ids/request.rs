//! The id of a request, echoed or minted (contract §8).

use std::fmt;

use uuid::Uuid;

/// `X-Request-Id`: what ties an answer, its trace and its log lines together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// Longest client-chosen id that is echoed.
    const LONGEST: usize = 64;

    /// A minted id.
    pub fn minted(uuid: Uuid) -> Self {
        Self(uuid.hyphenated().to_string())
    }

    /// A client's id, if it is short, printable and cannot carry anything else into a log.
    pub fn from_client(text: &str) -> Option<Self> {
        let valid = !text.is_empty()
            && text.len() <= Self::LONGEST
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
        // Fifteen digits in a row may be an INS: such an id is not echoed, nor logged.
        let longest_run = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or_default();
        (valid && longest_run < 13).then(|| Self(text.to_owned()))
    }

    /// The id as sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_id_that_could_hide_something_is_not_echoed() {
        assert!(RequestId::from_client("3f1c-a.b_C").is_some());
        for text in ["", "a b", "a\nb", "279035121518989", &"x".repeat(65)] {
            assert_eq!(RequestId::from_client(text), None, "{text}");
        }
    }
}
