//! Words of FHIRPath (N1 §lexical elements).

use super::PathError;
use super::moment::{Moment, Sort};

/// One word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name; whether it stood between back quotes.
    Name(String, bool),
    /// `$this`.
    Special(String),
    /// `%resource`.
    Variable(String),
    /// `'text'`.
    Text(String),
    /// A number as written.
    Number(String),
    /// `@2026-01-01`.
    Moment(Moment),
    /// A sign.
    Sign(&'static str),
}

/// Longest first, so that `<=` is not `<` and `=`.
const SIGNS: [&str; 22] =
    ["!=", "!~", "<=", ">=", ".", "(", ")", "[", "]", "{", "}", ",", "|", "=", "~", "<", ">", "+", "-", "*", "/", "&"];

/// Longer expressions are nobody's.
const LONGEST: usize = 32 * 1024;

/// Cuts a text into words with their places; comments are left out.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, PathError> {
    if text.len() > LONGEST {
        return Err(PathError { at: LONGEST, expected: "an end" });
    }
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let at = text.len() - rest.len();
        if first.is_whitespace() {
            rest = rest.trim_start();
        } else if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_comment, rest)| rest);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").ok_or(PathError { at, expected: "the end of the comment" })?.1;
        } else {
            let (token, length) = next(rest, first).ok_or(PathError { at, expected: "a word" })?;
            found.push((at, token));
            rest = rest.get(length..).unwrap_or_default();
        }
    }
    Ok(found)
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn run(rest: &str, from: usize, accepts: impl Fn(u8) -> bool) -> usize {
    from + rest.bytes().skip(from).take_while(|byte| accepts(*byte)).count()
}

fn next(rest: &str, first: char) -> Option<(Token, usize)> {
    match first {
        'a'..='z' | 'A'..='Z' | '_' => {
            let length = run(rest, 0, is_of_name);
            Some((Token::Name(rest.get(..length)?.to_owned(), false), length))
        }
        '$' => {
            let length = run(rest, 1, is_of_name);
            Some((Token::Special(rest.get(1..length)?.to_owned()), length))
        }
        '%' => {
            let mark = rest.chars().nth(1)?;
            if matches!(mark, '`' | '\'') {
                let (name, length) = quoted(rest.get(1..)?, mark)?;
                return Some((Token::Variable(name), length + 1));
            }
            let length = run(rest, 1, |byte| is_of_name(byte) || byte == b'-');
            (length > 1).then_some((Token::Variable(rest.get(1..length)?.to_owned()), length))
        }
        '0'..='9' => {
            let digits = |from| run(rest, from, |byte| byte.is_ascii_digit());
            let whole = digits(0);
            let has_part = rest.as_bytes().get(whole) == Some(&b'.')
                && rest.as_bytes().get(whole + 1).is_some_and(u8::is_ascii_digit);
            let length = if has_part { digits(whole + 1) } else { whole };
            Some((Token::Number(rest.get(..length)?.to_owned()), length))
        }
        '@' => moment(rest),
        '\'' => quoted(rest, '\'').map(|(text, length)| (Token::Text(text), length)),
        '`' => quoted(rest, '`').map(|(text, length)| (Token::Name(text, true), length)),
        _ => SIGNS.iter().find(|sign| rest.starts_with(**sign)).map(|sign| (Token::Sign(sign), sign.len())),
    }
}

/// `@2026-01-01`, `@2026-01-01T10:00:00Z`, `@T10:00`: a point that no digit follows is not part of it.
fn moment(rest: &str) -> Option<(Token, usize)> {
    let sign = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'+' | b'T' | b'Z');
    let mut length = run(rest, 1, sign);
    if rest.as_bytes().get(length) == Some(&b'.') && rest.as_bytes().get(length + 1).is_some_and(u8::is_ascii_digit) {
        length = run(rest, length + 1, sign);
    }
    let text = rest.get(1..length)?;
    let found = match text.strip_prefix('T') {
        Some(time) => Moment::parse(Sort::Time, time),
        None if text.contains('T') => Moment::parse(Sort::DateTime, text),
        None => Moment::parse(Sort::Date, text),
    };
    found.map(|found| (Token::Moment(found), length))
}

/// The text between two marks, its escapes undone, and how many bytes it took.
fn quoted(rest: &str, mark: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, found)) = chars.next() {
        match found {
            '\\' => match chars.next()?.1 {
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                't' => text.push('\t'),
                'f' => text.push('\u{c}'),
                'u' => {
                    let digits: String = chars.by_ref().take(4).map(|(_, digit)| digit).collect();
                    let is_hex = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                    let code = u32::from_str_radix(&digits, 16).ok().filter(|_| is_hex)?;
                    text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                other @ ('\\' | '/' | '"' | '\'' | '`') => text.push(other),
                // Regular expressions escape what FHIRPath does not know: both are kept.
                other => text.extend(['\\', other]),
            },
            found if found == mark => return Some((text, at + 1)),
            other => text.push(other),
        }
    }
    None
}
