//! Functions of one text (FHIRPath N1 §string manipulation).

use super::{Call, Function};
use crate::fhir::path::evaluate::{EvaluationError, Found, of_integer, of_text, of_truth};
use crate::fhir::path::item::Item;
use crate::fhir::path::operator::LONGEST_TEXT;

/// No pattern is longer, nor is its automaton larger.
const LONGEST_PATTERN: usize = 4 * 1024;
const LARGEST_PATTERN: usize = 2 << 20;

pub(super) fn call<'a>(call: &Call<'_, '_, '_, 'a>, input: &[Item<'a>]) -> Found<'a> {
    if call.function == Function::Join {
        return join(call, input);
    }
    let Some(item) = call.single(input)? else { return Ok(Vec::new()) };
    let text = match item.plain() {
        Some(text) => text.to_owned(),
        None => return Err(call.wrong()),
    };
    call.machine.spend(text.len() / 64)?;
    let told = |truth: bool| Ok(vec![of_truth(truth)]);
    match call.function {
        Function::Length => Ok(vec![of_integer(length(&text))]),
        Function::Lower => Ok(vec![of_text(text.to_lowercase())]),
        Function::Upper => Ok(vec![of_text(text.to_uppercase())]),
        Function::Trim => Ok(vec![of_text(text.trim().to_owned())]),
        Function::ToChars => {
            call.machine.spend(text.len())?;
            Ok(text.chars().map(|letter| of_text(letter.to_string())).collect())
        }
        Function::Substring => substring(call, &text),
        Function::Replace | Function::ReplaceMatches => replace(call, &text),
        function => {
            let Some(argument) = call.text(0)? else { return Ok(Vec::new()) };
            match function {
                Function::ContainsText => told(text.contains(&argument)),
                Function::StartsWith => told(text.starts_with(&argument)),
                Function::EndsWith => told(text.ends_with(&argument)),
                Function::IndexOf => Ok(vec![of_integer(place(&text, text.find(&argument)))]),
                Function::LastIndexOf => Ok(vec![of_integer(place(&text, text.rfind(&argument)))]),
                Function::Split => Ok(text.split(argument.as_str()).map(|part| of_text(part.to_owned())).collect()),
                Function::Matches => told(pattern(call, &text, &argument)?.is_match(&text)),
                Function::MatchesFull => told(pattern(call, &text, &format!("^(?:{argument})$"))?.is_match(&text)),
                function => Ok(coded(function, &text, &argument).map(of_text).into_iter().collect()),
            }
        }
    }
}

fn length(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

/// The characters before a place; -1 where there is none.
fn place(text: &str, found: Option<usize>) -> i64 {
    found.and_then(|at| text.get(..at)).map_or(-1, length)
}

fn join<'a>(call: &Call<'_, '_, '_, 'a>, input: &[Item<'a>]) -> Found<'a> {
    let between = call.text(0)?.unwrap_or_default();
    let mut joined = String::new();
    for (place, item) in input.iter().enumerate() {
        let text = item.text().ok_or_else(|| call.wrong())?;
        if joined.len() + between.len() + text.len() > LONGEST_TEXT {
            return Err(EvaluationError::TooLong);
        }
        if place > 0 {
            joined.push_str(&between);
        }
        joined.push_str(&text);
    }
    Ok(if input.is_empty() { Vec::new() } else { vec![of_text(joined)] })
}

fn substring<'a>(call: &Call<'_, '_, '_, 'a>, text: &str) -> Found<'a> {
    let Some(start) = call.integer(0)? else { return Ok(Vec::new()) };
    let length = match call.arguments.get(1) {
        Some(_) => call.integer(1)?.map_or(0, |length| usize::try_from(length.max(0)).unwrap_or(usize::MAX)),
        None => usize::MAX,
    };
    let Some(start) = usize::try_from(start).ok().filter(|start| *start < text.chars().count()) else {
        return Ok(Vec::new());
    };
    Ok(vec![of_text(text.chars().skip(start).take(length).collect())])
}

fn replace<'a>(call: &Call<'_, '_, '_, 'a>, text: &str) -> Found<'a> {
    let (Some(argument), Some(by)) = (call.text(0)?, call.text(1)?) else { return Ok(Vec::new()) };
    // Every place between two characters may take the replacement.
    if text.len().saturating_add(1).saturating_mul(by.len() + 1) > LONGEST_TEXT.max(text.len() * 2) {
        return Err(EvaluationError::TooLong);
    }
    if call.function == Function::Replace {
        return Ok(vec![of_text(text.replace(&argument, &by))]);
    }
    if argument.is_empty() {
        return Ok(vec![of_text(text.to_owned())]);
    }
    let replaced = pattern(call, text, &argument)?.replace_all(text, by.as_str()).into_owned();
    if replaced.len() > LONGEST_TEXT.max(text.len()) {
        Err(EvaluationError::TooLong)
    } else {
        Ok(vec![of_text(replaced)])
    }
}

/// A pattern, in which a point is any character: matching takes time linear in the text.
fn pattern(call: &Call<'_, '_, '_, '_>, text: &str, pattern: &str) -> Result<regex_lite::Regex, EvaluationError> {
    if pattern.len() > LONGEST_PATTERN {
        return Err(EvaluationError::Pattern);
    }
    // The time is the product of both lengths.
    call.machine.spend(text.len().saturating_mul(pattern.len()) / 64 + pattern.len())?;
    let built = regex_lite::RegexBuilder::new(pattern).dot_matches_new_line(true).size_limit(LARGEST_PATTERN).build();
    built.map_err(|_unread| EvaluationError::Pattern)
}

/// `encode`, `decode`, `escape`, `unescape`; nothing of what cannot be.
fn coded(function: Function, text: &str, format: &str) -> Option<String> {
    let decoded = |octets: Vec<u8>| String::from_utf8(octets).ok();
    match (function, format) {
        (Function::Encode, "base64") => Some(base64_simd::STANDARD.encode_to_string(text)),
        (Function::Encode, "urlbase64") => Some(base64_simd::URL_SAFE.encode_to_string(text)),
        (Function::Encode, "hex") => Some(text.bytes().fold(String::new(), |hex, octet| hex + &format!("{octet:02x}"))),
        (Function::Decode, "base64") => decoded(base64_simd::STANDARD.decode_to_vec(text).ok()?),
        (Function::Decode, "urlbase64") => decoded(base64_simd::URL_SAFE.decode_to_vec(text).ok()?),
        (Function::Decode, "hex") => {
            let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
            decoded(text.as_bytes().chunks(2).map(octet).collect::<Option<Vec<u8>>>()?)
        }
        (Function::Escape, "html") => {
            Some(HTML.iter().fold(text.to_owned(), |text, (sign, name)| text.replace(sign, name)))
        }
        (Function::Unescape, "html") => {
            Some(HTML.iter().rev().fold(text.to_owned(), |text, (sign, name)| text.replace(name, sign)))
        }
        (Function::Escape, "json") => {
            let quoted = serde_json::to_string(text).ok()?;
            Some(quoted.strip_prefix('"')?.strip_suffix('"')?.to_owned())
        }
        (Function::Unescape, "json") => {
            // Quotes that stand by themselves are no fault here.
            let bare = text.replace("\\\"", "\"").replace('"', "\\\"");
            serde_json::from_str(&format!("\"{bare}\"")).ok()
        }
        _ => None,
    }
}

/// The ampersand first when escaped, last when unescaped.
const HTML: [(&str, &str); 5] = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")];
