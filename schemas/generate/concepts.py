#!/usr/bin/env python3
"""Turns HL7's R4 definitions package into the code systems behind schemas/fhir-r4/codes.csv.

    concepts.py PACKAGE            writes code-systems.csv and concepts.csv
    concepts.py --check PACKAGE    compares them with what is committed; exit status 1 if they differ

PACKAGE is the tarball (or its unpacked `package/` folder) of npm hl7.fhir.r4.examples, as for
definitions.py, whose codes.csv says which codes are wanted. Standard library only.
"""
import csv
import pathlib
import sys

from definitions import TARGET, load, render


def walk(concepts, into):
    for concept in concepts:
        into.setdefault(concept["code"], concept.get("display", ""))
        walk(concept.get("concept", []), into)


def contained(contains, into):
    for item in contains:
        if "code" in item and item.get("display"):
            into.setdefault((item.get("system", ""), item["code"]), item["display"])
        contained(item.get("contains", []), into)


def french(systems, wanted):
    """The codes that a French table takes from a system of HL7 have their English display too."""
    by_oid = {f"urn:oid:{oid(system)}": url for url, system in systems.items() if oid(system) and url in wanted}
    for path in sorted((TARGET.parent / "terminology").glob("JDV_*.csv")):
        with open(path, encoding="utf-8", newline="") as text:
            for row in csv.DictReader(text):
                url = by_oid.get(row["system"], row["system"])
                known = {}
                walk(systems.get(url, {}).get("concept", []), known)
                if url in wanted and row["code"] in known:
                    wanted[url].add(row["code"])


def oid(system):
    identifiers = system.get("identifier", [])
    values = (identifier.get("value", "") for identifier in identifiers)
    return next((value.removeprefix("urn:oid:") for value in values if value.startswith("urn:oid:")), "")


def tables(files):
    systems = {d["url"]: d for n, d in files.items() if n.startswith("CodeSystem-") and "url" in d}
    expanded = {}
    for entry in files["Bundle-valueset-expansions.json"]["entry"]:
        contained(entry["resource"].get("expansion", {}).get("contains", []), expanded)
    wanted = {}
    with open(TARGET / "codes.csv", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            wanted.setdefault(row["system"], set()).update(row["codes"].split("|"))
    french(systems, wanted)
    described, concepts = [], []
    for url in sorted(wanted):
        system = systems.get(url, {})
        known = {}
        walk(system.get("concept", []), known)
        is_whole = system.get("content") == "complete" and set(known) == wanted[url]
        described.append((
            url, oid(system), system.get("name", ""), system.get("title", ""), system.get("version", ""),
            "complete" if is_whole else "fragment",
        ))
        concepts.extend((url, code, known.get(code) or expanded.get((url, code), "")) for code in sorted(wanted[url]))
    return {
        "code-systems.csv": render(("url", "oid", "name", "title", "version", "content"), described),
        "concepts.csv": render(("system", "code", "display"), concepts),
    }


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
