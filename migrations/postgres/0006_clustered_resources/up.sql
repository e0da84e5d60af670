-- A step of SQLite alone: PostgreSQL keeps no table in the order of its key.
SELECT 1;
