//! The R4 definitions as static tables, written by `schemas/build/fhir.rs` (spec/fhir-r4 §4).

mod invariant;
mod lookup;
pub mod profile;
mod table;
mod value_set;

pub use invariant::{Invariant, invariants};
pub use value_set::ValueSet;

/// The bits of an element's record that tell the strength of its binding.
const STRENGTH: u8 = 0x3F;
/// The bit that marks what changes the meaning of the elements beside it.
const MODIFIER: u8 = 0x40;
/// The bit that marks what a summary holds.
const SUMMARY: u8 = 0x80;

/// What stands for "none" where a record names another.
const NONE: u16 = 0xFFFF;

/// The number of a type in the table; numbers change with the tables and are never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(u16);

impl TypeId {
    /// Its place in a list of all types.
    pub fn place(self) -> usize {
        usize::from(self.0)
    }
}

/// What a type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `Element`, `BackboneElement`, `Resource`, `DomainResource`.
    Abstract,
    /// A data type with elements.
    Complex,
    /// A resource.
    Resource,
    /// A data type that is one JSON value.
    Primitive(Primitive),
    /// The content of an element with children of its own, such as `Patient.contact`.
    Backbone,
}

macro_rules! primitives {
    ($( $(#[$doc:meta])* $name:ident ),* $(,)?) => {
        /// The primitive types, in the order the tables number them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Primitive { $( $(#[$doc])* $name, )* }

        impl Primitive {
            const ALL: &'static [Self] = &[ $( Self::$name, )* ];
        }
    };
}

primitives! {
    /// `base64Binary`.
    Base64Binary,
    /// `boolean`.
    Boolean,
    /// `canonical`.
    Canonical,
    /// `code`.
    Code,
    /// `date`.
    Date,
    /// `dateTime`.
    DateTime,
    /// `decimal`.
    Decimal,
    /// `id`.
    Id,
    /// `instant`.
    Instant,
    /// `integer`.
    Integer,
    /// `markdown`.
    Markdown,
    /// `oid`.
    Oid,
    /// `positiveInt`.
    PositiveInt,
    /// `string`.
    String,
    /// `time`.
    Time,
    /// `unsignedInt`.
    UnsignedInt,
    /// `uri`.
    Uri,
    /// `url`.
    Url,
    /// `uuid`.
    Uuid,
    /// `xhtml`.
    Xhtml,
}

/// A resource, a data type, or the content of a backbone element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Type {
    id: TypeId,
    name: [u8; 4],
    kind: Kind,
    base: u16,
    first_property: u16,
    properties: u16,
    first_element: u16,
    elements: u16,
}

impl Type {
    /// The type of a name: `Patient`, `HumanName`, `string`, or a path such as `Patient.contact`.
    pub fn named(name: &str) -> Option<Self> {
        Self::numbered(TypeId(lookup::named(name)?))
    }

    /// The concrete resource type of a name.
    pub fn resource(name: &str) -> Option<Self> {
        Self::named(name).filter(|found| found.kind == Kind::Resource)
    }

    /// All types, by number.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..NONE).map_while(|number| Self::numbered(TypeId(number)))
    }

    /// The type of a number.
    pub fn numbered(id: TypeId) -> Option<Self> {
        let [n0, n1, n2, n3, kind, primitive, b0, b1, p0, p1, q0, q1, e0, e1, f0, f1] =
            *table::record::<16>(table::TYPES, id.0)?;
        let kind = match kind {
            0 => Kind::Abstract,
            1 => Kind::Complex,
            2 => Kind::Resource,
            3 => Kind::Primitive(*Primitive::ALL.get(usize::from(primitive))?),
            _ => Kind::Backbone,
        };
        Some(Self {
            id,
            name: [n0, n1, n2, n3],
            kind,
            base: table::short(b0, b1),
            first_property: table::short(p0, p1),
            properties: table::short(q0, q1),
            first_element: table::short(e0, e1),
            elements: table::short(f0, f1),
        })
    }

    /// Its number.
    pub const fn id(self) -> TypeId {
        self.id
    }

    /// Its name or, for a backbone, its path.
    pub fn name(self) -> &'static str {
        table::name(self.name)
    }

    /// What it is.
    pub const fn kind(self) -> Kind {
        self.kind
    }

    /// What it specialises.
    pub fn base(self) -> Option<Self> {
        if self.base == NONE { None } else { Self::numbered(TypeId(self.base)) }
    }

    /// A property by its JSON name (`valueString`, not `value[x]`; without the `_` of primitive extensions).
    pub fn property(self, name: &str) -> Option<Property> {
        table::record::<8>(table::PROPERTIES, lookup::property(self.id.0, name)?).map(Property::read)
    }

    /// A property by its JSON name, with the rank of its element in the order of XML: comparable among the
    /// properties of one type; the forms of one choice share theirs.
    pub fn ranked(self, name: &str) -> Option<(Property, u32)> {
        // What a base defines comes first: the deeper a type's ancestor, the lower.
        let mut rank = u32::from(u16::MAX) << 16;
        let mut kind = self;
        loop {
            let own = table::records::<8>(table::PROPERTIES, kind.first_property, kind.properties);
            if let Ok(found) = own.binary_search_by(|record| table::order(record, name)) {
                return own.get(found).map(Property::read).map(|found| (found, rank + u32::from(found.element)));
            }
            kind = kind.base()?;
            rank = rank.saturating_sub(1 << 16);
        }
    }

    /// The elements it adds to its base, in the order of the specification.
    pub fn own_elements(self) -> impl Iterator<Item = Element> {
        (self.first_element..self.first_element.saturating_add(self.elements)).filter_map(Element::numbered)
    }

    /// All its elements, those of its bases first: the order of XML.
    pub fn elements(self) -> impl Iterator<Item = Element> {
        let lineage: Vec<Self> = std::iter::successors(Some(self), |kind| kind.base()).collect();
        lineage.into_iter().rev().flat_map(Self::own_elements)
    }

    /// The properties it adds to its base, by name.
    pub fn own_properties(self) -> impl Iterator<Item = Property> {
        table::records::<8>(table::PROPERTIES, self.first_property, self.properties).iter().map(Property::read)
    }
}

/// A name that may stand in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Property {
    name: [u8; 4],
    element: u16,
    kind: TypeId,
}

impl Property {
    fn read(record: &[u8; 8]) -> Self {
        let [n0, n1, n2, n3, e0, e1, t0, t1] = *record;
        Self { name: [n0, n1, n2, n3], element: table::short(e0, e1), kind: TypeId(table::short(t0, t1)) }
    }

    /// The name in JSON.
    pub fn name(self) -> &'static str {
        table::name(self.name)
    }

    /// The element it is a form of: `value[x]` for `valueString`.
    pub fn element(self) -> Option<Element> {
        Element::numbered(self.element)
    }

    /// The type of its value; `Resource` where any resource may stand.
    pub fn kind(self) -> Option<Type> {
        Type::numbered(self.kind)
    }
}

/// How a code is bound to its value set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// No other code.
    Required(ValueSet),
    /// Another code only where none fits.
    Extensible(ValueSet),
}

/// An element, whatever forms its value may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    number: u16,
    name: [u8; 4],
    min: u8,
    max: u8,
    strength: u8,
    targets: u8,
    set: u16,
    first_target: u16,
}

impl Element {
    fn numbered(number: u16) -> Option<Self> {
        let [n0, n1, n2, n3, min, max, strength, targets, s0, s1, t0, t1] =
            *table::record::<12>(table::ELEMENTS, number)?;
        let (set, first_target) = (table::short(s0, s1), table::short(t0, t1));
        Some(Self { number, name: [n0, n1, n2, n3], min, max, strength, targets, set, first_target })
    }

    /// Its number; numbers change with the tables and are never stored.
    pub const fn number(self) -> u16 {
        self.number
    }

    /// Its name: `value[x]` for a choice.
    pub fn name(self) -> &'static str {
        table::name(self.name)
    }

    /// Whether it must be there.
    pub const fn is_required(self) -> bool {
        self.min > 0
    }

    /// Whether JSON writes it as an array.
    pub const fn is_array(self) -> bool {
        self.max > 1
    }

    /// Whether a summary holds it (Σ; R4 `search.html#summary`).
    pub const fn is_summary(self) -> bool {
        self.strength & SUMMARY != 0
    }

    /// Whether it changes the meaning of the elements beside it (?!; R4 `conformance-rules.html#isModifier`).
    pub const fn is_modifier(self) -> bool {
        self.strength & MODIFIER != 0
    }

    /// Whether its value may take one of several types.
    pub fn is_choice(self) -> bool {
        self.name().ends_with("[x]")
    }

    /// Its place among the elements of the type that defines it.
    pub const fn place_in(self, owner: Type) -> Option<u16> {
        let place = self.number.wrapping_sub(owner.first_element);
        if place < owner.elements { Some(place) } else { None }
    }

    /// Required and extensible bindings.
    pub fn binding(self) -> Option<Binding> {
        match self.strength & STRENGTH {
            1 => ValueSet::numbered(self.set).map(Binding::Required),
            2 => ValueSet::numbered(self.set).map(Binding::Extensible),
            _ => None,
        }
    }

    /// The types a reference may point to; empty: any.
    pub fn targets(self) -> impl ExactSizeIterator<Item = TypeId> + Clone {
        let records = table::records::<2>(table::TARGETS, self.first_target, u16::from(self.targets));
        records.iter().map(|[low, high]| TypeId(table::short(*low, *high)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_found_through_the_chain_of_bases() {
        let patient = Type::resource("Patient").unwrap();
        for (name, kind) in [("birthDate", "date"), ("contact", "Patient.contact"), ("id", "id"), ("text", "Narrative")]
        {
            assert_eq!(patient.property(name).unwrap().kind().unwrap().name(), kind, "{name}");
        }
        assert_eq!(patient.property("deceasedBoolean").unwrap().element().unwrap().name(), "deceased[x]");
        assert!(patient.property("deceased").is_none());
        let elements: Vec<_> = patient.elements().map(Element::name).collect();
        assert_eq!(elements[..5], ["id", "meta", "implicitRules", "language", "text"]);
        assert_eq!(elements.last(), Some(&"link"));
        assert!(Type::resource("HumanName").is_none() && Type::resource("DomainResource").is_none());
    }

    #[test]
    fn a_value_set_knows_its_codes_and_their_systems() {
        let Some(Binding::Required(set)) =
            Type::named("Patient").unwrap().property("gender").unwrap().element().unwrap().binding()
        else {
            panic!("Patient.gender is bound")
        };
        assert_eq!(set.url(), "http://hl7.org/fhir/ValueSet/administrative-gender");
        assert!(set.has(None, "female") && set.has(Some("http://hl7.org/fhir/administrative-gender"), "female"));
        assert!(!set.has(Some("urn:x"), "female") && !set.has(None, "Female"));
    }
}
