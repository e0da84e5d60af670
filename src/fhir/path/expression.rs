//! FHIRPath for whoever writes tests and rules (FHIRPath N1): text in, a tree out. Search parameters keep
//! their own smaller compiler, which is faster.

use serde_json::Value;

use super::PathError;
use super::token::{Token, tokens};

/// A compiled expression of the whole language but dates with partial comparison, units and `repeat`.
#[derive(Debug, Clone, PartialEq)]
pub struct Query(pub(super) Node);

/// A node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// `{}`.
    Empty,
    /// A constant.
    Literal(Value),
    /// `$this`.
    This,
    /// `%resource` and `%context`.
    Root,
    /// A name, of the node before it or of the focus.
    Member(Option<Box<Node>>, String),
    /// A function, of the node before it or of the focus.
    Call(Option<Box<Node>>, String, Vec<Node>),
    /// `x[n]`.
    Index(Box<Node>, Box<Node>),
    /// `-x`.
    Minus(Box<Node>),
    /// `x op y`.
    Binary(Box<Node>, &'static str, Box<Node>),
    /// `x is T`, `x as T`.
    Typed(Box<Node>, &'static str, String),
}

/// Operators by how tightly they bind, loosest first (N1 §precedence).
const LEVELS: [&[&str]; 9] = [
    &["implies"],
    &["or", "xor"],
    &["and"],
    &["in", "contains"],
    &["=", "!=", "~", "!~"],
    &["<", "<=", ">", ">="],
    &["|"],
    &["+", "-", "&"],
    &["*", "/", "div", "mod"],
];

/// Nobody nests deeper; the reader's own stack is bounded by it.
const DEPTH: usize = 40;

impl Query {
    /// Compiles an expression.
    ///
    /// # Errors
    /// Names the place where something stands that is not FHIRPath as read here.
    pub fn compile(text: &str) -> Result<Self, PathError> {
        let mut reader = Reader { tokens: tokens(text)?, next: 0, end: text.len() };
        let node = reader.level(0, 0)?;
        if reader.next == reader.tokens.len() { Ok(Self(node)) } else { Err(reader.expected("the end")) }
    }
}

struct Reader {
    tokens: Vec<(usize, Token)>,
    next: usize,
    end: usize,
}

impl Reader {
    fn expected(&self, expected: &'static str) -> PathError {
        PathError { at: self.tokens.get(self.next).map_or(self.end, |(at, _)| *at), expected }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.next += usize::from(found);
        found
    }

    fn demand(&mut self, sign: &str, expected: &'static str) -> Result<(), PathError> {
        if self.takes(sign) { Ok(()) } else { Err(self.expected(expected)) }
    }

    /// The operator of a level that stands here: a sign or a word.
    fn operator(&mut self, level: &[&'static str]) -> Option<&'static str> {
        let found = level.iter().find(|operator| match self.peek() {
            Some(Token::Sign(sign)) => sign == *operator,
            Some(Token::Name(name)) => name == *operator,
            _ => false,
        });
        self.next += usize::from(found.is_some());
        found.copied()
    }

    fn level(&mut self, level: usize, depth: usize) -> Result<Node, PathError> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary(depth);
        };
        if depth > DEPTH {
            return Err(self.expected("less nesting"));
        }
        let mut left = self.level(level + 1, depth)?;
        loop {
            if level == TYPED
                && let Some(word) = self.operator(&["is", "as"])
            {
                left = Node::Typed(Box::new(left), word, self.type_name()?);
                continue;
            }
            let Some(operator) = self.operator(operators) else { break };
            let right = self.level(level + 1, depth + 1)?;
            left = Node::Binary(Box::new(left), operator, Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self, depth: usize) -> Result<Node, PathError> {
        if self.takes("-") {
            return Ok(Node::Minus(Box::new(self.chain(depth + 1)?)));
        }
        self.takes("+");
        self.chain(depth)
    }

    /// A term and what is asked of it, point after point.
    fn chain(&mut self, depth: usize) -> Result<Node, PathError> {
        let mut node = self.term(depth)?;
        loop {
            if self.takes(".") {
                node = self.invocation(Some(Box::new(node)), depth)?;
            } else if self.takes("[") {
                let index = self.level(0, depth + 1)?;
                self.demand("]", "`]`")?;
                node = Node::Index(Box::new(node), Box::new(index));
            } else {
                return Ok(node);
            }
        }
    }

    fn term(&mut self, depth: usize) -> Result<Node, PathError> {
        if self.takes("(") {
            let inner = self.level(0, depth + 1)?;
            self.demand(")", "`)`")?;
            return Ok(inner);
        }
        if self.takes("{") {
            self.demand("}", "`}`")?;
            return Ok(Node::Empty);
        }
        match self.peek().cloned() {
            Some(Token::Literal(value)) => {
                self.next += 1;
                Ok(Node::Literal(value))
            }
            Some(Token::Name(_)) => self.invocation(None, depth),
            Some(Token::Special(word)) => {
                self.next += 1;
                match word.as_str() {
                    "$this" => Ok(Node::This),
                    "%resource" | "%context" | "%rootResource" => Ok(Node::Root),
                    _ => Err(self.expected("$this or %resource")),
                }
            }
            _ => Err(self.expected("a term")),
        }
    }

    fn invocation(&mut self, before: Option<Box<Node>>, depth: usize) -> Result<Node, PathError> {
        let Some(Token::Name(name)) = self.peek().cloned() else {
            return Err(self.expected("a name"));
        };
        self.next += 1;
        if !self.takes("(") {
            return Ok(Node::Member(before, name));
        }
        let mut arguments = Vec::new();
        if !self.takes(")") {
            loop {
                arguments.push(self.level(0, depth + 1)?);
                if self.takes(")") {
                    break;
                }
                self.demand(",", "`,` or `)`")?;
            }
        }
        if !super::function::knows(&name, arguments.len()) {
            return Err(self.expected("a known function"));
        }
        Ok(Node::Call(before, name, arguments))
    }

    /// `T` or `FHIR.T`.
    fn type_name(&mut self) -> Result<String, PathError> {
        let mut last = None;
        loop {
            let Some(Token::Name(name)) = self.peek().cloned() else {
                return Err(self.expected("a type"));
            };
            self.next += 1;
            last = Some(name).or(last);
            if !self.takes(".") {
                return last.ok_or_else(|| self.expected("a type"));
            }
        }
    }
}

/// Where `is` and `as` bind: looser than `+`, tighter than `|`.
const TYPED: usize = 6;
