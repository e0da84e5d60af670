//! A small checker of cardinalities, fixed values, patterns and slices, for the profiles of the
//! shared packages. Differentials are merged along their bases; what FHIR itself demands is not here.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::support::shared::{shared, skipped};

/// The faults of a resource against a profile; `None`, said aloud, where the packages are absent.
pub(crate) fn faults(canonical: &str, resource: &Value) -> Option<Vec<String>> {
    let Some(profile) = Profile::load(canonical) else {
        skipped(canonical);
        return None;
    };
    let mut faults = Vec::new();
    profile.check(&profile.root.clone(), resource, &mut faults);
    Some(faults)
}

struct Profile {
    root: String,
    elements: BTreeMap<String, Value>,
}

fn definition(kind: &str, canonical: &str) -> Option<Value> {
    let name = canonical.rsplit('/').next()?;
    ["ihe.iti.balp", "ihe.iti.mhd"].iter().find_map(|package| {
        let file = shared()?.join("packages").join(package).join(format!("{kind}-{name}.json"));
        serde_json::from_slice(&std::fs::read(file).ok()?).ok()
    })
}

impl Profile {
    fn load(canonical: &str) -> Option<Self> {
        let definition = definition("StructureDefinition", canonical)?;
        let root = definition["type"].as_str()?.to_owned();
        let mut elements =
            definition["baseDefinition"].as_str().and_then(Self::load).map(|base| base.elements).unwrap_or_default();
        for element in definition["differential"]["element"].as_array()? {
            let merged =
                elements.entry(element["id"].as_str()?.to_owned()).or_insert_with(|| Value::Object(Map::default()));
            for (name, value) in element.as_object()? {
                merged[name] = value.clone();
            }
        }
        Some(Self { root, elements })
    }

    fn check(&self, id: &str, value: &Value, faults: &mut Vec<String>) {
        if let Some(rule) = self.elements.get(id) {
            if wanted(rule).is_some_and(|wanted| !contains(value, wanted)) {
                faults.push(format!("{id}: not the value demanded"));
            }
            if let Some(profile) = rule["type"][0]["profile"][0].as_str().and_then(Self::load) {
                profile.check(&profile.root.clone(), value, faults);
            }
        }
        let mut names: Vec<String> = self
            .elements
            .keys()
            .filter_map(|key| {
                let rest = key.strip_prefix(id)?.strip_prefix('.')?;
                Some(rest.split(['.', ':']).next()?.to_owned())
            })
            .collect();
        names.dedup();
        for name in names {
            self.check_child(&format!("{id}.{name}"), &children(value, &name), faults);
        }
    }

    fn check_child(&self, id: &str, values: &[&Value], faults: &mut Vec<String>) {
        let rule = self.elements.get(id);
        count(id, rule, values.len(), faults);
        let mut slices: Vec<String> = self
            .elements
            .keys()
            .filter(|key| {
                key.strip_prefix(id).and_then(|rest| rest.strip_prefix(':')).is_some_and(|rest| !rest.contains('.'))
            })
            .cloned()
            .collect();
        slices.dedup();
        let paths: Vec<&str> = rule
            .and_then(|rule| rule["slicing"]["discriminator"].as_array())
            .into_iter()
            .flatten()
            .filter_map(|discriminator| discriminator["path"].as_str())
            .collect();
        let paths = if paths.is_empty() { vec!["url"] } else { paths };
        let mut taken = 0;
        for slice in &slices {
            let mine: Vec<_> = values.iter().filter(|value| self.is_of(slice, value, &paths)).collect();
            taken += mine.len();
            count(slice, self.elements.get(slice), mine.len(), faults);
            for value in mine {
                self.check(slice, value, faults);
            }
        }
        if rule.is_some_and(|rule| rule["slicing"]["rules"] == "closed") && taken != values.len() {
            faults.push(format!("{id}: a value of no slice"));
        }
        for value in values {
            self.check(id, value, faults);
        }
    }

    fn is_of(&self, slice: &str, value: &Value, paths: &[&str]) -> bool {
        paths.iter().all(|path| {
            let (id, value) = match *path {
                "$this" => (slice.to_owned(), value),
                path => (format!("{slice}.{path}"), &value[path]),
            };
            if let Some(rule) = self.elements.get(&id) {
                if let Some(wanted) = wanted(rule) {
                    return contains(value, wanted);
                }
                if let Some(set) = rule["binding"]["valueSet"].as_str() {
                    return in_value_set(set, value);
                }
            }
            let profile =
                self.elements.get(slice).and_then(|rule| rule["type"][0]["profile"][0].as_str()).and_then(Self::load);
            profile.is_some_and(|profile| {
                let rule = profile.elements.get(&format!("{}.{path}", profile.root));
                rule.and_then(wanted).is_some_and(|wanted| contains(value, wanted))
            })
        })
    }
}

fn children<'v>(value: &'v Value, name: &str) -> Vec<&'v Value> {
    let found = match name.strip_suffix("[x]") {
        Some(stem) => value
            .as_object()
            .and_then(|object| object.iter().find(|(key, _)| key.starts_with(stem)).map(|(_, value)| value)),
        None => value.get(name),
    };
    match found {
        None => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
    }
}

fn count(id: &str, rule: Option<&Value>, found: usize, faults: &mut Vec<String>) {
    let Some(rule) = rule else { return };
    let min = rule["min"].as_u64().and_then(|min| usize::try_from(min).ok()).unwrap_or(0);
    let max = rule["max"].as_str().filter(|max| *max != "*").and_then(|max| max.parse().ok()).unwrap_or(usize::MAX);
    if !(min..=max).contains(&found) {
        faults.push(format!("{id}: {found} found, {min}..{max} demanded"));
    }
}

fn wanted(rule: &Value) -> Option<&Value> {
    rule.as_object()?
        .iter()
        .find(|(key, _)| key.starts_with("pattern") || key.starts_with("fixed"))
        .map(|(_, value)| value)
}

/// A pattern: all that it has must be in the value. Displays are not compared.
fn contains(value: &Value, pattern: &Value) -> bool {
    match (value, pattern) {
        (Value::Object(value), Value::Object(pattern)) => pattern
            .iter()
            .all(|(name, wanted)| name == "display" || value.get(name).is_some_and(|value| contains(value, wanted))),
        (Value::Array(values), Value::Array(patterns)) => {
            patterns.iter().all(|wanted| values.iter().any(|value| contains(value, wanted)))
        }
        (value, pattern) => value == pattern,
    }
}

fn in_value_set(canonical: &str, coding: &Value) -> bool {
    let Some(set) = definition("ValueSet", canonical) else { return false };
    set["compose"]["include"].as_array().into_iter().flatten().any(|include| {
        include["system"] == coding["system"]
            && include["concept"]
                .as_array()
                .is_none_or(|concepts| concepts.iter().any(|concept| concept["code"] == coding["code"]))
    })
}
