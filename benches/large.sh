#!/usr/bin/env bash
# Compares a large record store with a small one: server CPU of a search, a retrieve and a publication,
# and the disk that a 4 KB document takes, indexes and trace included (docs/PERFORMANCE.md).
# Usage: benches/large.sh [path of a release build of espace]. FICHES=1000000 PATIENTS=20000 is the large
# store, the small one has a hundredth of both; STATE=DIR keeps the filled stores for a next run, which
# then fills in only what is missing. Everything it starts it stops, by process id.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bin=${1:-target/release/espace}
fiches=${FICHES:-1000000}
patients=${PATIENTS:-20000}
each=${SECONDS_EACH:-8}
scratch=$(mktemp -d)
state=${STATE:-${scratch}}
mkdir -p "${state}"
certs="${state}/certs"
pid=
finish() {
    if [ -n "${pid}" ]; then
        kill "${pid}" 2>/dev/null || true
        wait "${pid}" 2>/dev/null || true
    fi
    rm -rf "${scratch}"
}
trap finish EXIT

# start NAME: a development server over the store of that name; sets pid and url.
start() {
    local log="${scratch}/$1.log"
    "${bin}" dev --state "${state}/$1" --certs "${certs}" --clock now >"${log}" 2>&1 &
    pid=$!
    for _ in $(seq 600); do
        url=$(sed -n 's#^espace ready: \(https://localhost:[0-9]*\).*#\1#p' "${log}")
        [ -n "${url}" ] && return
        sleep 0.1
    done
    echo "the server over $1 did not start:" >&2
    cat "${log}" >&2
    exit 1
}
stop() {
    kill "${pid}"
    wait "${pid}" || true
    pid=
}
field() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" <<<"$2"; }
# measure NAME PATIENTS: sets search, retrieve and publish, in us of server CPU.
measure() {
    local name=$1 of=$2 answer
    start "${name}"
    run() { "${bin}" bench run --json --url "${url}" --certs "${certs}" --pid "${pid}" --seconds "${each}" "$@"; }
    # Each record once, so that first accesses are noted and notified before it counts.
    run --mode search --patients "${of}" --operations "$(((of + 9) / 10))" --connections 16 >/dev/null
    answer=$(run --mode search --patients "${of}" --connections 64) && search=$(field cpu_us "${answer}")
    echo "${name} search ${answer}" >&2
    answer=$(run --mode retrieve --patient-number 0 --size 4k --connections 64) && retrieve=$(field cpu_us "${answer}")
    echo "${name} retrieve ${answer}" >&2
    answer=$(run --mode publish --patient-number 0 --size 4k --connections 64) && publish=$(field cpu_us "${answer}")
    echo "${name} publish ${answer}" >&2
    stop
}
# size_of NAME: sets bytes, once a server that idles has copied the log back into the database.
size_of() {
    start "$1"
    sleep 2
    stop
    bytes=$(stat -c %s "${state}/$1/espace.sqlite")
}
export ESPACE__SERVER__PORT=0 ESPACE__OPERATIONS__PORT=0

echo "load of the machine: $(cut -d' ' -f1-3 /proc/loadavg)" >&2
"${bin}" bench fill --state "${state}/small" --certs "${certs}" --fiches $((fiches / 100)) --patients $((patients / 100))
"${bin}" bench fill --state "${state}/large" --certs "${certs}" --fiches "${fiches}" --patients "${patients}"
size_of small && small_bytes=${bytes}
size_of large && large_bytes=${bytes}
measure small $((patients / 100))
small=("${search}" "${retrieve}" "${publish}")
measure large "${patients}"
large=("${search}" "${retrieve}" "${publish}")

printf '%-10s %14s %14s %7s\n' 'CPU us' "$((fiches / 100)) fiches" "${fiches} fiches" ratio
for place in 0 1 2; do
    names=(search retrieve publish)
    awk -v name="${names[place]}" -v small="${small[place]}" -v large="${large[place]}" \
        'BEGIN { printf "%-10s %14.1f %14.1f %7.2f\n", name, small, large, large / small }'
done
# What both stores have beside fiches (demo data, empty pages) falls out of the difference.
awk -v bytes="$((large_bytes - small_bytes))" -v count="$((fiches - fiches / 100))" \
    'BEGIN { printf "disk: %.0f bytes for each document of 4 KB, indexes and trace included\n", bytes / count }'
