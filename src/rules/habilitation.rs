//! Which types of document a profession reads (arrêté of 26 October 2023; document-sharing §3.7):
//! `habilitation.csv`, or the operator's own copy of it.
//!
//! A row that names a type wins over the row `*` of its profession. A profession without rows reads
//! nothing but what it wrote itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::law;

/// typeCode of a signature: an entry of its own in XDS, never listed (document-sharing §3.1, ds 79).
pub const SIGNATURE: &str = "E1762";

/// The matrix: profession × type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matrix {
    professions: BTreeMap<String, Habilitation>,
}

/// What one profession reads. The default reads nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Habilitation(Arc<Row>);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Row {
    /// The verdict on types that are not named.
    reads_others: bool,
    /// The types named whose verdict is the other one.
    exceptions: Vec<String>,
}

impl Matrix {
    /// The committed table.
    pub fn built_in() -> Self {
        let rows = law::HABILITATION.iter().skip(1);
        let cells = rows.filter_map(|row| Some(((*row.first()?, *row.get(1)?), *row.get(3)? == "permit")));
        Self::of_cells(cells.collect())
    }

    /// Reads an operator's table: same columns as `habilitation.csv`. Every fault is told with its line.
    pub fn read(text: &str) -> Result<Self, Vec<String>> {
        let mut cells = BTreeMap::new();
        let mut faults = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let columns: Vec<&str> = line.split(',').map(str::trim).collect();
            if number == 0 {
                if columns != ["profession", "type", "right", "verdict", "why", "rule"] {
                    faults.push("line 1: the columns are profession,type,right,verdict,why,rule".to_owned());
                }
                continue;
            }
            match columns.as_slice() {
                [profession, kind, "read", verdict @ ("permit" | "deny"), .., _rule]
                    if !profession.is_empty() && !kind.is_empty() && *profession != "*" =>
                {
                    if cells.insert((*profession, *kind), *verdict == "permit").is_some() {
                        faults.push(format!("line {}: this cell stands twice", number.saturating_add(1)));
                    }
                }
                _ => faults.push(format!(
                    "line {}: a profession, a type or *, read, permit or deny, a reason, a rule",
                    number.saturating_add(1)
                )),
            }
        }
        if cells.is_empty() && faults.is_empty() {
            faults.push("the table is empty".to_owned());
        }
        if faults.is_empty() { Ok(Self::of_cells(cells)) } else { Err(faults) }
    }

    /// What a profession (TRE_G15) reads.
    pub fn of(&self, profession: &str) -> Habilitation {
        self.professions.get(profession).cloned().unwrap_or_default()
    }

    fn of_cells(cells: BTreeMap<(&str, &str), bool>) -> Self {
        let mut professions: BTreeMap<String, Row> = BTreeMap::new();
        for ((profession, kind), permitted) in &cells {
            let reads_others = cells.get(&(*profession, "*")).copied().unwrap_or(false);
            let row = professions.entry((*profession).to_owned()).or_default();
            row.reads_others = reads_others;
            if *kind != "*" && *permitted != reads_others {
                row.exceptions.push((*kind).to_owned());
            }
        }
        Self { professions: professions.into_iter().map(|(name, row)| (name, Habilitation(Arc::new(row)))).collect() }
    }
}

impl Habilitation {
    /// The habilitation of a profession by the committed table.
    pub fn built_in(profession: &str) -> Self {
        Matrix::built_in().of(profession)
    }

    /// Whether a type (as `code` or `system|code`) is read.
    pub fn reads(&self, type_code: &str) -> bool {
        let code = code_of(type_code);
        self.0.reads_others != self.0.exceptions.iter().any(|named| named == code)
    }

    /// Whether the types that [`Self::exceptions`] does not name are read.
    pub fn reads_others(&self) -> bool {
        self.0.reads_others
    }

    /// The types that are an exception to [`Self::reads_others`].
    pub fn exceptions(&self) -> &[String] {
        &self.0.exceptions
    }
}

/// Whether a type is that of a signature entry.
pub fn is_signature(type_code: &str) -> bool {
    code_of(type_code) == SIGNATURE
}

/// The code of a type written as `code` or `system|code`.
pub fn code_of(type_code: &str) -> &str {
    type_code.rsplit('|').next().unwrap_or_default()
}
