//! Which invariants a type and an element have (R4 `conformance-rules.html#constraints`).

use std::sync::{LazyLock, OnceLock};

use super::{Rule, own};
use crate::fhir::definition::{self, Element, Invariant, Property, Type};

/// Invariants that the walk itself holds to, where it reads what they are about.
pub(super) const BY_THE_WALK: [&str; 5] = ["dom-2", "ele-1", "ref-1", "txt-1", "txt-2"];

/// Advice, by the extension `elementdefinition-bestpractice` of the definitions.
const ADVICE: [&str; 2] = ["con-3", "dom-6"];

/// What is published but cannot be meant: key, what is held to instead, and why.
const MENDED: [(&str, &str, &str, &str); 7] = [
    (
        "per-1",
        "Period",
        "start.hasValue().not() or end.hasValue().not() or iif(start > end, false, true)",
        "a month and a day of it cannot be compared, which is no fault",
    ),
    (
        "inv-1",
        "Task",
        "lastModified.hasValue().not() or authoredOn.hasValue().not() or iif(lastModified < authoredOn, false, true)",
        "as per-1",
    ),
    (
        "mdd-1",
        "MedicationDispense",
        "whenHandedOver.hasValue().not() or whenPrepared.hasValue().not() or iif(whenHandedOver < whenPrepared, false, true)",
        "as per-1",
    ),
    (
        "rng-2",
        "Range",
        "low.value.empty() or high.value.empty() or low.comparable(high).not() or (low <= high)",
        "units that cannot be compared tell nothing; as R5 says it",
    ),
    (
        "bdl-8",
        "Bundle.entry",
        "fullUrl.empty() or fullUrl.contains('/_history/').not()",
        "an entry without a fullUrl names no version",
    ),
    (
        "ras-2",
        "RiskAssessment.prediction",
        "probability.empty() or (probability is decimal implies (probability as decimal) <= 100)",
        "a prediction may have no probability",
    ),
    (
        "que-7",
        "Questionnaire.item.enableWhen",
        "operator = 'exists' implies (answer is boolean)",
        "the type is boolean",
    ),
];

/// The invariants of each type, those of its bases among them.
pub(super) struct Table {
    rules: Vec<Rule>,
    by_type: Vec<Vec<u16>>,
    by_element: Vec<(u16, u16)>,
}

pub(super) static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

impl Table {
    fn new() -> Self {
        let types: Vec<Type> = Type::all().collect();
        let mut table = Self { rules: Vec::new(), by_type: vec![Vec::new(); types.len()], by_element: Vec::new() };
        let mut own: Vec<Vec<u16>> = vec![Vec::new(); types.len()];
        for invariant in definition::invariants().filter(|invariant| !BY_THE_WALK.contains(&invariant.key)) {
            let Ok(number) = u16::try_from(table.rules.len()) else { break };
            if let Some(kind) = Type::named(invariant.path) {
                if let Some(own) = own.get_mut(kind.id().place()) {
                    own.push(number);
                }
                table.rules.push(rule(invariant, kind));
            } else if let Some((element, kind)) = element(invariant.path) {
                // `Extension.extension` and the like only repeat what is stated of the type.
                if kind.name() != "Extension" {
                    table.by_element.push((element.number(), number));
                    table.rules.push(rule(invariant, kind));
                }
            }
        }
        table.by_element.sort_unstable();
        for kind in types {
            let lineage = std::iter::successors(Some(kind), |kind| kind.base());
            let all = lineage.filter_map(|kind| own.get(kind.id().place())).flatten().copied().collect();
            if let Some(of_type) = table.by_type.get_mut(kind.id().place()) {
                *of_type = all;
            }
        }
        table
    }

    /// The invariants of objects of a type.
    pub(super) fn of_type(&'static self, kind: Type) -> impl Iterator<Item = &'static Rule> {
        let numbers = self.by_type.get(kind.id().place()).map(Vec::as_slice).unwrap_or_default();
        numbers.iter().filter_map(|number| self.rules.get(usize::from(*number)))
    }

    /// The invariants of the values of an element.
    pub(super) fn of_element(&'static self, element: Element) -> impl Iterator<Item = &'static Rule> {
        let number = element.number();
        let start = self.by_element.partition_point(|(known, _)| *known < number);
        let own = self.by_element.iter().skip(start).take_while(move |(known, _)| *known == number);
        own.filter_map(|(_, rule)| self.rules.get(usize::from(*rule)))
    }
}

/// The element of a path, and the type of its values.
fn element(path: &str) -> Option<(Element, Type)> {
    let (owner, name) = path.rsplit_once('.')?;
    let owner = Type::named(owner)?;
    if let Some(property) = owner.property(name) {
        return Some((property.element()?, property.kind()?));
    }
    let element = owner.elements().find(|element| element.name() == name)?;
    let mut forms = owner.own_properties().filter(|property| property.element() == Some(element));
    // Of the forms of a choice, the one that has parts: there is no invariant of others.
    let form = forms.find_map(|form| Property::kind(form).filter(|kind| kind.elements().count() > 2))?;
    Some((element, form))
}

fn rule(invariant: Invariant, kind: Type) -> Rule {
    let Invariant { key, path, is_warning, expression } = invariant;
    let mended = MENDED.iter().find(|(known, of, ..)| *known == key && *of == path);
    Rule {
        key,
        is_warning,
        is_advice: ADVICE.contains(&key),
        expression: mended.map_or(expression, |(_, _, expression, _)| expression),
        kind,
        own: own::of(key, path),
        compiled: OnceLock::new(),
    }
}
