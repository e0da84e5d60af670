#!/usr/bin/env bash
# Measures the server against its limits on this machine and prints one table (docs/PERFORMANCE.md).
# Usage: benches/limits.sh [path of a release build of espace]; SECONDS_EACH=5 for a quicker look.
# limit = 1 s / (server CPU of a bare control server for the same bytes + the fixed parts); everything
# it starts it stops, by process id.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bin=${1:-target/release/espace}
each=${SECONDS_EACH:-8}
state=$(mktemp -d)
started=()
finish() {
    for pid in "${started[@]}"; do kill "${pid}" 2>/dev/null || true; done
    for pid in "${started[@]}"; do wait "${pid}" 2>/dev/null || true; done
    rm -rf "${state}"
}
trap finish EXIT

# start NAME COMMAND...: runs a server and waits for its ready line; sets pid and url.
start() {
    local name=$1 log="${state}/$1.log"
    shift
    "$@" >"${log}" 2>&1 &
    pid=$!
    started+=("${pid}")
    for _ in $(seq 100); do
        url=$(sed -n 's#^[a-z]* ready: \(https://localhost:[0-9]*\).*#\1#p' "${log}")
        [ -n "${url}" ] && return
        sleep 0.1
    done
    echo "${name} did not start:" >&2
    cat "${log}" >&2
    exit 1
}

export ESPACE__SERVER__PORT=0 ESPACE__OPERATIONS__PORT=0 ESPACE__TD02__PER_MINUTE=1000000000
certs="${state}/certs"
start grouped "${bin}" dev --state "${state}/grouped" --certs "${certs}" --clock now
server=${pid} server_url=${url}
ESPACE__STORE__BATCH=1 start single "${bin}" dev --state "${state}/single" --certs "${certs}" --clock now
single=${pid} single_url=${url}
start control "${bin}" bench control --certs "${certs}"
control=${pid} control_url=${url}

run() { "${bin}" bench run --json --certs "${certs}" --seconds "${each}" "$@"; }
of_server() { run --url "${server_url}" --pid "${server}" "$@"; }
of_control() { run --url "${control_url}" --pid "${control}" "$@"; }
field() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" <<<"$2"; }

# A record of 20 fiches of 60 KB, for searches and reads.
of_server --mode publish --patient cree-mail --operations 20 --connections 1 >/dev/null

echo "each run takes ${each} s after 1 s of warm-up; load of the machine: $(cut -d' ' -f1-3 /proc/loadavg)" >&2
parts=$("${bin}" bench parts --json --state "${state}/parts")
echo "parts ${parts}" >&2
part() { field "$1" "${parts}"; }

printf '%-10s %6s %9s %9s %8s %8s %9s %9s %9s %7s\n' operation conns 'rate/s' 'CPU us' p50ms p99ms 'control' 'parts' 'limit/s' share
# row NAME PARTS-IN-US RUN-OPTIONS...: one operation and its control with the same bytes.
row() {
    local name=$1 fixed=$2 own bare up down mode=echo
    shift 2
    case ${name} in handshake) mode=echo-handshake ;; resume) mode=echo-resume ;; esac
    own=$(of_server --mode "${name}" "$@")
    up=$(field sent_bytes "${own}") down=$(field received_bytes "${own}")
    bare=$(of_control --mode "${mode}" --send "${up}" --receive "${down}" "$@")
    echo "${name} ${own}" >&2
    echo "control of ${name} ${bare}" >&2
    awk -v name="${name}" -v conns="$(field connections "${own}")" -v rate="$(field per_second "${own}")" \
        -v cpu="$(field cpu_us "${own}")" -v p50="$(field p50_us "${own}")" -v p99="$(field p99_us "${own}")" \
        -v bare="$(field cpu_us "${bare}")" -v fixed="${fixed}" 'BEGIN {
            bound = bare + fixed
            printf "%-10s %6d %9.0f %9.1f %8.1f %8.1f %9.1f %9.1f %9.0f %6.0f%%\n", name, conns, rate, cpu,
                p50 / 1000, p99 / 1000, bare, fixed, 1e6 / bound, 100 * bound / cpu }'
}
sum() { tr ' ' '\n' <<<"$*" | awk '{ total += $1 } END { print total }'; }

row publish "$(sum "$(part json)" "$(part base64)" "$(part sha1)" "$(part sha256)" "$(part aes)" "$(part structure)" \
    "$(part profile)" "$(part cda)" "$(part index)" "$(part sql-publish)")" --connections 64 --size 60k
row search "$(sum "$(part sql-search)" "$(part splice)" "$(part sql-trace)")" --connections 64 --patient cree-mail
row retrieve "$(sum "$(part sql-document)" "$(part aes)" "$(part sql-trace)")" --connections 64 --patient cree-mail
row exists "$(part sql-trace)" --connections 64 --patient cree-mail
# The same of 1 MiB: kept in a file, whose writing and reading are no part of the limit.
of_server --mode publish --patient cree-papier --operations 1 --connections 1 --size 1048576 >/dev/null
parts=$("${bin}" bench parts --json --size 1048576 --state "${state}/parts-large")
echo "parts of 1 MiB ${parts}" >&2
echo "1 MiB:"
row publish "$(sum "$(part json)" "$(part base64)" "$(part sha1)" "$(part sha256)" "$(part aes)" "$(part structure)" \
    "$(part profile)" "$(part cda)" "$(part index)" "$(part sql-publish)")" --connections 64 --size 1048576
row retrieve "$(sum "$(part sql-document)" "$(part aes)" "$(part sql-trace)")" --connections 64 --patient cree-papier
echo "without a document:"
row handshake 0 --connections 16
row resume 0 --connections 16

grouped=$(of_server --mode publish --connections 64 --size 60k)
alone=$(run --url "${single_url}" --pid "${single}" --mode publish --connections 64 --size 60k)
awk -v grouped="$(field per_second "${grouped}")" -v alone="$(field per_second "${alone}")" \
    -v cpu="$(field cpu_us "${grouped}")" -v single="$(field cpu_us "${alone}")" 'BEGIN {
        printf "group commit: %.0f publications/s (%.0f us) against %.0f/s (%.0f us) with one commit each: %.1f times\n",
            grouped, cpu, alone, single, grouped / alone }'
