#!/usr/bin/env bash
# The committed tables of FHIR definitions and search parameters are what their generators write from
# HL7's package, which is fetched by npm: without python3, npm or a registry, exit 77 (skipped).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

skip() {
    echo "SKIPPED: $1"
    exit 77
}
command -v python3 >/dev/null || skip "python3 is not here"
command -v npm >/dev/null || skip "npm is not here"

work=$(mktemp -d)
trap 'rm -rf "${work}"' EXIT
package=hl7.fhir.r4.examples@4.0.1
(cd "${work}" && timeout 300 npm pack --silent "${package}") || skip "npm cannot fetch ${package}"
archive=("${work}"/*.tgz)
sum=dce87f1b5b9341867033f7d1f544fa1b5232503f6d62813887ac6b8a8b6cb682
echo "${sum}  ${archive[0]}" | sha256sum --check --quiet || { echo "${package} is not the package the tables were made of"; exit 1; }
python3 schemas/generate/definitions.py --check "${archive[0]}"
python3 schemas/generate/concepts.py --check "${archive[0]}"
python3 schemas/generate/search_parameters.py --check "${archive[0]}"
echo "definitions and search parameters are what ${package} says"
