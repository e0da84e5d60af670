//! Functions that FHIR adds, of the elements of a resource (FHIR R4 `fhirpath.html` §2.9.3; N1 §tree navigation).

use serde_json::Value;

use super::{Call, Function};
use crate::fhir::datatype::Coding;
use crate::fhir::definition::Type;
use crate::fhir::path::environment::{Outside, type_of};
use crate::fhir::path::evaluate::{EvaluationError, Found, of_truth};
use crate::fhir::path::item::{Content, Item, Items, System};
use crate::fhir::{narrative, terminology};

/// Where R4's own types are defined.
const R4: &str = "http://hl7.org/fhir/StructureDefinition/";

pub(super) fn call<'a>(call: &Call<'_, '_, '_, 'a>, input: Items<'a>) -> Found<'a> {
    match call.function {
        Function::Children => {
            call.machine.spend(input.len())?;
            Ok(children(&input))
        }
        Function::Descendants => descendants(call, &input),
        Function::Extension => extension(call, &input),
        Function::Resolve => Ok(input.iter().filter_map(|item| resolve(call, item)).collect()),
        Function::CheckModifiers => Ok(input),
        Function::HasValue => {
            let has = |item: &Item<'a>| item.element().is_none_or(|place| place.has_value());
            Ok(vec![of_truth(input.len() == 1 && input.iter().all(has))])
        }
        function => {
            let Some(item) = call.single(&input)? else { return Ok(Vec::new()) };
            match function {
                Function::GetValue => Ok(item.system().map(|value| Item(Content::System(value))).into_iter().collect()),
                Function::HtmlChecks => Ok(vec![of_truth(item.plain().is_some_and(narrative::is_safe))]),
                Function::Type => {
                    let (namespace, name) = item.type_name();
                    Ok(vec![Item(Content::System(System::Type(namespace, name.into_owned())))])
                }
                Function::ConformsTo => conforms(call, item),
                _ => is_member(call, item),
            }
        }
    }
}

pub(super) fn children<'a>(input: &[Item<'a>]) -> Items<'a> {
    let mut found = Vec::new();
    for place in input.iter().filter_map(Item::element) {
        place.children(&mut |item| found.push(item));
    }
    found
}

fn descendants<'a>(call: &Call<'_, '_, '_, 'a>, input: &[Item<'a>]) -> Found<'a> {
    let mut found: Items<'a> = Vec::new();
    let mut level = children(input);
    while !level.is_empty() {
        call.machine.spend(level.len())?;
        let next = children(&level);
        found.append(&mut level);
        level = next;
    }
    Ok(found)
}

fn extension<'a>(call: &Call<'_, '_, '_, 'a>, input: &[Item<'a>]) -> Found<'a> {
    let Some(url) = call.text(0)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for place in input.iter().filter_map(Item::element) {
        place.members("extension", &mut |item| {
            let own = item.element().and_then(|place| place.value.get("url")).and_then(Value::as_str);
            if own == Some(&url) {
                found.push(item);
            }
        });
    }
    Ok(found)
}

/// The resource that a reference (or its text) names: contained, an entry of the same Bundle, or known outside.
fn resolve<'a>(call: &Call<'_, '_, '_, 'a>, item: &Item<'a>) -> Option<Item<'a>> {
    let environment = call.machine.environment;
    let place = item.element();
    let text = item.plain().or_else(|| place?.value.get("reference")?.as_str())?;
    let resource = |value: &'a Value| Some(Item::place(value, type_of(value)));
    if let Some(id) = text.strip_prefix('#') {
        if id.is_empty() {
            return resource(environment.root);
        }
        let holds = |resource: &'a Value| {
            let contained = resource.get("contained").and_then(Value::as_array).into_iter().flatten();
            contained.into_iter().find(|found| found.get("id").and_then(Value::as_str) == Some(id))
        };
        return holds(environment.resource).or_else(|| holds(environment.root)).and_then(resource);
    }
    let entries = |bundle: &'a Value| bundle.get("entry").and_then(Value::as_array).into_iter().flatten();
    let named = |entry: &&'a Value| {
        let url = entry.get("fullUrl").and_then(Value::as_str).unwrap_or_default();
        url == text || url.strip_suffix(text).is_some_and(|base| base.ends_with('/'))
    };
    let of_bundle = entries(environment.resource).chain(entries(environment.root)).find(named);
    let found = of_bundle.and_then(|entry| entry.get("resource"));
    found.or_else(|| environment.outside?.resolve(text)).and_then(resource)
}

/// Whether a resource conforms: to a type of R4, or to a profile known outside.
fn conforms<'a>(call: &Call<'_, '_, '_, 'a>, item: &Item<'a>) -> Found<'a> {
    let Some(url) = call.text(0)? else { return Ok(Vec::new()) };
    let Some(place) = item.element() else { return Ok(vec![of_truth(false)]) };
    let outside =
        call.machine.environment.outside.and_then(|outside: &dyn Outside| outside.conforms(place.value, &url));
    let base = || {
        let wanted = Type::named(url.split('|').next()?.strip_prefix(R4)?)?;
        let mut lineage = std::iter::successors(place.kind(), |kind| kind.base());
        Some(lineage.any(|kind| kind == wanted))
    };
    let found = outside.or_else(base).ok_or(EvaluationError::Unknown(url.clone()))?;
    Ok(vec![of_truth(found)])
}

/// Whether a coded value is in a value set; nothing where none here can tell.
fn is_member<'a>(call: &Call<'_, '_, '_, 'a>, item: &Item<'a>) -> Found<'a> {
    let Some(url) = call.text(0)? else { return Ok(Vec::new()) };
    let coded = item.json();
    let outside = call.machine.environment.outside.and_then(|outside| outside.is_member(&url, &coded));
    let known = || {
        let set = terminology::value_set(url.split('|').next()?).filter(|set| set.is_complete)?;
        let own = Coding::of(&coded).filter(|coding| coding.code.is_some());
        let mut said = own.into_iter().chain(Coding::all_of(&coded)).peekable();
        said.peek()?;
        Some(said.any(|coding| coding.system.zip(coding.code).is_some_and(|(system, code)| set.contains(system, code))))
    };
    Ok(outside.or_else(known).map(of_truth).into_iter().collect())
}
