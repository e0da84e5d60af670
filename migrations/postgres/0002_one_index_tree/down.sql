DROP TABLE search_index;
CREATE TABLE search_index (
    pt BIGINT NOT NULL,
    kind SMALLINT NOT NULL,
    id BYTEA NOT NULL,
    parameter INTEGER NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    low BIGINT NOT NULL,
    high BIGINT NOT NULL,
    PRIMARY KEY (pt, kind, id, parameter, value, low, high)
);
CREATE INDEX search_index_by_value ON search_index (pt, kind, parameter, value, low, high, id);
