//! The functions of FHIRPath (N1 §functions; FHIR R4 `fhirpath.html` §2.9.3).

use serde_json::Value;

use super::evaluate::{EvaluationError, Item, Items, Machine, distinct, holds, integer, member, single, truth};
use super::expression::Node;
use super::pattern;

/// Each function and how many arguments it takes, at least and at most.
const FUNCTIONS: [(&str, usize, usize); 49] = [
    ("all", 1, 1),
    ("allFalse", 0, 0),
    ("allTrue", 0, 0),
    ("any", 0, 1),
    ("anyFalse", 0, 0),
    ("anyTrue", 0, 0),
    ("as", 1, 1),
    ("children", 0, 0),
    ("combine", 1, 1),
    ("contains", 1, 1),
    ("count", 0, 0),
    ("descendants", 0, 0),
    ("distinct", 0, 0),
    ("empty", 0, 0),
    ("endsWith", 1, 1),
    ("exclude", 1, 1),
    ("exists", 0, 1),
    ("extension", 1, 1),
    ("first", 0, 0),
    ("hasValue", 0, 0),
    ("iif", 2, 3),
    ("indexOf", 1, 1),
    ("intersect", 1, 1),
    ("is", 1, 1),
    ("isDistinct", 0, 0),
    ("join", 0, 1),
    ("last", 0, 0),
    ("length", 0, 0),
    ("lower", 0, 0),
    ("matches", 1, 1),
    ("not", 0, 0),
    ("ofType", 1, 1),
    ("replace", 2, 2),
    ("resolve", 0, 0),
    ("select", 1, 1),
    ("single", 0, 0),
    ("skip", 1, 1),
    ("split", 1, 1),
    ("startsWith", 1, 1),
    ("subsetOf", 1, 1),
    ("substring", 1, 2),
    ("tail", 0, 0),
    ("take", 1, 1),
    ("toInteger", 0, 0),
    ("toString", 0, 0),
    ("trim", 0, 0),
    ("union", 1, 1),
    ("upper", 0, 0),
    ("where", 1, 1),
];

/// Whether there is such a function with so many arguments.
pub(super) fn knows(name: &str, arguments: usize) -> bool {
    FUNCTIONS.iter().any(|(known, least, most)| *known == name && (*least..=*most).contains(&arguments))
}

/// Calls a function on a collection.
pub(super) fn call<'a>(
    machine: &Machine<'a>,
    name: &str,
    input: Items<'a>,
    arguments: &[Node],
    focus: &[Item<'a>],
) -> Result<Items<'a>, EvaluationError> {
    let argument = |place: usize| arguments.get(place).unwrap_or(&Node::Empty);
    let said = |truth: bool| Ok(vec![Item::new(truth)]);
    match name {
        "exists" | "any" if arguments.is_empty() => said(!input.is_empty()),
        "exists" | "any" => said(!filter(machine, input, argument(0))?.is_empty()),
        "empty" => said(input.is_empty()),
        "count" => Ok(vec![Item::new(input.len())]),
        "not" => Ok(truth(&input, "not")?.map(|truth| Item::new(!truth)).into_iter().collect()),
        "where" => filter(machine, input, argument(0)),
        "all" => {
            let every = input.len();
            said(filter(machine, input, argument(0))?.len() == every)
        }
        "select" => {
            let mut found = Vec::new();
            for item in input {
                found.extend(machine.value(argument(0), &[item])?);
            }
            Ok(found)
        }
        "allTrue" => said(input.iter().all(|item| item.value.as_bool() == Some(true))),
        "anyTrue" => said(input.iter().any(|item| item.value.as_bool() == Some(true))),
        "allFalse" => said(input.iter().all(|item| item.value.as_bool() == Some(false))),
        "anyFalse" => said(input.iter().any(|item| item.value.as_bool() == Some(false))),
        "iif" => {
            let chosen = truth(&machine.value(argument(0), &input)?, "iif")? == Some(true);
            machine.value(argument(if chosen { 1 } else { 2 }), &input)
        }
        "ofType" | "as" => Ok(input.into_iter().filter(|item| item.is_of(type_of(argument(0)))).collect()),
        "is" => Ok(input.first().map(|item| Item::new(item.is_of(type_of(argument(0))))).into_iter().collect()),
        "resolve" => Ok(input.iter().filter_map(|item| resolve(machine.root, item)).collect()),
        "children" => Ok(children(&input)),
        "descendants" => Ok(descendants(input)),
        "extension" => {
            let url = text_of(machine, argument(0), focus)?;
            let extensions = input.iter().flat_map(|item| member(item, "extension"));
            Ok(extensions.filter(|found| found.value.get("url").and_then(Value::as_str) == url.as_deref()).collect())
        }
        "combine" | "union" | "intersect" | "exclude" | "subsetOf" => {
            Ok(sets(name, input, machine.value(argument(0), focus)?))
        }
        "first" | "last" | "tail" | "skip" | "take" | "single" | "distinct" | "isDistinct" => {
            let number = match arguments.first() {
                Some(node) => integer(&machine.value(node, focus)?, name)?.and_then(|n| usize::try_from(n).ok()),
                None => None,
            };
            part(name, input, number.unwrap_or(0))
        }
        "join" => {
            let between = text_of(machine, argument(0), focus)?.unwrap_or_default();
            let texts: Vec<String> = input.iter().filter_map(Item::text).collect();
            Ok(vec![Item::new(texts.join(&between))])
        }
        _ => {
            let Some(item) = single(&input, name)? else { return Ok(Vec::new()) };
            let (one, two) = (machine.value(argument(0), focus)?, machine.value(argument(1), focus)?);
            on_text(name, item, &one, &two)
        }
    }
}

fn filter<'a>(machine: &Machine<'a>, input: Items<'a>, criteria: &Node) -> Result<Items<'a>, EvaluationError> {
    let mut kept = Vec::new();
    for item in input {
        if truth(&machine.value(criteria, std::slice::from_ref(&item))?, "where")? == Some(true) {
            kept.push(item);
        }
    }
    Ok(kept)
}

/// The type that an argument names.
fn type_of(node: &Node) -> &str {
    match node {
        Node::Member(_, name) => name,
        _ => "",
    }
}

fn text_of<'a>(machine: &Machine<'a>, node: &Node, focus: &[Item<'a>]) -> Result<Option<String>, EvaluationError> {
    Ok(single(&machine.value(node, focus)?, "a text")?.and_then(Item::text))
}

/// The resource that a reference (or its text) names: contained, or an entry of the same Bundle.
fn resolve<'a>(root: &'a Value, item: &Item<'a>) -> Option<Item<'a>> {
    let text = item.value.as_str().or_else(|| item.value.get("reference").and_then(Value::as_str))?;
    if let Some(id) = text.strip_prefix('#') {
        let mut contained = descendants(vec![Item::of(root)]).into_iter();
        return contained.find(|found| {
            found.value.get("id").and_then(Value::as_str) == Some(id) && found.value.get("resourceType").is_some()
        });
    }
    let entries = root.get("entry").and_then(Value::as_array)?;
    let named = |entry: &&Value| {
        let url = entry.get("fullUrl").and_then(Value::as_str).unwrap_or_default();
        url == text || url.strip_suffix(text).is_some_and(|base| base.ends_with('/'))
    };
    entries.iter().find(named).and_then(|entry| entry.get("resource")).map(Item::of)
}

fn children<'a>(input: &[Item<'a>]) -> Items<'a> {
    let names = |item: &Item<'a>| -> Vec<String> {
        item.value.as_object().map(|members| members.keys().cloned().collect()).unwrap_or_default()
    };
    input.iter().flat_map(|item| names(item).into_iter().flat_map(|name| member(item, &name))).collect()
}

fn descendants(input: Items<'_>) -> Items<'_> {
    let mut found: Items<'_> = Vec::new();
    let mut level = children(&input);
    while !level.is_empty() {
        let next = children(&level);
        found.append(&mut level);
        level = next;
    }
    found
}

fn sets<'a>(name: &str, input: Items<'a>, other: Items<'a>) -> Items<'a> {
    match name {
        "combine" => input.into_iter().chain(other).collect(),
        "union" => distinct(input.into_iter().chain(other).collect()),
        "intersect" => distinct(input.into_iter().filter(|item| holds(&other, item)).collect()),
        "exclude" => input.into_iter().filter(|item| !holds(&other, item)).collect(),
        _ => vec![Item::new(input.iter().all(|item| holds(&other, item)))],
    }
}

fn part<'a>(name: &str, input: Items<'a>, number: usize) -> Result<Items<'a>, EvaluationError> {
    Ok(match name {
        "first" => input.into_iter().take(1).collect(),
        "last" => input.into_iter().next_back().into_iter().collect(),
        "tail" => input.into_iter().skip(1).collect(),
        "skip" => input.into_iter().skip(number).collect(),
        "take" => input.into_iter().take(number).collect(),
        "distinct" => distinct(input),
        "isDistinct" => {
            let length = input.len();
            vec![Item::new(distinct(input).len() == length)]
        }
        _ => single(&input, "single")?.cloned().into_iter().collect(),
    })
}

/// Functions of one text.
fn on_text<'a>(name: &str, item: &Item<'a>, one: &[Item<'a>], two: &[Item<'a>]) -> Result<Items<'a>, EvaluationError> {
    let told = |value: Value| Ok(vec![Item::new(value)]);
    match name {
        "hasValue" => return told(Value::from(item.text().is_some())),
        "toString" => return Ok(item.text().map(Item::new).into_iter().collect()),
        "toInteger" => {
            let number = item.text().and_then(|text| text.parse::<i64>().ok());
            return Ok(number.map(Item::new).into_iter().collect());
        }
        _ => {}
    }
    let text = item.value.as_str().ok_or_else(|| EvaluationError::Type(name.to_owned()))?;
    let argument = single(one, name)?.map(Item::text);
    let Some(argument) = argument.or_else(|| one.is_empty().then(|| Some(String::new()))).flatten() else {
        return Err(EvaluationError::Type(name.to_owned()));
    };
    let chars = || text.chars();
    match name {
        "contains" => told(text.contains(&argument).into()),
        "startsWith" => told(text.starts_with(&argument).into()),
        "endsWith" => told(text.ends_with(&argument).into()),
        "matches" => told(pattern::matches(&argument, text)?.into()),
        "indexOf" => told(
            text.find(&argument)
                .map_or(-1, |at| {
                    let before = text.get(..at).unwrap_or_default().chars().count();
                    i64::try_from(before).unwrap_or(-1)
                })
                .into(),
        ),
        "replace" => {
            let by = single(two, name)?.and_then(Item::text).unwrap_or_default();
            told(text.replace(&argument, &by).into())
        }
        "length" => told(chars().count().into()),
        "lower" => told(text.to_lowercase().into()),
        "upper" => told(text.to_uppercase().into()),
        "trim" => told(text.trim().into()),
        "split" => Ok(text.split(argument.as_str()).map(Item::new).collect()),
        _ => {
            let place = |items: &[Item<'a>]| -> Result<Option<usize>, EvaluationError> {
                Ok(integer(items, name)?.and_then(|number| usize::try_from(number).ok()))
            };
            let (start, length) = (place(one)?.unwrap_or(0), place(two)?.unwrap_or(usize::MAX));
            if start >= chars().count() {
                return Ok(Vec::new());
            }
            told(chars().skip(start).take(length).collect::<String>().into())
        }
    }
}
