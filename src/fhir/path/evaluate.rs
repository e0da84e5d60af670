//! Evaluates FHIRPath over a JSON resource (FHIRPath N1 §expressions): collections in, collections out.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::expression::{Node, Query};
use super::function;

/// One item of a collection.
#[derive(Debug, Clone)]
pub struct Item<'a> {
    /// The JSON of it.
    pub value: Cow<'a, Value>,
    /// The datatype that a choice element told (`valueString`: `String`).
    pub(super) kind: Option<&'a str>,
}

/// A collection.
pub(super) type Items<'a> = Vec<Item<'a>>;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// One item was needed.
    #[error("{0}: more than one item where one is expected")]
    Several(String),
    /// A value of another type was needed.
    #[error("{0}: a value of another type is expected")]
    Type(String),
    /// A pattern that cannot be read, or that takes too long.
    #[error("the pattern cannot be used: {0}")]
    Pattern(&'static str),
    /// The evaluation took too many steps.
    #[error("the expression takes too long")]
    TooLong,
}

impl<'a> Item<'a> {
    pub(super) fn of(value: &'a Value) -> Self {
        Self { value: Cow::Borrowed(value), kind: None }
    }

    pub(super) fn new(value: impl Into<Value>) -> Self {
        Self { value: Cow::Owned(value.into()), kind: None }
    }

    /// The text of a primitive; `None` of what has parts.
    pub fn text(&self) -> Option<String> {
        match self.value.as_ref() {
            Value::String(text) => Some(text.clone()),
            Value::Bool(truth) => Some(truth.to_string()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Whether this is of the type: a resource, the datatype of a choice, or a JSON primitive.
    pub(super) fn is_of(&self, kind: &str) -> bool {
        if let Some(own) = self.value.get("resourceType").and_then(Value::as_str) {
            return own == kind || kind == "Resource" || kind == "DomainResource";
        }
        if let Some(own) = self.kind {
            return own.eq_ignore_ascii_case(kind);
        }
        let kind = kind.to_ascii_lowercase();
        match self.value.as_ref() {
            Value::String(_) => kind == "string",
            Value::Bool(_) => kind == "boolean",
            Value::Number(number) => kind == if number.as_i64().is_some() { "integer" } else { "decimal" },
            _ => false,
        }
    }
}

impl Query {
    /// The collection that the expression leads to from a resource.
    ///
    /// # Errors
    /// [`EvaluationError`] where an operator meets what it cannot work on.
    pub fn evaluate<'a>(&self, resource: &'a Value) -> Result<Vec<Item<'a>>, EvaluationError> {
        let focus = spread(resource);
        Machine { root: resource, steps: std::cell::Cell::new(0) }.value(&self.0, &focus)
    }

    /// Whether the expression is true of a resource: one truth value `true`, or anything that is not one.
    ///
    /// # Errors
    /// As [`Query::evaluate`].
    pub fn holds(&self, resource: &Value) -> Result<bool, EvaluationError> {
        Ok(truth(&self.evaluate(resource)?, "the expression")?.unwrap_or(false))
    }
}

impl Query {
    /// Whether the expression is true of a node of a resource: an empty result says nothing, and counts as true.
    ///
    /// # Errors
    /// As [`Query::evaluate`].
    pub fn holds_of(&self, resource: &Value, node: &Value) -> Result<bool, EvaluationError> {
        let machine = Machine { root: resource, steps: std::cell::Cell::new(0) };
        // The node is of the resource, or a copy of it: the machine lives no longer than either.
        Ok(truth(&machine.value(&self.0, &spread(node))?, "the expression")?.unwrap_or(true))
    }
}

/// More steps than any rule or test needs; fewer than a hostile one wants.
const STEPS: usize = 2_000_000;

/// What an evaluation goes over.
pub(super) struct Machine<'a> {
    /// The resource.
    pub(super) root: &'a Value,
    steps: std::cell::Cell<usize>,
}

impl<'a> Machine<'a> {
    /// The value of a node for a focus.
    pub(super) fn value(&self, node: &Node, focus: &[Item<'a>]) -> Result<Items<'a>, EvaluationError> {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > STEPS {
            return Err(EvaluationError::TooLong);
        }
        match node {
            Node::Empty => Ok(Vec::new()),
            Node::Literal(value) => Ok(vec![Item::new(value.clone())]),
            Node::This => Ok(focus.to_vec()),
            Node::Root => Ok(spread(self.root)),
            Node::Member(before, name) => Ok(match before {
                Some(before) => self.value(before, focus)?.iter().flat_map(|item| member(item, name)).collect(),
                None => first_name(focus, name),
            }),
            Node::Call(before, name, arguments) => {
                let input = match before {
                    Some(before) => self.value(before, focus)?,
                    None => focus.to_vec(),
                };
                function::call(self, name, input, arguments, focus)
            }
            Node::Index(of, index) => {
                let items = self.value(of, focus)?;
                let index = integer(&self.value(index, focus)?, "[ ]")?;
                let place = index.and_then(|index| usize::try_from(index).ok());
                Ok(place.and_then(|place| items.into_iter().nth(place)).into_iter().collect())
            }
            Node::Minus(of) => match number(&self.value(of, focus)?, "-")? {
                Some(number) => Ok(vec![Item::new(-number)]),
                None => Ok(Vec::new()),
            },
            Node::Typed(of, word, kind) => {
                let items = self.value(of, focus)?;
                if *word == "is" {
                    return Ok(items.first().map(|item| Item::new(item.is_of(kind))).into_iter().collect());
                }
                Ok(items.into_iter().filter(|item| item.is_of(kind)).collect())
            }
            Node::Binary(left, operator, right) => self.binary(left, operator, right, focus),
        }
    }

    fn binary(
        &self,
        left: &Node,
        operator: &str,
        right: &Node,
        focus: &[Item<'a>],
    ) -> Result<Items<'a>, EvaluationError> {
        let (left, right) = (self.value(left, focus)?, self.value(right, focus)?);
        let told = |truth: Option<bool>| Ok(truth.map(Item::new).into_iter().collect());
        match operator {
            "and" | "or" | "xor" | "implies" => {
                told(logic(operator, truth(&left, operator)?, truth(&right, operator)?))
            }
            "=" => told(equal(&left, &right)),
            "!=" => told(equal(&left, &right).map(|same| !same)),
            "~" => told(Some(equivalent(&left, &right))),
            "!~" => told(Some(!equivalent(&left, &right))),
            "<" | "<=" | ">" | ">=" => told(ordered(operator, &left, &right)?),
            "in" => told(single(&left, "in")?.map(|item| holds(&right, item))),
            "contains" => told(single(&right, "contains")?.map(|item| holds(&left, item))),
            "|" => Ok(distinct(left.into_iter().chain(right).collect())),
            "&" => {
                let text = |items: &[Item<'a>]| -> Result<String, EvaluationError> {
                    Ok(single(items, "&")?.and_then(Item::text).unwrap_or_default())
                };
                Ok(vec![Item::new(text(&left)? + &text(&right)?)])
            }
            _ => arithmetic(operator, &left, &right),
        }
    }
}

/// The items of a value: an array is flattened, null is nothing.
fn spread(value: &Value) -> Items<'_> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(Item::of).collect(),
        value => vec![Item::of(value)],
    }
}

/// A name that begins an expression: a type keeps the focus of that type, else it is a member.
fn first_name<'a>(focus: &[Item<'a>], name: &str) -> Items<'a> {
    let of = |item: &Item<'a>| {
        if item.value.get("resourceType").and_then(Value::as_str) == Some(name) {
            return vec![item.clone()];
        }
        member(item, name)
    };
    focus.iter().flat_map(of).collect()
}

/// The members of an item: by name, or of a choice element by its name without the datatype.
pub(super) fn member<'a>(item: &Item<'a>, name: &str) -> Items<'a> {
    match &item.value {
        Cow::Borrowed(value) => member_of(value, name),
        Cow::Owned(value) => member_of(value, name)
            .into_iter()
            .map(|found| Item { value: Cow::Owned(found.value.into_owned()), kind: None })
            .collect(),
    }
}

fn member_of<'v>(value: &'v Value, name: &str) -> Items<'v> {
    if let Some(found) = value.get(name) {
        return spread(found);
    }
    let typed = |key: &'v str| key.strip_prefix(name).filter(|kind| kind.starts_with(|c: char| c.is_ascii_uppercase()));
    let Some(members) = value.as_object() else { return Vec::new() };
    let found = members.iter().find_map(|(key, found)| typed(key).map(|kind| (found, kind)));
    found.map(|(found, kind)| Item { value: Cow::Borrowed(found), kind: Some(kind) }).into_iter().collect()
}

/// The one item of a collection; none of an empty one.
pub(super) fn single<'i, 'a>(items: &'i [Item<'a>], what: &str) -> Result<Option<&'i Item<'a>>, EvaluationError> {
    match items {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => Err(EvaluationError::Several(what.to_owned())),
    }
}

/// A collection as a truth value: one item that is no boolean is true (N1 §singleton evaluation).
pub(super) fn truth(items: &[Item<'_>], what: &str) -> Result<Option<bool>, EvaluationError> {
    Ok(single(items, what)?.map(|item| item.value.as_bool().unwrap_or(true)))
}

/// A collection as a number.
pub(super) fn number(items: &[Item<'_>], what: &str) -> Result<Option<f64>, EvaluationError> {
    let Some(item) = single(items, what)? else { return Ok(None) };
    item.value.as_f64().map(Some).ok_or_else(|| EvaluationError::Type(what.to_owned()))
}

/// A collection as a whole number.
pub(super) fn integer(items: &[Item<'_>], what: &str) -> Result<Option<i64>, EvaluationError> {
    let Some(item) = single(items, what)? else { return Ok(None) };
    item.value.as_i64().map(Some).ok_or_else(|| EvaluationError::Type(what.to_owned()))
}

fn logic(operator: &str, left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match operator {
        "and" if left == Some(false) || right == Some(false) => Some(false),
        "and" => Some(left? && right?),
        "or" if left == Some(true) || right == Some(true) => Some(true),
        "or" => Some(left? || right?),
        "xor" => Some(left? != right?),
        "implies" if left == Some(false) || right == Some(true) => Some(true),
        _ => Some(!left? || right?),
    }
}

/// Two values of one meaning: numbers by value, the rest by their JSON.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (left, right) => left == right,
    }
}

fn equal(left: &[Item<'_>], right: &[Item<'_>]) -> Option<bool> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    let pairs = left.iter().zip(right).all(|(a, b)| same(&a.value, &b.value));
    Some(left.len() == right.len() && pairs)
}

/// As equal, without regard to order, case or white space; nothing is equivalent to nothing.
fn equivalent(left: &[Item<'_>], right: &[Item<'_>]) -> bool {
    let plain = |item: &Item<'_>| match item.value.as_str() {
        Some(text) => Value::from(text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()),
        None => item.value.as_ref().clone(),
    };
    left.len() == right.len() && left.iter().all(|a| right.iter().any(|b| same(&plain(a), &plain(b))))
}

fn ordered(operator: &str, left: &[Item<'_>], right: &[Item<'_>]) -> Result<Option<bool>, EvaluationError> {
    let (Some(left), Some(right)) = (single(left, operator)?, single(right, operator)?) else {
        return Ok(None);
    };
    let order = match (left.value.as_ref(), right.value.as_ref()) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().zip(b.as_f64()).and_then(|(a, b)| a.partial_cmp(&b)),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => return Err(EvaluationError::Type(operator.to_owned())),
    };
    Ok(order.map(|order| match operator {
        "<" => order == Ordering::Less,
        "<=" => order != Ordering::Greater,
        ">" => order == Ordering::Greater,
        _ => order != Ordering::Less,
    }))
}

fn arithmetic<'a>(operator: &str, left: &[Item<'a>], right: &[Item<'a>]) -> Result<Items<'a>, EvaluationError> {
    if let ("+", Some(Value::String(a)), Some(Value::String(b))) =
        (operator, single(left, "+")?.map(|i| i.value.as_ref()), single(right, "+")?.map(|i| i.value.as_ref()))
    {
        return Ok(vec![Item::new(format!("{a}{b}"))]);
    }
    let whole = |items: &[Item<'a>]| items.first().and_then(|item| item.value.as_i64());
    if let (Some(a), Some(b)) = (whole(left), whole(right)) {
        let found = match operator {
            "+" => a.checked_add(b),
            "-" => a.checked_sub(b),
            "*" => a.checked_mul(b),
            "div" => a.checked_div(b),
            "mod" => a.checked_rem(b),
            _ => None,
        };
        if let Some(found) = found {
            return Ok(vec![Item::new(found)]);
        }
    }
    let (Some(a), Some(b)) = (number(left, operator)?, number(right, operator)?) else {
        return Ok(Vec::new());
    };
    let found = match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" | "div" | "mod" if b == 0.0 => return Ok(Vec::new()),
        "/" => a / b,
        "div" => (a / b).trunc(),
        _ => a % b,
    };
    Ok(vec![Item::new(found)])
}

/// Whether a collection holds an item.
pub(super) fn holds(items: &[Item<'_>], wanted: &Item<'_>) -> bool {
    items.iter().any(|item| same(&item.value, &wanted.value))
}

/// A collection without repetitions.
pub(super) fn distinct(items: Items<'_>) -> Items<'_> {
    let mut kept: Items<'_> = Vec::new();
    for item in items {
        if !holds(&kept, &item) {
            kept.push(item);
        }
    }
    kept
}
