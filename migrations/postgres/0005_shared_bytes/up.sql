-- The same bytes under another Binary of one record: the blob that has them. Same column in both trees.
ALTER TABLE blob ADD COLUMN origin BYTEA;
CREATE INDEX blob_by_bytes ON blob (pt, sha256) WHERE origin IS NULL;
