#!/usr/bin/env bash
# Measures the greatest resident memory of the server, in MB of a thousand kilobytes, while 64 connections publish
# documents of 10 MB, and, in a fresh process, while they retrieve one (docs/PERFORMANCE.md).
# Usage: benches/memory.sh [path of a release build of espace]. SIZE=10000k CONNECTIONS=64 PUBLISHED=256
# RETRIEVED=512 change it. Everything it starts it stops, by process id.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bin=${1:-target/release/espace}
size=${SIZE:-10000k}
connections=${CONNECTIONS:-64}
state=$(mktemp -d)
pid=
finish() {
    if [ -n "${pid}" ]; then
        kill "${pid}" 2>/dev/null || true
        wait "${pid}" 2>/dev/null || true
    fi
    rm -rf "${state}"
}
trap finish EXIT

start() {
    local log="${state}/log"
    "${bin}" dev --state "${state}/data" --certs "${state}/certs" --clock now >"${log}" 2>&1 &
    pid=$!
    for _ in $(seq 100); do
        url=$(sed -n 's#^espace ready: \(https://localhost:[0-9]*\).*#\1#p' "${log}")
        [ -n "${url}" ] && return
        sleep 0.1
    done
    echo "the server did not start:" >&2
    cat "${log}" >&2
    exit 1
}
# Peak and present resident memory of the server: what of it is its own, and what is files it has mapped.
memory() {
    awk -v what="$1" '/^VmHWM/ { peak = $2 } /^VmRSS/ { now = $2 } /^RssAnon/ { own = $2 } /^RssFile/ { file = $2 }
        END { printf "%-20s peak %5.0f MB, afterwards %5.0f MB (own %.0f, files %.0f)\n", what, peak / 1000, now / 1000,
            own / 1000, file / 1000 }' "/proc/${pid}/status"
}
run() { "${bin}" bench run --json --url "${url}" --certs "${state}/certs" --connections "${connections}" --size "${size}" "$@" >&2; }
stop() {
    kill "${pid}"
    wait "${pid}" || true
    pid=
}
export ESPACE__SERVER__PORT=0 ESPACE__OPERATIONS__PORT=0

start
memory idle
run --mode publish --patient cree-mail --operations "${PUBLISHED:-256}"
memory "publish ${size}"
stop
start
run --mode retrieve --patient cree-mail --operations "${RETRIEVED:-512}"
memory "retrieve ${size}"
stop
