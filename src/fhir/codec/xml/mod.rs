//! FHIR XML, by the definitions (R4 `xml.html`): what JSON says, said in XML, and back without a loss.
//!
//! | JSON | XML |
//! |---|---|
//! | `resourceType` | the name of the root, in the namespace of FHIR |
//! | order of members | the order of the definitions, which is asked for |
//! | primitive | the attribute `value` |
//! | `_name`: id and extensions of a primitive | attribute `id`, elements `extension` |
//! | arrays, null where a primitive has no value | the element again and again |
//! | `id` of an element, `url` of an extension | attributes |
//! | a resource in a resource | an element around the resource's own |
//! | the string `div` | the element itself, as it is written |

mod entity;
mod read;
mod write;

pub use read::read;
pub use write::{Layout, write};

/// The namespace of resources.
const FHIR: &str = "http://hl7.org/fhir";

/// Whether a property is an attribute in XML: the id of what is no resource, the url of an extension.
fn is_attribute(kind: crate::fhir::definition::Type, name: &str) -> bool {
    match name {
        "id" => kind.kind() != crate::fhir::definition::Kind::Resource,
        "url" => kind.name() == "Extension",
        _ => false,
    }
}
