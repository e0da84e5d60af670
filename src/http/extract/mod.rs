//! From bytes to typed input: the only `FromRequest` implementations.

pub(crate) mod accept;
pub(crate) mod asking;
pub(crate) mod body;
pub(crate) mod caller;
pub(crate) mod media;
pub(crate) mod prefer;
pub(crate) mod range;
