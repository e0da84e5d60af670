#!/usr/bin/env python3
"""Writes a dictionary of schemas/compression from examples of our own (docs/decisions/0016).

Invented fiches, submission sets, folders, CDA headers and traces in the forms that PDSm, MHD and the CI-SIS ask for, with codes
of schemas/terminology and names, numbers and dates drawn at random (seeded): what they have in common is what the
dictionary keeps. Needs the command `zstd` (1.5). A released dictionary is never changed nor removed: stored
bodies need it. A better one gets the next number.

    dictionaries.py fhir schemas/compression/1.zdict
    dictionaries.py cda schemas/compression/2.zdict
    dictionaries.py trace schemas/compression/3.zdict
"""

import csv
import json
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLES = 1500
SIZES = {"fhir": 24 * 1024, "cda": 12 * 1024, "trace": 4 * 1024}
PDSM = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/"
MHD = "https://profiles.ihe.net/ITI/MHD/"
CORE = "https://hl7.fr/ig/fhir/core/"
OID = "urn:oid:1.2.250.1."
FAMILIES = "MARTIN BERNARD THOMAS PETIT ROBERT RICHARD DURAND DUBOIS MOREAU LAURENT SIMON MICHEL LEFEBVRE LEROY ROUX DAVID".split()
GIVEN = "MARIE JEANNE FRANCOISE MONIQUE CATHERINE NATHALIE JEAN PIERRE MICHEL ANDRE PHILIPPE LOUIS LUCIE CAMILLE".split()
MEDIA = ["text/xml", "text/xml", "application/xml", "application/pdf", "text/plain"]
PLACES = ["Cabinet", "Cabinet du docteur", "Centre hospitalier", "Clinique", "Laboratoire", "Maison de santé", "Pharmacie"]

draw = random.Random(14)


def table(name):
    with open(ROOT / "terminology" / f"{name}.csv", encoding="utf-8", newline="") as lines:
        return [(row["system"], row["code"], row["display"]) for row in csv.DictReader(lines)]


TYPES, CLASSES, FORMATS = table("JDV_J66_TypeCode_DMP"), table("JDV_J57_ClassCode_DMP"), table("JDV_J60_FormatCode_DMP")
PLACES_OF_CARE, SETTINGS = table("JDV_J61_HealthcareFacilityTypeCode_DMP"), table("JDV_J04_XdsPracticeSettingCode_CISIS")
SPECIALITIES, EVENTS = table("JDV_J01_XdsAuthorSpecialty_CISIS"), table("JDV_J59_ContentTypeCode_DMP")
LABELS = table("JDV_J58_ConfidentialityCode_DMP")
# A few codes are most of what is sent.
COMMON = ["11488-4", "11502-2", "34112-3", "18842-5", "57833-6", "60591-5", "10213-7", "11490-0", "18748-4"]


def digits(count):
    return "".join(draw.choice("0123456789") for _ in range(count))


def word(count, letters="0123456789abcdefghjkmnpqrstvwxyz"):
    return "".join(draw.choice(letters) for _ in range(count))


def uuid():
    text = word(32, "0123456789abcdef")
    return f"{text[:8]}-{text[8:12]}-7{text[13:16]}-a{text[17:20]}-{text[20:]}"


def moment():
    day = f"20{draw.randint(24, 29)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
    return f"{day}T{draw.randint(8, 19):02}:{draw.randint(0, 59):02}:{draw.randint(0, 59):02}"


def pick(codes):
    usual = [code for code in codes if code[1] in COMMON]
    return draw.choice(usual) if usual and draw.random() < 0.7 else draw.choice(codes)


def coding(code, is_named=True):
    system, value, display = code
    return {"system": system, "code": value} | ({"display": display} if is_named else {})


def concept(code):
    return {"coding": [coding(code)]}


def person():
    return {"family": draw.choice(FAMILIES), "given": [draw.choice(GIVEN)]}


def author():
    organization = {
        "resourceType": "Organization",
        "id": "organization-1",
        "identifier": [{"system": OID + "71.4.2.2", "value": "1" + digits(13)}],
        "name": f"{draw.choice(PLACES)} {draw.choice(FAMILIES).capitalize()}",
    }
    practitioner = {
        "resourceType": "Practitioner",
        "id": "practitioner-1",
        "identifier": [{"system": OID + "71.4.2.1", "value": "8" + digits(11)}],
        "name": [person()],
    }
    role = {
        "resourceType": "PractitionerRole",
        "id": "practitionerrole-1",
        "practitioner": {"reference": "#practitioner-1"},
        "organization": {"reference": "#organization-1"},
    }
    if draw.random() < 0.4:
        role["specialty"] = [concept(draw.choice(SPECIALITIES))]
    return [organization, practitioner, role]


def patient(ins):
    birth_place = {"url": CORE + "StructureDefinition/fr-core-address-insee-code", "valueCoding": {"system": "https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM", "code": digits(5)}}
    name = person()
    names = {"url": CORE + "StructureDefinition/fr-core-patient-birth-list-given-name", "valueString": " ".join(name["given"])}
    return {
        "resourceType": "Patient",
        "id": "patient-1",
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueAddress": {"extension": [birth_place]}}],
        "identifier": [{
            "use": "official",
            "type": {"coding": [{"system": CORE + "CodeSystem/fr-core-cs-v2-0203", "code": draw.choice(["INS-NIR", "INS-NIR-TEST", "INS-NIA"])}]},
            "system": OID + draw.choice(["213.1.4.8", "213.1.4.10"]),
            "value": ins,
        }],
        "name": [{"extension": [names], "use": "official"} | name],
        "gender": draw.choice(["female", "male"]),
        "birthDate": moment()[:10],
    }


def identifier(use, kind, value):
    of = {"coding": [{"system": MHD + "CodeSystem/IHE.MHD.MHDIdentifierType", "code": kind}]}
    return {"use": use, "type": of, "system": "urn:ietf:rfc:3986", "value": value}


def names(profile, key, ending):
    meta = {"profile": [profile], "versionId": draw.choice("1112"), "lastUpdated": moment() + f".{digits(3)}Z"}
    return {"id": f"{key}-01{word(24)}", "meta": meta}, {"system": OID + draw.choice(["213.1.4.8", "213.1.4.10"]), "value": ending}


def fiche():
    key, ins = word(13), digits(15)
    kind, at = pick(TYPES), moment() + draw.choice(["+02:00", "+01:00", "Z"])
    head, subject = names(PDSM + draw.choice(["pdsm-comprehensive-document-reference", "pdsm-comprehensive-document-reference", "pdsm-simplified-publish"]), key, ins)
    made = {"resourceType": "DocumentReference"} | head | {
        "contained": author() + [patient(ins)],
        "masterIdentifier": identifier("usual", "uniqueId", "urn:oid:2.25." + digits(38)),
        "identifier": [identifier("official", "entryUUID", "urn:uuid:" + uuid())],
        "status": draw.choice(["current", "current", "current", "superseded"]),
        "type": concept(kind),
        "category": [concept(draw.choice(CLASSES))],
        "subject": {"type": "Patient", "identifier": subject, "reference": f"Patient/{key}"},
        "date": at,
        "author": [{"reference": "#practitionerrole-1"}],
        "authenticator": {"reference": "#practitionerrole-1"},
        "custodian": {"reference": "#organization-1"},
    }
    if draw.random() < 0.2:
        made["relatesTo"] = [{"code": "replaces", "target": {"reference": f"DocumentReference/{key}-01{word(24)}"}}]
    made["securityLabel"] = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N", "display": "Normal"}]}]
    made["securityLabel"] += [concept(draw.choice(LABELS)) for _ in range(draw.choice([0, 0, 0, 1]))]
    attachment = {"contentType": draw.choice(MEDIA), "language": "fr-FR", "url": f"Binary/{key}-01{word(24)}", "size": draw.randint(2000, 90000)}
    attachment |= {"hash": word(27, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") + "=", "title": kind[2], "creation": at}
    made["content"] = [{"attachment": attachment, "format": coding(draw.choice(FORMATS))}]
    context = {"event": [concept(draw.choice(EVENTS))]} if draw.random() < 0.3 else {}
    context |= {"period": {"start": at, "end": at}, "facilityType": concept(pick(PLACES_OF_CARE)), "practiceSetting": concept(draw.choice(SETTINGS))}
    made["context"] = context | {"sourcePatientInfo": {"reference": "#patient-1"}}
    return json.dumps(made, ensure_ascii=False, separators=(",", ":"))


def submission():
    key, ins, is_folder = word(13), digits(15), draw.random() < 0.15
    profile = "pdsm-folder-comprehensive" if is_folder else "pdsm-submissionset-comprehensive"
    head, subject = names(PDSM + profile, key, ins)
    reason = {"url": MHD + "StructureDefinition/ihe-designationType", "valueCodeableConcept": concept(draw.choice(EVENTS))}
    source = {"url": MHD + "StructureDefinition/ihe-sourceId", "valueIdentifier": {"system": "urn:ietf:rfc:3986", "value": OID + digits(4) + ".1.1"}}
    made = {"resourceType": "List"} | head | {
        "contained": author(),
        "extension": [reason, source],
        "identifier": [identifier("usual", "uniqueId", "urn:oid:2.25." + digits(38)), identifier("official", "entryUUID", "urn:uuid:" + uuid())],
        "status": "current",
        "mode": "working",
        "title": pick(TYPES)[2],
        "code": {"coding": [{"system": MHD + "CodeSystem/MHDlistTypes", "code": "folder" if is_folder else "submissionset"}]},
        "subject": {"type": "Patient", "identifier": subject, "reference": f"Patient/{key}"},
        "date": moment() + "+02:00",
        "source": {"extension": [{"url": MHD + "StructureDefinition/ihe-authorOrg", "valueReference": {"reference": "#organization-1"}}], "reference": "#practitionerrole-1"},
        "entry": [{"item": {"reference": f"DocumentReference/{key}-01{word(24)}"}} for _ in range(draw.choice([1, 1, 1, 2]))],
    }
    return json.dumps(made, ensure_ascii=False, separators=(",", ":"))


def stamp():
    return moment().translate({ord(mark): None for mark in "-T:"}) + draw.choice(["+0100", "+0200"])


def code(element, value, system, display):
    return f'<{element} code="{value}" codeSystem="{system}" displayName="{display}"/>'


def cda():
    kind, at, doctor, house = pick(TYPES), stamp(), person(), draw.choice(PLACES)
    number, place = "8" + digits(11), "1" + digits(13)
    break_ = draw.choice(["", "", "\n", "\n    "])
    who = f'<name><given>{doctor["given"][0]}</given><family>{doctor["family"]}</family></name>'
    organization = f'<id root="1.2.250.1.71.4.2.2" extension="{place}"/>{break_}<name>{house}</name>'
    signs = f'<id root="1.2.250.1.71.4.2.1" extension="{number}"/>{break_}'
    nowhere = '<addr nullFlavor="NASK"/><telecom nullFlavor="NASK"/>'
    named = person()
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">',
        '<realmCode code="FR"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>',
        '<templateId root="2.16.840.1.113883.2.8.2.1"/><templateId root="1.2.250.1.213.1.1.1.1"/><templateId root="1.3.6.1.4.1.19376.1.5.3.1.1.1"/>',
        f'<id root="2.25.{digits(37)}"/>' + code("code", kind[1], "2.16.840.1.113883.6.1", kind[2]) + f"<title>{kind[2]}</title>",
        f'<effectiveTime value="{at}"/>' + code("confidentialityCode", "N", "2.16.840.1.113883.5.25", "Normal"),
        f'<languageCode code="fr-FR"/><setId root="2.25.{digits(37)}"/><versionNumber value="1"/>',
        f'<recordTarget><patientRole><id root="1.2.250.1.213.1.4.8" extension="{digits(15)}"/>{nowhere}<patient classCode="PSN">',
        f'<name><family qualifier="BR">{named["family"]}</family><given>{named["given"][0]}</given><given qualifier="BR">{named["given"][0]}</given>',
        f'<family qualifier="CL">{named["family"]}</family><given qualifier="CL">{named["given"][0]}</given></name>',
        code("administrativeGenderCode", *draw.choice([("F", "2.16.840.1.113883.5.1", "Féminin"), ("M", "2.16.840.1.113883.5.1", "Masculin")])),
        f'<birthTime value="{digits(8)}"/><birthplace><place><addr><county>{digits(5)}</county></addr></place></birthplace></patient></patientRole></recordTarget>',
        f'<author><time value="{at}"/><assignedAuthor>{signs}{nowhere}<assignedPerson>{who}</assignedPerson>',
        f"<representedOrganization>{organization}</representedOrganization></assignedAuthor></author>",
        f"<custodian><assignedCustodian><representedCustodianOrganization>{organization}</representedCustodianOrganization></assignedCustodian></custodian>",
        f'<legalAuthenticator><time value="{at}"/><signatureCode code="S"/><assignedEntity>{signs}<assignedPerson>{who}</assignedPerson>',
        f"<representedOrganization>{organization}</representedOrganization></assignedEntity></legalAuthenticator>",
        f'<documentationOf><serviceEvent><effectiveTime><low value="{at}"/><high value="{at}"/></effectiveTime><performer typeCode="PRF"><assignedEntity>{signs}',
        "<representedOrganization>" + code("standardIndustryClassCode", "AMBULATOIRE", "1.2.250.1.213.1.1.4.9", "Ambulatoire"),
        "</representedOrganization></assignedEntity></performer></serviceEvent></documentationOf>",
        f'<componentOf><encompassingEncounter><effectiveTime><low value="{at}"/></effectiveTime><location><healthCareFacility>',
        code("code", "SA07", "1.2.250.1.71.4.2.4", "Cabinet individuel") + "</healthCareFacility></location></encompassingEncounter></componentOf>",
        '<component><structuredBody><component><section>' + code("code", digits(5) + "-" + digits(1), "2.16.840.1.113883.6.1", pick(TYPES)[2]),
        f"<title>{kind[2]}</title><text><paragraph>",
        " ".join(draw.choice(["Examen", "Traitement", "Patient", "Consultation", "Antécédents", "Conclusion", "sans", "avec", "par", "pour"]) for _ in range(12)),
        "</paragraph></text></section></component></structuredBody></component></ClinicalDocument>\n",
    ]
    return break_.join(parts)


ACTS = ["provide-document-bundle", "find-document-references", "retrieve-document", "existence-test", "read-document-reference"]
ACTS += ["simplified-publish", "generate-metadata", "update-document-metadata", "find-document-lists", "read-list", "read-patient"]
ACTS += ["document-reference-history", "list-history", "retrieve-audit-event", "read-audit-event", "get-access-token"]
QUERY = "patient.identifier=urn:oid:1.2.250.1.213.1.4.8|{}&status=current&_sort=-_lastUpdated&_count=20&category=&type=http://loinc.org|&date=ge"


def trace():
    key, who = word(13), person()
    actor = {"person": "8" + digits(11), "name": f"{who['given'][0]} {who['family']}"}
    actor |= {"roles": [draw.choice(["10", "21", "40", "50", "60", "70", "80", "86"])], "structure": "1" + digits(13)}
    actor |= {"structureName": f"{draw.choice(PLACES)} {draw.choice(FAMILIES).capitalize()}", "software": f"{word(8)} {digits(1)}.{digits(1)}"}
    actor |= {"authMode": draw.choice(["DIRECTE", "DIRECTE", "INDIRECTE"]), "token": uuid(), "address": f"10.{digits(2)}.{digits(2)}.{digits(2)}"}
    made = {"id": uuid(), "chain": key, "at": f"{moment()}.{digits(9)}Z", "act": draw.choice(ACTS[:5] if draw.random() < 0.8 else ACTS)}
    made |= {"outcome": "0"} if draw.random() < 0.9 else {"outcome": "4", "refusal": draw.choice(["droit-insuffisant", "not-found"])}
    made |= {"rule": f"MES-{digits(3)}", "actor": actor, "purpose": draw.choice(["normal", "normal", "normal", "BTG"])}
    made |= {"requestId": uuid()}
    kinds = draw.choice([["List", "DocumentReference"], ["Binary", "DocumentReference"], ["DocumentReference"], ["Patient"]])
    made["entities"] = [{"reference": f"{kind}/{key}" + (f"-01{word(24)}" if kind != "Patient" else "")} for kind in kinds]
    if made["act"].startswith("find"):
        made["query"] = QUERY.format(digits(15))[: draw.randint(80, 160)]
    return json.dumps(made, ensure_ascii=False, separators=(",", ":"))


def main():
    kind, target = sys.argv[1], pathlib.Path(sys.argv[2])
    make = {"fhir": lambda: (fiche if draw.random() < 0.6 else submission)(), "cda": cda, "trace": trace}[kind]
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder) / f"{number:04}" for number in range(SAMPLES)]
        for file in files:
            file.write_text(make(), encoding="utf-8")
        number = int(target.stem)
        cover = "k=256,d=8" if kind == "trace" else "k=1024,d=8"
        train = ["zstd", "-q", f"--train-cover={cover}", f"--maxdict={SIZES[kind]}", f"--dictID={number}", "-o", str(target)]
        subprocess.run([*train, *map(str, files)], check=True)


if __name__ == "__main__":
    main()
