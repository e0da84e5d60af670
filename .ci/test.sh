#!/usr/bin/env bash
# The second command of the README, as it stands there, with PostgreSQL really run:
# ESPACE_REQUIRE_POSTGRES=1 turns a skipped PostgreSQL test into a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export ESPACE_REQUIRE_POSTGRES=1
cargo metadata --locked --format-version 1 >/dev/null # Cargo.lock is in step with Cargo.toml
cargo test
