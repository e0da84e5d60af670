//! Turns the committed tables of `schemas/` into compact static data in `OUT_DIR`.
//!
//! Each room of `schemas/` has its own reader under `schemas/build/`. What a reader finds wrong
//! (a gap, an overlap, an unknown word) ends the build with the file and the line.
#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a build script speaks to cargo by println and stops by panic"
)]

#[path = "build/concepts.rs"]
mod concepts;
#[path = "build/conformance.rs"]
mod conformance;
#[path = "build/fhir.rs"]
mod fhir;
#[path = "build/rules.rs"]
mod rules;
#[path = "build/search.rs"]
mod search;
#[path = "build/terminology.rs"]
mod terminology;

use std::path::Path;

fn main() {
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let out = Path::new(&out);
    let schemas = Path::new("schemas");
    println!("cargo::rerun-if-changed=schemas");
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=conformance");
    concepts::generate(schemas, out);
    conformance::generate(Path::new("conformance"), out);
    fhir::generate(schemas, out);
    rules::generate(schemas, out);
    search::generate(schemas, out);
    terminology::generate(schemas, out);
}
