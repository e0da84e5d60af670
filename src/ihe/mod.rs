//! IHE, pure: the meaning of document metadata and of audit events. No I/O.
