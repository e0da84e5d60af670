//! Words of FHIRPath (N1 §lexical elements).

use serde_json::{Number, Value};

use super::PathError;

/// One word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name, plain or between back quotes.
    Name(String),
    /// `$this`, `%resource`.
    Special(String),
    /// A text, a number, a truth value, a date (`@2026-01-01`, kept as its text).
    Literal(Value),
    /// A sign.
    Sign(&'static str),
}

/// Longest first, so that `<=` is not `<` and `=`.
const SIGNS: [&str; 22] =
    ["!=", "!~", "<=", ">=", ".", "(", ")", "[", "]", "{", "}", ",", "|", "=", "~", "<", ">", "+", "-", "*", "/", "&"];

/// Cuts a text into words with their places.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, PathError> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let at = text.len() - rest.len();
        if first.is_whitespace() {
            rest = rest.trim_start();
            continue;
        }
        let (token, length) = next(rest, first).ok_or(PathError { at, expected: "a word" })?;
        found.push((at, token));
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(found)
}

fn next(rest: &str, first: char) -> Option<(Token, usize)> {
    let run = |from: usize, accepts: fn(u8) -> bool| rest.bytes().skip(from).take_while(|byte| accepts(*byte)).count();
    match first {
        'a'..='z' | 'A'..='Z' | '_' => {
            let length = run(0, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let name = rest.get(..length)?;
            let token = match name {
                "true" => Token::Literal(Value::Bool(true)),
                "false" => Token::Literal(Value::Bool(false)),
                name => Token::Name(name.to_owned()),
            };
            Some((token, length))
        }
        '$' | '%' => {
            let length = 1 + run(1, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
            Some((Token::Special(rest.get(..length)?.to_owned()), length))
        }
        '0'..='9' => {
            let whole = run(0, |byte| byte.is_ascii_digit());
            let has_part = rest.as_bytes().get(whole) == Some(&b'.')
                && rest.as_bytes().get(whole + 1).is_some_and(u8::is_ascii_digit);
            let length = if has_part { whole + 1 + run(whole + 1, |byte| byte.is_ascii_digit()) } else { whole };
            let number: Number = rest.get(..length)?.parse().ok()?;
            Some((Token::Literal(Value::Number(number)), length))
        }
        '@' => {
            let accepts = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'+' | b'.');
            let length = 1 + run(1, accepts);
            Some((Token::Literal(Value::from(rest.get(1..length)?)), length))
        }
        '\'' => quoted(rest, '\'').map(|(text, length)| (Token::Literal(Value::from(text)), length)),
        '`' => quoted(rest, '`').map(|(text, length)| (Token::Name(text), length)),
        _ => SIGNS.iter().find(|sign| rest.starts_with(**sign)).map(|sign| (Token::Sign(sign), sign.len())),
    }
}

/// The text between two marks, its escapes undone, and how many bytes it took.
fn quoted(rest: &str, mark: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, found)) = chars.next() {
        match found {
            '\\' => text.push(match chars.next()?.1 {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'f' => '\u{c}',
                other => other,
            }),
            found if found == mark => return Some((text, at + 1)),
            other => text.push(other),
        }
    }
    None
}
