#!/usr/bin/env bash
# Not one warning of the compiler or of clippy, in any target.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo clippy --all-targets --locked -- -D warnings
