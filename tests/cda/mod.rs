//! Tests of the room cda.
