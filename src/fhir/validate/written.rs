//! Where the definition of an element is written: its page of the specification (R4 `*-definitions.html`).

use crate::fhir::definition::{Kind, Type};

const SPECIFICATION: &str = "https://hl7.org/fhir/R4/";

/// Types whose definitions stand on no page of their own name, and not on that of the datatypes.
const PAGES: [(&str, &str); 16] = [
    ("ContactDetail", "metadatatypes"),
    ("Contributor", "metadatatypes"),
    ("DataRequirement", "metadatatypes"),
    ("Dosage", "dosage"),
    ("Element", "element"),
    ("ElementDefinition", "elementdefinition"),
    ("Expression", "metadatatypes"),
    ("Extension", "extensibility"),
    ("Meta", "resource"),
    ("Narrative", "narrative"),
    ("ParameterDefinition", "metadatatypes"),
    ("Reference", "references"),
    ("RelatedArtifact", "metadatatypes"),
    ("TriggerDefinition", "metadatatypes"),
    ("UsageContext", "metadatatypes"),
    ("xhtml", "narrative"),
];

/// The address of an element of a type; of the type itself where none is named.
pub(super) fn of(kind: Type, element: Option<&str>) -> String {
    let name = kind.name();
    let root = name.split('.').next().unwrap_or(name);
    let page = match PAGES.iter().find(|(known, _)| *known == root) {
        Some((_, page)) => (*page).to_owned(),
        None if Type::named(root).is_some_and(|root| root.kind() == Kind::Resource) => root.to_ascii_lowercase(),
        None => "datatypes".to_owned(),
    };
    match element.and_then(|element| defined(kind, element)) {
        Some((owner, element)) => format!("{SPECIFICATION}{page}-definitions.html#{}.{element}", owner.name()),
        None => format!("{SPECIFICATION}{page}-definitions.html#{name}"),
    }
}

/// The element of a name, as the definition writes it (`value[x]`), where the type has it.
fn defined(kind: Type, wanted: &str) -> Option<(Type, &'static str)> {
    let is_it = |name: &str| name.strip_suffix("[x]").unwrap_or(name) == wanted;
    kind.elements().map(|element| element.name()).find(|name| is_it(name)).map(|name| (kind, name))
}
