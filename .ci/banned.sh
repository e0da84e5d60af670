#!/usr/bin/env bash
# One TLS stack, one crypto provider: none of these crates is compiled into the binary.
# Cargo.lock may still list them as optional edges, so the resolved tree is asked instead.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tree() {
    cargo tree --locked -e normal,build --target x86_64-unknown-linux-gnu -i "$1" 2>/dev/null || true
}

# The question itself works: a crate that is there is found.
if [ -z "$(tree rustls)" ]; then
    echo "cargo tree does not find rustls: this gate would prove nothing"
    exit 1
fi

found=0
for crate in ring openssl openssl-sys native-tls; do
    users=$(tree "${crate}")
    if [ -n "${users}" ]; then
        echo "banned: ${crate}"
        echo "${users}"
        found=1
    fi
done
[ "${found}" -eq 0 ]
