//! Functions of one number (FHIRPath N1 §math).

use super::{Call, Function};
use crate::fhir::path::decimal::{Decimal, Rounding};
use crate::fhir::path::evaluate::{EvaluationError, Found};
use crate::fhir::path::item::{Content, Item, System};
use crate::fhir::path::quantity::Quantity;

pub(super) fn call<'a>(call: &Call<'_, '_, '_, 'a>, input: &[Item<'a>]) -> Found<'a> {
    let Some(item) = call.single(input)? else { return Ok(Vec::new()) };
    let found = match item.system() {
        Some(System::Quantity(quantity)) => of_quantity(call, quantity)?,
        Some(System::Integer(number)) => of_integer(call, number)?,
        Some(System::Decimal(number)) => of_decimal(call, number)?,
        _ => return Err(call.wrong()),
    };
    Ok(found.map(|value| Item(Content::System(value))).into_iter().collect())
}

fn of_quantity<'a>(call: &Call<'_, '_, '_, 'a>, quantity: Quantity) -> Result<Option<System<'a>>, EvaluationError> {
    match of_decimal(call, quantity.value)? {
        Some(System::Decimal(value)) => Ok(Some(System::Quantity(Quantity { value, ..quantity }))),
        Some(System::Integer(value)) => {
            Ok(Some(System::Quantity(Quantity { value: Decimal::from(value), ..quantity })))
        }
        _ => Ok(None),
    }
}

fn of_integer<'a>(call: &Call<'_, '_, '_, 'a>, number: i64) -> Result<Option<System<'a>>, EvaluationError> {
    match call.function {
        Function::Abs => Ok(number.checked_abs().map(System::Integer)),
        Function::Ceiling | Function::Floor | Function::Truncate => Ok(Some(System::Integer(number))),
        Function::Power => match call.argument(0)?.first().and_then(Item::system) {
            Some(System::Integer(exponent)) => {
                let whole = u32::try_from(exponent).ok().and_then(|exponent| number.checked_pow(exponent));
                Ok(whole.map(System::Integer).or_else(|| powered(Decimal::from(number), Decimal::from(exponent))))
            }
            _ => of_decimal(call, Decimal::from(number)),
        },
        _ => of_decimal(call, Decimal::from(number)),
    }
}

fn of_decimal<'a>(call: &Call<'_, '_, '_, 'a>, number: Decimal) -> Result<Option<System<'a>>, EvaluationError> {
    let whole = |rounding| number.to(0, rounding).and_then(Decimal::integer).map(System::Integer);
    let float = |of: fn(f64) -> f64| Decimal::of_float(tidy(of(number.to_float()))).map(System::Decimal);
    Ok(match call.function {
        Function::Abs if number.is_negative() => number.negated().map(System::Decimal),
        Function::Abs => Some(System::Decimal(number)),
        Function::Ceiling => whole(Rounding::Up),
        Function::Floor => whole(Rounding::Down),
        Function::Truncate => whole(Rounding::Zero),
        Function::Round => {
            let places = call.integer(0)?.unwrap_or(0);
            let places = u32::try_from(places).map_err(|_negative| call.wrong())?;
            let is_exact = places >= number.places();
            if is_exact { Some(number) } else { number.to(places, Rounding::Nearest) }.map(System::Decimal)
        }
        Function::Sqrt => float(f64::sqrt),
        Function::Exp => float(f64::exp),
        Function::Ln => float(f64::ln),
        Function::Log => match decimal_argument(call)? {
            Some(base) => Decimal::of_float(tidy(number.to_float().ln() / base.to_float().ln())).map(System::Decimal),
            None => None,
        },
        _ => match decimal_argument(call)? {
            Some(exponent) => powered(number, exponent),
            None => None,
        },
    })
}

fn decimal_argument(call: &Call<'_, '_, '_, '_>) -> Result<Option<Decimal>, EvaluationError> {
    let argument = call.argument(0)?;
    match call.single(&argument)?.map(Item::system) {
        None => Ok(None),
        Some(Some(System::Integer(number))) => Ok(Some(Decimal::from(number))),
        Some(Some(System::Decimal(number))) => Ok(Some(number)),
        Some(_) => Err(call.wrong()),
    }
}

/// Exact for small whole exponents.
fn powered<'a>(base: Decimal, exponent: Decimal) -> Option<System<'a>> {
    let whole = exponent.integer().and_then(|count| u32::try_from(count).ok()).filter(|count| *count <= 64);
    let exact = whole.and_then(|count| (0..count).try_fold(Decimal::from(1), |product, _| product.times(base)));
    exact.or_else(|| Decimal::of_float(tidy(base.to_float().powf(exponent.to_float())))).map(System::Decimal)
}

/// What a float says beyond fifteen digits is noise.
fn tidy(number: f64) -> f64 {
    format!("{number:.14e}").parse().unwrap_or(number)
}
