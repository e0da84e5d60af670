-- The search index is kept in the one order that searches ask for. Its rows have another form from this
-- step on (a token is one row), so they are not copied: `espace migrate up` fills them in anew.
DROP TABLE search_index;
CREATE TABLE search_index (
    pt BIGINT NOT NULL,
    kind SMALLINT NOT NULL,
    parameter INTEGER NOT NULL,
    value TEXT NOT NULL,
    low BIGINT NOT NULL,
    high BIGINT NOT NULL,
    id BLOB NOT NULL,
    PRIMARY KEY (pt, kind, parameter, value, low, high, id)
) WITHOUT ROWID;
