//! The operators (FHIRPath N1 §operations).

use std::cmp::Ordering;
use std::collections::HashSet;

use super::decimal::{Decimal, Rounding};
use super::evaluate::{EvaluationError, Found, Machine, of_text, of_truth, single};
use super::item::{Content, Item, Items, System};
use super::quantity::Quantity;
use super::syntax::Operator;

/// No text that is put together is longer.
pub(super) const LONGEST_TEXT: usize = 1 << 20;

/// What the left side alone decides.
pub(super) const fn told_by_left(operator: Operator, left: Option<bool>) -> Option<bool> {
    match (operator, left) {
        (Operator::And, Some(false)) => Some(false),
        (Operator::Or, Some(true)) | (Operator::Implies, Some(false)) => Some(true),
        _ => None,
    }
}

/// Logic of three values.
pub(super) fn logic(operator: Operator, left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match operator {
        Operator::And if left == Some(false) || right == Some(false) => Some(false),
        Operator::And => Some(left? && right?),
        Operator::Or if left == Some(true) || right == Some(true) => Some(true),
        Operator::Or => Some(left? || right?),
        Operator::Xor => Some(left? != right?),
        _ if left == Some(false) || right == Some(true) => Some(true),
        _ => Some(!left? || right?),
    }
}

/// Applies an operator that is not one of logic.
pub(super) fn apply<'a>(machine: &Machine<'_, 'a>, operator: Operator, left: Items<'a>, right: Items<'a>) -> Found<'a> {
    let told = |truth: Option<bool>| Ok(truth.map(of_truth).into_iter().collect());
    let sign = operator.sign();
    match operator {
        Operator::Same => told(equal(&left, &right)),
        Operator::Differs => told(equal(&left, &right).map(|same| !same)),
        Operator::Like | Operator::Unlike => {
            machine.spend(left.len().saturating_mul(right.len()))?;
            told(Some(equivalent(&left, &right) == (operator == Operator::Like)))
        }
        Operator::In => told(single(&left, sign)?.map(|item| holds(&right, item))),
        Operator::Contains => told(single(&right, sign)?.map(|item| holds(&left, item))),
        Operator::Union => distinct(machine, left.into_iter().chain(right).collect()),
        Operator::Join => {
            let (left, right) = (joined(&left)?, joined(&right)?);
            if left.len() + right.len() > LONGEST_TEXT {
                Err(EvaluationError::TooLong)
            } else {
                Ok(vec![of_text(left + &right)])
            }
        }
        _ if operator.is_order() => told(ordered(operator, &left, &right, machine.environment.is_strict)?),
        _ => arithmetic(operator, &left, &right),
    }
}

fn joined(items: &[Item<'_>]) -> Result<String, EvaluationError> {
    match single(items, "&")? {
        None => Ok(String::new()),
        Some(item) => item.text().ok_or(EvaluationError::Type("&")),
    }
}

/// A number as a decimal.
fn decimal(system: &System<'_>) -> Option<Decimal> {
    match system {
        System::Integer(number) => Some(Decimal::from(*number)),
        System::Decimal(number) => Some(*number),
        _ => None,
    }
}

/// A number or quantity as a quantity.
fn quantity(system: &System<'_>) -> Option<Quantity> {
    match system {
        System::Quantity(quantity) => Some(quantity.clone()),
        other => decimal(other).map(Quantity::bare),
    }
}

/// Whether two items are equal; `None` where it cannot be told.
pub(super) fn same(left: &Item<'_>, right: &Item<'_>) -> Option<bool> {
    if let (Some(one), Some(other)) = (left.plain(), right.plain()) {
        let is_text = |item: &Item<'_>| matches!(item.0, Content::System(_));
        if one == other || is_text(left) || is_text(right) {
            return Some(one == other);
        }
    }
    match (left.system(), right.system()) {
        (None, None) => Some(left.json() == right.json()),
        (Some(left), Some(right)) => same_values(&left, &right),
        _ => Some(false),
    }
}

fn same_values(left: &System<'_>, right: &System<'_>) -> Option<bool> {
    match (left, right) {
        (System::Truth(a), System::Truth(b)) => Some(a == b),
        (System::Text(a), System::Text(b)) => Some(a == b),
        (System::Type(a, b), System::Type(c, d)) => Some(a == c && b == d),
        (System::Moment(a), System::Moment(b)) if a.is_like(*b) => a.order(*b).map(|order| order == Ordering::Equal),
        (left, right) => match (decimal(left), decimal(right)) {
            (Some(a), Some(b)) => Some(a.order(b) == Ordering::Equal),
            _ => match (quantity(left), quantity(right)) {
                (Some(a), Some(b)) => a.order(&b).map(|order| order == Ordering::Equal),
                _ => Some(false),
            },
        },
    }
}

/// Whether two collections are equal, item by item.
fn equal(left: &[Item<'_>], right: &[Item<'_>]) -> Option<bool> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    if left.len() != right.len() {
        return Some(false);
    }
    let mut is_told = true;
    for (left, right) in left.iter().zip(right) {
        match same(left, right) {
            Some(false) => return Some(false),
            Some(true) => {}
            None => is_told = false,
        }
    }
    is_told.then_some(true)
}

/// Whether each item of one has its like in the other, whatever the order.
fn equivalent(left: &[Item<'_>], right: &[Item<'_>]) -> bool {
    let mut unmatched: Vec<&Item<'_>> = right.iter().collect();
    left.len() == right.len()
        && left.iter().all(|item| match unmatched.iter().position(|other| like(item, other)) {
            Some(place) => {
                unmatched.swap_remove(place);
                true
            }
            None => false,
        })
}

fn like(left: &Item<'_>, right: &Item<'_>) -> bool {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    match (left.system(), right.system()) {
        (Some(System::Text(a)), Some(System::Text(b))) => plain(&a) == plain(&b),
        (Some(a), Some(b)) => match (decimal(&a), decimal(&b)) {
            (Some(a), Some(b)) => {
                let places = a.short().places().min(b.short().places());
                let rounded = |number: Decimal| number.to(places, Rounding::Nearest);
                rounded(a).zip(rounded(b)).is_some_and(|(a, b)| a.order(b) == Ordering::Equal)
            }
            _ => match (quantity(&a), quantity(&b)) {
                (Some(a), Some(b)) => a.is_equivalent(&b),
                _ => same_values(&a, &b) == Some(true),
            },
        },
        _ => same(left, right) == Some(true),
    }
}

/// The order of two single items; `None` where nothing tells.
///
/// # Errors
/// Where their types have no order.
pub(super) fn order(left: &Item<'_>, right: &Item<'_>, is_strict: bool) -> Result<Option<Ordering>, EvaluationError> {
    let wrong = Err(EvaluationError::Type("comparison"));
    let (Some(one), Some(other)) = (left.system(), right.system()) else { return wrong };
    match (&one, &other) {
        (System::Text(a), System::Text(b)) => Ok(Some(a.cmp(b))),
        (System::Moment(a), System::Moment(b)) if a.is_like(*b) => Ok(a.order(*b)),
        // A date in words, in tests that are not typed.
        (System::Moment(_), System::Text(_)) | (System::Text(_), System::Moment(_)) if !is_strict => {
            Ok(left.text().zip(right.text()).map(|(a, b)| a.cmp(&b)))
        }
        _ => match (decimal(&one), decimal(&other)) {
            (Some(a), Some(b)) => Ok(Some(a.order(b))),
            _ => match (quantity(&one), quantity(&other)) {
                (Some(a), Some(b)) => Ok(a.order(&b)),
                _ => wrong,
            },
        },
    }
}

fn ordered(
    operator: Operator,
    left: &[Item<'_>],
    right: &[Item<'_>],
    is_strict: bool,
) -> Result<Option<bool>, EvaluationError> {
    let sign = operator.sign();
    let (Some(left), Some(right)) = (single(left, sign)?, single(right, sign)?) else { return Ok(None) };
    Ok(order(left, right, is_strict)?.map(|order| match operator {
        Operator::Less => order.is_lt(),
        Operator::AtMost => order.is_le(),
        Operator::More => order.is_gt(),
        _ => order.is_ge(),
    }))
}

/// `-x`.
pub(super) fn minus<'a>(items: &[Item<'a>]) -> Found<'a> {
    let Some(item) = single(items, "-")? else { return Ok(Vec::new()) };
    let negated = match item.system() {
        Some(System::Integer(number)) => number.checked_neg().map(System::Integer),
        Some(System::Decimal(number)) => number.negated().map(System::Decimal),
        Some(System::Quantity(quantity)) => quantity.negated().map(System::Quantity),
        _ => return Err(EvaluationError::Type("-")),
    };
    Ok(negated.map(|value| Item(Content::System(value))).into_iter().collect())
}

fn arithmetic<'a>(operator: Operator, left: &[Item<'a>], right: &[Item<'a>]) -> Found<'a> {
    let sign = operator.sign();
    let (Some(left), Some(right)) = (single(left, sign)?, single(right, sign)?) else { return Ok(Vec::new()) };
    let wrong = EvaluationError::Type(sign);
    let (Some(left), Some(right)) = (left.system(), right.system()) else { return Err(wrong) };
    let found = match (&left, &right) {
        (System::Text(a), System::Text(b)) if operator == Operator::Plus => {
            if a.len() + b.len() > LONGEST_TEXT {
                return Err(EvaluationError::TooLong);
            }
            Some(System::Text(format!("{a}{b}").into()))
        }
        (System::Moment(moment), System::Quantity(amount)) if matches!(operator, Operator::Plus | Operator::Minus) => {
            let duration = amount.duration().ok_or(wrong)?;
            let value = if operator == Operator::Plus { Some(amount.value) } else { amount.value.negated() };
            value.and_then(|value| moment.plus(value, duration)).map(System::Moment)
        }
        (System::Integer(a), System::Integer(b)) => {
            whole(operator, *a, *b).or_else(|| numbers(operator, Decimal::from(*a), Decimal::from(*b)))
        }
        _ => match (decimal(&left), decimal(&right)) {
            (Some(a), Some(b)) => numbers(operator, a, b),
            _ => match (quantity(&left), quantity(&right)) {
                (Some(a), Some(b)) => quantities(operator, &a, &b).map_err(|()| wrong)?.map(System::Quantity),
                _ => return Err(wrong),
            },
        },
    };
    Ok(found.map(|value| Item(Content::System(value))).into_iter().collect())
}

fn whole<'a>(operator: Operator, a: i64, b: i64) -> Option<System<'a>> {
    match operator {
        Operator::Plus => a.checked_add(b),
        Operator::Minus => a.checked_sub(b),
        Operator::Times => a.checked_mul(b),
        Operator::Div => a.checked_div(b),
        Operator::Mod => a.checked_rem(b),
        _ => None,
    }
    .map(System::Integer)
}

fn numbers<'a>(operator: Operator, a: Decimal, b: Decimal) -> Option<System<'a>> {
    match operator {
        Operator::Plus => a.plus(b),
        Operator::Minus => a.minus(b),
        Operator::Times => a.times(b),
        Operator::Over => a.over(b),
        Operator::Mod => a.rest_over(b),
        _ => return Some(System::Integer(a.whole_over(b)?.integer()?)),
    }
    .map(System::Decimal)
}

fn quantities(operator: Operator, a: &Quantity, b: &Quantity) -> Result<Option<Quantity>, ()> {
    match operator {
        Operator::Plus => Ok(a.plus(b)),
        Operator::Minus => Ok(b.negated().and_then(|b| a.plus(&b))),
        Operator::Times => Ok(a.times(b)),
        Operator::Over => Ok(a.over(b)),
        _ => Err(()),
    }
}

/// Whether a collection holds an item.
pub(super) fn holds(items: &[Item<'_>], wanted: &Item<'_>) -> bool {
    items.iter().any(|item| same(item, wanted) == Some(true))
}

/// A collection without repetitions.
pub(super) fn distinct<'a>(machine: &Machine<'_, 'a>, items: Items<'a>) -> Found<'a> {
    if items.len() > FEW && items.iter().all(|item| item.plain().is_some()) {
        let mut seen = HashSet::new();
        let is_new: Vec<bool> = items.iter().map(|item| seen.insert(item.plain().unwrap_or_default())).collect();
        return Ok(items.into_iter().zip(is_new).filter_map(|(item, is_new)| is_new.then_some(item)).collect());
    }
    let mut kept: Items<'a> = Vec::new();
    for item in items {
        machine.spend(kept.len())?;
        if !holds(&kept, &item) {
            kept.push(item);
        }
    }
    Ok(kept)
}

/// Beyond this a table is faster than a search.
const FEW: usize = 8;
