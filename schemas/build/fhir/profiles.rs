//! The profiles as flat programs: parents' rules taken in, own rules last (`schemas/profiles/README.md`).

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::blob::{Pool, Records, rows};
use super::definitions::Codes;
use super::spelling::Spellings;

/// No such set, no upper bound.
const NONE: usize = 0xFFFF;

/// The order of `definition::profile::Constraint`.
const CONSTRAINTS: [&str; 12] = [
    "min",
    "max",
    "fixed",
    "starts",
    "codes",
    "pattern",
    "systems",
    "value-set",
    "targets",
    "contained",
    "pairs",
    "invariant",
];
const LEVELS: [&str; 3] = ["none", "warning", "error"];
/// The order of `validate::Pdsm`; 0 is both.
const PACKS: [&str; 3] = ["", "3.1.1", "main"];

#[derive(Clone)]
struct Rule {
    path: String,
    constraint: usize,
    value: String,
    levels: Vec<usize>,
    rule: String,
}

struct Profile {
    canonical: String,
    pack: usize,
    kind: String,
    rules: Vec<Rule>,
}

pub(crate) struct Profiles(Vec<Profile>);

fn position(known: &[&str], word: &str, file: &str) -> usize {
    known.iter().position(|known| *known == word).unwrap_or_else(|| panic!("{file}: unknown word {word:?}"))
}

impl Profiles {
    pub(crate) fn read(schemas: &Path) -> Self {
        let folder = schemas.join("profiles");
        let mut profiles: Vec<Profile> = Vec::new();
        for row in rows(&folder.join("profiles.csv"), &["canonical", "pack", "type", "parent", "file", "source"]) {
            let [canonical, pack, kind, parent, file, _] = row.try_into().expect("six columns");
            let pack = position(&PACKS, &pack, "profiles.csv");
            let mut rules: Vec<Rule> = Vec::new();
            if !parent.is_empty() {
                let found = profiles.iter().find(|known| known.canonical == parent && [0, pack].contains(&known.pack));
                let found = found.unwrap_or_else(|| panic!("profiles.csv: {parent} must stand before {canonical}"));
                rules.extend_from_slice(&found.rules);
            }
            if !file.is_empty() {
                for rule in read_rules(&folder, &file) {
                    // A rule of the same kind on the same element replaces its parent's.
                    // Invariants stand beside each other.
                    let is_named = CONSTRAINTS[rule.constraint] == "invariant";
                    rules.retain(|inherited| {
                        (&inherited.path, inherited.constraint) != (&rule.path, rule.constraint)
                            || (is_named && inherited.value != rule.value)
                    });
                    rules.push(rule);
                }
            }
            profiles.push(Profile { canonical, pack, kind, rules });
        }
        Self(profiles)
    }

    /// The value sets the rules name, each code under every spelling of its system.
    pub(crate) fn value_sets(&self, schemas: &Path) -> BTreeMap<String, Codes> {
        let terminology = schemas.join("terminology");
        let spellings = Spellings::read(&terminology);
        let mut sets = BTreeMap::new();
        for rule in self.0.iter().flat_map(|profile| &profile.rules) {
            let file = terminology.join(format!("{}.csv", rule.value));
            let codes: Vec<(String, String)> = match CONSTRAINTS[rule.constraint] {
                "value-set" => rows(&file, &["system", "code", "display"])
                    .into_iter()
                    .flat_map(|row| {
                        spellings.of(&row[0], &row[1]).into_iter().map(move |system| (row[1].clone(), system))
                    })
                    .collect(),
                // A pair is kept as the code `type/class` of the type's system.
                "pairs" => rows(&file, &["typeSystem", "typeCode", "typeDisplay", "classCode"])
                    .into_iter()
                    .flat_map(|row| {
                        let pair = format!("{}/{}", row[1], row[3]);
                        spellings.of(&row[0], &row[1]).into_iter().map(move |system| (pair.clone(), system))
                    })
                    .collect(),
                _ => continue,
            };
            sets.insert(rule.value.clone(), codes);
        }
        sets
    }

    pub(crate) fn write(&self, schemas: &Path, sets: &HashMap<String, usize>, out: &Path, pool: &mut Pool) {
        let spellings = Spellings::read(&schemas.join("terminology"));
        let (mut profile_records, mut rule_records, mut first) = (Records::default(), Records::default(), 0);
        let mut sorted: Vec<&Profile> = self.0.iter().collect();
        sorted.sort_by(|a, b| (&a.canonical, a.pack).cmp(&(&b.canonical, b.pack)));
        for profile in sorted {
            let rules: Vec<&Rule> =
                profile.rules.iter().filter(|rule| rule.levels.iter().any(|level| *level > 0)).collect();
            let canonical = pool.name(&profile.canonical);
            let is_bundle = usize::from(profile.kind == "Bundle");
            profile_records.u32(canonical).u8(profile.pack).u8(is_bundle).u16(first).u16(rules.len());
            first += rules.len();
            for rule in rules {
                let (value, number) = compiled(rule, sets, &spellings);
                let (path, value, name) = (pool.name(&rule.path), pool.name(&value), pool.name(&rule.rule));
                rule_records.u32(path).u32(value).u32(name).u8(rule.constraint);
                for level in &rule.levels {
                    rule_records.u8(*level);
                }
                rule_records.u16(number).u16(0);
            }
        }
        profile_records.write(&out.join("fhir-profiles.bin"), 10);
        rule_records.write(&out.join("fhir-rules.bin"), 20);
        write_slices(&schemas.join("profiles"), out, pool);
        self.write_slots(&schemas.join("profiles"), out, pool);
    }

    fn write_slots(&self, folder: &Path, out: &Path, pool: &mut Pool) {
        let mut records = Records::default();
        let header = ["bundle", "slice", "resource", "methods", "min", "max", "profile", "rule"];
        for row in rows(&folder.join("provide-bundles.csv"), &header) {
            let [bundle, slice, resource, methods, min, max, profile, rule] = row.try_into().expect("eight columns");
            for canonical in [&bundle, &profile] {
                let known = canonical.is_empty() || self.0.iter().any(|known| known.canonical == *canonical);
                assert!(known, "provide-bundles.csv: unknown profile {canonical}");
            }
            for text in [&bundle, &slice, &resource, &methods, &profile, &rule] {
                let name = pool.name(text);
                records.u32(name);
            }
            records.u8(min.parse().expect("min is a number"));
            records.u8(if max == "*" { 0xFF } else { max.parse().expect("max is a number or *") }).u16(0);
        }
        records.write(&out.join("fhir-slots.bin"), 28);
    }
}

fn read_rules(folder: &Path, file: &str) -> Vec<Rule> {
    let header = ["path", "constraint", "value", "strict", "ci-sis", "lenient", "rule"];
    let read = |row: Vec<String>| {
        let [path, constraint, value, strict, ci_sis, lenient, rule] = row.try_into().expect("seven columns");
        assert!(!rule.is_empty(), "{file}: a rule names its source");
        let levels = [strict, ci_sis, lenient].iter().map(|level| position(&LEVELS, level, file)).collect();
        Rule { path, constraint: position(&CONSTRAINTS, &constraint, file), value, levels, rule }
    };
    rows(&folder.join(format!("{file}.csv")), &header).into_iter().map(read).collect()
}

/// The value and the number of a rule's record.
fn compiled(rule: &Rule, sets: &HashMap<String, usize>, spellings: &Spellings) -> (String, usize) {
    match CONSTRAINTS[rule.constraint] {
        "min" | "max" if rule.value == "*" => (String::new(), NONE),
        "min" | "max" => (String::new(), rule.value.parse().expect("min and max are numbers")),
        "value-set" | "pairs" => (rule.value.clone(), sets[&rule.value]),
        "systems" => {
            let all: Vec<String> = rule.value.split(' ').flat_map(|system| spellings.of(system, "")).collect();
            (all.join(" "), NONE)
        }
        _ => (rule.value.clone(), NONE),
    }
}

fn write_slices(folder: &Path, out: &Path, pool: &mut Pool) {
    let mut records = Records::default();
    let mut slices = rows(&folder.join("slices.csv"), &["slice", "discriminators", "rule"]);
    slices.sort();
    for row in slices {
        let (name, discriminators) = (pool.name(&row[0]), pool.name(&row[1]));
        records.u32(name).u32(discriminators);
    }
    records.write(&out.join("fhir-slices.bin"), 8);
}
