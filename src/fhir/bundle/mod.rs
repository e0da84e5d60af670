//! Bundles, and other bodies that carry documents, read as they arrive (R4 Bundle; MHD ITI-65, ITI-105).

mod base64;
mod markup;
pub mod request;
pub mod rewrite;
mod skeleton;
pub mod stream;

pub use stream::{BodyLimits, BodyStream, Shape, Sink, marked_item, marker};
