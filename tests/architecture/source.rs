//! Reads the paths out of a Rust file: enough of the language's grammar for docs/ARCHITECTURE.md §2-3.

use std::collections::HashMap;
use std::iter::Peekable;
use std::str::Chars;

/// A path that a file names, resolved to start with `crate` or with an external crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// Line of its first word, from 1.
    pub(super) line: usize,
    /// Its words.
    pub(super) path: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Separator,
    Mark(char),
}

/// The paths named by `source`, a file that is the module `module` (`["http", "tls"]`), and the
/// names of the modules it opens inline.
pub(super) fn read(source: &str, module: &[String]) -> (Vec<Named>, Vec<String>) {
    let tokens = tokens(source);
    let mut walk = Walk { tokens: &tokens, at: 0, module: module.to_vec(), braces: Vec::new(), inline: Vec::new() };
    let imports = walk.imports();
    let aliases: HashMap<&str, &[String]> =
        imports.iter().filter_map(|(named, alias)| Some((alias.as_deref()?, named.path.as_slice()))).collect();
    let mut named: Vec<Named> = imports.iter().map(|(named, _)| named.clone()).collect();
    walk.restart();
    named.extend(walk.expressions(&aliases));
    (named, walk.inline)
}

fn tokens(source: &str) -> Vec<(usize, Token)> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut chars = source.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            '/' if chars.peek() == Some(&'/') => line += skip_until(&mut chars, '\n'),
            '/' if chars.peek() == Some(&'*') => line += skip_block_comment(&mut chars),
            '"' => line += skip_string(&mut chars),
            '\'' => skip_quote(&mut chars),
            ':' if chars.peek() == Some(&':') => {
                chars.next();
                found.push((line, Token::Separator));
            }
            c if c.is_alphabetic() || c == '_' => {
                let mut word = String::from(c);
                while let Some(next) = chars.next_if(|next| next.is_alphanumeric() || *next == '_') {
                    word.push(next);
                }
                if matches!(word.as_str(), "r" | "br" | "cr") && matches!(chars.peek(), Some('"' | '#')) {
                    line += skip_raw_string(&mut chars);
                } else {
                    found.push((line, Token::Word(word)));
                }
            }
            c if c.is_whitespace() => {}
            c => found.push((line, Token::Mark(c))),
        }
    }
    found
}

/// Skips past `end`; returns the lines passed.
fn skip_until(chars: &mut Peekable<Chars<'_>>, end: char) -> usize {
    let mut lines = 0;
    for c in chars.by_ref() {
        lines += usize::from(c == '\n');
        if c == end {
            break;
        }
    }
    lines
}

fn skip_block_comment(chars: &mut Peekable<Chars<'_>>) -> usize {
    let (mut depth, mut lines, mut before) = (0_usize, 0, '/');
    for c in chars.by_ref() {
        lines += usize::from(c == '\n');
        match (before, c) {
            ('/', '*') => {
                depth += 1;
                before = ' ';
            }
            ('*', '/') if depth == 1 => break,
            ('*', '/') => {
                depth -= 1;
                before = ' ';
            }
            _ => before = c,
        }
    }
    lines
}

fn skip_string(chars: &mut Peekable<Chars<'_>>) -> usize {
    let mut lines = 0;
    while let Some(c) = chars.next() {
        lines += usize::from(c == '\n');
        match c {
            '\\' => lines += usize::from(chars.next() == Some('\n')),
            '"' => break,
            _ => {}
        }
    }
    lines
}

/// After `r`: a raw string is skipped; a raw identifier (`r#type`) is no path worth reading.
fn skip_raw_string(chars: &mut Peekable<Chars<'_>>) -> usize {
    let mut hashes = 0;
    while chars.next_if_eq(&'#').is_some() {
        hashes += 1;
    }
    if chars.next_if_eq(&'"').is_none() {
        return 0;
    }
    let mut lines = 0;
    while let Some(c) = chars.next() {
        lines += usize::from(c == '\n');
        if c == '"' {
            let mut closing = 0;
            while closing < hashes && chars.next_if_eq(&'#').is_some() {
                closing += 1;
            }
            if closing == hashes {
                break;
            }
        }
    }
    lines
}

/// After `'`: a character literal is skipped; a lifetime is left to be read as a word.
fn skip_quote(chars: &mut Peekable<Chars<'_>>) {
    let mut ahead = chars.clone();
    match (ahead.next(), ahead.next()) {
        (Some('\\'), _) => {
            chars.next();
            chars.next();
            skip_until(chars, '\'');
        }
        (Some(_), Some('\'')) => {
            chars.next();
            chars.next();
        }
        _ => while chars.next_if(|c| c.is_alphanumeric() || *c == '_').is_some() {},
    }
}

struct Walk<'t> {
    tokens: &'t [(usize, Token)],
    at: usize,
    module: Vec<String>,
    /// One entry per open brace: whether it opened a module.
    braces: Vec<bool>,
    inline: Vec<String>,
}

impl Walk<'_> {
    fn restart(&mut self) {
        self.at = 0;
        self.inline.clear();
    }

    fn word(&self, at: usize) -> Option<&str> {
        match self.tokens.get(at) {
            Some((_, Token::Word(word))) => Some(word),
            _ => None,
        }
    }

    fn is(&self, at: usize, mark: char) -> bool {
        matches!(self.tokens.get(at), Some((_, Token::Mark(found))) if *found == mark)
    }

    fn is_separator(&self, at: usize) -> bool {
        matches!(self.tokens.get(at), Some((_, Token::Separator)))
    }

    fn line(&self) -> usize {
        self.tokens.get(self.at).map_or(0, |(line, _)| *line)
    }

    /// Keeps the module path in step with the braces; true where it moved past something.
    fn step_over_braces(&mut self) -> bool {
        if self.word(self.at) == Some("mod") && self.is(self.at + 2, '{') {
            let name = self.word(self.at + 1).unwrap_or_default().to_owned();
            self.inline.push(name.clone());
            self.module.push(name);
            self.braces.push(true);
            self.at += 3;
        } else if self.is(self.at, '{') {
            self.braces.push(false);
            self.at += 1;
        } else if self.is(self.at, '}') {
            if self.braces.pop() == Some(true) {
                self.module.pop();
            }
            self.at += 1;
        } else {
            return false;
        }
        true
    }

    /// Every `use`, with the name it brings in.
    fn imports(&mut self) -> Vec<(Named, Option<String>)> {
        let mut found = Vec::new();
        while self.at < self.tokens.len() {
            if self.step_over_braces() {
                continue;
            }
            if self.word(self.at) == Some("use") && !self.is(self.at + 1, '<') {
                self.at += 1;
                self.tree(&Vec::new(), &mut found);
            } else {
                self.at += 1;
            }
        }
        found
    }

    /// One use tree below `prefix`; stops before `,`, `}` or `;`.
    fn tree(&mut self, prefix: &[String], found: &mut Vec<(Named, Option<String>)>) {
        let line = self.line();
        let mut path = prefix.to_vec();
        let mut alias = None;
        while self.at < self.tokens.len() {
            if self.is(self.at, '{') {
                self.at += 1;
                while self.at < self.tokens.len() && !self.is(self.at, '}') && !self.is(self.at, ';') {
                    self.tree(&path, found);
                    self.at += usize::from(self.is(self.at, ','));
                }
                self.at += 1;
                return;
            }
            if self.is(self.at, ',') || self.is(self.at, '}') || self.is(self.at, ';') {
                break;
            }
            match self.word(self.at) {
                Some("as") => {
                    self.at += 1;
                    alias = self.word(self.at).map(str::to_owned);
                }
                Some("self") if !path.is_empty() => {}
                Some(word) => path.push(word.to_owned()),
                None => {}
            }
            self.at += 1;
        }
        let is_glob = self.at > 0 && self.is(self.at - 1, '*');
        let alias = alias.or_else(|| path.last().filter(|_| !is_glob).cloned());
        found.push((Named { line, path: self.resolve(&path) }, alias));
    }

    /// Every path outside `use` that has two words or begins with an imported name.
    fn expressions(&mut self, aliases: &HashMap<&str, &[String]>) -> Vec<Named> {
        let mut found = Vec::new();
        while self.at < self.tokens.len() {
            if self.word(self.at) == Some("use") && !self.is(self.at + 1, '<') {
                self.tree(&Vec::new(), &mut Vec::new());
                continue;
            }
            if self.step_over_braces() {
                continue;
            }
            let is_field = self.at > 0 && self.is(self.at - 1, '.');
            if self.word(self.at).is_none() || is_field {
                self.at += 1;
                continue;
            }
            let line = self.line();
            let path = self.path();
            let path = match path.first().and_then(|first| aliases.get(first.as_str())) {
                Some(whole) => whole.iter().chain(path.iter().skip(1)).cloned().collect(),
                None if path.len() > 1 => self.resolve(&path),
                None => continue,
            };
            found.push(Named { line, path });
        }
        found
    }

    fn path(&mut self) -> Vec<String> {
        let mut path = Vec::new();
        while let Some(word) = self.word(self.at) {
            path.push(word.to_owned());
            self.at += 1;
            if !self.is_separator(self.at) || self.word(self.at + 1).is_none() {
                break;
            }
            self.at += 1;
        }
        path
    }

    /// Turns `self` and `super` into `crate` paths. A file compiled twice by `#[path]` sits deeper
    /// than its folder says, so a `super` beyond the root stays at the root.
    fn resolve(&self, path: &[String]) -> Vec<String> {
        let mut base = self.module.clone();
        let mut rest = path;
        let mut is_relative = false;
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "self" => {}
                "super" => drop(base.pop()),
                _ => break,
            }
            is_relative = true;
            rest = after;
        }
        if !is_relative {
            return path.to_vec();
        }
        ["crate".to_owned()].into_iter().chain(base).chain(rest.iter().cloned()).collect()
    }
}
