#!/usr/bin/env bash
# The documentation of every item, private ones too, builds without a warning.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --locked
