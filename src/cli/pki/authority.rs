//! The authorities of the development PKI and what they sign (RFC 5280; mes-rules §9.1 for subjects).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RevocationReason,
    RevokedCertParams, RsaKeySize, SanType, SerialNumber,
};

use super::files::Place;
use super::table::{Client, Flaw};
use super::{BACKDATED, PkiError, plus};
use crate::access::certificate::{DEV_POLICY, DEV_UNIT};
use crate::ids::IdSource;

/// The life of a root.
const ROOT_LIFE: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);

/// A root with its key.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A leaf as PEM.
pub(super) struct Leaf {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// What a leaf says.
pub(super) struct Profile {
    subject: DistinguishedName,
    names: Vec<SanType>,
    purpose: ExtendedKeyUsagePurpose,
    pub(super) flaw: Option<Flaw>,
}

impl Profile {
    pub(super) fn server() -> Self {
        let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let localhost = "localhost".try_into().map(SanType::DnsName);
        Self {
            subject: subject(&[(DnType::OrganizationName, "espace"), (DnType::CommonName, "localhost")]),
            names: localhost.into_iter().chain(addresses.map(SanType::IpAddress)).collect(),
            purpose: ExtendedKeyUsagePurpose::ServerAuth,
            flaw: None,
        }
    }

    pub(super) fn client(client: &Client) -> Self {
        let parts = [
            (DnType::StateOrProvinceName, &client.department),
            (DnType::OrganizationName, &client.organisation),
            (DnType::OrganizationalUnitName, &client.unit),
            (DnType::CustomDnType(vec![2, 5, 4, 12]), &client.title),
            (DnType::CustomDnType(vec![2, 5, 4, 4]), &client.surname),
            (DnType::CustomDnType(vec![2, 5, 4, 42]), &client.given_name),
        ];
        let present = parts.into_iter().filter_map(|(kind, value)| Some((kind, value.as_deref()?)));
        let parts: Vec<_> = present.chain([(DnType::CommonName, client.common_name.as_str())]).collect();
        Self {
            subject: subject(&parts),
            names: Vec::new(),
            purpose: ExtendedKeyUsagePurpose::ClientAuth,
            flaw: client.flaw,
        }
    }
}

impl Authority {
    /// The root kept in `NAME.{pem,key}`, or a new one put there; and whether it is new.
    pub(super) fn load_or_create(
        place: &Place,
        name: &str,
        now: Timestamp,
        ids: &dyn IdSource,
    ) -> Result<(Self, bool), PkiError> {
        let (certificate, key) = (format!("{name}.pem"), format!("{name}.key"));
        if let (Some(pem), Some(key_pem)) = (place.read(&certificate)?, place.read(&key)?) {
            let content = || PkiError::Content { path: place.path(&certificate) };
            let issuer = KeyPair::from_pem(&key_pem).and_then(|pair| Issuer::from_ca_cert_pem(&pem, pair));
            let root = Self { issuer: issuer.or(Err(content()))?, pem };
            let until = place.certificate(name)?.and_then(|found| found.validity()).map(|(_, until)| until);
            if until.is_some_and(|until| now < until) {
                return Ok((root, false));
            }
        }
        let root = Self::create("espace dev root", now, ids)?;
        place.write_private(&key, &root.issuer.key().serialize_pem())?;
        place.write_public(&certificate, &root.pem)?;
        Ok((root, true))
    }

    /// A new root.
    pub(super) fn create(name: &str, now: Timestamp, ids: &dyn IdSource) -> Result<Self, PkiError> {
        let mut params = params(
            subject(&[
                (DnType::OrganizationName, "espace"),
                (DnType::OrganizationalUnitName, DEV_UNIT),
                (DnType::CommonName, name),
            ]),
            plus(now, -BACKDATED),
            plus(now, ROOT_LIFE),
            ids,
        )?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(params, key), pem })
    }

    /// Signs a leaf with a key of its own.
    pub(super) fn issue(
        &self,
        profile: &Profile,
        from: Timestamp,
        until: Timestamp,
        is_rsa: bool,
        ids: &dyn IdSource,
    ) -> Result<Leaf, PkiError> {
        let key =
            if is_rsa { KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)? } else { KeyPair::generate()? };
        let mut params = params(profile.subject.clone(), from, until, ids)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        if !is_rsa {
            params.key_usages.truncate(1);
        }
        params.extended_key_usages = vec![profile.purpose.clone()];
        params.subject_alt_names.clone_from(&profile.names);
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Leaf { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// Signs a revocation list as PEM.
    pub(super) fn list(&self, serials: &[Vec<u8>], from: Timestamp, until: Timestamp) -> Result<String, PkiError> {
        let revoked = |serial: &Vec<u8>| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: SystemTime::from(from).into(),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: SystemTime::from(from).into(),
            next_update: SystemTime::from(until).into(),
            crl_number: SerialNumber::from(from.as_second().unsigned_abs()),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Ok(list.signed_by(&self.issuer)?.pem()?)
    }
}

fn params(
    subject: DistinguishedName,
    from: Timestamp,
    until: Timestamp,
    ids: &dyn IdSource,
) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = subject;
    params.not_before = SystemTime::from(from).into();
    params.not_after = SystemTime::from(until).into();
    params.serial_number = Some(serial(ids));
    params.custom_extensions = vec![dev_policy()];
    Ok(params)
}

/// 127 random bits: positive, and never beginning with a zero byte.
fn serial(ids: &dyn IdSource) -> SerialNumber {
    let mut bytes = [0_u8; 16];
    ids.fill(&mut bytes);
    if let Some(first) = bytes.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    SerialNumber::from_slice(&bytes)
}

/// `certificatePolicies` with the one policy of the development PKI: two sequences and the OID.
fn dev_policy() -> CustomExtension {
    let mut content = vec![0x30, 0x17, 0x30, 0x15, 0x06, 0x13];
    content.extend_from_slice(DEV_POLICY);
    CustomExtension::from_oid_content(&[2, 5, 29, 32], content)
}

fn subject(parts: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, "FR");
    for (kind, value) in parts {
        name.push(kind.clone(), *value);
    }
    name
}
