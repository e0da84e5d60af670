//! Who calls: the certificate's structure and, by token, the person and the software.

use std::sync::Arc;

use crate::ids::{Ins, NationalId, StructureId};
use crate::model::caller::{AuthMode, CallerClass};
use crate::rules::habilitation::Habilitation;

/// The client certificate of a connection, parsed once per connection (mes-rules §9.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of the DER: what `cnf.x5t#S256` must equal.
    pub fingerprint: [u8; 32],
    /// Subject DN, RFC 4514.
    pub subject: String,
    /// DER of the issuer name, with the serial the key of the CRL.
    pub issuer: Vec<u8>,
    /// Serial number, big endian.
    pub serial: Vec<u8>,
    /// The structure named by `OU`; absent from a PERS certificate.
    pub structure: Option<StructureId>,
    /// `CN`.
    pub common_name: String,
    /// DER of the whole certificate: its key verifies assertions signed by the client.
    pub der: Vec<u8>,
}

/// A professional as a token names him: everything from the directory, nothing from the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// National id.
    pub id: NationalId,
    /// Name.
    pub name: String,
    /// Profession, TRE_G15.
    pub profession: String,
    /// Roles as `system|code`.
    pub roles: Vec<String>,
    /// The types of document his profession reads.
    pub habilitation: Habilitation,
    /// Whether he may use `centre_15`.
    pub may_regulate: bool,
}

/// Who calls, once certificate and token agree.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The live certificate.
    pub certificate: Arc<Certificate>,
    /// The class the rules read.
    pub class: CallerClass,
    /// The structure acting (for `webps`: the exercise's).
    pub structure: StructureId,
    /// Its name.
    pub structure_name: String,
    /// The professional, where one is named.
    pub person: Option<Person>,
    /// The person connected, on the patient side.
    pub patient: Option<Ins>,
    /// The only record the token serves, where it says so.
    pub record: Option<Ins>,
    /// How the person was authenticated.
    pub auth_mode: Option<AuthMode>,
    /// Granted scopes.
    pub scopes: Vec<String>,
    /// Enrolment of the software.
    pub client_id: String,
    /// LPS_Nom and LPS_Version.
    pub software: String,
    /// jti of the token.
    pub token_id: String,
}

impl Caller {
    /// Who the first-access rule counts: the person, or the structure where no person is named.
    pub fn accessor(&self) -> String {
        self.person.as_ref().map_or_else(|| self.structure.to_string(), |person| person.id.to_string())
    }
}
