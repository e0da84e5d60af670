#!/usr/bin/env python3
"""Turns HL7's R4 definitions package into the compact tables of schemas/fhir-r4/.

    definitions.py PACKAGE            writes the tables
    definitions.py --check PACKAGE    compares them with what is committed; exit status 1 if they differ

PACKAGE is the tarball (or its unpacked `package/` folder) of npm hl7.fhir.r4.examples, see
schemas/fhir-r4/README.md. Standard library only; the output depends on the package alone.
"""
import csv
import io
import json
import pathlib
import sys
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
TARGET = HERE.parent / "fhir-r4"
PREFIX = "http://hl7.org/fhir/StructureDefinition/"
# System types stand for what the specification's own tables print.
SYSTEM = {"Element.id": "string", "Extension.url": "uri", "Resource.id": "id"}
# Bound to a code system without end: the code cannot be listed.
ENDLESS = {
    "http://hl7.org/fhir/ValueSet/ucum-units",
    "http://hl7.org/fhir/ValueSet/mimetypes",
    "http://hl7.org/fhir/ValueSet/jurisdiction",
    "http://hl7.org/fhir/ValueSet/consent-content-class",
}


def load(package):
    """Every definition of the package, by file name."""
    wanted = ("StructureDefinition-", "Bundle-valueset-expansions", "CodeSystem-", "ValueSet-")
    files = {}
    if package.is_dir():
        for path in sorted(package.glob("*.json")):
            if path.name.startswith(wanted):
                files[path.name] = json.loads(path.read_bytes())
    else:
        with tarfile.open(package) as archive:
            for member in archive:
                name = member.name.rsplit("/", 1)[-1]
                if member.isfile() and name.endswith(".json") and name.startswith(wanted):
                    files[name] = json.loads(archive.extractfile(member).read())
    return files


def structures(files):
    """The types themselves: no profiles, no logical models."""
    found = [
        definition
        for name, definition in files.items()
        if name.startswith("StructureDefinition-")
        and definition.get("derivation") != "constraint"
        and definition["kind"] in ("complex-type", "primitive-type", "resource")
    ]
    return sorted(found, key=lambda definition: definition["type"])


def render(header, rows):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def type_codes(element, every):
    """`code|Reference(Patient Group)`; `*` where any data type may stand."""
    path = element["base"]["path"]
    if path in SYSTEM:
        return SYSTEM[path]
    words = []
    for kind in element.get("type", []):
        code = kind["code"]
        targets = sorted({url.removeprefix(PREFIX) for url in kind.get("targetProfile", [])})
        if code in ("Reference", "canonical") and targets and targets != ["Resource"]:
            code = f"{code}({' '.join(targets)})"
        words.append(code)
    if every and path != "Extension.value[x]" and {word.split("(")[0] for word in words} == every:
        return "*"
    return "|".join(words)


def flags(element):
    """`S` where a summary holds the element, `M` where it changes the meaning of the others."""
    marks = (("S", "isSummary"), ("M", "isModifier"))
    return "".join(mark for mark, name in marks if element.get(name))


def own(definition):
    """The elements a type adds to its base, root left out."""
    for element in definition["snapshot"]["element"][1:]:
        if element["base"]["path"] == element["path"]:
            yield element


def tables(files):
    defined = structures(files)
    extension = next(d for d in defined if d["type"] == "Extension")
    value = next(e for e in extension["snapshot"]["element"] if e["path"] == "Extension.value[x]")
    every = {kind["code"] for kind in value["type"]}

    types, elements, bound, invariants = [], [], {}, {}
    for definition in defined:
        base = (definition.get("baseDefinition") or "").removeprefix(PREFIX)
        kind = "abstract" if definition.get("abstract") else definition["kind"].removesuffix("-type")
        types.append((definition["type"], kind, base))
        for element in definition["snapshot"]["element"]:
            for constraint in element.get("constraint", []):
                origin = constraint.get("source", PREFIX + definition["type"]).removeprefix(PREFIX)
                if origin.split(".")[0] != definition["type"]:
                    continue
                invariants[(constraint["key"], element["path"])] = (
                    constraint["key"], element["path"], constraint["severity"], constraint.get("expression", ""),
                )
        if kind == "primitive":
            continue
        for element in own(definition):
            binding = element.get("binding", {})
            strength, url = binding.get("strength"), binding.get("valueSet", "").split("|")[0]
            if strength not in ("required", "extensible") or not url:
                strength = url = ""
            else:
                bound.setdefault(url, set()).add(strength)
            elements.append((
                element["path"], element["min"], element["max"], type_codes(element, every),
                f"{strength}:{url.rsplit('/', 1)[-1]}" if url else "",
                element.get("contentReference", "").removeprefix("#"), flags(element),
            ))

    expansions = {e["resource"]["url"]: e["resource"] for e in files["Bundle-valueset-expansions.json"]["entry"]}
    sets, codes = [], []
    for url in sorted(bound):
        name = url.rsplit("/", 1)[-1]
        listed = {}
        if url in expansions and url not in ENDLESS:
            collect(expansions[url]["expansion"].get("contains", []), listed)
        elif url not in ENDLESS:
            compose(url, files, listed)
        sets.append((name, url, "listed" if listed else "open"))
        if any("|" in code for system in listed.values() for code in system):
            sys.exit(f"a code of {url} holds the separator")
        codes.extend((name, system, "|".join(sorted(listed[system]))) for system in sorted(listed))
    if len({row[0] for row in sets}) != len(sets):
        sys.exit("two value sets share a short name")
    return {
        "types.csv": render(("name", "kind", "base"), types),
        "elements.csv": render(("path", "min", "max", "types", "binding", "content", "flags"), elements),
        "value-sets.csv": render(("name", "url", "content"), sets),
        "codes.csv": render(("value_set", "system", "codes"), codes),
        "invariants.csv": render(("key", "path", "severity", "expression"), sorted(invariants.values())),
    }


def collect(contains, into):
    for item in contains:
        if "code" in item and not item.get("abstract"):
            into.setdefault(item.get("system", ""), set()).add(item["code"])
        collect(item.get("contains", []), into)


def compose(url, files, into):
    """A set without expansion, where it is made of whole code systems or listed codes."""
    systems = {d["url"]: d for n, d in files.items() if n.startswith("CodeSystem-") and "url" in d}
    definition = next((d for n, d in files.items() if n.startswith("ValueSet-") and d.get("url") == url), None)
    includes = (definition or {}).get("compose", {}).get("include", [])
    for include in includes:
        system = include.get("system", "")
        whole = systems.get(system, {})
        if "filter" in include or "valueSet" in include:
            break
        if "concept" in include:
            into.setdefault(system, set()).update(concept["code"] for concept in include["concept"])
        elif whole.get("content") == "complete":
            walk(whole.get("concept", []), into.setdefault(system, set()))
        else:
            break
    else:
        return
    into.clear()


def walk(concepts, into):
    for concept in concepts:
        into.add(concept["code"])
        walk(concept.get("concept", []), into)


def main(arguments):
    check = "--check" in arguments
    packages = [argument for argument in arguments if argument != "--check"]
    if len(packages) != 1:
        sys.exit(__doc__)
    differing = []
    for name, text in tables(load(pathlib.Path(packages[0]))).items():
        path = TARGET / name
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                differing.append(name)
        else:
            path.write_text(text, encoding="utf-8", newline="\n")
    if differing:
        sys.exit("out of date: " + ", ".join(differing))


if __name__ == "__main__":
    main(sys.argv[1:])
