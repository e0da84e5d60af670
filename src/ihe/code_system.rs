//! Code systems under their two names: the OID of CDA and XDS, the URL of FHIR
//! (document-sharing §5, codesystem-oid-map).

use crate::fhir::terminology::canonical_system;

/// OID and URL of what documents are written with, sorted by OID: where HL7 and the ANS both name a
/// system, this is the name we write. What it does not hold, the terminology does.
const SYSTEMS: [(&str, &str); 16] = [
    ("1.2.250.1.213.1.1.4.1", "https://mos.esante.gouv.fr/NOS/TRE_A03-ClasseDocument/FHIR/TRE-A03-ClasseDocument"),
    (
        "1.2.250.1.213.1.1.4.12",
        "https://mos.esante.gouv.fr/NOS/TRE_A05-TypeDocComplementaire/FHIR/TRE-A05-TypeDocComplementaire",
    ),
    (
        "1.2.250.1.213.1.1.4.13",
        "https://mos.esante.gouv.fr/NOS/TRE_A07-StatutVisibiliteDocument/FHIR/TRE-A07-StatutVisibiliteDocument",
    ),
    (
        "1.2.250.1.213.1.1.4.2.282",
        "https://mos.esante.gouv.fr/NOS/TRE_A06-FormatCodeComplementaire/FHIR/TRE-A06-FormatCodeComplementaire",
    ),
    (
        "1.2.250.1.213.1.1.4.5",
        "https://mos.esante.gouv.fr/NOS/TRE_A02-ProfessionSavFaire-CISIS/FHIR/TRE-A02-ProfessionSavFaire-CISIS",
    ),
    (
        "1.2.250.1.213.1.1.4.6",
        "https://mos.esante.gouv.fr/NOS/TRE_A00-ProducteurDocNonPS/FHIR/TRE-A00-ProducteurDocNonPS",
    ),
    ("1.2.250.1.213.1.1.4.9", "https://mos.esante.gouv.fr/NOS/TRE_A01-CadreExercice/FHIR/TRE-A01-CadreExercice"),
    ("1.2.250.1.213.2.2", "https://mos.esante.gouv.fr/NOS/TRE_R209-TypeActivite/FHIR/TRE-R209-TypeActivite"),
    ("1.2.250.1.71.1.2.7", "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante"),
    ("1.2.250.1.71.4.2.4", "https://mos.esante.gouv.fr/NOS/TRE_R02-SecteurActivite/FHIR/TRE-R02-SecteurActivite"),
    ("1.2.840.10008.2.6.1", "https://mos.esante.gouv.fr/NOS/TRE_A09-DICOMuidRegistry/FHIR/TRE-A09-DICOMuidRegistry"),
    ("1.3.6.1.4.1.19376.1.2.3", "https://mos.esante.gouv.fr/NOS/TRE_A11-IheFormatCode/FHIR/TRE-A11-IheFormatCode"),
    ("2.16.840.1.113883.5.25", "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"),
    ("2.16.840.1.113883.5.4", "http://terminology.hl7.org/CodeSystem/v3-ActCode"),
    ("2.16.840.1.113883.6.1", "http://loinc.org"),
    ("2.16.840.1.113883.6.96", "http://snomed.info/sct"),
];

/// The FHIR system of a code system's OID: its URL where one is known, else `urn:oid:`.
pub fn fhir_system(oid: &str) -> String {
    match SYSTEMS.binary_search_by_key(&oid, |(known, _)| known) {
        Ok(at) => SYSTEMS.get(at).map(|(_, url)| (*url).to_owned()).unwrap_or_default(),
        Err(_) => canonical_system(oid).map_or_else(|| format!("urn:oid:{oid}"), str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_oid_is_found() {
        assert!(SYSTEMS.is_sorted_by_key(|(oid, _)| oid));
        for (oid, url) in SYSTEMS {
            assert_eq!(fhir_system(oid), url);
        }
        assert_eq!(fhir_system("1.2.3"), "urn:oid:1.2.3");
    }
}
