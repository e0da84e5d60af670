//! Certificate revocation lists, verified against the authorities that issued them
//! (RFC 5280 §5; contract §1: an expired list is still used, with an alarm).

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::{
    OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA256,
    OID_SIG_ECDSA_WITH_SHA384, Oid,
};
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use super::certificate::{canonical_serial, instant, parse, rfc4514};
use super::identity::Certificate;

/// Why a list is refused. A refused list replaces nothing: the caller keeps the one in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RevocationError {
    /// Neither PEM nor DER of a list.
    #[error("not a readable certificate revocation list")]
    Unreadable,
    /// Its issuer is not among the trusted authorities, or may not sign lists.
    #[error("the revocation list is not of a trusted authority")]
    UnknownIssuer,
    /// Its signature does not verify.
    #[error("the signature of the revocation list is wrong")]
    Signature,
    /// It speaks for certificates of other issuers.
    #[error("indirect revocation lists are not supported")]
    Indirect,
}

/// What is known of one list that was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListDescription {
    /// The issuer's name, RFC 4514.
    pub issuer: String,
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next was due.
    pub next_update: Option<Timestamp>,
    /// How many certificates it revokes.
    pub entries: usize,
}

/// Issuer name (DER) and serial number → revoked. Lists of one issuer add up, so that a delta or a
/// partition never makes a revocation disappear.
#[derive(Debug, Clone, Default)]
pub struct RevocationList {
    revoked: HashMap<Vec<u8>, HashSet<Vec<u8>>>,
    lists: Vec<ListDescription>,
}

impl RevocationList {
    /// Adds the lists of one file, PEM (any number) or DER (one). `authorities` are DER
    /// certificates: one of them must have issued and signed each list.
    pub fn add(&mut self, file: &[u8], authorities: &[impl AsRef<[u8]>]) -> Result<(), RevocationError> {
        if file.first() == Some(&0x30) {
            return self.add_one(file, authorities);
        }
        let mut found = false;
        for list in CertificateRevocationListDer::pem_slice_iter(file) {
            self.add_one(&list.or(Err(RevocationError::Unreadable))?, authorities)?;
            found = true;
        }
        if found { Ok(()) } else { Err(RevocationError::Unreadable) }
    }

    /// Whether a certificate is on a list of its issuer.
    pub fn is_revoked(&self, certificate: &Certificate) -> bool {
        self.contains(&certificate.issuer, &certificate.serial)
    }

    /// The same, for a certificate's issuer name (DER) and serial number.
    pub fn contains(&self, issuer: &[u8], serial: &[u8]) -> bool {
        self.revoked.get(issuer).is_some_and(|serials| serials.contains(canonical_serial(serial)))
    }

    /// The lists that were loaded.
    pub fn lists(&self) -> &[ListDescription] {
        &self.lists
    }

    /// Whether some list should have been replaced by now: it is still used, and an alarm is due.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.lists.iter().any(|list| list.next_update.is_some_and(|next| next < now))
    }

    fn add_one(&mut self, der: &[u8], authorities: &[impl AsRef<[u8]>]) -> Result<(), RevocationError> {
        let Ok(([], list)) = CertificateRevocationList::from_der(der) else {
            return Err(RevocationError::Unreadable);
        };
        verify(&list, authorities)?;
        let mut serials = HashSet::new();
        for entry in list.iter_revoked_certificates() {
            if entry.extensions().iter().any(|extension| extension.oid == CERTIFICATE_ISSUER) {
                return Err(RevocationError::Indirect);
            }
            // removeFromCRL, in a delta only: it lifts a hold, it revokes nothing.
            if entry.reason_code().is_none_or(|(_, reason)| reason.0 != 8) {
                serials.insert(canonical_serial(entry.raw_serial()).to_vec());
            }
        }
        self.lists.push(ListDescription {
            issuer: rfc4514(list.issuer()),
            this_update: instant(list.last_update().timestamp()),
            next_update: list.next_update().map(|next| instant(next.timestamp())),
            entries: serials.len(),
        });
        self.revoked.entry(list.issuer().as_raw().to_vec()).or_default().extend(serials);
        Ok(())
    }
}

/// `id-ce-certificateIssuer`, the mark of an indirect list's entry.
const CERTIFICATE_ISSUER: Oid<'static> = x509_parser::asn1_rs::oid!(2.5.29.29);

fn verify(list: &CertificateRevocationList<'_>, authorities: &[impl AsRef<[u8]>]) -> Result<(), RevocationError> {
    // SHA-1 signatures would let a list be forged.
    let algorithms = [
        OID_PKCS1_SHA256WITHRSA,
        OID_PKCS1_SHA384WITHRSA,
        OID_PKCS1_SHA512WITHRSA,
        OID_SIG_ECDSA_WITH_SHA256,
        OID_SIG_ECDSA_WITH_SHA384,
    ];
    if !algorithms.contains(&list.signature_algorithm.algorithm) {
        return Err(RevocationError::Signature);
    }
    let issuers: Vec<X509Certificate<'_>> = authorities
        .iter()
        .filter_map(|authority| parse(authority.as_ref()).ok())
        .filter(|authority| authority.subject().as_raw() == list.issuer().as_raw() && may_sign_lists(authority))
        .collect();
    if issuers.is_empty() {
        return Err(RevocationError::UnknownIssuer);
    }
    // An authority that renewed its key has two certificates of one name.
    let signed = issuers.iter().any(|issuer| list.verify_signature(issuer.public_key()).is_ok());
    if signed { Ok(()) } else { Err(RevocationError::Signature) }
}

fn may_sign_lists(authority: &X509Certificate<'_>) -> bool {
    match authority.key_usage() {
        Ok(Some(usage)) => usage.value.crl_sign(),
        Ok(None) => true,
        Err(_) => false,
    }
}
