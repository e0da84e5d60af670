//! Grammar of FHIRPath (N1 §expressions), as far as search expressions go.

use super::lex::{Word, words};
use super::{Branch, Expression, Literal, PathError, Step, Test};

impl Expression {
    /// Compiles an expression that starts at the resource (`DocumentReference.status`) or at the
    /// node it is walked from (`target`).
    ///
    /// # Errors
    /// Names the place where something stands that is not of the subset read here.
    pub fn compile(text: &str) -> Result<Self, PathError> {
        let mut reader = Reader { words: words(text)?, next: 0, end: text.len() };
        let mut branches = vec![reader.branch()?];
        while reader.takes('|') {
            branches.push(reader.branch()?);
        }
        if reader.next == reader.words.len() { Ok(Self { branches }) } else { Err(reader.expected("the end")) }
    }
}

/// Nested parentheses and arguments beyond this are nobody's search parameter.
const DEPTH: usize = 16;

struct Reader {
    words: Vec<(usize, Word)>,
    next: usize,
    end: usize,
}

impl Reader {
    fn expected(&self, expected: &'static str) -> PathError {
        PathError { at: self.words.get(self.next).map_or(self.end, |(at, _)| *at), expected }
    }

    fn peek(&self) -> Option<&Word> {
        self.words.get(self.next).map(|(_, word)| word)
    }

    fn takes(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(&Word::Sign(sign));
        self.next += usize::from(found);
        found
    }

    fn demand(&mut self, sign: char, expected: &'static str) -> Result<(), PathError> {
        if self.takes(sign) { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn takes_name(&mut self, name: &str) -> bool {
        let found = matches!(self.peek(), Some(Word::Name { text, is_choice: false }) if text == name);
        self.next += usize::from(found);
        found
    }

    fn name(&mut self) -> Result<(String, bool), PathError> {
        let Some(Word::Name { text, is_choice }) = self.peek().cloned() else {
            return Err(self.expected("a name"));
        };
        self.next += 1;
        Ok((text, is_choice))
    }

    fn text(&mut self) -> Result<String, PathError> {
        let Some(Word::Text(text)) = self.peek().cloned() else {
            return Err(self.expected("a text"));
        };
        self.next += 1;
        Ok(text)
    }

    fn branch(&mut self) -> Result<Branch, PathError> {
        match self.operand(0)? {
            Operand::Path(steps) if !self.at_test() => Ok(Branch::Path(steps)),
            operand => Ok(Branch::Test(self.test_from(operand, 0)?)),
        }
    }

    fn at_test(&self) -> bool {
        matches!(self.peek(), Some(Word::Sign('=' | '!')))
            || matches!(self.peek(), Some(Word::Name { text, .. }) if text == "and")
    }

    fn test(&mut self, depth: usize) -> Result<Test, PathError> {
        let operand = self.operand(depth)?;
        self.test_from(operand, depth)
    }

    fn test_from(&mut self, operand: Operand, depth: usize) -> Result<Test, PathError> {
        let test = match operand {
            Operand::Test(test) => test,
            Operand::Path(path) => {
                let equal = self.takes('=');
                if !equal && !self.takes('!') {
                    return Err(self.expected("a comparison"));
                }
                Test::Compare { path, equal, literal: self.literal()? }
            }
        };
        if self.takes_name("and") {
            return Ok(Test::And(Box::new(test), Box::new(self.test(depth + 1)?)));
        }
        Ok(test)
    }

    fn literal(&mut self) -> Result<Literal, PathError> {
        if self.takes_name("true") {
            return Ok(Literal::Truth(true));
        }
        if self.takes_name("false") {
            return Ok(Literal::Truth(false));
        }
        Ok(Literal::Text(self.text()?))
    }

    /// A path with what casts it, or a path that ends in a question.
    fn operand(&mut self, depth: usize) -> Result<Operand, PathError> {
        if depth > DEPTH {
            return Err(self.expected("less nesting"));
        }
        let mut steps = Vec::new();
        if self.takes('(') {
            let Operand::Path(inner) = self.operand(depth + 1)? else {
                return Err(self.expected("a path"));
            };
            self.demand(')', "`)`")?;
            steps = inner;
        } else {
            let (name, is_choice) = self.name()?;
            let is_type = name.starts_with(|first: char| first.is_ascii_uppercase());
            if !is_type && let Some(operand) = self.member(&mut steps, name, is_choice, depth)? {
                return Ok(operand);
            }
        }
        while self.takes('.') {
            let (name, is_choice) = self.name()?;
            if let Some(operand) = self.member(&mut steps, name, is_choice, depth)? {
                return Ok(operand);
            }
        }
        if self.takes_name("as") {
            let (datatype, _) = self.name()?;
            self.cast(&mut steps, &datatype)?;
        }
        if self.takes_name("is") {
            let (datatype, _) = self.name()?;
            return match steps.as_slice() {
                [Step::Resolve] => Ok(Operand::Test(Test::TargetIs(datatype))),
                _ => Err(self.expected("`resolve() is`")),
            };
        }
        Ok(Operand::Path(steps))
    }

    /// One name after a point: an element, or a function, which may end the path.
    fn member(
        &mut self,
        steps: &mut Vec<Step>,
        name: String,
        is_choice: bool,
        depth: usize,
    ) -> Result<Option<Operand>, PathError> {
        if !self.takes('(') {
            steps.push(if is_choice { Step::Choice(name) } else { self.indexed(name)? });
            return Ok(None);
        }
        let mut end = None;
        match name.as_str() {
            "resolve" => steps.push(Step::Resolve),
            "extension" => steps.push(Step::Extension(self.text()?)),
            "where" => {
                let test = self.test(depth + 1)?;
                let step = filter(steps, test);
                steps.push(step);
            }
            "as" | "ofType" => {
                let (datatype, _) = self.name()?;
                self.cast(steps, &datatype)?;
            }
            "exists" => end = Some(Operand::Test(Test::Exists(std::mem::take(steps)))),
            _ => return Err(self.expected("a known function")),
        }
        self.demand(')', "`)`")?;
        Ok(end)
    }

    fn indexed(&mut self, name: String) -> Result<Step, PathError> {
        if !self.takes('[') {
            return Ok(Step::Field(name));
        }
        let Some(Word::Number(index)) = self.peek().cloned() else {
            return Err(self.expected("a number"));
        };
        self.next += 1;
        self.demand(']', "`]`")?;
        Ok(Step::Nth(name, index))
    }

    /// `value as string` is the JSON element `valueString`; a resource's type is a filter.
    fn cast(&self, steps: &mut Vec<Step>, datatype: &str) -> Result<(), PathError> {
        match steps.pop() {
            Some(Step::Field(name) | Step::Choice(name)) => {
                let mut letters = datatype.chars();
                let first = letters.next().map(|first| first.to_ascii_uppercase());
                steps.push(Step::Field(name.chars().chain(first).chain(letters).collect()));
                Ok(())
            }
            Some(Step::Resolve) => {
                steps.extend([Step::Resolve, Step::OfType(datatype.to_owned())]);
                Ok(())
            }
            _ => Err(self.expected("an element before `as`")),
        }
    }
}

/// `extension.where(url = 'x')` is `extension('x')`; any other test stays a filter.
fn filter(steps: &mut Vec<Step>, test: Test) -> Step {
    let is_extension = steps.last() == Some(&Step::Field("extension".to_owned()));
    match test {
        Test::Compare { path, equal: true, literal: Literal::Text(url) }
            if is_extension && path == [Step::Field("url".to_owned())] =>
        {
            steps.pop();
            Step::Extension(url)
        }
        test => Step::Where(test),
    }
}

enum Operand {
    Path(Vec<Step>),
    Test(Test),
}
