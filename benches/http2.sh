#!/usr/bin/env bash
# Compares HTTP/2 with HTTP/1.1: server CPU of one existence test and of one search of 20 fiches, asked by curl, 64 at a
# time, over one connection of HTTP/2 and over 64 of HTTP/1.1, handshakes included (docs/PERFORMANCE.md).
# Usage: benches/http2.sh [path of a release build of espace]; REQUESTS=4000. Needs a curl that speaks HTTP/2.
# Everything it starts it stops, by process id.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bin=${1:-target/release/espace}
requests=${REQUESTS:-4000}
state=$(mktemp -d)
export ESPACE__SERVER__PORT=0 ESPACE__OPERATIONS__PORT=0 ESPACE__TD02__PER_MINUTE=1000000000
"${bin}" dev --state "${state}/data" --certs "${state}/certs" --clock now >"${state}/log" 2>&1 &
pid=$!
finish() {
    kill "${pid}" 2>/dev/null || true
    wait "${pid}" 2>/dev/null || true
    rm -rf "${state}"
}
trap finish EXIT
url=
for _ in $(seq 100); do
    url=$(sed -n 's#^espace ready: \(https://localhost:[0-9]*\).*#\1#p' "${state}/log")
    [ -n "${url}" ] && break
    sleep 0.1
done
"${bin}" bench run --json --url "${url}" --certs "${state}/certs" --mode publish --patient cree-mail --operations 20 --connections 1 >/dev/null
token=$("${bin}" token --as dr-martin --url "${url}" --certs "${state}/certs")
ins='urn:oid:1.2.250.1.213.1.4.10%7C153067505600148'
# Ticks of user and system time so far.
ticks() { awk '{ print $14 + $15 }' "/proc/${pid}/stat"; }
# measure NAME VERSION PATH FORM
measure() {
    local before after
    before=$(ticks)
    curl -sS --no-progress-meter "--http$2" -Z --parallel-max 64 --cacert "${state}/certs/ca.pem" --cert "${state}/certs/cabinet.pem" \
        --key "${state}/certs/cabinet.key" -H "Authorization: Bearer ${token}" -d "$4" -o "${state}/answer" --fail-early \
        -w '%{http_code} %{http_version} %{num_connects}\n' "${url}$3#[1-${requests}]" >"${state}/told"
    after=$(ticks)
    awk -v what="$1" -v hz="$(getconf CLK_TCK)" -v spent="$((after - before))" \
        '{ status[$1]++; version[$2]++; connects += $3 } END {
            for (code in status) codes = codes " " code ": " status[code]
            for (name in version) versions = versions " " name
            printf "%-8s HTTP%s: %6.1f us of server CPU each, %d connections,%s\n", what, versions, spent * 1e6 / hz / NR, connects, codes }' \
        "${state}/told"
}
for _ in 1 2 3; do
    for version in 1.1 2; do
        measure exists "${version}" /fhir/Patient/_search "identifier=${ins}"
        measure search "${version}" /fhir/DocumentReference/_search "patient.identifier=${ins}&status=current&_count=20"
    done
done
