-- Undoes 0005_shared_bytes. Documents that share the bytes of another cannot be read afterwards.

DROP INDEX blob_by_bytes;
ALTER TABLE blob DROP COLUMN origin;
