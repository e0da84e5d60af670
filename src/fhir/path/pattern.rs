//! Regular expressions for `matches()` (FHIRPath N1 §5.6): the part of PCRE that rules and tests use,
//! matched by backtracking with a bound on its steps.

use super::evaluate::EvaluationError;

/// One thing to match.
#[derive(Debug, Clone)]
enum Part {
    /// Any character.
    Any,
    /// This character.
    Letter(char),
    /// One of a class, or none of it.
    Class(Vec<(char, char)>, bool),
    /// `^`.
    Start,
    /// `$`.
    End,
    /// One of several sequences.
    Group(Vec<Vec<Piece>>),
}

/// A thing and how often it stands.
#[derive(Debug, Clone)]
struct Piece {
    part: Part,
    least: usize,
    most: usize,
}

/// More steps than an honest pattern takes.
const STEPS: usize = 200_000;
const DEPTH: usize = 20;
/// Repetitions of groups within each other.
const DEEPEST: usize = 400;

impl Part {
    /// Whether one letter is of it.
    fn fits(&self, letter: char) -> bool {
        match self {
            Self::Any => true,
            Self::Letter(wanted) => letter == *wanted,
            Self::Class(ranges, negated) => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&letter)) != *negated
            }
            Self::Start | Self::End | Self::Group(_) => false,
        }
    }
}

/// Whether a pattern is found in a text.
pub(super) fn matches(pattern: &str, text: &str) -> Result<bool, EvaluationError> {
    let mut reader = Reader { chars: pattern.chars().collect(), next: 0 };
    let parts = reader.alternatives(0)?;
    if reader.next != reader.chars.len() {
        return Err(EvaluationError::Pattern("an end without a start"));
    }
    let whole = [Piece { part: Part::Group(parts), least: 1, most: 1 }];
    let letters: Vec<char> = text.chars().collect();
    let mut matcher = Matcher { letters: &letters, steps: 0, depth: 0 };
    for start in 0..=letters.len() {
        if matcher.run(&whole, start, 0, &mut |_, _| Ok(true))? {
            return Ok(true);
        }
    }
    Ok(false)
}

struct Reader {
    chars: Vec<char>,
    next: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.next).copied()
    }

    fn takes(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.next += usize::from(found);
        found
    }

    fn alternatives(&mut self, depth: usize) -> Result<Vec<Vec<Piece>>, EvaluationError> {
        if depth > DEPTH {
            return Err(EvaluationError::Pattern("nested too deeply"));
        }
        let mut all = vec![self.sequence(depth)?];
        while self.takes('|') {
            all.push(self.sequence(depth)?);
        }
        Ok(all)
    }

    fn sequence(&mut self, depth: usize) -> Result<Vec<Piece>, EvaluationError> {
        let mut pieces = Vec::new();
        while let Some(next) = self.peek().filter(|next| !matches!(next, '|' | ')')) {
            self.next += 1;
            let part = match next {
                '.' => Part::Any,
                '^' => Part::Start,
                '$' => Part::End,
                '[' => self.class()?,
                '\\' => self.escape()?,
                '(' => {
                    if self.takes('?') && !self.takes(':') {
                        return Err(EvaluationError::Pattern("only (?: is known of the groups with a mark"));
                    }
                    let group = Part::Group(self.alternatives(depth + 1)?);
                    if !self.takes(')') {
                        return Err(EvaluationError::Pattern("a group is not closed"));
                    }
                    group
                }
                '*' | '+' | '?' | '{' => return Err(EvaluationError::Pattern("nothing to repeat")),
                letter => Part::Letter(letter),
            };
            let (least, most) = self.times()?;
            pieces.push(Piece { part, least, most });
        }
        Ok(pieces)
    }

    fn times(&mut self) -> Result<(usize, usize), EvaluationError> {
        if self.takes('*') {
            return Ok((0, usize::MAX));
        }
        if self.takes('+') {
            return Ok((1, usize::MAX));
        }
        if self.takes('?') {
            return Ok((0, 1));
        }
        if !self.takes('{') {
            return Ok((1, 1));
        }
        let least = self.number();
        let is_range = self.takes(',');
        let most = if is_range { self.number().or(Some(usize::MAX)) } else { least };
        match (least, most, self.takes('}')) {
            (Some(least), Some(most), true) => Ok((least, most)),
            _ => Err(EvaluationError::Pattern("a repetition is not closed")),
        }
    }

    fn number(&mut self) -> Option<usize> {
        let mut text = String::new();
        while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
            text.push(digit);
            self.next += 1;
        }
        text.parse().ok()
    }

    fn escape(&mut self) -> Result<Part, EvaluationError> {
        let letter = self.peek().ok_or(EvaluationError::Pattern("it ends in a backslash"))?;
        self.next += 1;
        Ok(known(letter).map_or(Part::Letter(letter), |(class, negated)| Part::Class(class, negated)))
    }

    fn class(&mut self) -> Result<Part, EvaluationError> {
        let negated = self.takes('^');
        let mut ranges = Vec::new();
        loop {
            let mut letter = self.peek().ok_or(EvaluationError::Pattern("a class is not closed"))?;
            self.next += 1;
            if letter == ']' && !ranges.is_empty() {
                return Ok(Part::Class(ranges, negated));
            }
            if letter == '\\' {
                letter = self.peek().ok_or(EvaluationError::Pattern("a class is not closed"))?;
                self.next += 1;
                if let Some((class, false)) = known(letter) {
                    ranges.extend(class);
                    continue;
                }
            }
            let is_range = self.peek() == Some('-') && self.chars.get(self.next + 1).is_some_and(|end| *end != ']');
            let end = if is_range { self.chars.get(self.next + 1).copied().unwrap_or(letter) } else { letter };
            self.next += if is_range { 2 } else { 0 };
            ranges.push((letter, end));
        }
    }
}

/// `\d`, `\w`, `\s` and their opposites.
fn known(letter: char) -> Option<(Vec<(char, char)>, bool)> {
    let class = match letter.to_ascii_lowercase() {
        'd' => vec![('0', '9')],
        'w' => vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')],
        's' => vec![(' ', ' '), ('\t', '\r')],
        _ => return None,
    };
    Some((class, letter.is_ascii_uppercase()))
}

/// What follows a match: whether the rest matches from a place on.
type Rest<'r, 'm> = &'r mut dyn FnMut(&mut Matcher<'m>, usize) -> Result<bool, EvaluationError>;

struct Matcher<'m> {
    letters: &'m [char],
    steps: usize,
    depth: usize,
}

impl<'m> Matcher<'m> {
    fn run(&mut self, pieces: &[Piece], at: usize, done: usize, rest: Rest<'_, 'm>) -> Result<bool, EvaluationError> {
        self.steps += 1;
        if self.steps > STEPS {
            return Err(EvaluationError::Pattern("it takes too long"));
        }
        let Some((piece, after)) = pieces.split_first() else {
            return rest(self, at);
        };
        if !matches!(piece.part, Part::Group(_) | Part::Start | Part::End) {
            return self.letters_of(piece, after, at, rest);
        }
        if self.depth > DEEPEST {
            return Err(EvaluationError::Pattern("it takes too much memory"));
        }
        self.depth += 1;
        let found = self.group(pieces, piece, after, (at, done), rest);
        self.depth -= 1;
        found
    }

    /// As many letters as there are, then fewer: no recursion for each of them.
    fn letters_of(
        &mut self,
        piece: &Piece,
        after: &[Piece],
        at: usize,
        rest: Rest<'_, 'm>,
    ) -> Result<bool, EvaluationError> {
        let fitting = self.letters.iter().skip(at).take(piece.most).take_while(|letter| piece.part.fits(**letter));
        let most = fitting.count();
        for count in (piece.least..=most).rev() {
            if self.run(after, at + count, 0, &mut *rest)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn group(
        &mut self,
        pieces: &[Piece],
        piece: &Piece,
        after: &[Piece],
        (at, done): (usize, usize),
        rest: Rest<'_, 'm>,
    ) -> Result<bool, EvaluationError> {
        // Once more, as long as that is allowed and goes on; then what follows.
        if done < piece.most {
            let mut again = |matcher: &mut Self, next: usize| {
                if next == at && done >= piece.least {
                    return Ok(false);
                }
                matcher.run(pieces, next, done + 1, &mut *rest)
            };
            if self.part(&piece.part, at, &mut again)? {
                return Ok(true);
            }
        }
        if done < piece.least { Ok(false) } else { self.run(after, at, 0, rest) }
    }

    fn part(&mut self, part: &Part, at: usize, rest: Rest<'_, 'm>) -> Result<bool, EvaluationError> {
        match part {
            Part::Start if at == 0 => rest(self, at),
            Part::End if at == self.letters.len() => rest(self, at),
            Part::Group(alternatives) => {
                for sequence in alternatives {
                    if self.run(sequence, at, 0, &mut *rest)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Ok(false),
        }
    }
}
