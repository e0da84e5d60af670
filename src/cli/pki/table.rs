//! `certs/pki.toml`: which client certificates the development PKI has (contract §4).

use serde::Deserialize;

/// Why a client is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// Its serial is on the revocation list.
    Revoked,
    /// Its end lies before its making.
    Expired,
    /// Another root issued it.
    OtherAuthority,
}

/// A client certificate: an organisation (with `unit`) or a person (without).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The files' name.
    pub name: String,
    /// `O`.
    pub organisation: Option<String>,
    /// `ST`, as IGC-Santé writes departments.
    pub department: Option<String>,
    /// `OU`: prefix and national id of the structure.
    pub unit: Option<String>,
    /// `CN`.
    pub common_name: String,
    /// `T`, of a person.
    pub title: Option<String>,
    /// `GN`, of a person.
    pub given_name: Option<String>,
    /// `SN`, of a person.
    pub surname: Option<String>,
    /// Why it is refused, where it is.
    pub flaw: Option<Flaw>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    client: Vec<Client>,
}

/// The clients of the table, in its order.
pub fn clients() -> Result<Vec<Client>, toml::de::Error> {
    let table: Table = toml::from_str(include_str!("../../../certs/pki.toml"))?;
    Ok(table.client)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::StructureId;

    #[test]
    fn every_organisation_of_the_table_names_a_structure() {
        for client in clients().unwrap() {
            assert_eq!(client.unit.is_some(), client.organisation.is_some(), "{}", client.name);
            if let Some(unit) = client.unit {
                assert!(unit.parse::<StructureId>().is_ok(), "{unit}");
            }
        }
    }
}
