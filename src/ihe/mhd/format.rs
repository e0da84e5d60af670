//! formatCode of a CDA document, by its templates or by what its level 1 body holds
//! (document-sharing §4.2, JDV_J60).

use super::Coding;
use crate::cda::{Body, Header};

const ANS: &str =
    "https://mos.esante.gouv.fr/NOS/TRE_A06-FormatCodeComplementaire/FHIR/TRE-A06-FormatCodeComplementaire";
const IHE: &str = "https://mos.esante.gouv.fr/NOS/TRE_A11-IheFormatCode/FHIR/TRE-A11-IheFormatCode";

/// IHE XDS-SD, the template of level 1.
const XDS_SD: &str = "1.3.6.1.4.1.19376.1.2.20";

/// Template of the model, formatCode, display.
const MODELS: [(&str, &str, &str, &str); 15] = [
    ("1.2.250.1.213.1.1.1.13", ANS, "urn:asip:ci-sis:vsm:2012", "Synthèse médicale"),
    ("1.2.250.1.213.1.1.1.51", IHE, "urn:ihe:pcc:ips:2020", "Synthèse médicale"),
    ("1.2.250.1.213.1.1.1.55", IHE, "urn:ihe:lab:xd-lab:2008", "Compte rendu structuré d'examens de biologie médicale"),
    ("1.2.250.1.213.1.1.1.39", IHE, "urn:ihe:pharm:pre:2010", "Prescription de médicaments"),
    ("1.2.250.1.213.1.1.1.54", IHE, "urn:ihe:pharm:dis:2010", "Dispensation médicamenteuse"),
    (
        "1.2.250.1.213.1.1.1.21",
        ANS,
        "urn:asip:ci-sis:ldl-ees:2017",
        "Lettre de Liaison à l'entrée d'un établissement de santé",
    ),
    (
        "1.2.250.1.213.1.1.1.29",
        ANS,
        "urn:asip:ci-sis:ldl-ses:2017",
        "Lettre de Liaison à la sortie de l'établissement de santé",
    ),
    (
        "1.2.250.1.213.1.1.1.45",
        IHE,
        "urn:ihe:rad:CDA:ImagingReportStructuredHeadings:2013",
        "Compte-rendu d'imagerie médicale",
    ),
    ("1.2.250.1.213.1.1.1.47", ANS, "urn:ans:ci-sis:img-da:2022", "Demande d'actes d'imagerie"),
    ("1.2.250.1.213.1.1.1.37", ANS, "urn:asip:ci-sis:vac:2019", "Historique des vaccinations"),
    ("1.2.250.1.213.1.1.1.46", ANS, "urn:asip:ci-sis:vac-note:2021", "Note de vaccination"),
    ("1.2.250.1.213.1.1.1.59", ANS, "urn:ans:ci-sis:trod:2024", "Test rapide d'orientation diagnostique"),
    ("1.2.250.1.213.1.1.1.22", ANS, "urn:asip:ci-sis:dlu:2015", "Document de liaison d'urgence"),
    ("1.2.250.1.213.1.1.1.36", ANS, "urn:asip:ci-sis:hr:2019", "Données de remboursement"),
    ("1.2.250.1.213.1.1.1.5.4", ANS, "urn:ans:ci-sis:cse-mde:2023", "Mesures de signes vitaux"),
];

/// The formatCode of a document: that of its level 1 content, of its model, or the one for documents
/// that follow no model of IHE or CI-SIS.
pub fn format_code(header: &Header) -> Coding {
    let (system, code, display) = if header.has_template(XDS_SD) {
        unstructured(&header.body)
    } else {
        let model = MODELS.iter().find(|(template, ..)| header.has_template(template));
        model.map_or(OTHER, |(_, system, code, display)| (system, code, display))
    };
    Coding { system: system.to_owned(), code: code.to_owned(), display: Some(display.to_owned()) }
}

const OTHER: (&str, &str, &str) =
    (ANS, "urn:asipSante:modelesHorsProfils:2011", "Document non référencé IHE ou CI-SIS");

fn unstructured(body: &Body) -> (&'static str, &'static str, &'static str) {
    let Body::NonXml { media_type: Some(media_type), .. } = body else { return OTHER };
    match media_type.as_str() {
        "application/pdf" => (IHE, "urn:ihe:iti:xds-sd:pdf:2008", "Document à corps non structuré en Pdf/A-1"),
        "text/plain" => (IHE, "urn:ihe:iti:xds-sd:text:2008", "Document à corps non structuré en texte brut"),
        "text/rtf" | "application/rtf" => {
            (IHE, "urn:ihe:iti-fr:xds-sd:rtf:2010", "Document à corps non structuré en format rtf")
        }
        "image/jpeg" => (IHE, "urn:ihe:iti-fr:xds-sd:jpeg:2010", "Document à corps non structuré en format jpeg"),
        "image/tiff" => (IHE, "urn:ihe:iti-fr:xds-sd:tiff:2010", "Document à corps non structuré en format tiff"),
        _ => OTHER,
    }
}
