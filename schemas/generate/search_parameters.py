#!/usr/bin/env python3
"""Writes schemas/fhir-r4/search-parameters.csv (spec/fhir-r4.md section 3, IHE MHD, ANS PDSm).

Input: the npm tarball hl7.fhir.r4.examples@4.0.1 (CC0-1.0). Its Bundle-searchParams.json is the
truth for R4; its StructureDefinitions tell which steps of an expression are choice elements, which
the table writes as FHIR does (`Observation.effective[x]`).

    search_parameters.py TARBALL            rewrite the table
    search_parameters.py --check TARBALL    exit 1 if the table would change

A number, once given to a (resource, code), is stored in index rows: it never changes and is never
used again. New pairs are appended; pairs that disappear stay, with type `retired`.
"""

import csv
import io
import json
import pathlib
import re
import sys
import tarfile

TABLE = pathlib.Path(__file__).resolve().parent.parent / "fhir-r4" / "search-parameters.csv"
COLUMNS = ["number", "resource", "code", "type", "datatypes", "expression", "targets", "components", "url", "source"]
R4 = "http://hl7.org/fhir/SearchParameter/"
MHD = "https://profiles.ihe.net/ITI/MHD/"
PDSM = "https://interop.esante.gouv.fr/ig/fhir/pdsm/"
# The name under which a professional practises, which PractitionerRole.name searches (ANS Annuaire).
PRACTISES_AS = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-practitionerrole-name"

# Parameters that stay without an expression on purpose: they are decided elsewhere.
SPECIAL = {
    "_id": "special", "_lastUpdated": "special", "_content": "special", "_query": "special", "_text": "special",
}

# Official expressions our compiler reads in another, equal form.
REWRITTEN = {
    # The two components of the official definition are crossed (errata of R4).
    ("DocumentReference", "relationship"): {"components": "reference target;token code"},
    # The official expression names no resource.
    ("InsurancePlan", "name"): {"expression": "InsurancePlan.name | InsurancePlan.alias", "datatypes": "string"},
}

AUTHORS = {
    "given": "{0}.resolve().name.given | {0}.resolve().practitioner.resolve().name.given",
    "family": "{0}.resolve().name.family | {0}.resolve().practitioner.resolve().name.family",
}
# Chains through one type: who is looked at of a contained resource of that type.
TYPED = {
    "Patient": "{0}.resolve().ofType(Patient).name{1}",
    "Practitioner": "{0}.resolve().ofType(Practitioner).name{1}",
    "PractitionerRole": f"{{0}}.resolve().ofType(PractitionerRole).extension('{PRACTISES_AS}').value[x]{{1}}"
                        " | {0}.resolve().ofType(PractitionerRole).practitioner.resolve().name{1}",
}


def own_rows():
    """IHE's, the ANS's and the chains over contained resources, which MHD §1.4, §1.5 demand."""
    def row(resource, code, kind, types, expression, url, source, targets=""):
        return dict(resource=resource, code=code, type=kind, datatypes=types, expression=expression,
                    targets=targets, components="", url=url, source=source)

    yield row("DocumentReference", "creation", "date", "dateTime", "DocumentReference.content.attachment.creation",
              MHD + "SearchParameter/DocumentReference-Creation", "MHD ITI-67")
    for part, expression in AUTHORS.items():
        yield row("DocumentReference", "author." + part, "string", "string", expression.format("DocumentReference.author"),
                  "", "MHD ITI-67")
        yield row("List", "source." + part, "string", "string", expression.format("List.source"), "", "MHD ITI-66")
    yield row("List", "designationType", "token", "CodeableConcept",
              f"List.extension('{MHD}StructureDefinition/ihe-designationType').value[x]",
              MHD + "SearchParameter/List-DesignationType", "MHD ITI-66")
    yield row("List", "sourceId", "token", "Identifier",
              f"List.extension('{MHD}StructureDefinition/ihe-sourceId').value[x]",
              MHD + "SearchParameter/List-SourceId", "MHD ITI-66")
    for resource in ("DocumentReference", "List"):
        yield row(resource, "isArchived", "token", "boolean",
                  f"{resource}.extension('{PDSM}StructureDefinition/pdsm-ext-is-archived').value[x]",
                  PDSM + "SearchParameter/PDSm-isArchived", "PDSm 3.1.1")
    yield row("DocumentReference", "period-start", "date", "dateTime", "DocumentReference.context.period.start",
              PDSM + "SearchParameter/PDSm-DocumentReference-period-start", "PDSm 3.1.1")
    yield row("DocumentReference", "period-end", "date", "dateTime", "DocumentReference.context.period.end",
              PDSM + "SearchParameter/PDSm-DocumentReference-period-end", "PDSm 3.1.1")
    yield row("DocumentReference", "relatesTo", "reference", "Reference", "DocumentReference.relatesTo.target",
              "", "PDSm 3.1.1", "DocumentReference")
    # The published expression looks at List.extension; the extension stands on List.source (trap T15).
    yield row("List", "authorOrg", "reference", "Reference",
              f"List.source.extension('{MHD}StructureDefinition/ihe-authorOrg').value[x]",
              PDSM + "SearchParameter/PDSm-List-authorOrg", "PDSm 3.1.1", "Organization")
    for resource, base, source in (("DocumentReference", "author", "PDSm 3.1.1 ITI-67"), ("List", "source", "PDSm 3.1.1 ITI-66")):
        for kind, expression in TYPED.items():
            for part in ("name", "given", "family"):
                # The parts of a HumanName are told apart by the index itself.
                element = "" if part == "name" else "." + part
                yield row(resource, f"{base}:{kind}.{part}", "string", "HumanName" if part == "name" else "string",
                          expression.format(f"{resource}.{base}", element), "", source)
    yield row("List", "authorOrg.name", "string", "string",
              f"List.source.extension('{MHD}StructureDefinition/ihe-authorOrg').value[x].resolve().name",
              "", "PDSm 3.1.1 ITI-66")


class Definitions:
    """Element tables of the R4 StructureDefinitions, to tell choices and datatypes."""

    def __init__(self, archive):
        self.elements = {}
        self.resources = set()
        for member in archive:
            if not re.fullmatch(r"package/StructureDefinition-[A-Za-z0-9-]+\.json", member.name):
                continue
            definition = json.load(archive.extractfile(member))
            if definition.get("derivation") == "constraint" or "snapshot" not in definition:
                continue
            if definition["kind"] == "resource" and not definition.get("abstract"):
                self.resources.add(definition["type"])
            for element in definition["snapshot"]["element"]:
                self.elements[element["path"]] = element

    def step(self, contexts, name):
        """The contexts and the written form after one step; a context is an element path or a datatype."""
        found, written = [], name
        for context in contexts:
            for key, suffix in ((f"{context}.{name}", ""), (f"{context}.{name}[x]", "[x]")):
                element = self.elements.get(key)
                if element is None:
                    continue
                if suffix:
                    written = name + suffix
                if "contentReference" in element:
                    found.append(element["contentReference"].split("#")[-1])
                    continue
                codes = [self.type_of(kind) for kind in element.get("type", [])]
                if codes and codes[0] in ("BackboneElement", "Element") and not suffix:
                    found.append(key)
                else:
                    found.extend(codes)
        return list(dict.fromkeys(found)), written

    @staticmethod
    def type_of(kind):
        code = kind["code"]
        return "string" if code.startswith("http://hl7.org/fhirpath/") else code


STEP = re.compile(r"\.?([A-Za-z]+)(\[\d+\])?")


def annotate(branch, definitions, start=None):
    """One branch of an expression with its choices marked, and the datatypes it yields."""
    text = branch.strip()
    cast = re.fullmatch(r"\((\S+) as (\w+)\)((?:\.\w+)*)", text)
    if cast:
        types = [cast[2]]
        for name in cast[3].split(".")[1:]:
            types, _ = definitions.step(types, name)
        return text, types
    contexts = [start] if start else []
    written, position = "", 0
    while position < len(text):
        where = re.compile(r"\.where\(((?:[^()]|\([^()]*\))*)\)").match(text, position)
        of = re.compile(r"\.as\((\w+)\)").match(text, position)
        step = STEP.match(text, position)
        if where:
            written += where[0]
            position = where.end()
        elif of:
            contexts, written, position = [of[1]], written.removesuffix("[x]") + of[0], of.end()
        elif step:
            if not contexts:
                contexts, name = [step[1]], step[1]
            else:
                contexts, name = definitions.step(contexts, step[1])
                if not contexts:
                    raise ValueError(f"no element {step[1]} in {text}")
            written += (("." if written else "") + name) + (step[2] or "")
            position = step.end()
        else:
            raise ValueError(f"cannot read {text!r} at {position}")
    return written, contexts


def narrow(expression, resource, definitions):
    """The branches of an expression that start at this resource."""
    branches = [part.strip() for part in expression.split(" | ")]
    starts = {resource, "Resource", "DomainResource"}
    kept = [part for part in branches if re.match(r"\(?([A-Za-z]+)", part)[1] in starts]
    written, types = [], []
    for part in kept:
        if " and " in part:  # Patient.deceased.exists() and Patient.deceased != false
            part, kinds = part.replace("Patient.deceased", "Patient.deceased[x]"), ["boolean"]
        else:
            part, kinds = annotate(part, definitions)
        written.append(part)
        types.extend(kinds)
    return " | ".join(dict.fromkeys(written)), list(dict.fromkeys(types))


def components_of(parameter, resource, by_url, base_types, definitions):
    parts = []
    for component in parameter.get("component", []):
        kind = by_url[component["definition"]]["type"]
        branches, start = [], base_types[0] if base_types else resource
        for branch in component["expression"].split("|"):
            branch = branch.strip()
            if "(" not in branch and not branch.startswith("%"):
                branch, _ = annotate(branch, definitions, start)
            branches.append(branch)
        parts.append(f"{kind} {' | '.join(branches)}")
    return ";".join(parts)


def base_context(expression, resource, definitions):
    """The element path (not the datatype) a composite starts from."""
    if expression == resource:
        return [resource]
    _, contexts = annotate(expression.split(" | ")[0].replace("[x]", ""), definitions)
    return contexts


def build(archive_path):
    with tarfile.open(archive_path) as archive:
        definitions = Definitions(archive)
        bundle = json.load(archive.extractfile("package/Bundle-searchParams.json"))
    parameters = [entry["resource"] for entry in bundle["entry"]]
    by_url = {parameter["url"]: parameter for parameter in parameters}
    rows, skipped = [], []
    for parameter in parameters:
        for resource in parameter["base"]:
            code, kind = parameter["code"], SPECIAL.get(parameter["code"], parameter["type"])
            expression, types = "", []
            if kind != "special":
                expression, types = narrow(parameter["expression"], resource, definitions)
                if not expression and (resource, code) not in REWRITTEN:
                    skipped.append((resource, code))
                    continue
            components = ""
            if kind == "composite":
                components = components_of(parameter, resource, by_url,
                                           base_context(expression, resource, definitions), definitions)
            targets = parameter.get("target", [])
            if len(targets) >= 140:
                targets = ["Resource"]
            row = dict(resource=resource, code=code, type=kind, datatypes=";".join(types), expression=expression,
                       targets=";".join(sorted(targets)), components=components, url=parameter["url"], source="R4")
            row.update(REWRITTEN.get((resource, code), {}))
            rows.append(row)
    rows.sort(key=lambda row: (row["resource"], row["code"]))
    rows.extend(own_rows())
    return rows, skipped


def numbered(rows):
    known = {}
    if TABLE.exists():
        with TABLE.open(newline="", encoding="utf-8") as table:
            known = {(row["resource"], row["code"]): row for row in csv.DictReader(table)}
    following = max((int(row["number"]) for row in known.values()), default=0) + 1
    result, seen = [], set()
    for row in rows:
        key = (row["resource"], row["code"])
        if key in seen:
            raise ValueError(f"{key} twice")
        seen.add(key)
        if key in known:
            row["number"] = int(known[key]["number"])
        else:
            row["number"], following = following, following + 1
        result.append(row)
    for key, row in known.items():
        if key not in seen:
            result.append({**row, "number": int(row["number"]), "type": "retired"})
    return sorted(result, key=lambda row: row["number"])


def main():
    arguments = sys.argv[1:]
    check = "--check" in arguments
    archive = [argument for argument in arguments if argument != "--check"]
    if len(archive) != 1:
        sys.exit(__doc__)
    rows, skipped = build(archive[0])
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(numbered(rows))
    if check:
        if TABLE.read_text(encoding="utf-8") != text.getvalue():
            sys.exit("search-parameters.csv is not what the generator writes")
        return
    TABLE.write_text(text.getvalue(), encoding="utf-8")
    for resource, code in skipped:
        print(f"no branch of its own: {resource} {code}", file=sys.stderr)


if __name__ == "__main__":
    main()
