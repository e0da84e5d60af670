//! Bundles read as they arrive (R4 Bundle; MHD ITI-65, whose documents travel as `Binary.data`).

mod base64;
pub mod stream;

pub use stream::{BundleLimits, BundleStream, Sink, marked_entry, marker};
