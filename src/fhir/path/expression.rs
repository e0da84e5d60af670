//! FHIRPath read into a tree (FHIRPath N1 §grammar). Search parameters are lowered from the same tree.

use super::PathError;
use super::decimal::Decimal;
use super::function::Function;
use super::quantity::{Quantity, Unit};
use super::syntax::{Cast, Literal, Node, Operator, TYPED, TypeName};
use super::token::{Token, tokens};
use super::unit::Calendar;

/// A compiled expression; its text is one that compiles to the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Query(pub(super) Node);

/// Nobody nests deeper; the reader's own stack is bounded by it.
const DEEPEST: usize = 40;
/// No tree is higher: the stack of whoever walks it is bounded by it.
const HIGHEST: usize = 250;

impl Query {
    /// Compiles an expression.
    ///
    /// # Errors
    /// Names the place where something stands that is not FHIRPath.
    pub fn compile(text: &str) -> Result<Self, PathError> {
        let mut reader = Reader { tokens: tokens(text)?, next: 0, end: text.len() };
        let found = reader.binary(0, 0)?;
        if reader.next == reader.tokens.len() { Ok(Self(found.node)) } else { Err(reader.expected("the end")) }
    }
}

impl std::fmt::Display for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

struct Reader {
    tokens: Vec<(usize, Token)>,
    next: usize,
    end: usize,
}

/// A tree and its height.
struct Tree {
    node: Node,
    height: usize,
}

impl Tree {
    const fn leaf(node: Node) -> Self {
        Self { node, height: 1 }
    }
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

    /// A tree over others, unless it gets too high.
    fn over(&self, node: Node, below: usize) -> Result<Tree, PathError> {
        if below >= HIGHEST { Err(self.expected("a shorter expression")) } else { Ok(Tree { node, height: below + 1 }) }
    }

    /// The sign or bare word that stands here.
    fn word(&self) -> &str {
        match self.peek() {
            Some(Token::Sign(sign)) => sign,
            Some(Token::Name(name, false)) => name,
            _ => "",
        }
    }

    /// What operators of this level and tighter ones join.
    fn binary(&mut self, least: u8, depth: usize) -> Result<Tree, PathError> {
        if depth > DEEPEST {
            return Err(self.expected("less nesting"));
        }
        let mut left = self.unary(depth)?;
        loop {
            let word = self.word();
            if let Some(cast) = (least <= TYPED).then_some(word).and_then(cast) {
                self.next += 1;
                let node = Node::Typed(Box::new(left.node), cast, self.type_name()?);
                left = self.over(node, left.height)?;
                continue;
            }
            let Some((operator, level)) = Operator::of(word).filter(|(_, level)| *level >= least) else {
                return Ok(left);
            };
            self.next += 1;
            let right = self.binary(level + 1, depth + 1)?;
            let height = left.height.max(right.height);
            left = self.over(Node::Binary(Box::new(left.node), operator, Box::new(right.node)), height)?;
        }
    }

    fn unary(&mut self, depth: usize) -> Result<Tree, PathError> {
        if depth > DEEPEST {
            return Err(self.expected("less nesting"));
        }
        if self.takes("-") {
            let of = self.unary(depth + 1)?;
            return self.over(Node::Minus(Box::new(of.node)), of.height);
        }
        if self.takes("+") { self.unary(depth + 1) } else { self.chain(depth) }
    }

    /// A term and what is asked of it, point after point.
    fn chain(&mut self, depth: usize) -> Result<Tree, PathError> {
        let mut tree = self.term(depth)?;
        loop {
            if self.takes(".") {
                tree = self.invocation(Some(tree), depth)?;
            } else if self.takes("[") {
                let index = self.binary(0, depth + 1)?;
                self.demand("]", "`]`")?;
                let height = tree.height.max(index.height);
                tree = self.over(Node::At(Box::new(tree.node), Box::new(index.node)), height)?;
            } else {
                return Ok(tree);
            }
        }
    }

    fn term(&mut self, depth: usize) -> Result<Tree, PathError> {
        if self.takes("(") {
            let inner = self.binary(0, depth + 1)?;
            self.demand(")", "`)`")?;
            return Ok(inner);
        }
        if self.takes("{") {
            self.demand("}", "`}`")?;
            return Ok(Tree::leaf(Node::Empty));
        }
        let token = self.peek().cloned();
        let is_call = matches!(self.tokens.get(self.next + 1), Some((_, Token::Sign("("))));
        let node = match token {
            Some(Token::Name(word, false)) if matches!(word.as_str(), "true" | "false") && !is_call => {
                Node::Literal(Literal::Truth(word == "true"))
            }
            Some(Token::Name(..)) => return self.invocation(None, depth),
            Some(Token::Text(text)) => Node::Literal(Literal::Text(text)),
            Some(Token::Moment(moment)) => Node::Literal(Literal::Moment(moment)),
            Some(Token::Number(number)) => return self.number(&number),
            Some(Token::Variable(name)) => Node::Variable(name),
            Some(Token::Special(word)) => match word.as_str() {
                "this" => Node::This,
                "index" => Node::Index,
                "total" => Node::Total,
                _ => return Err(self.expected("$this, $index or $total")),
            },
            _ => return Err(self.expected("a term")),
        };
        self.next += 1;
        Ok(Tree::leaf(node))
    }

    /// A number, or a quantity where a unit follows.
    fn number(&mut self, text: &str) -> Result<Tree, PathError> {
        let value = Decimal::parse(text).ok_or_else(|| self.expected("a number"))?;
        self.next += 1;
        let unit = match self.peek() {
            Some(Token::Text(code)) => Some(Unit::coded(code)),
            Some(Token::Name(word, false)) => {
                Calendar::named(word).map(|duration| Unit::Calendar(duration, word.clone()))
            }
            _ => None,
        };
        let literal = match unit {
            Some(unit) => {
                self.next += 1;
                Literal::Quantity(Quantity { value, unit })
            }
            None => match text.parse() {
                Ok(integer) if !text.contains('.') => Literal::Integer(integer),
                _ => Literal::Decimal(value),
            },
        };
        Ok(Tree::leaf(Node::Literal(literal)))
    }

    fn invocation(&mut self, before: Option<Tree>, depth: usize) -> Result<Tree, PathError> {
        let name = match self.peek() {
            Some(Token::Name(name, _)) => name.clone(),
            Some(Token::Special(word)) if word == "this" && before.is_none() => "this".to_owned(),
            _ => return Err(self.expected("a name")),
        };
        self.next += 1;
        let mut height = before.as_ref().map_or(0, |before| before.height);
        let before = before.map(|before| Box::new(before.node));
        if !self.takes("(") {
            return self.over(Node::Member(before, name), height);
        }
        if let Some(cast) = cast(&name).or_else(|| (name == "ofType").then_some(Cast::OfType)) {
            let of = self.type_name()?;
            self.demand(")", "`)`")?;
            return self.over(Node::Typed(before.unwrap_or_else(|| Box::new(Node::This)), cast, of), height);
        }
        let mut arguments = Vec::new();
        if !self.takes(")") {
            loop {
                let argument = self.binary(0, depth + 1)?;
                height = height.max(argument.height);
                arguments.push(argument.node);
                if self.takes(")") {
                    break;
                }
                self.demand(",", "`,` or `)`")?;
            }
        }
        let Some(function) = Function::of(&name, arguments.len()) else {
            return Err(self.expected("a known function"));
        };
        self.over(Node::Call(before, function, arguments), height)
    }

    /// `T`, `FHIR.T` or `'T'`.
    fn type_name(&mut self) -> Result<TypeName, PathError> {
        let mut names = Vec::new();
        loop {
            let Some(Token::Name(name, _) | Token::Text(name)) = self.peek().cloned() else {
                return Err(self.expected("a type"));
            };
            self.next += 1;
            names.push(name);
            let goes_on = names.len() == 1 && matches!(names.first().map(String::as_str), Some("System" | "FHIR"));
            if !(goes_on && self.takes(".")) {
                break;
            }
        }
        let name = names.pop().ok_or_else(|| self.expected("a type"))?;
        Ok(TypeName { namespace: names.pop(), name })
    }
}

fn cast(word: &str) -> Option<Cast> {
    match word {
        "is" => Some(Cast::Is),
        "as" => Some(Cast::As),
        _ => None,
    }
}
