//! Reader of `fhir-r4/code-systems.csv` and `concepts.csv`: HL7's code systems behind R4's value sets.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

type Row = BTreeMap<String, String>;

pub(crate) fn generate(schemas: &Path, out: &Path) {
    let mut concepts: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for mut row in read(&schemas.join("fhir-r4/concepts.csv")) {
        let mut cell = |name: &str| row.remove(name).unwrap_or_default();
        concepts.entry(cell("system")).or_default().push((cell("code"), cell("display")));
    }
    let mut text = String::from("static R4_SYSTEMS: &[R4System] = &[\n");
    for row in read(&schemas.join("fhir-r4/code-systems.csv")) {
        let cell = |name: &str| row.get(name).map(String::as_str).unwrap_or_default();
        let mut known = concepts.remove(cell("url")).unwrap_or_default();
        known.sort();
        let is_complete = cell("content") == "complete";
        let [url, oid, name, title, version] = ["url", "oid", "name", "title", "version"].map(cell);
        writeln!(
            text,
            "    R4System {{ url: {url:?}, oid: {oid:?}, name: {name:?}, title: {title:?}, version: {version:?}, \
             is_complete: {is_complete}, concepts: &{known:?} }},",
        )
        .expect("a string grows");
    }
    text.push_str("];\n");
    assert!(concepts.is_empty(), "concepts.csv: concepts of no system of code-systems.csv: {:?}", concepts.keys());
    std::fs::write(out.join("concepts.rs"), text).expect("OUT_DIR can be written");
}

fn read(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).expect("the tables of schemas/fhir-r4 open");
    reader.deserialize().collect::<Result<_, _>>().expect("every row has its columns")
}
