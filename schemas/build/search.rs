//! Reader of `fhir-r4/search-parameters.csv`: one static table, sorted by resource and code.
#![expect(clippy::panic, reason = "a build script stops by panic, and these name the row at fault")]

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

const COLUMNS: [&str; 10] =
    ["number", "resource", "code", "type", "datatypes", "expression", "targets", "components", "url", "source"];

pub(crate) fn generate(schemas: &Path, out: &Path) {
    let path = schemas.join("fhir-r4/search-parameters.csv");
    let mut reader = csv::Reader::from_path(&path).expect("schemas/fhir-r4/search-parameters.csv opens");
    assert_eq!(reader.headers().expect("a header row"), COLUMNS.as_slice(), "columns of search-parameters.csv");
    let mut rows: Vec<csv::StringRecord> =
        reader.records().map(|row| row.unwrap_or_else(|error| panic!("search-parameters.csv: {error}"))).collect();
    let mut numbers = HashSet::new();
    for row in &rows {
        let number: i32 = cell(row, 0).parse().unwrap_or_else(|error| panic!("{row:?}: number: {error}"));
        assert!(number > 0 && numbers.insert(number), "{row:?}: the number is taken");
    }
    rows.retain(|row| cell(row, 3) != "retired");
    rows.sort_by_key(|row| (cell(row, 1).to_owned(), cell(row, 2).to_owned()));
    for pair in rows.windows(2) {
        if let [one, two] = pair {
            assert!((cell(one, 1), cell(one, 2)) != (cell(two, 1), cell(two, 2)), "{two:?}: stands twice");
        }
    }
    let mut text = String::from("&[\n");
    for row in &rows {
        write_row(&mut text, row);
    }
    text.push_str("]\n");
    std::fs::write(out.join("search_parameters.rs"), text).expect("OUT_DIR can be written");
}

fn cell(row: &csv::StringRecord, index: usize) -> &str {
    row.get(index).unwrap_or_default()
}

fn write_row(text: &mut String, row: &csv::StringRecord) {
    let list = |index| cell(row, index).split(';').filter(|part| !part.is_empty()).collect::<Vec<_>>();
    let mut components = String::new();
    for component in list(7) {
        let (kind, expression) = component.split_once(' ').unwrap_or_else(|| panic!("{row:?}: component"));
        write!(components, "({}, {expression:?}), ", variant(row, kind)).expect("a string grows");
    }
    writeln!(
        text,
        "Parameter {{ number: {}, resource: {:?}, code: {:?}, kind: {}, datatypes: &{:?}, expression: {:?}, \
         targets: &{:?}, components: &[{components}], url: {:?}, source: {:?} }},",
        cell(row, 0),
        cell(row, 1),
        cell(row, 2),
        variant(row, cell(row, 3)),
        list(4),
        cell(row, 5),
        list(6),
        cell(row, 8),
        cell(row, 9),
    )
    .expect("a string grows");
}

fn variant(row: &csv::StringRecord, kind: &str) -> &'static str {
    match kind {
        "composite" => "Kind::Composite",
        "date" => "Kind::Date",
        "number" => "Kind::Number",
        "quantity" => "Kind::Quantity",
        "reference" => "Kind::Reference",
        "special" => "Kind::Special",
        "string" => "Kind::String",
        "token" => "Kind::Token",
        "uri" => "Kind::Uri",
        other => panic!("{row:?}: unknown type {other}"),
    }
}
