//! Tests of the room ihe.
