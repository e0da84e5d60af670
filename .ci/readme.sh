#!/usr/bin/env bash
# The README keeps its word: both commands stand in it, `espace dev` starts on a fresh folder, and
# the three curl lines it prints work when pasted, and again when pasted again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for page in README.md README.fr.md; do
    for command in 'cargo run --release -- dev' 'cargo test'; do
        grep -qF -- "${command}" "${page}" || { echo "${page} does not say: ${command}"; exit 1; }
    done
done

cargo build --release --locked # so that the wait below is for the start alone
work=$(mktemp -d)
server=
finish() {
    local status=$?
    if [ -n "${server}" ] && kill -0 "${server}" 2>/dev/null; then
        kill -TERM "${server}"
        wait "${server}" || true
    fi
    if [ "${status}" -ne 0 ]; then
        echo "-- what the server said"
        cat "${work}/out" "${work}/err" 2>/dev/null || true
    fi
    rm -rf "${work}"
    exit "${status}"
}
trap finish EXIT

ESPACE__SERVER__PORT=0 ESPACE__PUBLIC__PORT=0 ESPACE__SMTP__PORT=0 ESPACE__OPERATIONS__PORT=0 \
    cargo run --release --locked -- dev --state "${work}/state" --certs "${work}/certs" \
    >"${work}/out" 2>"${work}/err" &
server=$! # cargo run becomes the server it starts

# Lines may be printed indented or behind a prompt; a command is what begins with curl.
lines() {
    sed -n 's/^[[:space:]$]*\(curl .*\)$/\1/p' "${work}/out"
}
is_ready() {
    grep -q '^espace ready: https://localhost:' "${work}/out" && [ "$(lines | wc -l)" -ge 3 ]
}
for _ in $(seq 1 300); do
    is_ready && break
    kill -0 "${server}" 2>/dev/null || { echo "espace dev ended before it was ready"; exit 1; }
    sleep 0.1
done
is_ready || { echo "espace dev was not ready, with its curl lines, within 30 s"; exit 1; }
lines >"${work}/lines"
count=$(wc -l <"${work}/lines")
[ "${count}" -eq 3 ] || { echo "expected three curl lines, found ${count}"; exit 1; }

# The README shows these very lines, as they are printed by a server of the default port started there.
while IFS= read -r line; do
    shown=$(sed -E "s#${work}/certs#certs/dev#g; s#'[^']*/release/espace'#'target/release/espace'#g; s#localhost:[0-9]+#localhost:8443#g" <<<"${line}")
    for page in README.md README.fr.md; do
        grep -qxF -- "${shown}" "${page}" || { echo "${page} does not show this line:"; echo "${shown}"; exit 1; }
    done
done <"${work}/lines"

mkdir "${work}/paste"
for turn in first second; do
    number=0
    while IFS= read -r line; do
        number=$((number + 1))
        echo "-- ${turn} time, line ${number}"
        (cd "${work}/paste" && bash -c "set -euo pipefail; ${line}") </dev/null >"${work}/answer" \
            || { echo "curl line ${number} failed"; cat "${work}/answer"; exit 1; }
        case ${number} in
            1) wanted='transaction-response' ;;
            2) wanted='searchset' ;;
            3) wanted='ClinicalDocument' ;;
        esac
        grep -aq "${wanted}" "${work}/answer" \
            || { echo "line ${number}: no ${wanted} in the answer:"; head -c 2000 "${work}/answer"; exit 1; }
    done <"${work}/lines"
done
echo "three lines, twice: all answered as the README says"
