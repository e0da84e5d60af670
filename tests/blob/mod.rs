//! Proofs of the bytes of documents: staged, read, collected, and cut out of bundles.
