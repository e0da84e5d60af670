//! Code systems read from outside (R4 `codesystem.html`).

use std::collections::HashMap;

use serde_json::Value;

/// No code system is nested deeper.
const DEEPEST: usize = 40;
/// Words of the `status` property that mean: use it no more.
const RETIRED: [&str; 3] = ["retired", "inactive", "deprecated"];

/// A code system, with its concepts.
#[derive(Default)]
pub struct System {
    /// Its canonical URL.
    pub url: String,
    /// Its computer name.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// Whether it holds all its codes: where it does not, absence proves nothing.
    pub is_complete: bool,
    concepts: Vec<Concept>,
    places: HashMap<String, usize>,
}

/// A concept of a code system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Concept {
    /// Its code.
    pub code: String,
    /// Its display in the language of the system.
    pub display: Option<String>,
    /// What it means.
    pub definition: Option<String>,
    /// Displays in other languages: language and text.
    pub designations: Vec<(String, String)>,
    /// The code above it.
    pub parent: Option<String>,
    /// Whether it is to be used no more.
    pub is_retired: bool,
    /// Whether it groups others and is itself not to be chosen.
    pub is_abstract: bool,
}

impl System {
    /// Reads a CodeSystem.
    pub fn read(url: &str, resource: &Value) -> Self {
        let text = |name: &str| resource.get(name).and_then(Value::as_str).map(str::to_owned);
        let mut system = Self {
            url: url.to_owned(),
            name: text("name").unwrap_or_default(),
            version: text("version"),
            is_complete: text("content").as_deref() == Some("complete"),
            ..Self::default()
        };
        system.take(resource, None, DEEPEST);
        system
    }

    fn take(&mut self, holder: &Value, parent: Option<&str>, depth: usize) {
        if depth == 0 {
            return;
        }
        for concept in holder.get("concept").and_then(Value::as_array).into_iter().flatten() {
            let Some(read) = Concept::read(concept, parent) else { continue };
            let code = read.code.clone();
            self.places.insert(code.clone(), self.concepts.len());
            self.concepts.push(read);
            self.take(concept, Some(&code), depth - 1);
        }
    }

    /// The concept of a code.
    pub fn concept(&self, code: &str) -> Option<&Concept> {
        self.places.get(code).and_then(|place| self.concepts.get(*place))
    }

    /// Every concept, parents before their children.
    pub fn concepts(&self) -> &[Concept] {
        &self.concepts
    }

    /// Whether a code is another, or stands below it.
    pub fn is_a(&self, code: &str, ancestor: &str) -> bool {
        let mut next = self.concept(code);
        for _ in 0..=DEEPEST {
            match next {
                Some(concept) if concept.code == ancestor => return true,
                Some(concept) => next = concept.parent.as_deref().and_then(|parent| self.concept(parent)),
                None => return false,
            }
        }
        false
    }
}

impl Concept {
    fn read(concept: &Value, parent: Option<&str>) -> Option<Self> {
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let list = |name: &str| concept.get(name).and_then(Value::as_array).into_iter().flatten();
        let properties = || list("property").filter_map(|one| Some((one.get("code")?.as_str()?, one)));
        let is_true = |value: &Value| value.get("valueBoolean").and_then(Value::as_bool) == Some(true);
        let is_retired = properties().any(|(name, value)| match name {
            "inactive" => is_true(value),
            "status" => value.get("valueCode").and_then(Value::as_str).is_some_and(|word| RETIRED.contains(&word)),
            _ => false,
        });
        let designation = |one: &Value| Some((text(one, "language")?, text(one, "value")?));
        Some(Self {
            code: text(concept, "code")?,
            display: text(concept, "display"),
            definition: text(concept, "definition"),
            designations: list("designation").filter_map(designation).collect(),
            parent: parent.map(str::to_owned),
            is_retired,
            is_abstract: properties().any(|(name, value)| name == "notSelectable" && is_true(value)),
        })
    }

    /// Its display in a language (`fr`, `fr-FR`), where it has one, else its own.
    pub fn display_in(&self, language: Option<&str>) -> Option<&str> {
        let wanted = language.map(|language| language.split('-').next().unwrap_or(language));
        let is_wanted =
            |(known, _): &&(String, String)| wanted.is_some_and(|wanted| known.split('-').next() == Some(wanted));
        let found = self.designations.iter().find(is_wanted).map(|(_, text)| text.as_str());
        found.or(self.display.as_deref())
    }
}
