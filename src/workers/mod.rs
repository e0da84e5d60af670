//! Background work: idempotent, periodic and woken.
