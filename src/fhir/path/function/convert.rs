//! Conversions of one value (FHIRPath N1 §conversion).

use super::{Call, Function};
use crate::fhir::path::decimal::Decimal;
use crate::fhir::path::evaluate::{Found, of_truth};
use crate::fhir::path::item::{Content, Item, System};
use crate::fhir::path::moment::{Moment, Sort};
use crate::fhir::path::quantity::Quantity;

pub(super) fn call<'a>(call: &Call<'_, '_, '_, 'a>, input: &[Item<'a>]) -> Found<'a> {
    let Some(item) = call.single(input)? else { return Ok(Vec::new()) };
    let system = item.system();
    let converted = system.as_ref().and_then(|system| convert(call.function, system));
    if call.name().starts_with("converts") {
        return Ok(vec![of_truth(converted.is_some())]);
    }
    Ok(converted.map(|value| Item(Content::System(value))).into_iter().collect())
}

fn convert<'a>(function: Function, value: &System<'_>) -> Option<System<'a>> {
    match function {
        Function::ToBoolean | Function::ConvertsToBoolean => truth(value).map(System::Truth),
        Function::ToInteger | Function::ConvertsToInteger => match value {
            System::Integer(number) => Some(*number),
            System::Truth(truth) => Some(i64::from(*truth)),
            System::Text(text) => text.strip_prefix('+').unwrap_or(text).parse().ok(),
            _ => None,
        }
        .map(System::Integer),
        Function::ToDecimal | Function::ConvertsToDecimal => decimal(value).map(System::Decimal),
        Function::ToQuantity | Function::ConvertsToQuantity => match value {
            System::Quantity(quantity) => Some(quantity.clone()),
            System::Text(text) => Quantity::parse(text),
            other => decimal(other).map(Quantity::bare),
        }
        .map(System::Quantity),
        Function::ToString | Function::ConvertsToString => match value {
            System::Type(..) => None,
            other => Some(System::Text(other.to_string().into())),
        },
        Function::ToDate | Function::ConvertsToDate => moment(Sort::Date, value),
        Function::ToDateTime | Function::ConvertsToDateTime => moment(Sort::DateTime, value),
        _ => moment(Sort::Time, value),
    }
}

fn truth(value: &System<'_>) -> Option<bool> {
    let of_number = |number: Decimal| match number.integer()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    };
    match value {
        System::Truth(truth) => Some(*truth),
        System::Text(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(true),
            "false" | "f" | "no" | "n" | "0" | "0.0" => Some(false),
            _ => None,
        },
        System::Integer(number) => of_number(Decimal::from(*number)),
        System::Decimal(number) => of_number(*number),
        _ => None,
    }
}

fn decimal(value: &System<'_>) -> Option<Decimal> {
    match value {
        System::Integer(number) => Some(Decimal::from(*number)),
        System::Decimal(number) => Some(*number),
        System::Truth(truth) => Some(Decimal::from(i64::from(*truth))),
        System::Text(text) => Decimal::parse(text),
        _ => None,
    }
}

fn moment<'a>(sort: Sort, value: &System<'_>) -> Option<System<'a>> {
    let text = match value {
        System::Text(text) => text.to_string(),
        System::Moment(moment) => moment.to_string(),
        _ => return None,
    };
    // A date of a dateTime is its day.
    let text = if sort == Sort::Date { text.split('T').next().unwrap_or(&text) } else { text.as_str() };
    Moment::parse(sort, text).map(System::Moment)
}
