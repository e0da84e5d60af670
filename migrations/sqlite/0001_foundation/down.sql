-- Undoes 0001_foundation; every row is lost.

DROP TABLE setting;
DROP TABLE assertion_used;
DROP TABLE client;
DROP TABLE exercise;
DROP TABLE professional;
DROP TABLE structure;
DROP TABLE audit_seal;
DROP TABLE audit_unsealed;
DROP TABLE audit;
DROP TABLE audit_chain;
DROP TABLE outbox;
DROP TABLE first_access;
DROP TABLE blob;
DROP TABLE document_identifier;
DROP TABLE document;
DROP TABLE search_index;
DROP TABLE resource_history;
DROP TABLE resource;
DROP TABLE relation;
DROP TABLE patient_identifier;
DROP TABLE profile;
