-- Undoes 0006_clustered_resources.

ALTER TABLE resource RENAME TO resource_clustered;
DROP INDEX resource_by_update;
CREATE TABLE resource (
    pt BIGINT NOT NULL,
    kind SMALLINT NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    updated_at BIGINT NOT NULL,
    is_deleted BOOLEAN NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (pt, kind, id)
);
INSERT INTO resource SELECT pt, kind, id, version, updated_at, is_deleted, body FROM resource_clustered;
DROP TABLE resource_clustered;
CREATE INDEX resource_by_update ON resource (pt, kind, is_deleted, updated_at, id);
