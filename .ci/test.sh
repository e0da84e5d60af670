#!/usr/bin/env bash
# The second command of the README, as it stands there, with PostgreSQL really run:
# ESPACE_REQUIRE_POSTGRES=1 turns a skipped PostgreSQL test into a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export ESPACE_REQUIRE_POSTGRES=1
cargo metadata --locked --format-version 1 >/dev/null # Cargo.lock is in step with Cargo.toml
cargo test

# The numbered cases that are told once, told again on PostgreSQL: the others are told on both above.
ESPACE_TEST_STORE=postgres cargo test --test espace -- ::ds_ --skip on_sqlite --skip on_postgres
