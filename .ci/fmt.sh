#!/usr/bin/env bash
# The code is formatted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo fmt --check
