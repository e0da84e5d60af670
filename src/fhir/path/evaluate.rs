//! Evaluates FHIRPath over a resource (FHIRPath N1 §expressions): collections in, collections out.

use std::borrow::Cow;

use serde_json::Value;

use super::environment::{Environment, type_of};
use super::expression::Query;
use super::item::{Content, Item, Items, System};
use super::operator;
use super::syntax::{Cast, Literal, Node, Operator, TypeName};
use super::{function, typing};
use crate::fhir::definition::Type;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// One item was needed.
    #[error("{0}: more than one item where one is expected")]
    Several(&'static str),
    /// A value of another type was needed.
    #[error("{0}: a value of another type is expected")]
    Type(&'static str),
    /// A type, variable, profile or element that nobody knows; its name.
    #[error("{0} is not known")]
    Unknown(String),
    /// A pattern that cannot be read, or that takes too much.
    #[error("the pattern cannot be used")]
    Pattern,
    /// The evaluation took too many steps, or makes too much of what it has.
    #[error("the expression takes too long")]
    TooLong,
}

pub(super) type Found<'a> = Result<Items<'a>, EvaluationError>;

impl Query {
    /// The collection that the expression leads to from a resource.
    ///
    /// # Errors
    /// [`EvaluationError`] where an operator meets what it cannot work on.
    pub fn evaluate<'a>(&self, resource: &'a Value) -> Result<Vec<Item<'a>>, EvaluationError> {
        self.run(&Environment::of(resource), resource, None)
    }

    /// Whether the expression is true of a resource: one truth value `true`, or anything that is not one.
    ///
    /// # Errors
    /// As [`Query::evaluate`].
    pub fn holds(&self, resource: &Value) -> Result<bool, EvaluationError> {
        self.is_true(&Environment::of(resource), resource, None)
    }

    /// The collection that the expression leads to from an element of a type (told by `resourceType` where `None`).
    ///
    /// # Errors
    /// As [`Query::evaluate`].
    pub fn run<'a>(
        &self,
        environment: &Environment<'a>,
        focus: &'a Value,
        kind: Option<Type>,
    ) -> Result<Vec<Item<'a>>, EvaluationError> {
        let focus = match focus {
            Value::Null => Vec::new(),
            Value::Array(items) => items.iter().map(|item| Item::place(item, kind)).collect(),
            focus => vec![Item::place(focus, kind)],
        };
        self.run_on(environment, &focus)
    }

    /// The collection that the expression leads to from others that were found before.
    ///
    /// # Errors
    /// As [`Query::evaluate`].
    pub fn run_on<'a>(
        &self,
        environment: &Environment<'a>,
        focus: &[Item<'a>],
    ) -> Result<Vec<Item<'a>>, EvaluationError> {
        let machine = Machine { environment, context: focus };
        machine.value(&self.0, Focus { items: focus, index: None, total: None })
    }

    /// Whether the expression is true of an element; nothing is not true.
    ///
    /// # Errors
    /// As [`Query::evaluate`].
    pub fn is_true<'a>(
        &self,
        environment: &Environment<'a>,
        focus: &'a Value,
        kind: Option<Type>,
    ) -> Result<bool, EvaluationError> {
        Ok(truth(&self.run(environment, focus, kind)?, "the expression")?.unwrap_or(false))
    }
}

/// What an evaluation goes over.
pub(super) struct Machine<'e, 'a> {
    pub(super) environment: &'e Environment<'a>,
    /// Where the expression began, `%context`.
    context: &'e [Item<'a>],
}

/// What `$this`, `$index` and `$total` mean.
#[derive(Clone, Copy)]
pub(super) struct Focus<'s, 'a> {
    pub(super) items: &'s [Item<'a>],
    pub(super) index: Option<usize>,
    pub(super) total: Option<&'s [Item<'a>]>,
}

/// No collection holds more.
const MOST_ITEMS: usize = 200_000;

impl<'a> Machine<'_, 'a> {
    /// Takes steps from what the evaluation may do.
    pub(super) fn spend(&self, steps: usize) -> Result<(), EvaluationError> {
        if self.environment.spends(steps) { Ok(()) } else { Err(EvaluationError::TooLong) }
    }

    /// The value of a node for a focus.
    pub(super) fn value(&self, node: &Node, focus: Focus<'_, 'a>) -> Found<'a> {
        self.spend(1)?;
        let found = match node {
            Node::Empty => Vec::new(),
            Node::Literal(literal) => vec![literal_item(literal)],
            Node::This => focus.items.to_vec(),
            Node::Index => focus.index.map(of_count).into_iter().collect(),
            Node::Total => focus.total.map(<[_]>::to_vec).unwrap_or_default(),
            Node::Variable(name) => self.variable(name)?,
            Node::Member(before, name) => match before {
                Some(before) => self.members(&self.value(before, focus)?, name)?,
                None => self.first_name(focus.items, name)?,
            },
            Node::Call(before, function, arguments) => {
                let input = match before {
                    Some(before) => self.value(before, focus)?,
                    None => focus.items.to_vec(),
                };
                function::call(self, *function, input, arguments, focus)?
            }
            Node::At(of, index) => self.at(of, index, focus)?,
            Node::Minus(of) => operator::minus(&self.value(of, focus)?)?,
            Node::Typed(of, cast, name) => self.typed(self.value(of, focus)?, *cast, name)?,
            Node::Binary(..) => self.operations(node, focus)?,
        };
        self.spend(found.len())?;
        if found.len() > MOST_ITEMS { Err(EvaluationError::TooLong) } else { Ok(found) }
    }

    /// The value of a node for one item of a collection.
    pub(super) fn of_one(&self, node: &Node, item: &Item<'a>, index: usize) -> Found<'a> {
        self.value(node, Focus { items: std::slice::from_ref(item), index: Some(index), total: None })
    }

    fn at(&self, of: &Node, index: &Node, focus: Focus<'_, 'a>) -> Found<'a> {
        let items = self.value(of, focus)?;
        let index = integer(&self.value(index, focus)?, "[ ]")?;
        let place = index.and_then(|index| usize::try_from(index).ok());
        Ok(place.and_then(|place| items.into_iter().nth(place)).into_iter().collect())
    }

    /// One operation after the other, from the left: a long row of them needs no deep stack.
    fn operations(&self, node: &Node, focus: Focus<'_, 'a>) -> Found<'a> {
        let mut first = node;
        let mut rest = Vec::new();
        while let Node::Binary(left, operator, right) = first {
            rest.push((*operator, right));
            first = left;
        }
        let mut found = self.value(first, focus)?;
        for (operator, right) in rest.into_iter().rev() {
            found = self.binary(found, operator, right, focus)?;
        }
        Ok(found)
    }

    fn binary(&self, left: Items<'a>, operator: Operator, right: &Node, focus: Focus<'_, 'a>) -> Found<'a> {
        if operator.is_logic() {
            let left = truth(&left, operator.sign())?;
            if let Some(told) = operator::told_by_left(operator, left) {
                return Ok(vec![of_truth(told)]);
            }
            let right = truth(&self.value(right, focus)?, operator.sign())?;
            return Ok(operator::logic(operator, left, right).map(of_truth).into_iter().collect());
        }
        let right = self.value(right, focus)?;
        self.spend(left.len().saturating_add(right.len()))?;
        operator::apply(self, operator, left, right)
    }

    fn members(&self, items: &[Item<'a>], name: &str) -> Found<'a> {
        let mut found = Vec::new();
        for item in items {
            Self::member(item, name, &mut found);
        }
        self.refuse_unknown(items, name)?;
        Ok(found)
    }

    /// In strict evaluation, a name that none of the items may have is an error.
    fn refuse_unknown(&self, items: &[Item<'a>], name: &str) -> Result<(), EvaluationError> {
        let knows = |item: &Item<'a>| item.element().is_none_or(|place| typing::has_element(place.kind(), name));
        let is_unknown = self.environment.is_strict && !items.is_empty() && !items.iter().any(knows);
        if is_unknown { Err(EvaluationError::Unknown(name.to_owned())) } else { Ok(()) }
    }

    fn member(item: &Item<'a>, name: &str, found: &mut Items<'a>) {
        match &item.0 {
            Content::Place(place) => place.members(name, &mut |item| found.push(item)),
            Content::System(System::Type(namespace, kind)) => match name {
                "namespace" => found.push(of_text((*namespace).to_owned())),
                "name" => found.push(of_text(kind.clone())),
                _ => {}
            },
            Content::System(System::Quantity(quantity)) => match name {
                "value" => found.push(Item(Content::System(System::Decimal(quantity.value)))),
                "unit" | "code" => {
                    let text = quantity.to_string();
                    let unit = text.split_once(' ').map_or("", |(_, unit)| unit.trim_matches('\''));
                    found.push(of_text(unit.to_owned()));
                }
                _ => {}
            },
            Content::System(_) => {}
        }
    }

    /// A name that begins an expression: a type keeps the focus of that type, else it is a member.
    fn first_name(&self, focus: &[Item<'a>], name: &str) -> Found<'a> {
        let is_type = name.starts_with(|first: char| first.is_ascii_uppercase());
        if is_type && focus.iter().any(|item| item.element().is_some_and(|place| typing::is_resource_of(place, name))) {
            let of_type = |item: &&Item<'a>| item.element().is_some_and(|place| typing::is_resource_of(place, name));
            return Ok(focus.iter().filter(of_type).cloned().collect());
        }
        self.members(focus, name)
    }

    fn typed(&self, items: Items<'a>, cast: Cast, name: &TypeName) -> Found<'a> {
        let wanted = typing::Wanted::of(name)?;
        if cast == Cast::Is {
            return Ok(single(&items, "is")?.map(|item| of_truth(wanted.is(item))).into_iter().collect());
        }
        if cast == Cast::As && self.environment.is_strict {
            single(&items, "as")?;
        }
        Ok(items.into_iter().filter(|item| wanted.casts(item)).collect())
    }

    fn variable(&self, name: &str) -> Found<'a> {
        let environment = self.environment;
        let resource = |value: &'a Value| Ok(vec![Item::place(value, type_of(value))]);
        let text = |text: &str| Ok(vec![of_text(text.to_owned())]);
        if let Some((_, items)) = environment.variables.iter().find(|(known, _)| known == name) {
            return Ok(items.clone());
        }
        match name {
            "resource" => resource(environment.resource),
            "rootResource" => resource(environment.root),
            "context" => Ok(self.context.to_vec()),
            "ucum" => text("http://unitsofmeasure.org"),
            "sct" => text("http://snomed.info/sct"),
            "loinc" => text("http://loinc.org"),
            _ => match (name.strip_prefix("vs-"), name.strip_prefix("ext-")) {
                (Some(set), _) => text(&format!("http://hl7.org/fhir/ValueSet/{set}")),
                (_, Some(extension)) => text(&format!("http://hl7.org/fhir/StructureDefinition/{extension}")),
                _ => Err(EvaluationError::Unknown(format!("%{name}"))),
            },
        }
    }
}

fn literal_item<'a>(literal: &Literal) -> Item<'a> {
    Item(Content::System(match literal {
        Literal::Truth(truth) => System::Truth(*truth),
        Literal::Integer(number) => System::Integer(*number),
        Literal::Decimal(number) => System::Decimal(*number),
        Literal::Text(text) => System::Text(Cow::Owned(text.clone())),
        Literal::Moment(moment) => System::Moment(*moment),
        Literal::Quantity(quantity) => System::Quantity(quantity.clone()),
    }))
}

pub(super) const fn of_truth<'a>(truth: bool) -> Item<'a> {
    Item(Content::System(System::Truth(truth)))
}

pub(super) const fn of_integer<'a>(number: i64) -> Item<'a> {
    Item(Content::System(System::Integer(number)))
}

pub(super) fn of_count<'a>(count: usize) -> Item<'a> {
    of_integer(i64::try_from(count).unwrap_or(i64::MAX))
}

pub(super) const fn of_text<'a>(text: String) -> Item<'a> {
    Item(Content::System(System::Text(Cow::Owned(text))))
}

/// The one item of a collection; none of an empty one.
pub(super) fn single<'i, 'a>(
    items: &'i [Item<'a>],
    what: &'static str,
) -> Result<Option<&'i Item<'a>>, EvaluationError> {
    match items {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => Err(EvaluationError::Several(what)),
    }
}

/// A collection as a truth value: one item that is no boolean is true (N1 §singleton evaluation).
pub(super) fn truth(items: &[Item<'_>], what: &'static str) -> Result<Option<bool>, EvaluationError> {
    Ok(single(items, what)?.map(Item::truth))
}

/// A collection as a whole number.
pub(super) fn integer(items: &[Item<'_>], what: &'static str) -> Result<Option<i64>, EvaluationError> {
    match single(items, what)?.map(Item::system) {
        None => Ok(None),
        Some(Some(System::Integer(number))) => Ok(Some(number)),
        Some(_) => Err(EvaluationError::Type(what)),
    }
}

/// A collection as a text: a string, a date or a time as it is written.
pub(super) fn text_of(items: &[Item<'_>], what: &'static str) -> Result<Option<String>, EvaluationError> {
    let Some(item) = single(items, what)? else { return Ok(None) };
    match item.plain() {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(EvaluationError::Type(what)),
    }
}
