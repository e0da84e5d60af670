//! One verb, one file: FHIR interactions and IHE transactions.
