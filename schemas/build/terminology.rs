//! Reader of the terminology tables: every coding under one canonical system, sorted, with the
//! value sets as lists of coding numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

type Row = BTreeMap<String, String>;

/// One file of `value-sets.csv`.
struct Source {
    name: String,
    url: String,
    oid: String,
    is_complete: bool,
    /// system as written, code, display, class.
    codings: Vec<[String; 4]>,
}

/// Everything that was read.
struct Tables {
    /// Another spelling -> canonical system.
    aliases: BTreeMap<String, String>,
    /// OID -> what the map calls its system.
    titles: BTreeMap<String, String>,
    /// Another spelling with one code -> canonical system.
    misplaced: BTreeMap<(String, String), String>,
    sources: Vec<Source>,
    /// template, media type, system as written, code.
    formats: Vec<[String; 4]>,
}

pub(crate) fn generate(schemas: &Path, out: &Path) {
    let mut faults = Vec::new();
    let tables = read_all(&schemas.join("terminology"), &mut faults);
    let text = render(&tables, &mut faults);
    for fault in faults {
        println!("cargo::error={fault}");
    }
    std::fs::write(out.join("terminology.rs"), text).expect("OUT_DIR can be written");
}

fn read(folder: &Path, file: &str, faults: &mut Vec<String>) -> Vec<Row> {
    let parsed = csv::Reader::from_path(folder.join(format!("{file}.csv")))
        .and_then(|mut reader| reader.deserialize::<Row>().collect::<Result<Vec<Row>, csv::Error>>());
    parsed.unwrap_or_else(|error| {
        faults.push(format!("schemas/terminology/{file}.csv: {error}"));
        Vec::new()
    })
}

fn cell(row: &Row, column: &str) -> String {
    row.get(column).cloned().unwrap_or_default()
}

fn read_all(folder: &Path, faults: &mut Vec<String>) -> Tables {
    let mut aliases = BTreeMap::new();
    let mut misplaced = BTreeMap::new();
    let mut titles = BTreeMap::new();
    for row in read(folder, "codesystem-oid-map", faults) {
        let oid = cell(&row, "oid");
        let url = cell(&row, "fhir_system");
        name_oid(&mut aliases, &oid, if url.is_empty() { None } else { Some(&url) });
        titles.insert(oid, cell(&row, "name"));
    }
    for row in read(folder, "system-aliases", faults) {
        let (alias, code, system) = (cell(&row, "alias"), cell(&row, "code"), cell(&row, "system"));
        if !code.is_empty() {
            misplaced.insert((alias, code), system);
        } else if alias.contains(':') {
            aliases.insert(system.clone(), system.clone());
            aliases.insert(alias, system);
        } else {
            name_oid(&mut aliases, &alias, Some(&system));
        }
    }
    let mut sources = Vec::new();
    for set in read(folder, "value-sets", faults) {
        let file = cell(&set, "file");
        let rows = read(folder, &file, faults);
        if rows.is_empty() {
            faults.push(format!("schemas/terminology/{file}.csv: no codes"));
        }
        let codings: Vec<[String; 4]> = rows.iter().map(coding).collect();
        for [system, ..] in &codings {
            if let Some(oid) = system.strip_prefix("urn:oid:") {
                if !aliases.contains_key(system) {
                    name_oid(&mut aliases, oid, None);
                }
            } else {
                aliases.entry(system.clone()).or_insert_with(|| system.clone());
            }
        }
        sources.push(Source {
            name: cell(&set, "name"),
            url: cell(&set, "url"),
            oid: cell(&set, "oid"),
            is_complete: cell(&set, "complete") == "yes",
            codings,
        });
    }
    let formats = read(folder, "format-codes", faults);
    let formats = formats.iter().map(|row| ["template", "media_type", "system", "code"].map(|name| cell(row, name)));
    Tables { aliases, titles, misplaced, sources, formats: formats.collect() }
}

fn coding(row: &Row) -> [String; 4] {
    let first = |names: [&str; 2]| names.iter().map(|name| cell(row, name)).find(|text| !text.is_empty());
    [
        first(["system", "typeSystem"]).unwrap_or_default(),
        first(["code", "typeCode"]).unwrap_or_default(),
        first(["display", "typeDisplay"]).unwrap_or_default(),
        cell(row, "classCode"),
    ]
}

/// An OID is known bare and as a URN; without a FHIR URL the URN is its canonical form.
fn name_oid(aliases: &mut BTreeMap<String, String>, oid: &str, url: Option<&str>) {
    let urn = format!("urn:oid:{oid}");
    let canonical = url.map_or_else(|| urn.clone(), str::to_owned);
    for alias in [oid.to_owned(), urn, canonical.clone()] {
        aliases.insert(alias, canonical.clone());
    }
}

fn render(tables: &Tables, faults: &mut Vec<String>) -> String {
    let systems: Vec<&str> = tables.aliases.values().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect();
    let place = |system: &str| systems.binary_search(&system).unwrap_or(usize::MAX);
    let canonical = |system: &str| tables.aliases.get(system).map_or(usize::MAX, |system| place(system));

    let mut displays: BTreeMap<(usize, &str), &str> = BTreeMap::new();
    let mut classes: BTreeMap<(usize, &str), &str> = BTreeMap::new();
    for source in &tables.sources {
        for [system, code, display, class] in &source.codings {
            let key = (canonical(system), code.as_str());
            if key.0 == usize::MAX || code.is_empty() {
                faults.push(format!("schemas/terminology: {}: a coding without system or code", source.name));
            }
            displays.entry(key).or_insert(display);
            if !class.is_empty() && classes.insert(key, class).is_some() {
                faults.push(format!("schemas/terminology: {}: {code} has two classes", source.name));
            }
        }
    }
    let codings: Vec<(usize, &str)> = displays.keys().copied().collect();

    let mut text = String::new();
    let _ = writeln!(text, "static SYSTEMS: &[&str] = &{systems:#?};");
    let aliases: Vec<(&str, usize)> =
        tables.aliases.iter().map(|(alias, system)| (alias.as_str(), place(system))).collect();
    let _ = writeln!(text, "static ALIASES: &[(&str, usize)] = &{aliases:?};");
    let misplaced: Vec<(&str, &str, usize)> =
        tables.misplaced.iter().map(|((alias, code), system)| (alias.as_str(), code.as_str(), place(system))).collect();
    let titles: BTreeMap<usize, &str> =
        tables.titles.iter().map(|(oid, title)| (canonical(oid), title.as_str())).collect();
    let titles: Vec<(usize, &str)> = titles.into_iter().collect();
    let _ = writeln!(text, "static TITLES: &[(usize, &str)] = &{titles:?};");
    let _ = writeln!(text, "static MISPLACED: &[(&str, &str, usize)] = &{misplaced:?};");
    let _ = writeln!(text, "static CODINGS: &[Coding] = &[");
    for ((system, code), display) in &displays {
        let url = systems.get(*system).copied().unwrap_or_default();
        let _ = writeln!(text, "    Coding {{ system: {url:?}, code: {code:?}, display: {display:?} }},");
    }
    text.push_str("];\n");
    let classes: Vec<(&str, &str, &str)> = classes
        .iter()
        .map(|((system, code), class)| (systems.get(*system).copied().unwrap_or_default(), *code, *class))
        .collect();
    let _ = writeln!(text, "static CLASSES: &[(&str, &str, &str)] = &{classes:?};");
    render_formats(tables, &displays, &canonical, &mut text, faults);
    let _ = writeln!(text, "static VALUE_SETS: &[ValueSet] = &[");
    for source in &tables.sources {
        let members: BTreeSet<usize> = source
            .codings
            .iter()
            .filter_map(|[system, code, ..]| codings.binary_search(&(canonical(system), code.as_str())).ok())
            .collect();
        let members: Vec<usize> = members.into_iter().collect();
        let _ = writeln!(
            text,
            "    ValueSet {{ name: {:?}, url: {:?}, oid: {:?}, is_complete: {}, members: &{members:?} }},",
            source.name, source.url, source.oid, source.is_complete,
        );
    }
    text.push_str("];\n");
    text
}

/// The format codes, each of which must be a code that we know.
fn render_formats(
    tables: &Tables,
    displays: &BTreeMap<(usize, &str), &str>,
    canonical: &dyn Fn(&str) -> usize,
    text: &mut String,
    faults: &mut Vec<String>,
) {
    let _ = writeln!(text, "static FORMATS: &[(&str, &str, Coding)] = &[");
    for [template, media_type, system, code] in &tables.formats {
        let Some(display) = displays.get(&(canonical(system), code.as_str())) else {
            faults.push(format!("schemas/terminology/format-codes.csv: {template}: unknown code {code}"));
            continue;
        };
        let url = tables.aliases.get(system).map(String::as_str).unwrap_or_default();
        let coding = format!("Coding {{ system: {url:?}, code: {code:?}, display: {display:?} }}");
        let _ = writeln!(text, "    ({template:?}, {media_type:?}, {coding}),");
    }
    text.push_str("];\n");
}
