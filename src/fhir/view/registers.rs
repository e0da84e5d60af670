//! National ids of persons and structures in FHIR identifiers (document-sharing §3.3).

use serde_json::Value;

use super::text;
use crate::ids::{NationalId, StructureId};

/// How a register writes its numbers.
struct Register {
    /// `Identifier.system`, an OID without `urn:oid:`.
    system: &'static str,
    /// What stands before the number in the national id.
    prefix: &'static str,
    /// The length of the number; 0: the prefix is part of it already.
    length: usize,
}

const fn register(system: &'static str, prefix: &'static str, length: usize) -> Register {
    Register { system, prefix, length }
}

const PERSONS: [Register; 4] = [
    register("1.2.250.1.71.4.2.1", "", 0),
    register("https://rpps.esante.gouv.fr", "8", 11),
    register("http://rpps.fr", "8", 11),
    register("https://adeli.esante.gouv.fr", "0", 9),
];

const STRUCTURES: [Register; 7] = [
    register("1.2.250.1.71.4.2.2", "", 0),
    register("https://finess.esante.gouv.fr", "1", 9),
    register("http://finess.sante.gouv.fr", "1", 9),
    register("https://sirene.fr", "2", 9),
    register("https://sirene.fr", "3", 14),
    register("http://sirene.fr", "2", 9),
    register("http://sirene.fr", "3", 14),
];

/// The national id of a person that an Identifier states.
pub(super) fn person(identifier: &Value) -> Option<NationalId> {
    let whole = text(identifier, "value")?.trim();
    let number = whole.split('/').next().unwrap_or(whole);
    // `3750100125/1453` (T16): whom a structure numbers is told by both parts; an RPPS or ADELI number stands alone.
    let id = if number.starts_with(['0', '8']) || number == whole { number } else { whole };
    national(&PERSONS, identifier, id)?.parse().ok()
}

/// The national id of a structure that an Identifier states.
pub(super) fn structure(identifier: &Value) -> Option<StructureId> {
    // `1750803447/12`: what follows the `/` is the structure's own number.
    let value = text(identifier, "value")?.trim();
    national(&STRUCTURES, identifier, value.split('/').next().unwrap_or(value))?.parse().ok()
}

fn national(registers: &[Register], identifier: &Value, value: &str) -> Option<String> {
    let system = text(identifier, "system")?;
    let system = system.strip_prefix("urn:oid:").unwrap_or(system);
    let fits =
        |register: &&Register| register.system == system && (register.length == 0 || register.length == value.len());
    let register = registers.iter().find(fits).or_else(|| {
        // Some senders put the prefix before a register's bare number.
        registers.iter().find(|register| {
            register.system == system && value.len() == register.length + 1 && value.starts_with(register.prefix)
        })
    })?;
    let is_bare = register.length == value.len();
    Some(if is_bare { format!("{}{value}", register.prefix) } else { value.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifier(system: &str, value: &str) -> Value {
        serde_json::json!({ "system": system, "value": value })
    }

    #[test]
    fn every_form_of_a_person_reads_as_one_national_id() {
        for (system, value) in [
            ("urn:oid:1.2.250.1.71.4.2.1", "801234567897"),
            ("1.2.250.1.71.4.2.1", "801234567897"),
            ("https://rpps.esante.gouv.fr", "01234567897"),
            ("https://rpps.esante.gouv.fr", "801234567897"),
            ("http://rpps.fr", "01234567897"),
        ] {
            assert_eq!(person(&identifier(system, value)).unwrap().as_str(), "801234567897", "{system} {value}");
        }
        assert_eq!(person(&identifier("https://rpps.esante.gouv.fr", "1234")), None);
        assert_eq!(person(&identifier("https://example.org", "801234567897")), None);
    }

    #[test]
    fn every_form_of_a_structure_reads_as_its_national_id() {
        for (system, value, id) in [
            ("urn:oid:1.2.250.1.71.4.2.2", "1750803447", "1750803447"),
            ("urn:oid:1.2.250.1.71.4.2.2", "1750803447/12", "1750803447"),
            ("https://finess.esante.gouv.fr", "750803447", "1750803447"),
            ("https://sirene.fr", "18751275100020", "318751275100020"),
            ("https://sirene.fr", "187512751", "2187512751"),
        ] {
            assert_eq!(structure(&identifier(system, value)).unwrap().as_str(), id);
        }
    }
}
