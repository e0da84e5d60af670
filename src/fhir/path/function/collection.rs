//! Functions of whole collections (FHIRPath N1 §existence, §subsetting, §combining).

use super::{Call, Function};
use crate::fhir::path::evaluate::{EvaluationError, Found, of_count, of_truth, truth};
use crate::fhir::path::item::{Items, System};
use crate::fhir::path::operator::{distinct, holds};

pub(super) fn call<'a>(call: &Call<'_, '_, '_, 'a>, input: Items<'a>) -> Found<'a> {
    let told = |truth: bool| Ok(vec![of_truth(truth)]);
    match call.function {
        Function::Count => Ok(vec![of_count(input.len())]),
        Function::Empty => told(input.is_empty()),
        Function::Not => Ok(truth(&input, "not")?.map(|truth| of_truth(!truth)).into_iter().collect()),
        Function::First => Ok(input.into_iter().take(1).collect()),
        Function::Last => Ok(input.into_iter().next_back().into_iter().collect()),
        Function::Tail => Ok(input.into_iter().skip(1).collect()),
        Function::Single => Ok(call.single(&input)?.cloned().into_iter().collect()),
        Function::Skip | Function::Take => {
            let Some(count) = call.integer(0)? else { return Ok(Vec::new()) };
            let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
            let is_take = call.function == Function::Take;
            Ok(if is_take { input.into_iter().take(count).collect() } else { input.into_iter().skip(count).collect() })
        }
        Function::Distinct => distinct(call.machine, input),
        Function::IsDistinct => {
            let length = input.len();
            told(distinct(call.machine, input)?.len() == length)
        }
        Function::AllTrue | Function::AllFalse | Function::AnyTrue | Function::AnyFalse => {
            let truths = input.iter().map(|item| match item.system() {
                Some(System::Truth(truth)) => Ok(truth),
                _ => Err(call.wrong()),
            });
            let truths = truths.collect::<Result<Vec<bool>, EvaluationError>>()?;
            told(match call.function {
                Function::AllTrue => truths.iter().all(|truth| *truth),
                Function::AllFalse => !truths.contains(&true),
                Function::AnyTrue => truths.contains(&true),
                _ => truths.contains(&false),
            })
        }
        _ => sets(call, input),
    }
}

/// Functions of two collections.
fn sets<'a>(call: &Call<'_, '_, '_, 'a>, input: Items<'a>) -> Found<'a> {
    let other = call.argument(0)?;
    let machine = call.machine;
    if !matches!(call.function, Function::Combine | Function::Union) {
        machine.spend(input.len().saturating_mul(other.len()))?;
    }
    let told = |truth: bool| Ok(vec![of_truth(truth)]);
    match call.function {
        Function::Combine => Ok(input.into_iter().chain(other).collect()),
        Function::Union => distinct(machine, input.into_iter().chain(other).collect()),
        Function::Intersect => distinct(machine, input.into_iter().filter(|item| holds(&other, item)).collect()),
        Function::Exclude => Ok(input.into_iter().filter(|item| !holds(&other, item)).collect()),
        Function::SubsetOf => told(input.iter().all(|item| holds(&other, item))),
        _ => told(other.iter().all(|item| holds(&input, item))),
    }
}
