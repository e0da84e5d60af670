//! JSON pointers, and the alias that PDSm's examples write in them: `extension[url:'…']`
//! (RFC 6901, document-sharing T9).

use serde_json::Value;

use super::tree::{Place, Step};
use super::{Fault, malformed};
use crate::error::Error;

/// The extension isArchived, and the search parameter whose URL the published examples write for it.
const ALIASES: [(&str, &str); 1] = [(
    "https://interop.esante.gouv.fr/ig/fhir/pdsm/SearchParameter/PDSm-isArchived",
    "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived",
)];

/// A pointer as read.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Pointer(Vec<Token>);

/// One token.
#[derive(Clone, PartialEq, Eq)]
enum Token {
    /// A member's name, an item's number, or `-`.
    Name(String),
    /// The extension of a URL.
    Extension(String),
}

/// Where a pointer leads.
pub(super) enum Led {
    /// To this place, which may be the one after the last item.
    To(Place),
    /// To a member of an extension that is not there: the list it would stand in, its URL, the
    /// member where one is named.
    NewExtension {
        /// The list.
        list: Place,
        /// The URL.
        url: String,
        /// `value…`.
        member: Option<String>,
    },
}

impl Pointer {
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        let mut tokens = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let from = rest.strip_prefix('/').ok_or_else(|| malformed("RFC 6901 §3"))?;
            if let Some((url, after)) = selector(from) {
                tokens.push(Token::Extension(canonical(url)));
                rest = after;
            } else {
                let end = from.find('/').unwrap_or(from.len());
                let (token, after) = from.split_at_checked(end).unwrap_or((from, ""));
                tokens.push(Token::Name(unescape(token)?));
                rest = after;
            }
        }
        Ok(Self(tokens))
    }

    /// The element of the resource it leads into; none for the root.
    pub(super) fn element(&self) -> Option<&str> {
        self.0.first().map(|token| match token {
            Token::Name(name) => name.as_str(),
            Token::Extension(_) => "extension",
        })
    }

    /// Whether it leads into what `other` leads to, and further.
    pub(super) fn is_below(&self, other: &Self) -> bool {
        self.0.len() > other.0.len() && self.0.starts_with(&other.0)
    }

    /// Follows it; the last token may name what is not there yet.
    pub(super) fn lead(&self, root: &Value) -> Result<Led, Fault> {
        let mut place = Place::new();
        let mut node = Some(root);
        for (number, token) in self.0.iter().enumerate() {
            // Only the last token may lead to nothing.
            let here = node.ok_or(Fault::Inapplicable("RFC 6901 §4"))?;
            match token {
                Token::Name(name) => {
                    let step = step(here, name)?;
                    node = match &step {
                        Step::Key(key) => here.get(key.as_str()),
                        Step::Index(index) => here.get(*index),
                    };
                    place.push(step);
                }
                Token::Extension(url) => {
                    place.push(Step::Key("extension".to_owned()));
                    let items = here.get("extension").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                    let has_url = |item: &Value| item.get("url").and_then(Value::as_str) == Some(url);
                    let Some(found) = items.iter().position(has_url) else {
                        let rest = self.0.get(number + 1..).unwrap_or_default();
                        return new_extension(here, place, url, rest);
                    };
                    node = items.get(found);
                    place.push(Step::Index(found));
                }
            }
        }
        Ok(Led::To(place))
    }
}

fn new_extension(parent: &Value, list: Place, url: &str, rest: &[Token]) -> Result<Led, Fault> {
    let member = match rest {
        [] => None,
        [Token::Name(name)] if name.starts_with("value") => Some(name.clone()),
        _ => return Err(Fault::Inapplicable("no such extension")),
    };
    if !parent.is_object() {
        return Err(Fault::Inapplicable("no such extension"));
    }
    Ok(Led::NewExtension { list, url: url.to_owned(), member })
}

fn step(here: &Value, name: &str) -> Result<Step, Fault> {
    match here {
        Value::Object(_) => Ok(Step::Key(name.to_owned())),
        Value::Array(items) if name == "-" => Ok(Step::Index(items.len())),
        Value::Array(_) => number(name).map(Step::Index).ok_or(Fault::Inapplicable("RFC 6901 §4")),
        _ => Err(Fault::Inapplicable("RFC 6901 §4")),
    }
}

/// An array index: digits without a leading zero.
fn number(text: &str) -> Option<usize> {
    let is_number = text.len() <= 9
        && !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    is_number.then(|| text.parse().ok()).flatten()
}

fn unescape(token: &str) -> Result<String, Error> {
    let mut name = String::with_capacity(token.len());
    let mut letters = token.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '~' => match letters.next() {
                Some('0') => name.push('~'),
                Some('1') => name.push('/'),
                _ => return Err(malformed("RFC 6901 §3")),
            },
            other => name.push(other),
        }
    }
    Ok(name)
}

/// `extension[url:'U']` at the beginning of a text: U and what follows. `=` may stand for `:`,
/// double quotes for single ones; the slashes of U are not escaped.
fn selector(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("extension[")?.trim_start().strip_prefix("url")?.trim_start();
    let rest = rest.strip_prefix([':', '='])?.trim_start();
    let quote = rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    let (url, rest) = rest.strip_prefix(quote)?.split_once(quote)?;
    let rest = rest.trim_start().strip_prefix(']')?;
    (rest.is_empty() || rest.starts_with('/')).then_some((url, rest))
}

fn canonical(url: &str) -> String {
    ALIASES.iter().find(|(alias, _)| *alias == url).map_or(url, |(_, known)| known).to_owned()
}
