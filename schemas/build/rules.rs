//! Reader of the rules tables: each CSV of `schemas/rules` becomes a static, after the proof that
//! every cell of its axes is covered by exactly one row.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// What a column of outcome holds.
enum Kind {
    /// A word of a vocabulary of `axes.csv`, emitted as a variant of a Rust enum.
    Word(&'static str, &'static str),
    /// A word or `none`, emitted as an `Option` of a variant.
    Maybe(&'static str, &'static str),
    /// `yes` or `no`.
    Flag,
    /// Words joined by `|`, or nothing.
    Words,
}

/// One decision table.
struct Spec {
    file: &'static str,
    constant: &'static str,
    axes: &'static [&'static str],
    outcome: &'static str,
    columns: &'static [(&'static str, Kind)],
}

const SPECS: &[Spec] = &[
    Spec {
        file: "states",
        constant: "STATES",
        axes: &["space", "record"],
        outcome: "bool",
        columns: &[("possible", Kind::Flag)],
    },
    Spec {
        file: "mes-documents",
        constant: "DOCUMENTS",
        axes: &["space", "record", "action"],
        outcome: "super::status::Standing",
        columns: &[("verdict", Kind::Word("standing", "super::status::Standing"))],
    },
    Spec {
        file: "mes-messages",
        constant: "MESSAGES",
        axes: &["space"],
        outcome: "super::status::Mailbox",
        columns: &[
            ("mailbox", Kind::Word("mailbox", "super::status::Delivery")),
            ("reading", Kind::Word("reading", "super::status::Reading")),
            ("reply", Kind::Flag),
        ],
    },
    Spec {
        file: "notification",
        constant: "NOTIFICATION",
        axes: &["event", "space", "record", "activation-email", "assurance-maladie-email"],
        outcome: "Option<crate::model::notification::Channel>",
        columns: &[("channel", Kind::Maybe("channel", "crate::model::notification::Channel"))],
    },
    Spec {
        file: "consultation",
        constant: "CONSULTATION",
        axes: &["caller", "tie", "purpose", "action"],
        outcome: "super::consultation::Consultation",
        columns: &[("verdict", Kind::Word("consultation", "super::consultation::Consultation"))],
    },
    Spec {
        file: "metadata-update",
        constant: "METADATA_UPDATE",
        axes: &["caller", "tie", "change"],
        outcome: "super::consultation::Consultation",
        columns: &[("verdict", Kind::Word("consultation", "super::consultation::Consultation"))],
    },
    Spec {
        file: "visibility",
        constant: "VISIBILITY",
        axes: &["label", "tie"],
        outcome: "super::visibility::Visibility",
        columns: &[("visibility", Kind::Word("visibility", "super::visibility::Visibility"))],
    },
    Spec {
        file: "audit-readers",
        constant: "AUDIT_READERS",
        axes: &["caller", "tie"],
        outcome: "super::traces::Traces",
        columns: &[("traces", Kind::Word("traces", "super::traces::Traces"))],
    },
    Spec {
        file: "resource-gate",
        constant: "RESOURCE_GATE",
        axes: &["resource", "interaction", "caller"],
        outcome: "super::resource::Admission",
        columns: &[("allowed", Kind::Flag), ("scoped", Kind::Flag), ("profiles", Kind::Words)],
    },
    Spec {
        file: "resource-access",
        constant: "RESOURCE_ACCESS",
        axes: &["resource", "caller", "tie"],
        outcome: "super::resource::Access",
        columns: &[("read", Kind::Word("reach", "super::resource::Reach")), ("write", Kind::Flag)],
    },
    Spec {
        file: "gate",
        constant: "GATE",
        axes: &["route", "caller"],
        outcome: "super::gate::Opening",
        columns: &[("allowed", Kind::Flag), ("scopes", Kind::Words), ("profiles", Kind::Words)],
    },
];

type Axes = BTreeMap<String, Vec<String>>;

/// One row: its line, its cells by column name.
struct Line {
    number: u64,
    cells: BTreeMap<String, String>,
}

impl Line {
    fn cell(&self, column: &str) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }
}

pub(crate) fn generate(schemas: &Path, out: &Path) {
    let mut faults = Vec::new();
    let text = render(&schemas.join("rules"), &mut faults);
    for fault in faults {
        println!("cargo::error={fault}");
    }
    std::fs::write(out.join("rules.rs"), text).expect("OUT_DIR can be written");
}

fn render(folder: &Path, faults: &mut Vec<String>) -> String {
    let axes = read_axes(folder, faults);
    let mut text = String::new();
    text.push_str("/// The values of every axis and verdict, in the order of the enums.\n");
    text.push_str("pub(super) static AXES: &[(&str, &[&str])] = &[\n");
    for (axis, values) in &axes {
        let _ = writeln!(text, "    ({axis:?}, &{values:?}),");
    }
    text.push_str("];\n");
    for spec in SPECS {
        render_table(&mut text, folder, spec, &axes, faults);
    }
    render_list(&mut text, folder, "lifecycle", "LIFECYCLE", faults, |line, faults| {
        check_transition(line, &axes, faults);
    });
    render_list(&mut text, folder, "deposits", "DEPOSITS", faults, check_deposit);
    let types = known_types(folder);
    render_list(&mut text, folder, "habilitation", "HABILITATION", faults, |line, faults| {
        let code = line.cell("type");
        if code != "*" && !types.iter().any(|known| known == code) {
            faults.push(format!("schemas/rules/habilitation.csv:{}: unknown document type {code}", line.number));
        }
    });
    text
}

fn read_axes(folder: &Path, faults: &mut Vec<String>) -> Axes {
    let (_, lines) = read(folder, "axes", faults);
    lines
        .iter()
        .map(|line| (line.cell("axis").to_owned(), line.cell("values").split('|').map(str::to_owned).collect()))
        .collect()
}

/// The header and the rows of a table.
fn read(folder: &Path, file: &str, faults: &mut Vec<String>) -> (Vec<String>, Vec<Line>) {
    let path = folder.join(format!("{file}.csv"));
    let mut reader = match csv::Reader::from_path(&path) {
        Ok(reader) => reader,
        Err(error) => {
            faults.push(format!("schemas/rules/{file}.csv: {error}"));
            return (Vec::new(), Vec::new());
        }
    };
    let header: Vec<String> =
        reader.headers().map(|header| header.iter().map(str::to_owned).collect()).unwrap_or_default();
    let mut lines = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => lines.push(Line {
                number: record.position().map_or(0, csv::Position::line),
                cells: header.iter().cloned().zip(record.iter().map(str::to_owned)).collect(),
            }),
            Err(error) => faults.push(format!("schemas/rules/{file}.csv: {error}")),
        }
    }
    (header, lines)
}

fn render_table(text: &mut String, folder: &Path, spec: &Spec, axes: &Axes, faults: &mut Vec<String>) {
    let (_, lines) = read(folder, spec.file, faults);
    let mut rows = Vec::new();
    for line in &lines {
        let masks: Vec<u32> = spec.axes.iter().map(|axis| mask(spec, line, axis, axes, faults)).collect();
        rows.push((line.number, masks));
    }
    prove_total(spec, &rows, axes, faults);
    let width = spec.axes.len();
    let _ = writeln!(text, "/// `schemas/rules/{}.csv`.", spec.file);
    let _ = writeln!(text, "pub(super) static {}: Table<{width}, {}> = Table {{", spec.constant, spec.outcome);
    let _ = writeln!(text, "    name: {:?}, axes: {:?}, rows: &[", spec.file, spec.axes);
    for (line, (number, masks)) in lines.iter().zip(&rows) {
        let (outcome, shown) = outcome(spec, line, axes, faults);
        let rule = line.cell("rule");
        if rule.is_empty() {
            faults.push(format!("schemas/rules/{}.csv:{number}: no rule is cited", spec.file));
        }
        let cells: Vec<&str> = spec.axes.iter().map(|axis| line.cell(axis)).collect();
        let _ = writeln!(
            text,
            "        Row {{ line: {number}, masks: [{}], cells: {cells:?}, outcome: {outcome}, shown: {shown:?}, why: {:?}, rule: {rule:?} }},",
            masks.iter().map(|mask| grouped(*mask)).collect::<Vec<_>>().join(", "),
            line.cell("why"),
        );
    }
    text.push_str("    ],\n};\n");
}

/// The set of values that a cell names.
fn mask(spec: &Spec, line: &Line, axis: &str, axes: &Axes, faults: &mut Vec<String>) -> u32 {
    let values = axes.get(axis).map(Vec::as_slice).unwrap_or_default();
    let cell = line.cell(axis);
    if cell == "*" {
        return (0..values.len()).fold(0, |mask, bit| mask | (1 << bit));
    }
    cell.split('|').fold(0, |mask, word| {
        let bit = values.iter().position(|value| value == word);
        if bit.is_none() {
            faults.push(format!("schemas/rules/{}.csv:{}: {axis} has no value {word:?}", spec.file, line.number));
        }
        mask | bit.map_or(0, |bit| 1 << bit)
    })
}

/// Every cell of the product of the axes is covered by exactly one row.
fn prove_total(spec: &Spec, rows: &[(u64, Vec<u32>)], axes: &Axes, faults: &mut Vec<String>) {
    let values: Vec<&[String]> =
        spec.axes.iter().map(|axis| axes.get(*axis).map(Vec::as_slice).unwrap_or_default()).collect();
    let cells: usize = values.iter().map(|values| values.len()).product();
    let mut shown = 0;
    for cell in 0..cells {
        let mut rest = cell;
        let place: Vec<usize> = values
            .iter()
            .map(|values| {
                let bit = rest % values.len();
                rest /= values.len();
                bit
            })
            .collect();
        let covering: Vec<u64> = rows
            .iter()
            .filter(|(_, masks)| masks.iter().zip(&place).all(|(mask, bit)| mask & (1 << bit) != 0))
            .map(|(number, _)| *number)
            .collect();
        if covering.len() == 1 || shown == 10 {
            continue;
        }
        shown += 1;
        let named: Vec<&str> =
            values.iter().zip(&place).filter_map(|(values, bit)| values.get(*bit).map(String::as_str)).collect();
        let fault = if covering.is_empty() { "no row covers it".into() } else { format!("lines {covering:?} overlap") };
        faults.push(format!("schemas/rules/{}.csv: {}: {fault}", spec.file, named.join(", ")));
    }
}

/// The outcome of a row as a Rust expression, and as it is printed.
fn outcome(spec: &Spec, line: &Line, axes: &Axes, faults: &mut Vec<String>) -> (String, String) {
    let mut fields = Vec::new();
    let mut shown = Vec::new();
    for (column, kind) in spec.columns {
        let cell = line.cell(column);
        shown.push(if cell.is_empty() { "-" } else { cell });
        let mut word = |vocabulary: &str| {
            if !axes.get(vocabulary).is_some_and(|words| words.iter().any(|known| known == cell)) {
                faults.push(format!("schemas/rules/{}.csv:{}: {column} has no word {cell:?}", spec.file, line.number));
            }
        };
        let expression = match kind {
            Kind::Word(vocabulary, path) => {
                word(vocabulary);
                format!("{path}::{}", variant(cell))
            }
            Kind::Maybe(vocabulary, path) => {
                word(vocabulary);
                if cell == "none" { "None".to_owned() } else { format!("Some({path}::{})", variant(cell)) }
            }
            Kind::Flag => {
                if !["yes", "no"].contains(&cell) {
                    faults.push(format!("schemas/rules/{}.csv:{}: {column} is yes or no", spec.file, line.number));
                }
                (cell == "yes").to_string()
            }
            Kind::Words => format!("&{:?}", cell.split('|').filter(|word| !word.is_empty()).collect::<Vec<_>>()),
        };
        fields.push((column, expression));
    }
    let expression = if let [(_, only)] = fields.as_slice() {
        only.clone()
    } else {
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        format!("{} {{ {} }}", spec.outcome, fields.join(", "))
    };
    (expression, shown.join(" "))
}

/// `refuse-absent` is the variant `RefuseAbsent`.
fn variant(word: &str) -> String {
    word.split('-')
        .map(|part| {
            let mut letters = part.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        })
        .collect()
}

/// A table that is printed, not looked up.
fn render_list(
    text: &mut String,
    folder: &Path,
    file: &str,
    constant: &str,
    faults: &mut Vec<String>,
    check: impl Fn(&Line, &mut Vec<String>),
) {
    let (header, lines) = read(folder, file, faults);
    let _ = writeln!(text, "/// `schemas/rules/{file}.csv`, header first.");
    let _ = writeln!(text, "pub(super) static {constant}: &[&[&str]] = &[\n    &{header:?},");
    for line in &lines {
        check(line, faults);
        let cells: Vec<&str> = header.iter().map(|column| line.cell(column)).collect();
        let _ = writeln!(text, "    &{cells:?},");
    }
    text.push_str("];\n");
}

fn check_transition(line: &Line, axes: &Axes, faults: &mut Vec<String>) {
    for (column, axis) in
        [("from-space", "space"), ("from-record", "record"), ("to-space", "space"), ("to-record", "record")]
    {
        let cell = line.cell(column);
        if !axes.get(axis).is_some_and(|values| values.iter().any(|value| value == cell)) {
            faults.push(format!("schemas/rules/lifecycle.csv:{}: {axis} has no value {cell:?}", line.number));
        }
    }
}

fn check_deposit(line: &Line, faults: &mut Vec<String>) {
    if !line.cell("content-type").contains('/') || line.cell("limit-bytes").parse::<i64>().is_err() {
        faults.push(format!("schemas/rules/deposits.csv:{}: a content type and a number of bytes", line.number));
    }
}

/// The document types of the DMP (JDV_J66), from the terminology room.
fn known_types(folder: &Path) -> Vec<String> {
    let path = folder.join("../terminology/JDV_J66_TypeCode_DMP.csv");
    let Ok(mut reader) = csv::Reader::from_path(path) else {
        return Vec::new();
    };
    reader.records().flatten().filter_map(|record| record.get(1).map(str::to_owned)).collect()
}

/// A number with its thousands set apart, as code writes them.
fn grouped(number: u32) -> String {
    let (high, low) = (number / 1_000, number % 1_000);
    if high == 0 { low.to_string() } else { format!("{}_{low:03}", grouped(high)) }
}
