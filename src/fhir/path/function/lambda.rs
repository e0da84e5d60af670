//! Functions that apply an expression to each item (FHIRPath N1 §filtering and projection, §aggregates).

use std::cmp::Ordering;

use super::{Call, Function};
use crate::fhir::path::evaluate::{EvaluationError, Focus, Found, of_truth, truth};
use crate::fhir::path::item::{Item, Items, System};
use crate::fhir::path::operator::{holds, order};
use crate::fhir::path::syntax::Node;

pub(super) fn call<'a>(call: &Call<'_, '_, '_, 'a>, input: Items<'a>) -> Found<'a> {
    let Some(node) = call.arguments.first() else {
        return match call.function {
            Function::Sort => sort(call, input),
            _ => Ok(vec![of_truth(!input.is_empty())]),
        };
    };
    match call.function {
        Function::Where => filter(call, input, node),
        Function::Exists | Function::Any => {
            for (index, item) in input.iter().enumerate() {
                if is_true(call, node, item, index)? {
                    return Ok(vec![of_truth(true)]);
                }
            }
            Ok(vec![of_truth(false)])
        }
        Function::All => {
            for (index, item) in input.iter().enumerate() {
                if !is_true(call, node, item, index)? {
                    return Ok(vec![of_truth(false)]);
                }
            }
            Ok(vec![of_truth(true)])
        }
        Function::Select => {
            let mut found = Vec::new();
            for (index, item) in input.iter().enumerate() {
                found.append(&mut call.machine.of_one(node, item, index)?);
            }
            Ok(found)
        }
        Function::Repeat => repeat(call, input, node),
        Function::Aggregate => aggregate(call, &input, node),
        Function::Iif => iif(call, &input, node),
        Function::Sort => sort(call, input),
        // Nothing is written anywhere: what is traced may be about a person.
        _ => Ok(input),
    }
}

fn is_true<'a>(
    call: &Call<'_, '_, '_, 'a>,
    node: &Node,
    item: &Item<'a>,
    index: usize,
) -> Result<bool, EvaluationError> {
    Ok(truth(&call.machine.of_one(node, item, index)?, call.name())? == Some(true))
}

fn filter<'a>(call: &Call<'_, '_, '_, 'a>, input: Items<'a>, node: &Node) -> Found<'a> {
    let mut kept = Vec::new();
    for (index, item) in input.into_iter().enumerate() {
        if is_true(call, node, &item, index)? {
            kept.push(item);
        }
    }
    Ok(kept)
}

/// What the expression leads to, and from there, until nothing new is found.
fn repeat<'a>(call: &Call<'_, '_, '_, 'a>, input: Items<'a>, node: &Node) -> Found<'a> {
    let mut found: Items<'a> = Vec::new();
    let mut level = input;
    while !level.is_empty() {
        let mut next = Vec::new();
        for (index, item) in level.iter().enumerate() {
            for reached in call.machine.of_one(node, item, index)? {
                // Elements are each themselves: only computed values can come again and again.
                let is_element = reached.element().is_some();
                if !is_element {
                    call.machine.spend(found.len())?;
                }
                if is_element || !holds(&found, &reached) {
                    found.push(reached.clone());
                    next.push(reached);
                }
            }
        }
        call.machine.spend(next.len())?;
        level = next;
    }
    Ok(found)
}

fn aggregate<'a>(call: &Call<'_, '_, '_, 'a>, input: &[Item<'a>], node: &Node) -> Found<'a> {
    let mut total = call.argument(1)?;
    for (index, item) in input.iter().enumerate() {
        let focus = Focus { items: std::slice::from_ref(item), index: Some(index), total: Some(&total) };
        total = call.machine.value(node, focus)?;
    }
    Ok(total)
}

fn iif<'a>(call: &Call<'_, '_, '_, 'a>, input: &[Item<'a>], node: &Node) -> Found<'a> {
    call.single(input)?;
    let focus = Focus { items: input, ..call.focus };
    let criterion = call.machine.value(node, focus)?;
    let is_truth = criterion.iter().all(|item| matches!(item.system(), Some(System::Truth(_))));
    if call.machine.environment.is_strict && !is_truth {
        return Err(call.wrong());
    }
    let chosen = if truth(&criterion, "iif")? == Some(true) { 1 } else { 2 };
    call.arguments.get(chosen).map_or(Ok(Vec::new()), |node| call.machine.value(node, focus))
}

/// By each key in turn; `-key` turns the order about.
fn sort<'a>(call: &Call<'_, '_, '_, 'a>, input: Items<'a>) -> Found<'a> {
    let this = [Node::This];
    let nodes = if call.arguments.is_empty() { &this } else { call.arguments };
    let keys: Vec<(&Node, bool)> = nodes
        .iter()
        .map(|node| match node {
            Node::Minus(key) => (key.as_ref(), true),
            key => (key, false),
        })
        .collect();
    let mut rows = Vec::with_capacity(input.len());
    for (index, item) in input.into_iter().enumerate() {
        let mut values = Vec::with_capacity(keys.len());
        for (key, _) in &keys {
            values.push(call.machine.of_one(key, &item, index)?.into_iter().next());
        }
        rows.push((values, item));
    }
    let mut fault = None;
    rows.sort_by(|(left, _), (right, _)| {
        let mut pairs = left.iter().zip(right).zip(&keys);
        let found = pairs.find_map(|((left, right), (_, is_reverse))| {
            let order = match (left, right) {
                (Some(left), Some(right)) => order(left, right, false).unwrap_or_else(|error| {
                    fault = Some(error);
                    None
                })?,
                // Nothing comes after all there is.
                (left, right) => left.is_none().cmp(&right.is_none()),
            };
            (order != Ordering::Equal).then(|| if *is_reverse { order.reverse() } else { order })
        });
        found.unwrap_or(Ordering::Equal)
    });
    fault.map_or_else(|| Ok(rows.into_iter().map(|(_, item)| item).collect()), Err)
}
