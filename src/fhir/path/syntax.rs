//! What an expression is made of, and how it is written again (FHIRPath N1 §grammar).

use std::fmt;

use super::decimal::Decimal;
use super::function::Function;
use super::moment::{Moment, Sort};
use super::quantity::Quantity;

/// A node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// `{}`.
    Empty,
    /// A constant.
    Literal(Literal),
    /// `$this`.
    This,
    /// `$index`.
    Index,
    /// `$total`.
    Total,
    /// `%resource`.
    Variable(String),
    /// A name, of the node before it or of the focus.
    Member(Option<Box<Node>>, String),
    /// A function, of the node before it or of the focus.
    Call(Option<Box<Node>>, Function, Vec<Node>),
    /// `x[n]`.
    At(Box<Node>, Box<Node>),
    /// `-x`.
    Minus(Box<Node>),
    /// `x op y`.
    Binary(Box<Node>, Operator, Box<Node>),
    /// `x is T`, `x as T`, `x.ofType(T)`.
    Typed(Box<Node>, Cast, TypeName),
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    /// `true`
    Truth(bool),
    /// `1`
    Integer(i64),
    /// `1.0`
    Decimal(Decimal),
    /// `'a'`
    Text(String),
    /// `@2026`
    Moment(Moment),
    /// `1 'mg'`, `4 days`
    Quantity(Quantity),
}

/// What is asked of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cast {
    /// Whether it is of the type.
    Is,
    /// It, if it is of the type.
    As,
    /// Those that are of the type.
    OfType,
}

/// `System.Integer`, `Patient`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeName {
    /// `System` or `FHIR`, where told.
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

macro_rules! operators {
    ($( $name:ident $sign:literal $level:literal ),* $(,)?) => {
        /// The operators between two values.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Operator { $( #[doc = $sign] $name, )* }

        impl Operator {
            /// The operator a sign or word stands for, and how tightly it binds.
            pub(super) fn of(word: &str) -> Option<(Self, u8)> {
                match word { $( $sign => Some((Self::$name, $level)), )* _ => None }
            }

            pub(super) const fn sign(self) -> &'static str {
                match self { $( Self::$name => $sign, )* }
            }
        }
    };
}

operators! {
    Implies "implies" 0,
    Or "or" 1,
    Xor "xor" 1,
    And "and" 2,
    In "in" 3,
    Contains "contains" 3,
    Same "=" 4,
    Differs "!=" 4,
    Like "~" 4,
    Unlike "!~" 4,
    Less "<" 5,
    AtMost "<=" 5,
    More ">" 5,
    AtLeast ">=" 5,
    Union "|" 6,
    Plus "+" 8,
    Minus "-" 8,
    Join "&" 8,
    Times "*" 9,
    Over "/" 9,
    Div "div" 9,
    Mod "mod" 9,
}

/// Where `is` and `as` bind: looser than `+`, tighter than `|`.
pub(super) const TYPED: u8 = 7;

impl Operator {
    /// Whether it compares in order.
    pub(super) const fn is_order(self) -> bool {
        matches!(self, Self::Less | Self::AtMost | Self::More | Self::AtLeast)
    }

    /// Whether it works on truth values.
    pub(super) const fn is_logic(self) -> bool {
        matches!(self, Self::Implies | Self::Or | Self::Xor | Self::And)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("{}"),
            Self::Literal(literal) => literal.fmt(f),
            Self::This => f.write_str("$this"),
            Self::Index => f.write_str("$index"),
            Self::Total => f.write_str("$total"),
            Self::Variable(name) => write!(f, "%{}", Quoted(name, '`')),
            Self::Member(before, name) => {
                before_of(before.as_deref(), f)?;
                Name(name).fmt(f)
            }
            Self::Call(before, function, arguments) => {
                before_of(before.as_deref(), f)?;
                write!(f, "{}(", function.name())?;
                for (place, argument) in arguments.iter().enumerate() {
                    write!(f, "{}{argument}", if place > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
            Self::At(of, index) => write!(f, "{of}[{index}]"),
            Self::Minus(of) => write!(f, "(-{of})"),
            Self::Binary(left, operator, right) => write!(f, "({left} {} {right})", operator.sign()),
            Self::Typed(of, Cast::Is, name) => write!(f, "({of} is {name})"),
            Self::Typed(of, Cast::As, name) => write!(f, "({of} as {name})"),
            Self::Typed(of, Cast::OfType, name) => write!(f, "{of}.ofType({name})"),
        }
    }
}

fn before_of(before: Option<&Node>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    before.map_or(Ok(()), |before| write!(f, "{before}."))
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truth(truth) => truth.fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Decimal(number) => number.fmt(f),
            Self::Text(text) => Quoted(text, '\'').fmt(f),
            Self::Moment(moment) => match moment.sort {
                Sort::Date => write!(f, "@{moment}"),
                Sort::Time => write!(f, "@T{moment}"),
                Sort::DateTime => {
                    let text = moment.to_string();
                    write!(f, "@{text}{}", if text.contains('T') { "" } else { "T" })
                }
            },
            Self::Quantity(quantity) => {
                let text = quantity.to_string();
                match text.split_once(" '") {
                    Some((number, unit)) => {
                        let unit = unit.strip_suffix('\'').unwrap_or(unit);
                        write!(f, "({number} {})", Quoted(unit, '\''))
                    }
                    None => write!(f, "({text})"),
                }
            }
        }
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(f, "{}.", Name(namespace))?;
        }
        Name(&self.name).fmt(f)
    }
}

/// A name, between back quotes where it must be.
struct Name<'n>(&'n str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let starts = self.0.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let is_plain = self.0.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if starts && is_plain && !matches!(self.0, "true" | "false") {
            f.write_str(self.0)
        } else {
            Quoted(self.0, '`').fmt(f)
        }
    }
}

/// A text between marks.
struct Quoted<'t>(&'t str, char);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, mark) = self;
        write!(f, "{mark}")?;
        for letter in text.chars() {
            match letter {
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                letter if letter == *mark => write!(f, "\\{letter}")?,
                letter => write!(f, "{letter}")?,
            }
        }
        write!(f, "{mark}")
    }
}
