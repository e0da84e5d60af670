#!/usr/bin/env bash
# No file is longer than its limit; the shape of src (median, ninth decile) is printed beside its aim.
# tests/architecture.rs holds the same limits.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

too_long=0
check() { # folder limit
    [ -d "$1" ] || return 0
    local file lines
    while IFS= read -r -d '' file; do
        lines=$(wc -l <"${file}")
        if [ "${lines}" -gt "$2" ]; then
            echo "${file}: ${lines} lines, at most $2"
            too_long=1
        fi
    done < <(find "$1" -name '*.rs' -print0)
}
check src 600
check schemas 600
check tests 800
check benches 800

find src -name '*.rs' -print0 | xargs -0 -n 1 wc -l | awk '{ print $1 }' | sort -n | awk '
    { lines[NR] = $1 }
    END { printf "src: %d files, median %d lines (aim 150), ninth decile %d (aim 400), longest %d (limit 600)\n",
          NR, lines[int((NR + 1) / 2)], lines[int((NR * 9 + 9) / 10)], lines[NR] }'
[ "${too_long}" -eq 0 ]
