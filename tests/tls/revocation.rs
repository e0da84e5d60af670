//! Revocation lists by themselves: encodings, signatures, issuers (RFC 5280 §5).

use espace::access::revocation::{RevocationError, RevocationList};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject as _;

use crate::support::pki::{list, pki};

fn loaded(file: &[u8]) -> Result<RevocationList, RevocationError> {
    let mut found = RevocationList::default();
    found.add(file, &[pki().der("ca")]).map(|()| found)
}

#[test]
fn a_list_is_read_as_pem_and_as_der() {
    let pem = pki().file("crl.pem");
    let der = CertificateRevocationListDer::from_pem_slice(pem).unwrap();
    for file in [pem, &der] {
        let found = loaded(file).unwrap();
        assert!(found.is_revoked(&pki().certificate("revoked")));
        assert!(!found.is_revoked(&pki().certificate("cabinet")));
        assert_eq!(found.lists()[0].issuer, "CN=espace dev root,OU=ESPACE DEV,O=espace,C=FR");
        assert_eq!(found.lists()[0].entries, 1);
    }
}

#[test]
fn a_serial_of_another_issuer_is_not_revoked() {
    let found = loaded(pki().file("crl.pem")).unwrap();
    let mut foreign = pki().certificate("revoked");
    foreign.issuer = pki().certificate("autre-ca").issuer;
    assert!(!found.is_revoked(&foreign));
}

#[test]
fn lists_of_one_issuer_add_up() {
    let mut found = loaded(pki().file("crl.pem")).unwrap();
    found.add(pki().list_of(&["cabinet"]).as_bytes(), &[pki().der("ca")]).unwrap();
    assert!(found.is_revoked(&pki().certificate("revoked")));
    assert!(found.is_revoked(&pki().certificate("cabinet")));
}

#[test]
fn a_list_of_a_stranger_or_with_a_wrong_signature_is_refused() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::CrlSign];
    let stranger = list(&Issuer::new(params, key), []);
    assert_eq!(loaded(stranger.as_bytes()).unwrap_err(), RevocationError::UnknownIssuer);

    let mut der = CertificateRevocationListDer::from_pem_slice(pki().file("crl.pem")).unwrap().to_vec();
    *der.last_mut().unwrap() ^= 1;
    assert_eq!(loaded(&der).unwrap_err(), RevocationError::Signature);
    // The name of our root, the key of another.
    let forged = Issuer::from_ca_cert_der(&pki().der("ca"), KeyPair::generate().unwrap()).unwrap();
    assert_eq!(loaded(list(&forged, []).as_bytes()).unwrap_err(), RevocationError::Signature);
    assert_eq!(loaded(b"nothing").unwrap_err(), RevocationError::Unreadable);
    assert_eq!(loaded(&[0x30, 0x03, 1, 2, 3]).unwrap_err(), RevocationError::Unreadable);
}
