//! Words of FHIRPath (R4 search expressions, spec/fhir-r4.md §3).

use super::PathError;

/// One word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// A name; `[x]` after it marks a choice.
    Name { text: String, is_choice: bool },
    /// A text between quotes.
    Text(String),
    /// A whole number.
    Number(usize),
    /// A sign: `.` `(` `)` `[` `]` `|` `=` `!` for `!=`.
    Sign(char),
}

/// Cuts a text into words with their places.
pub(super) fn words(text: &str) -> Result<Vec<(usize, Word)>, PathError> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let at = text.len() - rest.len();
        if first.is_ascii_whitespace() {
            rest = rest.trim_start();
            continue;
        }
        let (word, length) = next(rest, first).ok_or(PathError { at, expected: "a word" })?;
        words.push((at, word));
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(words)
}

fn next(rest: &str, first: char) -> Option<(Word, usize)> {
    let run = |accepts: fn(u8) -> bool| rest.bytes().take_while(|byte| accepts(*byte)).count();
    match first {
        'a'..='z' | 'A'..='Z' | '_' => {
            let length = run(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let text = rest.get(..length)?.to_owned();
            let is_choice = rest.get(length..)?.starts_with("[x]");
            Some((Word::Name { text, is_choice }, if is_choice { length + 3 } else { length }))
        }
        '0'..='9' => {
            let length = run(|byte| byte.is_ascii_digit());
            Some((Word::Number(rest.get(..length)?.parse().ok()?), length))
        }
        '\'' => {
            let text = rest.get(1..)?.split_once('\'')?.0;
            Some((Word::Text(text.to_owned()), text.len() + 2))
        }
        '!' if rest.starts_with("!=") => Some((Word::Sign('!'), 2)),
        '.' | '(' | ')' | '[' | ']' | '|' | '=' => Some((Word::Sign(first), 1)),
        _ => None,
    }
}
