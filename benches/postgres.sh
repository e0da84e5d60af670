#!/usr/bin/env bash
# Measures publications and searches over PostgreSQL: rate, server CPU of espace, and CPU of PostgreSQL's own processes
# (docs/PERFORMANCE.md). The database must be empty and the server on this machine.
# Usage: PG_URL=postgres://user@127.0.0.1:5432/bench PG_PID=<pid of its postmaster> benches/postgres.sh [path of a release
# build of espace]; SECONDS_EACH=8. Everything it starts it stops, by process id.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bin=${1:-target/release/espace}
each=${SECONDS_EACH:-8}
state=$(mktemp -d)
export ESPACE__SERVER__PORT=0 ESPACE__OPERATIONS__PORT=0 ESPACE__TD02__PER_MINUTE=1000000000
ESPACE__STORE__URL=${PG_URL:?} "${bin}" dev --state "${state}/data" --certs "${state}/certs" --clock now >"${state}/log" 2>&1 &
pid=$!
finish() {
    kill "${pid}" 2>/dev/null || true
    wait "${pid}" 2>/dev/null || true
    rm -rf "${state}"
}
trap finish EXIT
url=
for _ in $(seq 300); do
    url=$(sed -n 's#^espace ready: \(https://localhost:[0-9]*\).*#\1#p' "${state}/log")
    [ -n "${url}" ] && break
    sleep 0.1
done
[ -n "${url}" ] || { cat "${state}/log" >&2; exit 1; }
# Ticks of the postmaster's children so far; those of ended ones are not counted, and pooled connections do not end.
theirs() { cat /proc/[0-9]*/stat 2>/dev/null | awk -v parent="${PG_PID:?}" '$4 == parent { sum += $14 + $15 } END { print sum + 0 }'; }
run() { "${bin}" bench run --json --url "${url}" --certs "${state}/certs" --pid "${pid}" --seconds "${each}" --warm 0 "$@"; }
field() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" <<<"$2"; }
row() {
    local name=$1 before answer
    shift
    before=$(theirs)
    answer=$(run "$@")
    awk -v name="${name}" -v own="$(field cpu_us "${answer}")" -v rate="$(field per_second "${answer}")" -v count="$(field operations "${answer}")" \
        -v ticks="$(($(theirs) - before))" -v hz="$(getconf CLK_TCK)" -v p50="$(field p50_us "${answer}")" -v p99="$(field p99_us "${answer}")" 'BEGIN {
            printf "%-22s %6.0f/s, %7.1f us of espace, %7.1f us of PostgreSQL, p50 %.0f ms, p99 %.0f ms\n",
                name, rate, own, ticks * 1e6 / hz / count, p50 / 1000, p99 / 1000 }'
}
"${bin}" bench run --json --url "${url}" --certs "${state}/certs" --mode publish --patient cree-mail --operations 20 --connections 1 >/dev/null
row "publish 60 KB" --mode publish --size 60k --connections 64
row "publish 4 KB" --mode publish --size 4k --connections 64
row "search, 20 fiches" --mode search --patient cree-mail --connections 64
row "retrieve 60 KB" --mode retrieve --patient cree-mail --connections 64
row "existence test" --mode exists --patient cree-mail --connections 64
