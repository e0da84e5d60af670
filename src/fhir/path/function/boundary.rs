//! Precision and what lies within it; the clock (FHIRPath N1 §utility; FHIRPath 3.0 `lowBoundary`, `highBoundary`).

use super::{Call, Function};
use crate::fhir::path::decimal::{Decimal, Rounding};
use crate::fhir::path::evaluate::{EvaluationError, Found, of_integer, of_truth};
use crate::fhir::path::item::{Content, Item, System};
use crate::fhir::path::moment::{Moment, Sort};
use crate::fhir::path::quantity::Quantity;

/// Places a boundary is told to, where none are asked for.
const PLACES: i64 = 8;
/// Nor more than these.
const MOST_PLACES: i64 = 28;

pub(super) fn call<'a>(call: &Call<'_, '_, '_, 'a>, input: &[Item<'a>]) -> Found<'a> {
    if matches!(call.function, Function::Now | Function::Today | Function::TimeOfDay) {
        return clock(call);
    }
    let Some(item) = call.single(input)? else { return Ok(Vec::new()) };
    let value = item.system().ok_or_else(|| call.wrong())?;
    if call.function == Function::Precision {
        return precision(call, &value);
    }
    if call.function == Function::Comparable {
        let other = call.argument(0)?;
        let (System::Quantity(one), Some(Some(System::Quantity(other)))) =
            (value, call.single(&other)?.map(Item::system))
        else {
            return Err(call.wrong());
        };
        return Ok(vec![of_truth(one.is_comparable(&other))]);
    }
    let digits = call.integer(0)?;
    let is_low = call.function == Function::LowBoundary;
    let found = match value {
        System::Moment(moment) if is_low => moment.low(digits).map(System::Moment),
        System::Moment(moment) => moment.high(digits).map(System::Moment),
        System::Integer(number) => boundary(Decimal::from(number), digits, is_low).map(System::Decimal),
        System::Decimal(number) => boundary(number, digits, is_low).map(System::Decimal),
        System::Quantity(quantity) => boundary(quantity.value, digits, is_low)
            .map(|value| System::Quantity(Quantity { value, unit: quantity.unit })),
        _ => return Err(call.wrong()),
    };
    Ok(found.map(|value| Item(Content::System(value))).into_iter().collect())
}

/// Half of what the last digit stands for, below or above.
fn boundary(number: Decimal, places: Option<i64>, is_low: bool) -> Option<Decimal> {
    let places = places.unwrap_or(PLACES);
    if !(0..=MOST_PLACES).contains(&places) {
        return None;
    }
    let half = number.half_step()?;
    let bound = if is_low { number.minus(half)? } else { number.plus(half)? };
    let rounding = if is_low { Rounding::Down } else { Rounding::Up };
    bound.to(u32::try_from(places).ok()?, rounding)
}

fn precision<'a>(call: &Call<'_, '_, '_, 'a>, value: &System<'_>) -> Found<'a> {
    let digits = match value {
        System::Moment(moment) => moment.precision(),
        System::Decimal(number) => i64::from(number.places()),
        System::Integer(_) => 0,
        _ => return Err(call.wrong()),
    };
    Ok(vec![of_integer(digits)])
}

/// The moment of the evaluation: the same in the whole of it.
fn clock<'a>(call: &Call<'_, '_, '_, 'a>) -> Found<'a> {
    let now = call.machine.environment.now.as_ref().ok_or_else(|| EvaluationError::Unknown(call.name().to_owned()))?;
    let (sort, format) = match call.function {
        Function::Now => (Sort::DateTime, "%Y-%m-%dT%H:%M:%S%.3f%:z"),
        Function::Today => (Sort::Date, "%Y-%m-%d"),
        _ => (Sort::Time, "%H:%M:%S%.3f"),
    };
    let found = Moment::parse(sort, &now.strftime(format).to_string());
    Ok(found.map(|moment| Item(Content::System(System::Moment(moment)))).into_iter().collect())
}
