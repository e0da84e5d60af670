//! CDA R2: what the metadata of a document is read from (spec/document-sharing.md §4).
