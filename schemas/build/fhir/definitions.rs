//! The R4 tables as sorted binary records; their layout is told in `src/fhir/definition/table.rs`.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::blob::{Pool, Records, rows};

/// No such type, no such set.
const NONE: usize = 0xFFFF;
/// Repetitions without bound.
const MANY: usize = 0xFF;

/// Beside the strength of a binding: a summary holds the element.
const SUMMARY: usize = 0x80;
/// Beside the strength of a binding: the element changes the meaning of the others.
const MODIFIER: usize = 0x40;

/// The order of `definition::Primitive`.
const PRIMITIVES: [&str; 20] = [
    "base64Binary",
    "boolean",
    "canonical",
    "code",
    "date",
    "dateTime",
    "decimal",
    "id",
    "instant",
    "integer",
    "markdown",
    "oid",
    "positiveInt",
    "string",
    "time",
    "unsignedInt",
    "uri",
    "url",
    "uuid",
    "xhtml",
];

struct Element {
    name: String,
    path: String,
    min: usize,
    max: usize,
    types: Vec<(String, Vec<String>)>,
    binding: Option<(usize, String)>,
    is_summary: bool,
    is_modifier: bool,
}

struct Type {
    kind: usize,
    base: String,
    elements: Vec<Element>,
}

/// Codes with their systems.
pub(crate) type Codes = Vec<(String, String)>;

/// Writes all tables of R4; answers the number of each value set, those of the profiles among them.
pub(crate) fn write(
    tables: &Path,
    more: BTreeMap<String, Codes>,
    out: &Path,
    pool: &mut Pool,
) -> HashMap<String, usize> {
    let types = read_types(tables);
    let sets = write_sets(tables, more, out, pool);
    write_types(&types, &sets, out, pool);
    write_invariants(tables, out);
    sets
}

/// One invariant a line: key, path, severity and expression, with tabs between.
fn write_invariants(tables: &Path, out: &Path) {
    let rows = rows(&tables.join("invariants.csv"), &["key", "path", "severity", "expression"]);
    let line = |row: &Vec<String>| {
        assert!(row.iter().all(|field| !field.contains(['\t', '\n'])), "{row:?}");
        row.join("\t")
    };
    let text: Vec<String> = rows.iter().map(line).collect();
    std::fs::write(out.join("fhir-invariants.tsv"), text.join("\n")).expect("OUT_DIR is writable");
}

/// Types and backbones by name, in the order of their ids.
fn read_types(tables: &Path) -> BTreeMap<String, Type> {
    let mut types = BTreeMap::new();
    for row in rows(&tables.join("types.csv"), &["name", "kind", "base"]) {
        let [name, kind, base] = row.try_into().expect("three columns");
        let kind = ["abstract", "complex", "resource", "primitive"]
            .iter()
            .position(|known| *known == kind)
            .unwrap_or_else(|| panic!("types.csv: unknown kind {kind}"));
        types.insert(name, Type { kind, base, elements: Vec::new() });
    }
    let table = rows(&tables.join("elements.csv"), &["path", "min", "max", "types", "binding", "content", "flags"]);
    let open = table.iter().find(|row| row[0] == "Extension.value[x]").expect("the open list of types")[3].clone();
    for row in table {
        let [path, min, max, listed, binding, content, flags] = row.try_into().expect("seven columns");
        let (parent, name) = path.rsplit_once('.').expect("an element has a parent");
        let listed = if listed == "*" { &open } else { &listed };
        let mut kinds: Vec<_> = listed.split('|').filter(|kind| !kind.is_empty()).map(kind_and_targets).collect();
        if !content.is_empty() {
            kinds = vec![(content, Vec::new())];
        } else if matches!(listed.as_str(), "BackboneElement" | "Element") {
            let base = listed.clone();
            types.insert(path.clone(), Type { kind: 4, base, elements: Vec::new() });
            kinds = vec![(path.clone(), Vec::new())];
        }
        let binding =
            binding.split_once(':').map(|(strength, set)| (1 + usize::from(strength == "extensible"), set.to_owned()));
        let element = Element {
            name: name.to_owned(),
            path: path.clone(),
            min: min.parse().expect("min is a number"),
            max: if max == "*" { MANY } else { max.parse().expect("max is a number or *") },
            types: kinds,
            binding,
            is_summary: flags.contains('S'),
            is_modifier: flags.contains('M'),
        };
        types.get_mut(parent).unwrap_or_else(|| panic!("elements.csv: {path} has no parent")).elements.push(element);
    }
    types
}

fn kind_and_targets(word: &str) -> (String, Vec<String>) {
    let Some((kind, targets)) = word.strip_suffix(')').and_then(|word| word.split_once('(')) else {
        return (word.to_owned(), Vec::new());
    };
    // A canonical names what may live elsewhere: only references are held to their targets.
    let targets = if kind == "Reference" { targets.split(' ').map(str::to_owned).collect() } else { Vec::new() };
    (kind.to_owned(), targets)
}

/// Writes the value sets; answers the number of each.
fn write_sets(tables: &Path, more: BTreeMap<String, Codes>, out: &Path, pool: &mut Pool) -> HashMap<String, usize> {
    let mut codes: HashMap<String, Codes> = HashMap::new();
    for row in rows(&tables.join("codes.csv"), &["value_set", "system", "codes"]) {
        let [set, system, listed] = row.try_into().expect("three columns");
        codes.entry(set).or_default().extend(listed.split('|').map(|code| (code.to_owned(), system.clone())));
    }
    let (mut set_records, mut code_records) = (Records::default(), Records::default());
    let mut sets: Vec<(String, String, Codes)> = Vec::new();
    for row in rows(&tables.join("value-sets.csv"), &["name", "url", "content"]) {
        let [name, url, content] = row.try_into().expect("three columns");
        let listed = codes.remove(&name).unwrap_or_default();
        assert_eq!(listed.is_empty(), content == "open", "value-sets.csv: {name} is {content}");
        sets.push((name, url, listed));
    }
    sets.extend(more.into_iter().map(|(name, listed)| (name.clone(), name, listed)));
    let (mut numbers, mut first) = (HashMap::new(), 0);
    for (name, url, mut listed) in sets {
        listed.sort();
        listed.dedup();
        let url = pool.name(&url);
        set_records.u32(url).u16(first).u16(listed.len());
        first += listed.len();
        for (code, system) in listed {
            let (code, system) = (pool.name(&code), pool.name(&system));
            code_records.u32(code).u32(system);
        }
        numbers.insert(name, numbers.len());
    }
    assert!(codes.is_empty(), "codes.csv: codes of no value set");
    set_records.write(&out.join("fhir-sets.bin"), 8);
    code_records.write(&out.join("fhir-codes.bin"), 8);
    numbers
}

fn write_types(types: &BTreeMap<String, Type>, sets: &HashMap<String, usize>, out: &Path, pool: &mut Pool) {
    let ids: HashMap<&str, usize> = types.keys().enumerate().map(|(id, name)| (name.as_str(), id)).collect();
    let id = |name: &str| *ids.get(name).unwrap_or_else(|| panic!("elements.csv: unknown type {name}"));
    let (mut type_records, mut element_records) = (Records::default(), Records::default());
    let (mut property_records, mut target_records) = (Records::default(), Records::default());
    let (mut elements, mut properties, mut targets) = (0, 0, 0);
    for (name, kind) in types {
        let mut own: Vec<(String, usize, usize)> = Vec::new();
        let first_element = elements;
        for element in &kind.elements {
            own.extend(element.types.iter().map(|(code, _)| (property_name(element, code), elements, id(code))));
            let mut allowed: Vec<usize> =
                element.types.iter().flat_map(|(_, of)| of).map(|target| id(target)).collect();
            allowed.sort_unstable();
            let (strength, set) = element.binding.as_ref().map_or((0, NONE), |(strength, set)| (*strength, sets[set]));
            let text = pool.name(&element.name);
            let marks = usize::from(element.is_summary) * SUMMARY + usize::from(element.is_modifier) * MODIFIER;
            element_records.u32(text).u8(element.min).u8(element.max).u8(strength + marks).u8(allowed.len());
            element_records.u16(set).u16(targets);
            targets += allowed.len();
            for target in allowed {
                target_records.u16(target);
            }
            elements += 1;
        }
        own.sort();
        let base = if kind.base.is_empty() { NONE } else { id(&kind.base) };
        let primitive = PRIMITIVES.iter().position(|known| known == name);
        assert_eq!(primitive.is_some(), kind.kind == 3, "types.csv: {name} is a primitive the code does not know");
        let text = pool.name(name);
        type_records.u32(text).u8(kind.kind).u8(primitive.unwrap_or(MANY)).u16(base);
        type_records.u16(properties).u16(own.len()).u16(first_element).u16(kind.elements.len());
        properties += own.len();
        for (property, element, of) in own {
            let text = pool.name(&property);
            property_records.u32(text).u16(element).u16(of);
        }
    }
    type_records.write(&out.join("fhir-types.bin"), 16);
    element_records.write(&out.join("fhir-elements.bin"), 12);
    property_records.write(&out.join("fhir-properties.bin"), 8);
    target_records.write(&out.join("fhir-targets.bin"), 2);
}

/// The name in JSON: `value[x]` of type `string` is `valueString`.
fn property_name(element: &Element, code: &str) -> String {
    match element.name.strip_suffix("[x]") {
        None => {
            assert!(element.types.len() == 1, "elements.csv: {} has several types but no choice", element.path);
            element.name.clone()
        }
        Some(stem) => {
            let (first, rest) = code.split_at(1);
            format!("{stem}{}{rest}", first.to_uppercase())
        }
    }
}
