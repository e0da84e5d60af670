//! Tests of one object that need no collections: most invariants are such, and run on every element.
//!
//! A [`Quick`] is made of a [`Query`] where all of it is understood: names followed from the object (or from
//! `%resource`), their existence, number, text, and the logic between. What is not understood has none. Both answer
//! the same, which a test proves over all published examples.

use serde_json::{Map, Value};

use super::expression::Query;
use super::function::Function;
use super::operator::logic;
use super::syntax::{Cast, Literal, Node, Operator};
use crate::fhir::definition::{Kind, Type};

/// A test of one object.
#[derive(Debug)]
pub struct Quick(Test);

#[derive(Debug)]
enum Test {
    Truth(bool),
    /// The path leads somewhere.
    Exists(Path),
    /// The path leads to one value.
    HasValue(Path),
    /// The path leads to one text or truth value, equal to this.
    Same(Path, Constant),
    /// The path leads to one text, one of these.
    Among(Path, Vec<String>),
    /// The path leads to one text, which starts with, ends with or contains this.
    Text(Path, Function, String),
    /// The path leads to one resource of this type.
    Is(Path, String),
    /// So many values, compared with a number.
    Count(Vec<Path>, Operator, usize),
    /// The test holds of all that the path leads to.
    All(Path, Box<Test>),
    Not(Box<Test>),
    Logic(Operator, Box<Test>, Box<Test>),
    /// Both are as true, or not.
    Agree(Box<Test>, Box<Test>, bool),
}

#[derive(Debug)]
struct Path {
    is_of_resource: bool,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    /// To an element, told by extensions alone as well.
    Field(String),
    /// To the first of an element.
    First(String),
    /// To an element of any of its datatypes.
    Choice(String),
    /// Stays where the test holds.
    Where(Test),
}

#[derive(Debug)]
enum Constant {
    Text(String),
    Truth(bool),
}

/// More than one value where one is needed: the whole language tells that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Several;

static NULL: Value = Value::Null;

type Told = Result<Option<bool>, Several>;
type Each<'f, 'v> = &'f mut dyn FnMut(Option<&'v Value>);

impl Quick {
    /// The quick form of an expression over objects of a type; `None` where there is none.
    pub fn of(query: &Query, kind: Type) -> Option<Self> {
        Reader { kind }.test(&query.0).map(Self)
    }

    /// What the expression tells of an object in a resource; nothing where it tells nothing.
    ///
    /// # Errors
    /// [`Several`] where a single value is needed: [`Query`] tells what is wrong.
    pub fn holds(&self, object: &Value, resource: &Value) -> Result<Option<bool>, Several> {
        self.0.told(object, resource)
    }
}

struct Reader {
    kind: Type,
}

impl Reader {
    fn test(&self, node: &Node) -> Option<Test> {
        match node {
            Node::Literal(Literal::Truth(truth)) => Some(Test::Truth(*truth)),
            Node::Binary(left, operator, right) => self.binary(left, *operator, right),
            Node::Call(before, function, arguments) => self.call(before.as_deref(), *function, arguments),
            Node::Typed(of, Cast::Is, name) => {
                let kind = Type::resource(&name.name)?;
                Some(Test::Is(self.path(of)?.0, kind.name().to_owned()))
            }
            _ => None,
        }
    }

    fn binary(&self, left: &Node, operator: Operator, right: &Node) -> Option<Test> {
        let both = || Some((Box::new(self.test(left)?), Box::new(self.test(right)?)));
        match operator {
            operator if operator.is_logic() => {
                let (left, right) = both()?;
                Some(Test::Logic(operator, left, right))
            }
            Operator::Same | Operator::Differs => {
                let is_same = operator == Operator::Same;
                if let Some(constant) = constant(right) {
                    let (path, kind) = self.path(left)?;
                    // Dates and numbers have an equality of their own.
                    kind.filter(|kind| is_text(*kind) || kind.name() == "boolean")?;
                    let test = Test::Same(path, constant);
                    return Some(if is_same { test } else { Test::Not(Box::new(test)) });
                }
                if let Some(test) = self.count(left, operator, right) {
                    return Some(test);
                }
                let (left, right) = both()?;
                Some(Test::Agree(left, right, is_same))
            }
            Operator::In => {
                let mut texts = Vec::new();
                union(right, &mut texts)?;
                let (path, kind) = self.path(left)?;
                kind.filter(|kind| is_text(*kind))?;
                Some(Test::Among(path, texts))
            }
            operator => self.count(left, operator, right),
        }
    }

    /// `a.count() + b.count() > 0`.
    fn count(&self, left: &Node, operator: Operator, right: &Node) -> Option<Test> {
        let Node::Literal(Literal::Integer(number)) = right else { return None };
        let mut paths = Vec::new();
        self.sum(left, &mut paths)?;
        let is_compared = operator.is_order() || operator == Operator::Same;
        is_compared.then_some(Test::Count(paths, operator, usize::try_from(*number).ok()?))
    }

    fn sum(&self, node: &Node, paths: &mut Vec<Path>) -> Option<()> {
        match node {
            Node::Binary(left, Operator::Plus, right) => {
                self.sum(left, paths)?;
                self.sum(right, paths)
            }
            Node::Call(Some(of), Function::Count, _) => {
                paths.push(self.path(of)?.0);
                Some(())
            }
            _ => None,
        }
    }

    fn call(&self, before: Option<&Node>, function: Function, arguments: &[Node]) -> Option<Test> {
        let not = |test| Test::Not(Box::new(test));
        let of = before?;
        match (function, arguments) {
            (Function::Not, []) => self.test(of).map(not),
            (Function::Exists, []) => Some(Test::Exists(self.path(of)?.0)),
            (Function::Empty, []) => Some(not(Test::Exists(self.path(of)?.0))),
            (Function::HasValue, []) => Some(Test::HasValue(self.path(of)?.0)),
            (Function::All, [test]) => {
                let (path, kind) = self.path(of)?;
                Some(Test::All(path, Box::new(Self { kind: kind? }.test(test)?)))
            }
            (Function::Exists, [test]) => {
                let (mut path, kind) = self.path(of)?;
                path.steps.push(Step::Where(Self { kind: kind? }.test(test)?));
                Some(Test::Exists(path))
            }
            (
                Function::StartsWith | Function::EndsWith | Function::ContainsText,
                [Node::Literal(Literal::Text(text))],
            ) => {
                let (path, kind) = self.path(of)?;
                kind.filter(|kind| is_text(*kind))?;
                Some(Test::Text(path, function, text.clone()))
            }
            _ => None,
        }
    }

    /// A path from the object, and the type it leads to, where one is told.
    fn path(&self, node: &Node) -> Option<(Path, Option<Type>)> {
        let here = |is_of_resource, kind| Some((Path { is_of_resource, steps: Vec::new() }, kind));
        match node {
            Node::This => here(false, Some(self.kind)),
            // Whatever holds a backbone is of the type that its path begins with.
            Node::Variable(name) if name == "resource" => {
                here(true, self.kind.name().split('.').next().and_then(Type::resource))
            }
            Node::Member(None, name) if name == self.kind.name() => here(false, Some(self.kind)),
            Node::Member(before, name) => {
                let (mut path, kind) = match before {
                    Some(before) => self.path(before)?,
                    None => (Path { is_of_resource: false, steps: Vec::new() }, Some(self.kind)),
                };
                let (step, kind) = step(kind?, name)?;
                path.steps.push(step);
                Some((path, kind))
            }
            Node::Call(Some(before), Function::Trace, _) => self.path(before),
            Node::Call(Some(before), Function::First, _) => {
                let (mut path, kind) = self.path(before)?;
                match (path.steps.pop()?, path.steps.is_empty()) {
                    (Step::Field(name), true) => path.steps.push(Step::First(name)),
                    _ => return None,
                }
                Some((path, kind))
            }
            Node::Call(Some(before), Function::Where, arguments) => {
                let (mut path, kind) = self.path(before)?;
                path.steps.push(Step::Where(Self { kind: kind? }.test(arguments.first()?)?));
                Some((path, kind))
            }
            _ => None,
        }
    }
}

/// The step to an element of a type, and the type it leads to.
fn step(kind: Type, name: &str) -> Option<(Step, Option<Type>)> {
    if let Some(property) = kind.property(name) {
        // Any resource may stand there: of its own elements, those of all resources are told.
        return Some((Step::Field(name.to_owned()), property.kind()));
    }
    let choice = format!("{name}[x]");
    kind.elements().any(|element| element.name() == choice).then(|| (Step::Choice(name.to_owned()), None))
}

fn constant(node: &Node) -> Option<Constant> {
    match node {
        Node::Literal(Literal::Text(text)) => Some(Constant::Text(text.clone())),
        Node::Literal(Literal::Truth(truth)) => Some(Constant::Truth(*truth)),
        Node::Variable(name) if name == "ucum" => Some(Constant::Text("http://unitsofmeasure.org".to_owned())),
        _ => None,
    }
}

fn union(node: &Node, texts: &mut Vec<String>) -> Option<()> {
    match node {
        Node::Binary(left, Operator::Union, right) => {
            union(left, texts)?;
            union(right, texts)
        }
        Node::Literal(Literal::Text(text)) => {
            texts.push(text.clone());
            Some(())
        }
        _ => None,
    }
}

/// Whether values of a primitive type are compared as texts.
fn is_text(kind: Type) -> bool {
    const TEXTS: [&str; 9] = ["string", "code", "uri", "url", "canonical", "id", "markdown", "oid", "uuid"];
    matches!(kind.kind(), Kind::Primitive(_)) && TEXTS.contains(&kind.name())
}

impl Path {
    fn walk<'v>(&self, object: &'v Value, resource: &'v Value, each: Each<'_, 'v>) {
        let start = if self.is_of_resource { resource } else { object };
        walk(&self.steps, Some(start), resource, each);
    }

    /// The one value, null where it has extensions only; `None` of nothing.
    fn single<'v>(&self, object: &'v Value, resource: &'v Value) -> Result<Option<&'v Value>, Several> {
        let mut found = Ok(None);
        self.walk(object, resource, &mut |value| {
            found = match found {
                Ok(None) => Ok(Some(value.unwrap_or(&NULL))),
                _ => Err(Several),
            };
        });
        found
    }
}

fn walk<'v>(steps: &[Step], value: Option<&'v Value>, resource: &'v Value, each: Each<'_, 'v>) {
    let Some((step, rest)) = steps.split_first() else { return each(value) };
    let Some(value) = value else { return };
    match step {
        Step::Where(test) => {
            if test.told(value, resource) == Ok(Some(true)) {
                walk(rest, Some(value), resource, each);
            }
        }
        Step::Field(name) => {
            if let Value::Object(map) = value {
                members(field(map, name), &mut |value| walk(rest, value, resource, &mut *each));
            }
        }
        Step::First(name) => {
            let mut is_first = true;
            if let Value::Object(map) = value {
                members(field(map, name), &mut |value| {
                    if std::mem::take(&mut is_first) {
                        walk(rest, value, resource, &mut *each);
                    }
                });
            }
        }
        Step::Choice(name) => {
            if let Value::Object(map) = value {
                members(choice(map, name), &mut |value| walk(rest, value, resource, &mut *each));
            }
        }
    }
}

/// The value of a name, and what stands under `_name`.
type Pair<'v> = (Option<&'v Value>, Option<&'v Value>);

fn field<'v>(map: &'v Map<String, Value>, name: &str) -> Pair<'v> {
    let mut beside = None;
    for (key, value) in map {
        if key == name {
            // Looked up only where some item of a list has no value of its own.
            let has_gap = value.as_array().is_some_and(|items| items.iter().any(Value::is_null));
            return (Some(value), if has_gap { map.get(&format!("_{name}")) } else { None });
        }
        if key.len() == name.len() + 1 && key.strip_prefix('_') == Some(name) {
            beside = Some(value);
        }
    }
    (None, beside)
}

fn choice<'v>(map: &'v Map<String, Value>, name: &str) -> Pair<'v> {
    let is_form = |key: &str| {
        key.strip_prefix(name).is_some_and(|datatype| datatype.starts_with(|first: char| first.is_ascii_uppercase()))
    };
    if let Some((_, value)) = map.iter().find(|(key, _)| is_form(key)) {
        return (Some(value), None);
    }
    (None, map.iter().find(|(key, _)| key.strip_prefix('_').is_some_and(is_form)).map(|(_, value)| value))
}

fn members<'v>((value, beside): Pair<'v>, each: Each<'_, 'v>) {
    let told = |beside: Option<&Value>| beside.is_some_and(Value::is_object);
    match (value, beside) {
        (Some(Value::Array(items)), beside) => {
            for (index, item) in items.iter().enumerate() {
                if !item.is_null() {
                    each(Some(item));
                } else if told(beside.and_then(|beside| beside.get(index))) {
                    each(None);
                }
            }
        }
        (Some(Value::Null), _) | (None, None) => {}
        (Some(value), _) => each(Some(value)),
        (None, Some(Value::Array(items))) => {
            for _ in items.iter().filter(|item| item.is_object()) {
                each(None);
            }
        }
        (None, Some(beside)) => {
            if beside.is_object() {
                each(None);
            }
        }
    }
}

impl Test {
    fn told(&self, object: &Value, resource: &Value) -> Told {
        Ok(match self {
            Self::Truth(truth) => Some(*truth),
            Self::Exists(path) => {
                let mut found = false;
                path.walk(object, resource, &mut |_| found = true);
                Some(found)
            }
            Self::HasValue(path) => {
                let (mut count, mut has) = (0_usize, false);
                path.walk(object, resource, &mut |value| {
                    count += 1;
                    has = matches!(value, Some(Value::String(_) | Value::Bool(_) | Value::Number(_)));
                });
                Some(count == 1 && has)
            }
            Self::Same(path, constant) => {
                let (mut count, mut same) = (0_usize, false);
                path.walk(object, resource, &mut |value| {
                    count += 1;
                    same = match (constant, value) {
                        (Constant::Text(text), Some(Value::String(found))) => found == text,
                        (Constant::Truth(truth), Some(Value::Bool(found))) => found == truth,
                        _ => false,
                    };
                });
                (count > 0).then_some(count == 1 && same)
            }
            Self::Among(path, texts) => path
                .single(object, resource)?
                .map(|value| value.as_str().is_some_and(|value| texts.iter().any(|text| text == value))),
            Self::Text(path, function, text) => match path.single(object, resource)? {
                None => None,
                Some(value) => {
                    let value = value.as_str().ok_or(Several)?;
                    Some(match function {
                        Function::StartsWith => value.starts_with(text.as_str()),
                        Function::EndsWith => value.ends_with(text.as_str()),
                        _ => value.contains(text.as_str()),
                    })
                }
            },
            Self::Is(path, kind) => path.single(object, resource)?.map(|value| {
                let own = value.get("resourceType").and_then(Value::as_str);
                own == Some(kind)
            }),
            Self::Count(paths, operator, number) => Some(counted(paths, *operator, *number, object, resource)),
            Self::All(path, test) => Some(all(path, test, object, resource)?),
            Self::Not(test) => test.told(object, resource)?.map(|truth| !truth),
            Self::Logic(operator, left, right) => {
                let left = left.told(object, resource)?;
                match super::operator::told_by_left(*operator, left) {
                    Some(told) => Some(told),
                    None => logic(*operator, left, right.told(object, resource)?),
                }
            }
            Self::Agree(left, right, is_same) => {
                let both = (left.told(object, resource)?, right.told(object, resource)?);
                both.0.zip(both.1).map(|(left, right)| (left == right) == *is_same)
            }
        })
    }
}

fn counted(paths: &[Path], operator: Operator, number: usize, object: &Value, resource: &Value) -> bool {
    let mut count = 0_usize;
    for path in paths {
        path.walk(object, resource, &mut |_| count += 1);
    }
    match operator {
        Operator::Less => count < number,
        Operator::AtMost => count <= number,
        Operator::More => count > number,
        Operator::AtLeast => count >= number,
        _ => count == number,
    }
}

fn all(path: &Path, test: &Test, object: &Value, resource: &Value) -> Result<bool, Several> {
    let mut holds = Ok(true);
    path.walk(object, resource, &mut |value| {
        if holds == Ok(true) {
            let told = value.map_or(Err(Several), |value| test.told(value, resource));
            holds = told.map(|told| told == Some(true));
        }
    });
    holds
}
